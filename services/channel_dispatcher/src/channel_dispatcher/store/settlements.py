"""The settle transaction: outcomes, evidence, and what the neighbours are told, in one commit for a whole group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from channel_dispatcher.settlement import ContactRow
from forbear_chassis.postgres import Connection
from forbear_domain.lifecycle import State

LOCK = """
SELECT contact_id, state, recall_reason, expire_at FROM contact
WHERE contact_id = ANY($1::uuid[]) ORDER BY contact_id FOR UPDATE
"""

LOCK_CLAIMED = f"""
WITH locked AS MATERIALIZED ({LOCK}) SELECT * FROM locked WHERE state <> $2 OR recall_reason <> ''
"""

SETTLE_ATTEMPTS = """
UPDATE attempt SET state = row.state, settled_at = $7, provider_ref = row.provider_ref, code = row.code,
    reason = row.reason, check_at = row.check_at
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
  AS row(attempt_id, state, provider_ref, code, reason, check_at)
WHERE attempt.attempt_id = row.attempt_id
"""

MOVE_CONTACTS = """
UPDATE contact SET state = row.state, reason = row.reason, due_at = coalesce(row.due_at, contact.due_at),
    ended_at = CASE WHEN row.due_at IS NULL AND row.state <> 5 THEN $5::timestamptz END,
    body = CASE WHEN row.due_at IS NULL AND row.state <> 5 THEN NULL ELSE body END
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::timestamptz[]) AS row(contact_id, state, reason, due_at)
WHERE contact.contact_id = row.contact_id
"""


class AttemptEnd(NamedTuple):
    """How an attempt stands now."""

    attempt_id: UUID
    state: State
    provider_ref: str
    code: str
    reason: str
    check_at: datetime | None


class ContactMove(NamedTuple):
    """Where a contact goes now; a state other than UNKNOWN without `due_at` is final."""

    contact_id: UUID
    state: State
    reason: str
    due_at: datetime | None


async def lock_contacts(connection: Connection, contacts: Sequence[UUID]) -> dict[UUID, ContactRow]:
    """Lock the rows of contacts, always in the same order, and return how they stand."""
    return _by_contact(await connection.fetch(LOCK, list(contacts)))


async def lock_claimed(connection: Connection, contacts: Sequence[UUID]) -> dict[UUID, ContactRow]:
    """Do the same with contacts of which nearly all are as their claim left them; return only those that are not."""
    return _by_contact(await connection.fetch(LOCK_CLAIMED, list(contacts), State.CLAIMED))


def _by_contact(rows: Sequence[Any]) -> dict[UUID, ContactRow]:
    return {row["contact_id"]: ContactRow(State(row["state"]), row["recall_reason"], row["expire_at"]) for row in rows}


async def write(
    connection: Connection, attempts: Sequence[AttemptEnd], contacts: Sequence[ContactMove], now: datetime
) -> None:
    """Write where attempts and contacts stand now."""
    if attempts:
        await connection.execute(SETTLE_ATTEMPTS, *[list(column) for column in zip(*attempts, strict=True)], now)
    if contacts:
        await connection.execute(MOVE_CONTACTS, *[list(column) for column in zip(*contacts, strict=True)], now)
