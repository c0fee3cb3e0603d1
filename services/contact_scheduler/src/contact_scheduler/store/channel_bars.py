"""Channels that are closed for a borrower: written when the dispatcher or the tracker tells, obeyed by the plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from contact_scheduler.contacts import ContactPhase
from forbear_chassis.postgres import UUID, Connection

PLANNED, RELEASED = ContactPhase.PLANNED.value, ContactPhase.RELEASED.value
CANCELLED = ContactPhase.CANCELLED.value
BARRED = "address_barred"

OF_CONTACTS = """
SELECT DISTINCT ON (c.tenant_id, c.borrower_id, c.channel) c.tenant_id, c.borrower_id, c.channel, o.reason, o.event_at
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS o (contact_id, reason, event_at)
JOIN contact c USING (contact_id) ORDER BY c.tenant_id, c.borrower_id, c.channel, o.event_at
"""
CLOSE = """
INSERT INTO channel_bar (tenant_id, borrower_id, channel, address_key, reason, since)
SELECT p.tenant_id, p.borrower_id, p.channel, p.address_key, b.reason, b.since
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::timestamptz[])
  AS b (tenant_id, borrower_id, channel, reason, since)
JOIN contact_point p USING (tenant_id, borrower_id, channel)
ON CONFLICT (tenant_id, borrower_id, channel) DO UPDATE
    SET address_key = excluded.address_key, reason = excluded.reason, since = excluded.since
    WHERE channel_bar.address_key <> excluded.address_key
"""
STOP = f"""
UPDATE contact c
SET state = CASE WHEN c.state = {PLANNED} THEN {CANCELLED} ELSE c.state END, outcome_reason = '{BARRED}'
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[]) AS b (tenant_id, borrower_id, channel)
WHERE c.tenant_id = b.tenant_id AND c.borrower_id = b.borrower_id AND c.channel = b.channel
  AND c.state IN ({PLANNED}, {RELEASED})
RETURNING c.tenant_id, c.contact_id, c.state
"""


class ClosedChannel(NamedTuple):
    """One channel of one borrower that is closed from an instant on."""

    tenant_id: UUID
    borrower_id: UUID
    channel: int
    reason: str
    since: datetime


async def of_contacts(connection: Connection, told: Sequence[tuple[UUID, str, datetime]]) -> list[ClosedChannel]:
    """Return the channels that outcomes of contacts close: (contact, reason, instant) each."""
    rows = await connection.fetch(OF_CONTACTS, *_columns(told))
    return [ClosedChannel(*row.values()) for row in rows]


async def close(connection: Connection, closed: Sequence[ClosedChannel]) -> list[tuple[UUID, UUID]]:
    """Close channels and cancel what is planned on them; return (tenant, contact) of what is released already."""
    ordered = sorted(closed)
    await connection.execute(CLOSE, *_columns(ordered))
    rows = await connection.fetch(STOP, *_columns([one[:3] for one in ordered]))
    return [(row["tenant_id"], row["contact_id"]) for row in rows if row["state"] == RELEASED]


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
