"""Phones and mailboxes of several borrowers: marked when rows change, and what is on its way there is stopped.

The mark is kept beside the point, not sought by whoever reads it: plans read all points, imports change few.
"""

from __future__ import annotations

from collections.abc import Sequence

from contact_scheduler.contacts import ContactPhase
from forbear_chassis.postgres import UUID, Connection

PLANNED, RELEASED = ContactPhase.PLANNED.value, ContactPhase.RELEASED.value
SHARED = "address_shared"

# Imports of one tenant that write at the same time would each miss what the other has not committed.
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
MARK = """
UPDATE contact_point p SET is_shared = NOT p.is_shared
FROM unnest($2::text[]) AS touched(address_key)
WHERE p.tenant_id = $1 AND p.address_key = touched.address_key AND p.address_key <> ''
  AND p.is_shared <> EXISTS (SELECT FROM contact_point other WHERE other.tenant_id = $1
                             AND other.address_key = p.address_key AND other.borrower_id <> p.borrower_id)
RETURNING p.borrower_id, p.channel, p.is_shared
"""
STOP = f"""
UPDATE contact c
SET state = CASE WHEN c.state = {PLANNED} THEN {ContactPhase.CANCELLED.value} ELSE c.state END,
    outcome_reason = '{SHARED}'
FROM unnest($2::uuid[], $3::smallint[]) AS shared (borrower_id, channel)
WHERE c.tenant_id = $1 AND c.borrower_id = shared.borrower_id AND c.channel = shared.channel
  AND c.state IN ({PLANNED}, {RELEASED})
RETURNING c.contact_id, c.state
"""


async def hold(connection: Connection, tenant_id: UUID) -> None:
    """Let no other transaction change points of the tenant until this one ends; call it before the change."""
    await connection.execute(HOLD, f"shared_points:{tenant_id}")


async def mark(connection: Connection, tenant_id: UUID, address_keys: Sequence[str]) -> list[UUID]:
    """Mark points at these addresses that borrowers share, and clear those that they share no more.

    What is planned at a newly shared one is cancelled; returns what is released there already.
    """
    changed = await connection.fetch(MARK, tenant_id, sorted(set(address_keys)))
    shared = sorted((row["borrower_id"], row["channel"]) for row in changed if row["is_shared"])
    if not shared:
        return []
    stopped = await connection.fetch(STOP, tenant_id, *[list(column) for column in zip(*shared, strict=True)])
    return [row["contact_id"] for row in stopped if row["state"] == RELEASED]
