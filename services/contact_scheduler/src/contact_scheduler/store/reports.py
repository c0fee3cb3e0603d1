"""Counts behind reports and console. Everything is read; nothing is kept apart from the facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from contact_scheduler.contacts import ATTRIBUTION, ContactPhase
from contact_scheduler.learning.monitor import Alarm, AlarmKind
from contact_scheduler.store.funnel import read_courses
from contact_scheduler.store.goals import read_contact_effect, read_goal
from forbear_chassis.postgres import UUID, Pool

ACCEPTED, REFUSED = ContactPhase.ACCEPTED.value, ContactPhase.REFUSED.value
ANSWERED = f"coalesce(responded_at <= sent_at + interval '{int(ATTRIBUTION.total_seconds())} seconds', false)"
LATE = "extract(epoch FROM date_trunc('hour', sent_at) - date_trunc('hour', not_before)) / 3600"


class ReportStore:
    """Reads the counts of one campaign of a tenant, or of all when `campaign_id` is None."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def states(self, tenant_id: UUID, campaign_id: UUID | None) -> list[Any]:
        """Return (channel, state, contacts)."""
        return await self._fetch(
            "SELECT channel, state, count(*) AS contacts FROM contact WHERE {where} GROUP BY 1, 2 ORDER BY 1, 2",
            tenant_id, campaign_id,
        )  # fmt: skip

    async def refusals(self, tenant_id: UUID, campaign_id: UUID | None) -> list[Any]:
        """Return (rule, state, contacts) of what did not go out, most frequent first."""
        return await self._fetch(
            "SELECT outcome_reason AS rule, state, count(*) AS contacts FROM contact "
            f"WHERE {{where}} AND state IN ({REFUSED}, 3, 4, 7) AND outcome_reason <> '' "
            "GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
            tenant_id, campaign_id,
        )  # fmt: skip

    async def weeks(self, tenant_id: UUID, campaign_id: UUID | None) -> list[Any]:
        """Return (week from 0, is_control, contacts, answers) of what was sent, weeks from the first contact's day.

        Only of borrowers who fell to one or the other by lot: protected files and duties are left out.
        """
        return await self._fetch(
            f"""
            WITH sent AS (SELECT sent_at, arm, {ANSWERED} AS has_answered, reason ? 'protected' AS is_protected
                          FROM contact WHERE {{where}} AND state = {ACCEPTED}),
                 first AS (SELECT date_trunc('day', min(sent_at)) AS day FROM sent)
            SELECT floor(extract(epoch FROM sent_at - day) / 604800)::int AS week, arm = 3 AS is_control,
                   count(*) AS contacts, count(*) FILTER (WHERE has_answered) AS answers
            FROM sent, first WHERE NOT is_protected GROUP BY 1, 2 ORDER BY 1, 2
            """,
            tenant_id, campaign_id,
        )  # fmt: skip

    async def heat(self, tenant_id: UUID, campaign_id: UUID | None) -> list[Any]:
        """Return (channel, local hour, contacts, answers) of what was sent."""
        return await self._fetch(
            f"""
            SELECT channel, ((slot + {LATE})::int % 24 + 24) % 24 AS hour, count(*) AS contacts,
                   count(*) FILTER (WHERE {ANSWERED}) AS answers
            FROM contact WHERE {{where}} AND state = {ACCEPTED} GROUP BY 1, 2 ORDER BY 1, 2
            """,
            tenant_id, campaign_id,
        )  # fmt: skip

    async def segments(self, tenant_id: UUID, campaign_id: UUID | None) -> list[Any]:
        """Return (segment, channel, local hour, contacts, answers) of what was sent; the segment is a code."""
        return await self._fetch(
            f"""
            SELECT employment AS segment, channel, ((slot + {LATE})::int % 24 + 24) % 24 AS hour,
                   count(*) AS contacts, count(*) FILTER (WHERE {ANSWERED}) AS answers
            FROM contact JOIN borrower USING (tenant_id, borrower_id)
            WHERE {{where}} AND state = {ACCEPTED} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            """,
            tenant_id, campaign_id,
        )  # fmt: skip

    async def drawn(self, tenant_id: UUID, campaign_id: UUID, now: datetime) -> list[Any]:
        """Return (arm, channel, planned hour of the week, propensity, drawn, has_answered, borrower) of drawn contacts
        whose window has closed, oldest first; borrowers are numbered."""
        rows: list[Any] = await self._pool.fetch(
            f"""
            SELECT arm, channel, slot, propensity, reason->>'drawn' AS drawn, {ANSWERED} AS has_answered,
                   dense_rank() OVER (ORDER BY borrower_id)::int AS borrower FROM contact
            WHERE tenant_id = $1 AND campaign_id = $2 AND arm IN (2, 3) AND state = {ACCEPTED} AND sent_at < $3
              AND reason ? 'drawn' ORDER BY sent_at, contact_id
            """,
            tenant_id, campaign_id, now - ATTRIBUTION,
        )  # fmt: skip
        return rows

    async def courses(self, tenant_id: UUID, campaign_id: UUID, now: datetime, count: int) -> list[Any]:
        """Return what became of the latest contacts of a campaign, with what was foreseen of each."""
        async with self._pool.acquire() as connection:
            return await read_courses(connection, tenant_id, now, count, campaign_id)

    async def goal(self, tenant_id: UUID, campaign_id: UUID, goal: str, now: datetime) -> list[Any]:
        """Return how many borrowers of each side reached the goal, and what they paid."""
        return await read_goal(self._pool, tenant_id, campaign_id, goal, now)

    async def contact_effect(self, tenant_id: UUID, campaign_id: UUID, goal: str, now: datetime) -> list[Any]:
        """Return the same for those who could be contacted and those whom a lot left alone."""
        return await read_contact_effect(self._pool, tenant_id, campaign_id, goal, now)

    async def responses(self, tenant_id: UUID) -> list[Any]:
        """Return (kind, responses) of the tenant."""
        rows: list[Any] = await self._pool.fetch(
            "SELECT kind, count(*) AS responses FROM response WHERE tenant_id = $1 GROUP BY 1 ORDER BY 1", tenant_id
        )
        return rows

    async def latest_plan(self, tenant_id: UUID, campaign_id: UUID) -> dict[str, Any] | None:
        """Return the latest plan of a campaign, with prices from `horizon_at` on; None before the first."""
        row = await self._pool.fetchrow(
            "SELECT day, tick_at, horizon_at, counts, prices, gap, model_version, alarms FROM plan_run "
            "WHERE tenant_id = $1 AND campaign_id = $2 "
            "ORDER BY day DESC LIMIT 1",
            tenant_id, campaign_id,
        )  # fmt: skip
        if row is None:
            return None
        alarms = [Alarm(AlarmKind(one["kind"]), one["subject"], one["value"]) for one in orjson.loads(row["alarms"])]
        return dict(row) | {"counts": orjson.loads(row["counts"]), "alarms": alarms}

    async def _fetch(self, query: str, tenant_id: UUID, campaign_id: UUID | None) -> list[Any]:
        where = "tenant_id = $1" if campaign_id is None else "tenant_id = $1 AND campaign_id = $2"
        arguments = (tenant_id,) if campaign_id is None else (tenant_id, campaign_id)
        rows: list[Any] = await self._pool.fetch(query.format(where=where), *arguments)
        return rows
