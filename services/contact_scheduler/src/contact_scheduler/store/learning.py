"""What the response model learns from, and its versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from contact_scheduler.contacts import ANSWERS, ATTRIBUTION, ContactPhase
from forbear_chassis.postgres import UUID, Connection

VERSIONS_KEPT = 8
ACCEPTED = ContactPhase.ACCEPTED.value
WINDOW = f"interval '{int(ATTRIBUTION.total_seconds())} seconds'"

UNATTRIBUTED = "tenant_id = $1 AND contact_id IS NULL AND attributed_at IS NULL AND event_at < $2"
# An answer without a contact belongs to the last one before it, within the window.
EARLIEST = f"""
found AS (
    SELECT DISTINCT ON (s.borrower_id, s.event_at) c.contact_id, s.event_at FROM sought s
    JOIN contact c ON c.tenant_id = $1 AND c.borrower_id = s.borrower_id AND c.state = {ACCEPTED}
         AND c.sent_at <= s.event_at AND c.sent_at > s.event_at - {WINDOW}
    WHERE s.kind = ANY($3)
    ORDER BY s.borrower_id, s.event_at, c.sent_at DESC, c.contact_id
), earliest AS (SELECT contact_id, min(event_at) AS event_at FROM found GROUP BY contact_id)
"""
ATTRIBUTE = f"""
WITH sought AS (UPDATE response SET attributed_at = $2 WHERE {UNATTRIBUTED} RETURNING borrower_id, event_at, kind),
{EARLIEST}
UPDATE contact c SET responded_at = least(c.responded_at, e.event_at) FROM earliest e
WHERE c.tenant_id = $1 AND c.contact_id = e.contact_id
"""
# Everything sent before the tick that was not learned for good. What happens at or after the tick is not known yet.
UNLEARNED = f"tenant_id = $1 AND state = {ACCEPTED} AND learned_at IS NULL AND sent_at < $2"
OUTCOME = f"""
SELECT channel, slot, features, sent_at, contact_id, sent_at + {WINDOW} < $2 AS is_closed,
       (extract(epoch FROM date_trunc('hour', sent_at) - date_trunc('hour', not_before)) / 3600)::int AS late_h,
       CASE WHEN responded_at < $2 AND responded_at <= sent_at + {WINDOW} THEN responded_at END AS answered_at
"""
TAKE_UNLEARNED = f"""
WITH known AS ({OUTCOME} FROM contact WHERE {UNLEARNED}), closed AS (
    UPDATE contact c SET learned_at = $2 FROM known k
    WHERE c.tenant_id = $1 AND c.contact_id = k.contact_id AND k.is_closed
)
SELECT * FROM known ORDER BY sent_at, contact_id
"""
# The same, with the answers that a tick would attribute, and nothing written.
PEEK_UNLEARNED = f"""
WITH sought AS (SELECT borrower_id, event_at, kind FROM response WHERE {UNATTRIBUTED}), {EARLIEST}
{OUTCOME}
FROM (SELECT channel, slot, features, sent_at, not_before, contact_id, least(responded_at, event_at) AS responded_at
      FROM contact LEFT JOIN earliest USING (contact_id) WHERE {UNLEARNED}) c
ORDER BY sent_at, contact_id
"""
OTHERS = """
SELECT DISTINCT ON (tenant_id) summary FROM model_state
WHERE tenant_id <> $1 AND learned_at < $2 ORDER BY tenant_id, version DESC
"""


class Outcome(NamedTuple):
    """What is known of one contact at a tick."""

    channel: int
    slot: int  # hour of the week at which it was sent, on the borrower's clock
    features: bytes
    sent_at: datetime
    answered_at: datetime | None
    is_closed: bool  # no answer can be attributed to it any more


class ModelVersion(NamedTuple):
    """A stored model; `summary` is all that other tenants' models ever see of it."""

    version: int
    blob: bytes
    outcomes: int
    summary: bytes


async def take_outcomes(connection: Connection, tenant_id: UUID, tick_at: datetime) -> list[Outcome]:
    """Return what was sent before the tick and is not learned for good, oldest first; mark the closed as learned."""
    await connection.execute(ATTRIBUTE, tenant_id, tick_at, sorted(ANSWERS))
    return [_outcome(row) for row in await connection.fetch(TAKE_UNLEARNED, tenant_id, tick_at)]


async def peek_outcomes(connection: Connection, tenant_id: UUID, now: datetime) -> list[Outcome]:
    """Return what a tick would take at this instant; nothing is marked."""
    return [_outcome(row) for row in await connection.fetch(PEEK_UNLEARNED, tenant_id, now, sorted(ANSWERS))]


def _outcome(row: Any) -> Outcome:
    return Outcome(
        row["channel"], (row["slot"] + row["late_h"]) % 168, row["features"], row["sent_at"], row["answered_at"],
        row["is_closed"],
    )  # fmt: skip


async def latest_model(connection: Connection, tenant_id: UUID, *, to_change: bool) -> ModelVersion | None:
    """Return the latest version of a tenant's model, or None; held for this transaction where it is to change."""
    row = await connection.fetchrow(
        "SELECT version, blob, outcomes, summary FROM model_state WHERE tenant_id = $1 "
        f"ORDER BY version DESC LIMIT 1{' FOR UPDATE' if to_change else ''}",
        tenant_id,
    )
    return None if row is None else ModelVersion(*row.values())


async def latest_summary(connection: Connection, tenant_id: UUID) -> tuple[bytes, datetime] | None:
    """Return the latest summary of a tenant's model and when it was learned, or None."""
    row = await connection.fetchrow(
        "SELECT summary, learned_at FROM model_state WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1", tenant_id
    )
    return None if row is None else (row["summary"], row["learned_at"])


async def other_summaries(connection: Connection, tenant_id: UUID, tick_at: datetime) -> list[bytes]:
    """Return the latest summary of each other tenant's model that was learned before the tick."""
    return [row["summary"] for row in await connection.fetch(OTHERS, tenant_id, tick_at)]


async def keep_model(connection: Connection, tenant_id: UUID, model: ModelVersion, now: datetime) -> None:
    """Write a new version and forget the oldest."""
    await connection.execute(
        "INSERT INTO model_state (tenant_id, version, blob, outcomes, summary, learned_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        tenant_id, *model, now,
    )  # fmt: skip
    await connection.execute(
        "DELETE FROM model_state WHERE tenant_id = $1 AND version <= $2", tenant_id, model.version - VERSIONS_KEPT
    )
