"""Whose an address is: every look at the gate is noted, and two borrowers who meet at one address are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from channel_dispatcher.model import Contact
from forbear_chassis.postgres import Connection

SHARED_FOR = timedelta(days=7)  # a number that moved from one borrower to another rests as long

# One row an address: whoever notes it second waits for the first to commit, so no two claims miss each other.
NOTE = """
WITH noted AS (
    INSERT INTO address_use AS use (tenant_id, address_key, borrower_id, used_at, shared_at)
    SELECT tenant_id, address_key, borrower_id, $5::timestamptz, CASE WHEN is_shared THEN $5::timestamptz END
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::boolean[])
      AS row(tenant_id, address_key, borrower_id, is_shared)
    ON CONFLICT (tenant_id, address_key) DO UPDATE
    SET borrower_id = excluded.borrower_id, used_at = excluded.used_at,
        shared_at = CASE WHEN excluded.shared_at IS NOT NULL
                           OR use.borrower_id <> excluded.borrower_id AND use.used_at > $6
                         THEN excluded.used_at ELSE use.shared_at END
    RETURNING tenant_id, address_key, shared_at)
SELECT tenant_id, address_key, shared_at FROM noted WHERE shared_at > $6
"""
FORGET = """
DELETE FROM address_use WHERE (tenant_id, address_key) IN (
    SELECT tenant_id, address_key FROM address_use WHERE used_at < $1 LIMIT $2)
"""


async def note(connection: Connection, contacts: Sequence[Contact], now: datetime) -> dict[tuple[UUID, str], datetime]:
    """Note whom a batch means to reach where; return the addresses that two borrowers share, and since when."""
    holders: dict[tuple[UUID, str], UUID] = {}
    shared = set()
    for contact in contacts:
        key = contact.tenant_id, contact.address_key
        if holders.setdefault(key, contact.borrower_id) != contact.borrower_id:
            shared.add(key)
    rows = [(*key, holders[key], key in shared) for key in sorted(holders)]  # in one order everywhere: no deadlock
    if not rows:
        return {}
    columns = [list(column) for column in zip(*rows, strict=True)]
    found = await connection.fetch(NOTE, *columns, now, now - SHARED_FOR)
    return {(row["tenant_id"], row["address_key"]): row["shared_at"] for row in found}


async def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Forget addresses that nobody was to be reached at since; return how many."""
    result: str = await connection.execute(FORGET, before, limit)
    return int(result.rpartition(" ")[2])
