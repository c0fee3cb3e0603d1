"""What a plan reads and writes. All of it happens in the transaction that holds the campaign."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from contact_scheduler.campaigns import Campaign, State
from contact_scheduler.clocks import LEAD
from contact_scheduler.contacts import ATTRIBUTION, ContactPhase
from contact_scheduler.planning.candidates import Candidate, Conversations, History, Touch
from contact_scheduler.planning.lawful import CONSENT_FRESH, Place
from contact_scheduler.store.campaigns import to_campaign
from contact_scheduler.store.circumstances import is_held, is_protected
from contact_scheduler.store.notices import OF_LOAN
from contact_scheduler.store.unemployment import Latest, latest_rates
from forbear_chassis.postgres import UUID, Connection

CONTACT = (
    "tenant_id", "contact_id", "campaign_id", "borrower_id", "loan_id", "channel", "slot", "arm", "propensity",
    "probability", "value", "treatment", "template", "reason", "features", "state", "not_before", "expire_at",
    "address_kind", "purpose",
)  # fmt: skip
CANDIDATES_A_PAGE = 20_000
LOOK_BACK = timedelta(days=130)  # as many contacts as lengthen the rest, at the longest gap, see `planning.rest`
QUIET = timedelta(days=15)  # longer than any rule bars calls after a conversation
VOICE = 3
OPEN = [ContactPhase.PLANNED.value, ContactPhase.RELEASED.value]
TOUCHED = [*OPEN, ContactPhase.ACCEPTED.value, ContactPhase.UNKNOWN.value]

TAKE_DUE = """
SELECT * FROM campaign WHERE state = 'active' AND next_plan_at <= $1
ORDER BY next_plan_at, tenant_id, campaign_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# Pauses count as they stood at the tick: what is said at that very instant cancels afterwards instead.
AUDIENCE = f"""
SELECT b.borrower_id, b.place_id, b.language, b.region, b.employment, b.monthly_income, b.unemployment_pct,
       b.preferred_channel, b.reminder_promised, b.wished_channel, b.wished_hour_start, b.wished_hour_end,
       b.wished_days, l.loan_id, l.product, l.instalment, l.past_due, l.past_due_days, l.missed_payments_12m,
       l.kept_promises, l.broken_promises, l.is_duty, {OF_LOAN} AS notices, o.consented, o.fresh, o.sms_kind,
       o.email_kind, o.voice_kind,
       EXISTS (SELECT FROM pause s WHERE s.tenant_id = b.tenant_id AND s.borrower_id = b.borrower_id AND s.since < $2
               AND (s.until IS NULL OR s.until > $2) AND (s.lifted_at IS NULL OR s.lifted_at >= $2))
       OR {is_held("b")} AS is_paused,
       {is_protected("b", "$2")} AS is_protected,
       (SELECT max(least(s.until, s.lifted_at)) FROM pause s WHERE s.tenant_id = b.tenant_id
        AND s.borrower_id = b.borrower_id AND least(s.until, s.lifted_at) <= $2) AS rested_until
FROM (SELECT DISTINCT ON (borrower_id) *,
             EXISTS (SELECT FROM duty d WHERE d.tenant_id = loan.tenant_id AND d.loan_id = loan.loan_id
                     AND d.kind = 1 AND d.state = 1 AND d.by_on <= $10) AS is_duty
      FROM loan
      WHERE tenant_id = $1 AND past_due >= $3 AND past_due_days >= $4 AND ($5::int IS NULL OR past_due_days <= $5)
        AND (cardinality($6::text[]) = 0 OR product = ANY($6))
      ORDER BY borrower_id, is_duty DESC, past_due_days DESC, past_due DESC, loan_id) l
JOIN borrower b ON b.tenant_id = $1 AND b.borrower_id = l.borrower_id
CROSS JOIN LATERAL (
    SELECT coalesce(bit_or(1 << p.channel) FILTER (WHERE p.consent_on IS NOT NULL), 0) AS consented,
           coalesce(bit_or(1 << p.channel) FILTER (WHERE p.consent_on IS NOT NULL
                    AND greatest(p.consent_on, p.checked_on) > $9::date), 0) AS fresh,
           coalesce(max(p.address_kind) FILTER (WHERE p.channel = 1), 0) AS sms_kind,
           coalesce(max(p.address_kind) FILTER (WHERE p.channel = 2), 2) AS email_kind,
           coalesce(max(p.address_kind) FILTER (WHERE p.channel = 3), 0) AS voice_kind
    FROM contact_point p WHERE p.tenant_id = b.tenant_id AND p.borrower_id = b.borrower_id AND NOT p.is_shared
      AND NOT EXISTS (SELECT FROM channel_bar x WHERE x.tenant_id = p.tenant_id AND x.borrower_id = p.borrower_id
                      AND x.channel = p.channel AND x.address_key = p.address_key)) o
WHERE (cardinality($7::text[]) = 0 OR b.region = ANY($7)) AND (cardinality($8::text[]) = 0 OR b.language = ANY($8))
  AND ($11::uuid IS NULL OR b.borrower_id = $11)
ORDER BY b.borrower_id
"""
HISTORY = """
SELECT borrower_id, channel, slot, coalesce((reason->>'plain')::real, probability) AS plain, state,
       coalesce(sent_at, not_before) AS at, responded_at, contact_id, address_kind, template,
       coalesce((reason->'drawn'->>'lost')::float8, 0) AS lost
FROM contact
WHERE tenant_id = $1 AND borrower_id = ANY($2) AND not_before > $3 AND state = ANY($4)
ORDER BY borrower_id, at, contact_id
"""

CONVERSATIONS = """
SELECT r.borrower_id, r.contact_id, r.event_at, c.contact_id IS NOT NULL AS has_contact
FROM response r LEFT JOIN contact c USING (contact_id, tenant_id)
WHERE r.tenant_id = $1 AND r.kind = 13 AND r.event_at < $2 AND r.event_at > $2 - $3::interval
ORDER BY r.borrower_id, r.event_at
"""


async def take_due(connection: Connection, now: datetime) -> Campaign | None:
    """Return the active campaign that has waited longest for its plan, held for this transaction, or None."""
    row = await connection.fetchrow(TAKE_DUE, now)
    return None if row is None else to_campaign(row)


async def close_plan(connection: Connection, campaign: Campaign, state: State, plan_at: datetime | None) -> None:
    """Say when the campaign is planned next, or that it has ended."""
    await connection.execute(
        "UPDATE campaign SET state = $3, next_plan_at = $4 WHERE tenant_id = $1 AND campaign_id = $2",
        campaign.tenant_id, campaign.campaign_id, state, plan_at,
    )  # fmt: skip


async def plan_number(connection: Connection, campaign: Campaign, day: date) -> int | None:
    """Return the number of the campaign's next plan, from 1, or None when that day is planned already."""
    row = await connection.fetchrow(
        "SELECT count(*) AS plans, coalesce(bool_or(day = $3), false) AS is_planned FROM plan_run "
        "WHERE tenant_id = $1 AND campaign_id = $2",
        campaign.tenant_id, campaign.campaign_id, day,
    )  # fmt: skip
    return None if row["is_planned"] else row["plans"] + 1


async def read_audience(
    connection: Connection, campaign: Campaign, tick_at: datetime, only: UUID | None = None
) -> list[Candidate]:
    """Return the borrowers of a campaign's audience as they stood at the tick, in the order of their ids.

    With `only`, that borrower alone.
    """
    audience = campaign.audience
    cursor = await connection.cursor(
        AUDIENCE, campaign.tenant_id, tick_at, audience.past_due_min_minor, audience.past_due_days_min,
        audience.past_due_days_max, list(audience.products), list(audience.regions), list(audience.languages),
        (tick_at - CONSENT_FRESH).date(), (tick_at + LEAD).date(), only,
    )  # fmt: skip
    rates = await latest_rates(connection, campaign.tenant_id, tick_at.date())
    candidates: list[Candidate] = []
    while rows := await cursor.fetch(CANDIDATES_A_PAGE):
        candidates += [_candidate(row, rates.get(row["region"])) for row in rows]
    return candidates


def _candidate(row: Any, rate: Latest | None) -> Candidate:
    start, end = row["wished_hour_start"], row["wished_hour_end"]
    return Candidate(
        borrower_id=row["borrower_id"], place_id=row["place_id"], language=row["language"],
        employment=row["employment"], monthly_income=row["monthly_income"],
        unemployment_pct=row["unemployment_pct"] if rate is None else rate.percent,
        unemployment_change=None if rate is None else rate.change,
        preferred_channel=row["preferred_channel"], wished_channel=row["wished_channel"],
        wished_hours=None if start is None or end is None else (start, end), loan_id=row["loan_id"],
        product=row["product"], instalment=row["instalment"], past_due=row["past_due"],
        past_due_days=row["past_due_days"], missed_payments_12m=row["missed_payments_12m"],
        kept_promises=row["kept_promises"], broken_promises=row["broken_promises"], consented=row["consented"],
        fresh=row["fresh"], kinds=(row["sms_kind"], row["email_kind"], row["voice_kind"]), is_paused=row["is_paused"],
        is_duty=row["is_duty"], notices=tuple(row["notices"]),
        is_protected=row["is_protected"], rested_until=row["rested_until"], wished_days=row["wished_days"] or 0,
        is_promised_reminder=row["reminder_promised"],
    )  # fmt: skip


class Conversation(NamedTuple):
    """One call that became a conversation; `has_contact`: it stands in the history, in a contact of ours."""

    borrower_id: UUID
    contact_id: UUID | None
    at: datetime
    has_contact: bool


async def read_conversations(connection: Connection, tenant_id: UUID, tick_at: datetime) -> list[Conversation]:
    """Return the conversations that may still bar calls, as known before the tick."""
    return [Conversation(*row.values()) for row in await connection.fetch(CONVERSATIONS, tenant_id, tick_at, QUIET)]


def group_conversations(spoken: list[Conversation]) -> Conversations:
    """Return by borrower the conversations that stand in no contact of ours, such as in a call that followed up."""
    others: Conversations = {}
    for one in spoken:
        if not one.has_contact:
            others.setdefault(one.borrower_id, []).append(one.at)
    return others


async def read_history(
    connection: Connection, tenant_id: UUID, borrowers: list[UUID], tick_at: datetime, spoken: list[Conversation]
) -> History:
    """Return what was tried with each borrower in the last LOOK_BACK, oldest first, as known before the tick."""
    history: History = {}
    conversed = {one.contact_id for one in spoken}
    for start in range(0, len(borrowers), CANDIDATES_A_PAGE):
        page = borrowers[start : start + CANDIDATES_A_PAGE]
        for row in await connection.fetch(HISTORY, tenant_id, page, tick_at - LOOK_BACK, TOUCHED):
            answered_at = row["responded_at"]
            is_heard = answered_at is not None and answered_at < tick_at
            has_answered = is_heard and answered_at <= row["at"] + ATTRIBUTION
            is_sent = row["state"] == ContactPhase.ACCEPTED
            touch = Touch(
                row["channel"], row["at"], row["slot"], row["plain"], is_open=row["state"] in OPEN,
                has_answered=has_answered,
                is_settled=is_sent and (has_answered or row["at"] + ATTRIBUTION <= tick_at),
                address_kind=row["address_kind"], has_conversed=row["contact_id"] in conversed,
                has_answered_late=is_heard and not has_answered, template=row["template"], lost=row["lost"],
            )  # fmt: skip
            history.setdefault(row["borrower_id"], []).append(touch)
    return history


async def read_borrower(
    connection: Connection, campaign: Campaign, at: datetime, borrower_id: UUID
) -> tuple[list[Candidate], History, list[Conversation]]:
    """Return one borrower as a plan would read them at an instant; no candidate where the audience leaves them out."""
    found = await read_audience(connection, campaign, at, borrower_id)
    spoken = await read_conversations(connection, campaign.tenant_id, at)
    return found, await read_history(connection, campaign.tenant_id, [borrower_id], at, spoken), spoken


async def read_places(connection: Connection, place_ids: set[int]) -> dict[int, Place]:
    """Return places by id."""
    rows = await connection.fetch("SELECT * FROM place WHERE place_id = ANY($1)", list(place_ids))
    return {row["place_id"]: Place(tuple(row["zones"]), tuple(row["regions"])) for row in rows}


async def read_actor(connection: Connection, tenant_id: UUID) -> str:
    """Return the legal role in which the tenant collects."""
    actor: str = await connection.fetchval("SELECT actor FROM tenant WHERE tenant_id = $1", tenant_id)
    return actor


async def read_load(connection: Connection, tenant_id: UUID, starts_at: datetime, hours: int) -> np.ndarray[Any, Any]:
    """Return the contacts of the tenant that other plans put into each channel and hour: int64 [3, hours]."""
    rows = await connection.fetch(
        "SELECT channel, floor(extract(epoch FROM not_before - $2) / 3600)::int AS hour, count(*) AS contacts "
        "FROM contact WHERE tenant_id = $1 AND not_before >= $2 AND not_before < $3 AND state = ANY($4) GROUP BY 1, 2",
        tenant_id, starts_at, starts_at + timedelta(hours=hours), OPEN,
    )  # fmt: skip
    load = np.zeros((3, hours), dtype=np.int64)
    for row in rows:
        load[row["channel"] - 1, row["hour"]] = row["contacts"]
    return load


async def latest_prices(connection: Connection, campaign: Campaign) -> list[list[float]] | None:
    """Return the prices of the campaign's last plan, where the next search starts."""
    prices: list[list[float]] | None = await connection.fetchval(
        "SELECT prices FROM plan_run WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY day DESC LIMIT 1",
        campaign.tenant_id, campaign.campaign_id,
    )  # fmt: skip
    return prices


async def write_contacts(connection: Connection, contacts: list[tuple[object, ...]]) -> None:
    """Write the planned contacts in one COPY."""
    await connection.copy_records_to_table("contact", records=contacts, columns=CONTACT)


class PlanRun(NamedTuple):
    """The record of one plan, in the order of its row."""

    tenant_id: UUID
    campaign_id: UUID
    day: date
    tick_at: datetime
    horizon_at: datetime
    model_version: int
    counts: str
    prices: list[list[float]]
    gap: float
    alarms: str


async def latest_run(connection: Connection, campaign: Campaign) -> PlanRun | None:
    """Return the record of the campaign's last plan, or None."""
    row = await connection.fetchrow(
        f"SELECT {', '.join(PlanRun._fields)} FROM plan_run "
        "WHERE tenant_id = $1 AND campaign_id = $2 ORDER BY day DESC LIMIT 1",
        campaign.tenant_id, campaign.campaign_id,
    )  # fmt: skip
    return None if row is None else PlanRun(*row.values())


async def write_run(connection: Connection, run: PlanRun) -> None:
    """Record the plan of a day; a second one of the same day is refused by the key."""
    await connection.execute("INSERT INTO plan_run VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", *run)
