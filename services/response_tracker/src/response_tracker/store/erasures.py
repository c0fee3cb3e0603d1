"""Erasures as rows, and what they erase of a borrower here: words, salts, addresses, and what came in as it came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from forbear_chassis.postgres import Connection

ASK = """
INSERT INTO erasure (tenant_id, borrower_id, erase_at, next_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (borrower_id, tenant_id) DO UPDATE SET erase_at = $3, next_at = $3 WHERE erasure.erased_at IS NULL
"""
CANCEL = """
UPDATE follow_up SET cancelled_at = $3
WHERE tenant_id = $1 AND borrower_id = $2 AND released_at IS NULL AND cancelled_at IS NULL
"""
NEXT = """
SELECT tenant_id, borrower_id, erased_at FROM erasure WHERE next_at <= $1
ORDER BY next_at, borrower_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
# Events that name an attempt, those that led to something, and those of strangers who wrote from the same address.
EVENTS = """
WITH known AS (SELECT id, ltrim(address, '+') AS address FROM attempt WHERE tenant_id = $1 AND borrower_id = $2)
SELECT id FROM event WHERE processed_at IS NOT NULL AND body <> '' AND (
    attempt_id IN (SELECT id FROM known)
    OR id IN (SELECT event_id FROM response WHERE tenant_id = $1 AND borrower_id = $2 AND event_id IS NOT NULL
              UNION SELECT event_id FROM suppression WHERE tenant_id = $1 AND borrower_id = $2
              UNION SELECT event_id FROM hand_over WHERE tenant_id = $1 AND borrower_id = $2)
    OR attempt_id IS NULL AND tenant_id IS NULL AND EXISTS (
        SELECT FROM known WHERE address <> '' AND position(convert_to(address, 'UTF8') IN body) > 0))
"""
ERASE = (
    "UPDATE message SET text = '', labels = '{}', confidence = NULL, salt = NULL"
    " WHERE tenant_id = $1 AND borrower_id = $2",
    "UPDATE case_act SET note = '', salt = '' WHERE tenant_id = $1 AND borrower_id = $2",
    "UPDATE follow_up SET body = '' WHERE tenant_id = $1 AND borrower_id = $2",
    "DELETE FROM preference WHERE tenant_id = $1 AND borrower_id = $2",
    "UPDATE attempt SET address = '', contact = '', provider_ref = '' WHERE tenant_id = $1 AND borrower_id = $2",
)
"""What stays are numbers of rows that name nobody: which template went when, what was agreed, and how it ended."""
ERASE_EVENTS = "UPDATE event SET body = '' WHERE id = ANY($1)"
# A bar that is not in force yet needs its address; it is looked at again.
ERASE_BARS = """
UPDATE suppression SET body = '' WHERE in_force_at IS NOT NULL
AND (tenant_id = $1 AND borrower_id = $2 OR event_id = ANY($3))
"""
# Their bars must be in force: until then the address is needed.
STRANGERS = """
UPDATE event SET body = '' WHERE id IN (
    SELECT id FROM event e WHERE attempt_id IS NULL AND tenant_id IS NULL AND body <> '' AND processed_at <= $1
      AND NOT EXISTS (SELECT FROM suppression s WHERE s.event_id = e.id AND s.in_force_at IS NULL)
    ORDER BY processed_at LIMIT $2)
"""
STRANGERS_BARS = """
UPDATE suppression s SET body = '' FROM event e
WHERE s.event_id = e.id AND e.attempt_id IS NULL AND e.tenant_id IS NULL AND e.body = '' AND s.body <> ''
  AND s.in_force_at IS NOT NULL
"""
OLDEST_STRANGER = """
SELECT min(processed_at) FROM event
WHERE attempt_id IS NULL AND tenant_id IS NULL AND body <> '' AND processed_at IS NOT NULL
"""
DONE = "UPDATE erasure SET erased_at = coalesce(erased_at, $3), next_at = $4 WHERE tenant_id = $1 AND borrower_id = $2"
REOPEN = "UPDATE erasure SET next_at = erased_at WHERE borrower_id = ANY($1) AND erased_at IS NOT NULL"


class Due(NamedTuple):
    """An erasure whose time has come."""

    tenant_id: UUID
    borrower_id: UUID
    erased_at: datetime | None


async def ask(connection: Connection, tenant_id: UUID, borrower_id: UUID, erase_at: datetime, now: datetime) -> None:
    """Note an erasure; nothing that was planned follows any more. One that was done before stays as it is."""
    await connection.execute(ASK, tenant_id, borrower_id, erase_at)
    await connection.execute(CANCEL, tenant_id, borrower_id, now)


async def next_due(connection: Connection, now: datetime) -> Due | None:
    """Return the erasure that has waited longest, held for this transaction, or None."""
    row = await connection.fetchrow(NEXT, now)
    return None if row is None else Due(*row.values())


async def next_at(connection: Connection) -> datetime | None:
    """Return when the next erasure is due."""
    due: datetime | None = await connection.fetchval("SELECT min(next_at) FROM erasure")
    return due


async def erase(connection: Connection, one: Due) -> None:
    """Erase what is personal. Events first: the addresses of attempts lead to some of them."""
    events = [row["id"] for row in await connection.fetch(EVENTS, one.tenant_id, one.borrower_id)]
    await connection.execute(ERASE_BARS, one.tenant_id, one.borrower_id, events)
    await connection.execute(ERASE_EVENTS, events)
    for statement in ERASE:
        await connection.execute(statement, one.tenant_id, one.borrower_id)


async def mark_done(connection: Connection, one: Due, now: datetime, again_at: datetime | None) -> None:
    """Note that it is done, and when to look again."""
    await connection.execute(DONE, one.tenant_id, one.borrower_id, now, again_at)


async def reopen(connection: Connection, borrower_ids: Sequence[UUID]) -> None:
    """Look again at borrowers who were erased: something about them comes in."""
    await connection.execute(REOPEN, list(borrower_ids))


async def forget_strangers(connection: Connection, before: datetime, limit: int) -> int:
    """Forget what people wrote whom nobody knows, and the addresses of their bars; return how many events."""
    tag: str = await connection.execute(STRANGERS, before, limit)
    forgotten = int(tag.rpartition(" ")[2])
    if forgotten:
        await connection.execute(STRANGERS_BARS)
    return forgotten


async def oldest_stranger(connection: Connection) -> datetime | None:
    """Return when the oldest of what is kept of strangers was taken in."""
    at: datetime | None = await connection.fetchval(OLDEST_STRANGER)
    return at
