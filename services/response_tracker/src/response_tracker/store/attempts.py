"""Attempts: recorded from the dispatcher, found again when something comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.model import Channel, Purpose
from forbear_providers.contract import ReceiptState
from response_tracker.model import NO_OUTREACH, Attempt
from response_tracker.store import erasures

ACCEPTED = 1  # forbear.types.v1.ContactState
COLUMNS = (
    "id, tenant_id, contact_id, campaign_id, borrower_id, loan_id, channel, purpose, address, sender, send_at, contact"
)

# A later state replaces an earlier one; a known provider reference is never lost again.
RECORD = """
INSERT INTO attempt (id, tenant_id, contact_id, campaign_id, borrower_id, loan_id, channel, purpose, template, address,
                     sender, provider, provider_ref, state, send_at, local_hour, segment, contact)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[],
                     $8::smallint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::smallint[],
                     $15::timestamptz[], $16::smallint[], $17::text[], $18::bytea[])
ON CONFLICT (id) DO UPDATE SET
    state = EXCLUDED.state,
    provider_ref = CASE WHEN EXCLUDED.provider_ref = '' THEN attempt.provider_ref ELSE EXCLUDED.provider_ref END
"""


@dataclass(frozen=True, slots=True)
class NewAttempt:
    """One row to record: an attempt and what only the rates and the lookups need."""

    attempt: Attempt
    template: str
    provider: str
    provider_ref: str
    state: int
    local_hour: int
    segment: str


def _attempt(row: Any) -> Attempt:
    return Attempt(
        id=row["id"],
        tenant_id=row["tenant_id"],
        contact_id=row["contact_id"],
        campaign_id=row["campaign_id"],
        borrower_id=row["borrower_id"],
        loan_id=row["loan_id"],
        channel=Channel(row["channel"]),
        purpose=Purpose(row["purpose"]),
        address=row["address"],
        sender=row["sender"],
        send_at=row["send_at"],
        contact=row["contact"],
    )


async def record(connection: Connection, rows: Sequence[NewAttempt]) -> None:
    """Record a batch. Idempotent by attempt id."""
    latest = {row.attempt.id: row for row in rows}
    table = [
        (
            row.attempt.id,
            row.attempt.tenant_id,
            row.attempt.contact_id,
            row.attempt.campaign_id,
            row.attempt.borrower_id,
            row.attempt.loan_id,
            int(row.attempt.channel),
            int(row.attempt.purpose),
            row.template,
            row.attempt.address,
            row.attempt.sender,
            row.provider,
            row.provider_ref,
            row.state,
            row.attempt.send_at,
            row.local_hour,
            row.segment,
            row.attempt.contact,
        )
        for _, row in sorted(latest.items())
    ]
    await connection.execute(RECORD, *(list(column) for column in zip(*table, strict=True)))
    await erasures.reopen(connection, [row.attempt.borrower_id for row in rows])


async def by_id(connection: Connection, attempt_id: UUID) -> Attempt | None:
    """Find an attempt by its id."""
    row = await connection.fetchrow(f"SELECT {COLUMNS} FROM attempt WHERE id = $1", attempt_id)
    return None if row is None else _attempt(row)


async def by_provider_ref(connection: Connection, provider_ref: str) -> Attempt | None:
    """Find an attempt by the provider's own id of it."""
    row = await connection.fetchrow(f"SELECT {COLUMNS} FROM attempt WHERE provider_ref = $1 LIMIT 1", provider_ref)
    return None if row is None else _attempt(row)


async def last_to_address(connection: Connection, address: str, sender: str, before: datetime) -> Attempt | None:
    """Find the latest attempt to an address, from the sender of ours that was answered or else from any other."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM attempt WHERE address = $1 AND send_at <= $3 "
        "ORDER BY sender = $2 DESC, send_at DESC, id DESC LIMIT 1",
        address,
        sender,
        before,
    )
    return None if row is None else _attempt(row)


async def last_text_to(connection: Connection, of: Attempt) -> Attempt | None:
    """Find the latest text to the borrower and phone of an attempt, which may be a call."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM attempt WHERE tenant_id = $1 AND borrower_id = $2 AND address = $3 AND channel = $4 "
        "AND send_at <= $5 ORDER BY send_at DESC, id DESC LIMIT 1",
        of.tenant_id,
        of.borrower_id,
        of.address,
        int(Channel.SMS),
        of.send_at,
    )
    return None if row is None else _attempt(row)


async def last_outreach(
    connection: Connection, of: Attempt, since: datetime, until: datetime, *, same_address: bool = True
) -> Attempt | None:
    """Find the latest attempt to a borrower, within a time, that was no mere answer: a response is credited to it."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM attempt WHERE tenant_id = $1 AND borrower_id = $2 AND send_at BETWEEN $3 AND $4 "
        "AND purpose <> ALL($5::smallint[]) AND ($6 OR address = $7) ORDER BY send_at DESC, id DESC LIMIT 1",
        of.tenant_id,
        of.borrower_id,
        since,
        until,
        [int(purpose) for purpose in NO_OUTREACH],
        not same_address,
        of.address,
    )
    return None if row is None else _attempt(row)


async def last_in_writing(connection: Connection, tenant_id: UUID, borrower_id: UUID) -> Attempt | None:
    """Find the latest text message or mail to a borrower: what follows up a call goes there."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM attempt WHERE tenant_id = $1 AND borrower_id = $2 AND channel <> $3 "
        "ORDER BY send_at DESC, id DESC LIMIT 1",
        tenant_id,
        borrower_id,
        int(Channel.VOICE),
    )
    return None if row is None else _attempt(row)


async def last_of_borrower(connection: Connection, tenant_id: UUID, borrower_id: UUID) -> Attempt | None:
    """Find the latest attempt to a borrower."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM attempt WHERE tenant_id = $1 AND borrower_id = $2 "
        "ORDER BY send_at DESC, id DESC LIMIT 1",
        tenant_id,
        borrower_id,
    )
    return None if row is None else _attempt(row)


async def tenants_of_sender(connection: Connection, address: str, sender: str) -> list[UUID]:
    """Return every tenant who reached an address from a sender: an opt-out there holds for all of them."""
    rows = await connection.fetch(
        "SELECT DISTINCT tenant_id FROM attempt WHERE address = $1 AND sender = $2 ORDER BY tenant_id", address, sender
    )
    return [row["tenant_id"] for row in rows]


async def phone_ends(connection: Connection, tenant_id: UUID, borrower_id: UUID, digits: int) -> set[str]:
    """Return the last digits of the phone numbers under which we reached a borrower."""
    rows = await connection.fetch(
        "SELECT DISTINCT right(address, $4) AS ends FROM attempt "
        "WHERE tenant_id = $1 AND borrower_id = $2 AND channel <> $3",
        tenant_id,
        borrower_id,
        int(Channel.EMAIL),
        digits,
    )
    return {row["ends"] for row in rows}


async def lock_states(connection: Connection, attempt_ids: Sequence[UUID]) -> dict[UUID, tuple[Attempt, int]]:
    """Lock attempts and return them with their receipt states (0: none yet)."""
    rows = await connection.fetch(
        f"SELECT {COLUMNS}, receipt_state FROM attempt WHERE id = ANY($1) ORDER BY id FOR UPDATE", attempt_ids
    )
    return {row["id"]: (_attempt(row), row["receipt_state"]) for row in rows}


async def move_states(connection: Connection, moves: Sequence[tuple[UUID, ReceiptState, datetime, str]]) -> None:
    """Write new receipt states; a provider reference that we did not know is kept."""
    await connection.executemany(
        "UPDATE attempt SET receipt_state = $2, receipt_at = $3, "
        "provider_ref = CASE WHEN provider_ref = '' THEN $4 ELSE provider_ref END WHERE id = $1",
        [(attempt_id, int(state), at, ref) for attempt_id, state, at, ref in moves],
    )


async def mark_responded(connection: Connection, attempt_id: UUID, at: datetime) -> None:
    """Remember the first response of a person to an attempt."""
    await connection.execute("UPDATE attempt SET responded_at = LEAST(responded_at, $2) WHERE id = $1", attempt_id, at)
