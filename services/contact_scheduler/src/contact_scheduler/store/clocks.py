"""Duties of mortgages in arrears: what is known of each loan, and what became of each clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from contact_scheduler.clocks import SERVICING, Arrears, ClockKind, ClockState, Effort
from contact_scheduler.contacts import ContactPhase
from contact_scheduler.store.circumstances import is_held
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_domain.model import ResponseKind

LOANS_A_PAGE = 5_000
VOICE = 3
DUTY_PURPOSE = 5
SHOWN_MAX = 1_000

# Loans with arrears, and those whose clocks still run though nothing is past due any more.
LOANS = """
SELECT l.loan_id, l.borrower_id, CASE WHEN l.past_due > 0 THEN l.due_on END AS due_on,
       EXISTS (SELECT FROM pause s WHERE s.tenant_id = l.tenant_id AND s.borrower_id = l.borrower_id AND s.kind = $3
               AND s.lifted_at IS NULL AND (s.until IS NULL OR s.until > $2)) AS is_performing
FROM loan l
WHERE l.tenant_id = $1 AND l.product = 'mortgage'
  AND ((l.past_due > 0 AND l.due_on IS NOT NULL)
       OR EXISTS (SELECT FROM duty d WHERE d.tenant_id = l.tenant_id AND d.loan_id = l.loan_id AND d.state = 1))
ORDER BY l.loan_id
"""
EFFORTS = """
SELECT loan_id, (sent_at AT TIME ZONE 'UTC')::date AS day, channel FROM contact
WHERE tenant_id = $1 AND loan_id = ANY($2) AND purpose = $3 AND state = $4 AND not_before > $5
"""
EVENTS = "SELECT loan_id, kind, happened_on FROM duty_event WHERE tenant_id = $1 AND loan_id = ANY($2)"
# Why the last contact for the duty did not go, and what holds the next one back.
OBSTACLES = f"""
SELECT DISTINCT ON (d.loan_id) d.loan_id, c.state, c.outcome_reason,
       EXISTS (SELECT FROM pause s WHERE s.tenant_id = d.tenant_id AND s.borrower_id = d.borrower_id
               AND s.lifted_at IS NULL AND (s.until IS NULL OR s.until > $3))
       OR {is_held("d")} AS is_paused,
       EXISTS (SELECT FROM contact_point p WHERE p.tenant_id = d.tenant_id AND p.borrower_id = d.borrower_id
               AND p.consent_on IS NOT NULL AND NOT p.is_shared) AS is_reachable
FROM duty d LEFT JOIN contact c ON c.tenant_id = d.tenant_id AND c.loan_id = d.loan_id AND c.purpose = 5
    AND c.not_before::date > d.due_on
WHERE d.tenant_id = $1 AND d.loan_id = ANY($2) AND d.kind = 1 AND d.state = 1
ORDER BY d.loan_id, c.not_before DESC NULLS LAST
"""
WRITE = """
INSERT INTO duty (tenant_id, loan_id, kind, due_on, borrower_id, by_on, state, met_on, at_risk_on, risk)
SELECT $1, * FROM unnest($2::uuid[], $3::smallint[], $4::date[], $5::uuid[], $6::date[], $7::smallint[], $8::date[],
                         $9::date[], $10::text[])
ON CONFLICT (tenant_id, loan_id, kind, due_on) DO UPDATE
    SET state = excluded.state, met_on = excluded.met_on, risk = excluded.risk,
        at_risk_on = coalesce(duty.at_risk_on, excluded.at_risk_on)
    WHERE duty.state = 1
"""
LIST = """
SELECT l.ref AS loan_ref, b.ref AS borrower_ref, d.* FROM duty d
JOIN loan l USING (tenant_id, loan_id) JOIN borrower b ON b.tenant_id = d.tenant_id AND b.borrower_id = d.borrower_id
WHERE d.tenant_id = $1 AND d.state = ANY($2) AND (NOT $3 OR d.at_risk_on IS NOT NULL)
ORDER BY d.by_on, l.ref, d.kind LIMIT $4
"""


class DutyRow(NamedTuple):
    """One row of `duty`, without its tenant."""

    loan_id: UUID
    kind: ClockKind
    due_on: date
    borrower_id: UUID
    by_on: date
    state: ClockState
    met_on: date | None
    at_risk_on: date | None
    risk: str


class LoanPage(NamedTuple):
    """Some mortgages with what is known of each, and their clocks on record."""

    arrears: dict[UUID, Arrears]
    borrowers: dict[UUID, UUID]
    known: dict[UUID, list[DutyRow]]
    obstacles: dict[UUID, str]


async def take_tenant(connection: Connection, today: date) -> tuple[UUID, str] | None:
    """Return a tenant whose clocks were not looked at on this day, with its role, held for this transaction."""
    row = await connection.fetchrow(
        "SELECT t.tenant_id, t.actor FROM tenant t LEFT JOIN duty_watch w USING (tenant_id) "
        "WHERE t.actor = ANY($2) AND (w.watched_on IS NULL OR w.watched_on < $1) "
        "ORDER BY t.tenant_id LIMIT 1 FOR UPDATE OF t SKIP LOCKED",
        today, sorted(SERVICING),
    )  # fmt: skip
    return None if row is None else (row["tenant_id"], row["actor"])


async def close_day(connection: Connection, tenant_id: UUID, today: date) -> None:
    """Say that a tenant's clocks were looked at on this day."""
    await connection.execute(
        "INSERT INTO duty_watch VALUES ($1, $2) ON CONFLICT (tenant_id) DO UPDATE SET watched_on = excluded.watched_on",
        tenant_id, today,
    )  # fmt: skip


async def read_loans(connection: Connection, tenant_id: UUID, now: datetime) -> AsyncIterator[LoanPage]:
    """Yield the tenant's mortgages with arrears or running clocks, page by page."""
    cursor = await connection.cursor(LOANS, tenant_id, now, ResponseKind.ARRANGED.value)
    while rows := await cursor.fetch(LOANS_A_PAGE):
        yield await _page(connection, tenant_id, rows, now)


async def _page(connection: Connection, tenant_id: UUID, rows: list[Any], now: datetime) -> LoanPage:
    loans = [row["loan_id"] for row in rows]
    efforts: dict[UUID, list[Effort]] = {}
    since = now - timedelta(days=400)
    for row in await connection.fetch(EFFORTS, tenant_id, loans, DUTY_PURPOSE, ContactPhase.ACCEPTED.value, since):
        efforts.setdefault(row["loan_id"], []).append(Effort(row["day"], row["channel"] == VOICE))
    told: dict[tuple[UUID, int], list[date]] = {}
    for row in await connection.fetch(EVENTS, tenant_id, loans):
        told.setdefault((row["loan_id"], row["kind"]), []).append(row["happened_on"])
    known: dict[UUID, list[DutyRow]] = {}
    for row in await connection.fetch(
        "SELECT loan_id, kind, due_on, borrower_id, by_on, state, met_on, at_risk_on, risk FROM duty "
        "WHERE tenant_id = $1 AND loan_id = ANY($2)", tenant_id, loans,
    ):  # fmt: skip
        loan, kind, due_on, borrower, by_on, state, *rest = row.values()
        known.setdefault(loan, []).append(
            DutyRow(loan, ClockKind(kind), due_on, borrower, by_on, ClockState(state), *rest)
        )
    obstacles = {row["loan_id"]: _obstacle(row) for row in await connection.fetch(OBSTACLES, tenant_id, loans, now)}
    arrears = {
        row["loan_id"]: Arrears(
            row["due_on"], row["is_performing"], efforts.get(row["loan_id"], ()),
            told.get((row["loan_id"], ClockKind.LIVE_CONTACT), ()), told.get((row["loan_id"], ClockKind.NOTICE), ()),
        )
        for row in rows
    }  # fmt: skip
    return LoanPage(arrears, {row["loan_id"]: row["borrower_id"] for row in rows}, known, obstacles)


def _obstacle(row: Any) -> str:
    """Return what stands between a loan and its live contact."""
    if row["is_paused"]:
        return "left_in_peace"
    if not row["is_reachable"]:
        return "no_consent"
    if row["state"] in (ContactPhase.REFUSED, ContactPhase.EXPIRED):
        return f"held_by:{row['outcome_reason']}"
    if row["state"] in (ContactPhase.PLANNED, ContactPhase.RELEASED):
        return "on_its_way"
    return "not_planned" if row["state"] is None else "effort_not_enough"


async def write(connection: Connection, tenant_id: UUID, rows: Sequence[DutyRow]) -> None:
    """Write clocks as they stand; what is final stays as it is."""
    if rows:
        await connection.execute(WRITE, tenant_id, *[list(column) for column in zip(*rows, strict=True)])


async def add_event(
    connection: Connection, tenant_id: UUID, loan_ref: str, kind: ClockKind, happened_on: date, now: datetime
) -> bool:
    """Keep what the tenant tells of a loan; return whether there is such a loan. The clocks are looked at again."""
    loan = await connection.fetchval("SELECT loan_id FROM loan WHERE tenant_id = $1 AND ref = $2", tenant_id, loan_ref)
    if loan is None:
        return False
    await connection.execute(
        "INSERT INTO duty_event VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        tenant_id, loan, kind.value, happened_on, now,
    )  # fmt: skip
    await connection.execute("DELETE FROM duty_watch WHERE tenant_id = $1", tenant_id)
    return True


async def list_duties(pool: Pool, tenant_id: UUID, states: Sequence[ClockState], *, at_risk: bool) -> list[Any]:
    """Return up to SHOWN_MAX duties of a tenant, the most urgent first."""
    rows: list[Any] = await pool.fetch(LIST, tenant_id, [state.value for state in states], at_risk, SHOWN_MAX)
    return rows


async def count_at_risk(pool: Pool) -> dict[int, int]:
    """Return how many open duties a person is asked to see to, by kind."""
    rows = await pool.fetch(
        "SELECT kind, count(*) AS duties FROM duty WHERE state = 1 AND at_risk_on IS NOT NULL GROUP BY kind"
    )
    return {row["kind"]: row["duties"] for row in rows}
