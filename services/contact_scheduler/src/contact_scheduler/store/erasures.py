"""Erasures as rows, and what they erase of a borrower here."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.store import number_checks, shared_points
from forbear_chassis.postgres import UUID, Connection, Pool

COLUMNS = "tenant_id, borrower_id, asked_by, asked_at, handed_over_at, evidence_until"
DELETE_POINTS = "DELETE FROM contact_point WHERE tenant_id = $1 AND borrower_id = $2 RETURNING address_key"
ERASE = (
    "DELETE FROM notice_given n USING loan l"
    " WHERE l.tenant_id = $1 AND l.borrower_id = $2 AND n.tenant_id = $1 AND n.loan_id = l.loan_id",
    "DELETE FROM circumstance WHERE tenant_id = $1 AND borrower_id = $2",
    "DELETE FROM contact_lot WHERE tenant_id = $1 AND borrower_id = $2",
    "DELETE FROM payment WHERE tenant_id = $1 AND borrower_id = $2",
    "UPDATE borrower SET ref = '', language = 'en', employment = -1, region = '', monthly_income = NULL,"
    " unemployment_pct = NULL, preferred_channel = NULL, reminder_promised = false, wished_channel = NULL,"
    " wished_hour_start = NULL, wished_hour_end = NULL, wished_days = NULL, wished_at = NULL, wish = '', digest = ''"
    " WHERE tenant_id = $1 AND borrower_id = $2",
    "UPDATE loan SET ref = '', balance = 0, past_due = 0, instalment = 0, past_due_days = 0, due_on = NULL,"
    " missed_payments_12m = 0, kept_promises = 0, broken_promises = 0, digest = ''"
    " WHERE tenant_id = $1 AND borrower_id = $2",
    f"UPDATE contact SET state = {ContactPhase.CANCELLED.value}, outcome_reason = 'erased'"
    f" WHERE tenant_id = $1 AND borrower_id = $2 AND state = {ContactPhase.PLANNED.value}",
)
"""What stays are numbers of rows that name nobody: that a contact was made, by which channel, and what came of it."""


class ErasureRow(NamedTuple):
    """One borrower who is erased."""

    tenant_id: UUID
    borrower_id: UUID
    asked_by: str
    asked_at: datetime
    handed_over_at: datetime | None
    evidence_until: datetime | None


async def find(connection: Connection | Pool, tenant_id: UUID, borrower_id: UUID) -> ErasureRow | None:
    """Return the erasure of a borrower, or None."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM erasure WHERE tenant_id = $1 AND borrower_id = $2", tenant_id, borrower_id
    )
    return None if row is None else ErasureRow(*row.values())


async def insert(connection: Connection, tenant_id: UUID, borrower_id: UUID, asked_by: str, now: datetime) -> None:
    """Note an erasure and erase what is known here; one that was noted before stays as it is."""
    await connection.execute(
        "INSERT INTO erasure VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", tenant_id, borrower_id, asked_by, now
    )
    await shared_points.hold(connection, tenant_id)
    gone = [row["address_key"] for row in await connection.fetch(DELETE_POINTS, tenant_id, borrower_id)]
    await shared_points.mark(connection, tenant_id, gone)
    await number_checks.forget(connection, tenant_id, gone)
    for statement in ERASE:
        await connection.execute(statement, tenant_id, borrower_id)


async def next_to_hand_over(connection: Connection) -> ErasureRow | None:
    """Return the oldest erasure that the dispatcher does not know of, held for this transaction."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM erasure WHERE handed_over_at IS NULL ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return None if row is None else ErasureRow(*row.values())


async def mark_handed_over(connection: Connection, one: ErasureRow, at: datetime, until: datetime | None) -> None:
    """Note that the dispatcher knows, and until when law keeps its evidence."""
    await connection.execute(
        "UPDATE erasure SET handed_over_at = $3, evidence_until = $4 WHERE tenant_id = $1 AND borrower_id = $2",
        one.tenant_id,
        one.borrower_id,
        at,
        until,
    )
