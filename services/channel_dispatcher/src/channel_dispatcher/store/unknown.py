"""Attempts whose outcome nobody knows: orphaned claims, and what to ask the provider about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher.store.locks import ALIVE
from forbear_chassis.postgres import Connection, Pool

CLAIM_LEASE = timedelta(minutes=10)
"""A claim of a living process that is older was forgotten by it; no send takes that long."""

LEASE_TIME = timedelta(minutes=5)

ORPHANS = """
SELECT attempt.attempt_id, attempt.contact_id, attempt.tenant_id, attempt.borrower_id, attempt.channel,
       attempt.provider, attempt.sender, attempt.claimed_at, contact.body
FROM attempt JOIN contact USING (contact_id)
WHERE attempt.state = 11 AND (attempt.claimed_at < $2 OR NOT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid::bigint = $1 AND objid::bigint = attempt.owner))
ORDER BY attempt.claimed_at, attempt.attempt_id LIMIT $3 FOR UPDATE SKIP LOCKED
"""

LEASE = """
UPDATE attempt SET check_at = $3 WHERE attempt_id IN (
    SELECT attempt_id FROM attempt WHERE state = 5 AND check_at <= $1
    ORDER BY check_at, attempt_id LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING attempt_id
"""

READ = """
SELECT attempt.attempt_id, attempt.contact_id, attempt.tenant_id, attempt.borrower_id, attempt.channel, attempt.number,
       attempt.claimed_at, attempt.checks, attempt.sender, attempt.provider, contact.body, contact.expire_at,
       ARRAY(SELECT other.provider_ref FROM attempt AS other
             WHERE other.tenant_id = attempt.tenant_id AND other.address_key = attempt.address_key
               AND other.borrower_id = attempt.borrower_id AND other.provider_ref <> '') AS known_refs
FROM attempt JOIN contact USING (contact_id)
WHERE attempt.attempt_id = ANY($1::uuid[]) AND contact.body IS NOT NULL
ORDER BY attempt.claimed_at, attempt.attempt_id
"""

LEFT_TO_A_PERSON = """
FROM attempt JOIN contact USING (contact_id)
WHERE attempt.state = 5 AND attempt.check_at IS NULL AND contact.state = 5 AND contact.body IS NOT NULL
"""
FORGET_BODIES = f"""
UPDATE contact SET body = NULL WHERE state = 5 AND contact_id IN (
    SELECT attempt.contact_id {LEFT_TO_A_PERSON} AND attempt.claimed_at <= $1 ORDER BY attempt.claimed_at LIMIT $2)
"""
OLDEST_BODY = f"SELECT min(attempt.claimed_at) {LEFT_TO_A_PERSON}"


class Orphan(NamedTuple):
    """A claim whose process is gone."""

    attempt_id: UUID
    contact_id: UUID
    tenant_id: UUID
    borrower_id: UUID
    channel: int
    provider: str
    sender: str
    claimed_at: datetime
    body: bytes


class Unknown(NamedTuple):
    """An attempt to ask the provider about."""

    attempt_id: UUID
    contact_id: UUID
    tenant_id: UUID
    borrower_id: UUID
    channel: int
    number: int
    claimed_at: datetime
    checks: int
    sender: str
    provider: str
    body: bytes
    expire_at: datetime
    known_refs: list[str]


async def take_orphans(connection: Connection, now: datetime, at_most: int) -> list[Orphan]:
    """Lock claims of processes that are gone."""
    return [Orphan(*row) for row in await connection.fetch(ORPHANS, ALIVE, now - CLAIM_LEASE, at_most)]


async def lease_due(pool: Pool, now: datetime, at_most: int) -> list[Unknown]:
    """Take attempts that are due to be asked about; nobody else gets them for LEASE_TIME."""
    leased = await pool.fetch(LEASE, now, at_most, now + LEASE_TIME)
    if not leased:
        return []
    return [Unknown(*row) for row in await pool.fetch(READ, [row["attempt_id"] for row in leased])]


async def next_due_at(pool: Pool) -> datetime | None:
    """Return when the next attempt is due to be asked about."""
    found: datetime | None = await pool.fetchval(
        "SELECT check_at FROM attempt WHERE state = 5 AND check_at IS NOT NULL ORDER BY check_at LIMIT 1"
    )
    return found


async def ask_again_at(connection: Connection, attempt: UUID, check_at: datetime | None) -> None:
    """Note that the provider could not tell; None leaves the attempt to a person."""
    await connection.execute(
        "UPDATE attempt SET checks = checks + 1, check_at = $2 WHERE attempt_id = $1 AND state = 5", attempt, check_at
    )


async def forget_bodies(connection: Connection, before: datetime, at_most: int) -> int:
    """Clear whom unknown contacts would have reached and with what, once nobody asks any more; return how many."""
    tag: str = await connection.execute(FORGET_BODIES, before, at_most)
    return int(tag.rpartition(" ")[2])


async def oldest_body(connection: Connection) -> datetime | None:
    """Return when the oldest attempt was claimed that waits for a person and still names somebody."""
    found: datetime | None = await connection.fetchval(OLDEST_BODY)
    return found
