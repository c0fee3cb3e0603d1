"""The queue of people: cases with the time within which somebody must have acted, and what people did about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from forbear_chassis.postgres import Connection
from response_tracker.duties import Reason
from response_tracker.model import Attempt


@dataclass(frozen=True, slots=True)
class Case:
    """One case. Open while `closed_at` is None; `outcome` says how a person closed it."""

    id: UUID
    tenant_id: UUID
    borrower_id: UUID
    loan_id: UUID
    event_id: UUID
    reason: Reason
    opened_at: datetime
    due_at: datetime
    claimed_by: str | None
    claimed_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class CaseAct:
    """What a person did about a case."""

    id: UUID
    tenant_id: UUID
    case_id: UUID
    borrower_id: UUID
    act: str
    person: str
    at: datetime
    note: str
    detail: str
    salt: bytes


_COLUMNS = ", ".join(Case.__dataclass_fields__)
_ACT_COLUMNS = ", ".join(CaseAct.__dataclass_fields__)


def _case(row: Any) -> Case:
    return Case(**{name: row[name] for name in Case.__dataclass_fields__} | {"reason": Reason(row["reason"])})


async def open_case(
    connection: Connection,
    case_id: UUID,
    of: Attempt,
    event_id: UUID,
    reason: Reason,
    *,
    at: datetime,
    due_at: datetime,
) -> bool:
    """Put a borrower into the queue of people; return whether a case was opened.

    While a case of the same reason is open nothing is added: its earlier term stays. Call under the borrower's lock.
    """
    status: str = await connection.execute(
        "INSERT INTO hand_over (id, tenant_id, borrower_id, loan_id, event_id, reason, opened_at, due_at) "
        "SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS (SELECT FROM hand_over "
        "WHERE tenant_id = $2 AND borrower_id = $3 AND reason = $6 AND closed_at IS NULL) ON CONFLICT DO NOTHING",
        case_id,
        of.tenant_id,
        of.borrower_id,
        of.loan_id,
        event_id,
        reason.value,
        at,
        due_at,
    )
    return status.endswith(" 1")


async def close_reason(connection: Connection, of: Attempt, reason: Reason, *, at: datetime, closed_by: str) -> None:
    """Close the open cases of a borrower that wait for one reason; an event did what they waited for."""
    await connection.execute(
        "UPDATE hand_over SET closed_at = $4, closed_by = $5 "
        "WHERE tenant_id = $1 AND borrower_id = $2 AND reason = $3 AND closed_at IS NULL",
        of.tenant_id,
        of.borrower_id,
        reason.value,
        at,
        closed_by,
    )


async def is_open(connection: Connection, of: Attempt, reason: Reason) -> bool:
    """Return whether a case of a borrower waits for one reason."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM hand_over "
        "WHERE tenant_id = $1 AND borrower_id = $2 AND reason = $3 AND closed_at IS NULL)",
        of.tenant_id,
        of.borrower_id,
        reason.value,
    )
    return found


async def find(connection: Connection, tenant_id: UUID, case_id: UUID) -> Case | None:
    """Return a case of a tenant, or None."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM hand_over WHERE tenant_id = $1 AND id = $2", tenant_id, case_id
    )
    return None if row is None else _case(row)


async def waiting(
    connection: Connection, tenant_id: UUID, reason: Reason | None, limit: int, after: tuple[datetime, UUID] | None
) -> list[Case]:
    """Return open cases, the earliest due first, behind a place in that order."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM hand_over WHERE tenant_id = $1 AND closed_at IS NULL AND ($2::text IS NULL OR "
        "reason = $2) AND ($4::timestamptz IS NULL OR (due_at, id) > ($4, $5::uuid)) ORDER BY due_at, id LIMIT $3",
        tenant_id,
        None if reason is None else reason.value,
        limit,
        *(after or (None, None)),
    )
    return [_case(row) for row in rows]


async def closed(
    connection: Connection, tenant_id: UUID, reason: Reason | None, limit: int, before: tuple[datetime, UUID] | None
) -> list[Case]:
    """Return closed cases, the last closed first, behind a place in that order."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM hand_over WHERE tenant_id = $1 AND closed_at IS NOT NULL AND ($2::text IS NULL OR "
        "reason = $2) AND ($4::timestamptz IS NULL OR (closed_at, id) < ($4, $5::uuid)) "
        "ORDER BY closed_at DESC, id DESC LIMIT $3",
        tenant_id,
        None if reason is None else reason.value,
        limit,
        *(before or (None, None)),
    )
    return [_case(row) for row in rows]


async def of_borrower(connection: Connection, tenant_id: UUID, borrower_id: UUID) -> list[Case]:
    """Return every case of a borrower, oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM hand_over WHERE tenant_id = $1 AND borrower_id = $2 ORDER BY opened_at, due_at, id",
        tenant_id,
        borrower_id,
    )
    return [_case(row) for row in rows]


async def count(connection: Connection, tenant_id: UUID, now: datetime) -> tuple[int, int]:
    """Return how many cases of a tenant are open, and how many of them are overdue."""
    row = await connection.fetchrow(
        "SELECT count(*) AS open, count(*) FILTER (WHERE due_at <= $2) AS overdue FROM hand_over "
        "WHERE tenant_id = $1 AND closed_at IS NULL",
        tenant_id,
        now,
    )
    return row["open"], row["overdue"]


async def count_by_reason(connection: Connection, now: datetime) -> dict[Reason, tuple[int, int]]:
    """Return (open, overdue) cases of all tenants by reason; a reason without an open case is absent."""
    rows = await connection.fetch(
        "SELECT reason, count(*) AS open, count(*) FILTER (WHERE due_at <= $1) AS overdue FROM hand_over "
        "WHERE closed_at IS NULL GROUP BY reason",
        now,
    )
    return {Reason(row["reason"]): (row["open"], row["overdue"]) for row in rows}


async def claim(connection: Connection, case_id: UUID, person: str | None, at: datetime) -> None:
    """Write who works on a case; None: nobody any more."""
    await connection.execute(
        "UPDATE hand_over SET claimed_by = $2, claimed_at = $3 WHERE id = $1",
        case_id,
        person,
        None if person is None else at,
    )


async def close(connection: Connection, case_id: UUID, person: str, outcome: str, at: datetime) -> None:
    """Write who closed a case, and how."""
    await connection.execute(
        "UPDATE hand_over SET closed_at = $4, closed_by = $2, outcome = $3 WHERE id = $1", case_id, person, outcome, at
    )


async def add_act(connection: Connection, act: CaseAct) -> None:
    """Keep what a person did."""
    await connection.execute(
        f"INSERT INTO case_act ({_ACT_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(getattr(act, name) for name in CaseAct.__dataclass_fields__),
    )


async def find_act(connection: Connection, tenant_id: UUID, act_id: UUID) -> CaseAct | None:
    """Return an act by its request's id, or None."""
    row = await connection.fetchrow(
        f"SELECT {_ACT_COLUMNS} FROM case_act WHERE tenant_id = $1 AND id = $2", tenant_id, act_id
    )
    return None if row is None else CaseAct(**dict(row))


async def acts_of(connection: Connection, tenant_id: UUID, borrower_id: UUID) -> list[CaseAct]:
    """Return what people did about the cases of a borrower, oldest first."""
    rows = await connection.fetch(
        f"SELECT {_ACT_COLUMNS} FROM case_act WHERE tenant_id = $1 AND borrower_id = $2 ORDER BY at, id",
        tenant_id,
        borrower_id,
    )
    return [CaseAct(**dict(row)) for row in rows]
