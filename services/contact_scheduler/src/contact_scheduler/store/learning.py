"""What the response model learns from, and its versions."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from contact_scheduler.contacts import ANSWERS, ATTRIBUTION, ContactPhase
from forbear_chassis.postgres import UUID, Connection

VERSIONS_KEPT = 8
ACCEPTED = ContactPhase.ACCEPTED.value
WINDOW = f"interval '{int(ATTRIBUTION.total_seconds())} seconds'"

# An answer without a contact belongs to the last one before it, within the window.
ATTRIBUTE = f"""
WITH sought AS (
    UPDATE response SET attributed_at = $2
    WHERE tenant_id = $1 AND contact_id IS NULL AND attributed_at IS NULL AND event_at < $2
    RETURNING borrower_id, event_at, kind
), found AS (
    SELECT DISTINCT ON (s.borrower_id, s.event_at) c.contact_id, s.event_at FROM sought s
    JOIN contact c ON c.tenant_id = $1 AND c.borrower_id = s.borrower_id AND c.state = {ACCEPTED}
         AND c.sent_at <= s.event_at AND c.sent_at > s.event_at - {WINDOW}
    WHERE s.kind = ANY($3)
    ORDER BY s.borrower_id, s.event_at, c.sent_at DESC, c.contact_id
), earliest AS (SELECT contact_id, min(event_at) AS event_at FROM found GROUP BY contact_id)
UPDATE contact c SET responded_at = least(c.responded_at, e.event_at) FROM earliest e
WHERE c.tenant_id = $1 AND c.contact_id = e.contact_id
"""
# Settled before the tick: answered within the window, or silent until its end.
TAKE_SETTLED = f"""
WITH settled AS (
    SELECT contact_id, sent_at, responded_at <= sent_at + {WINDOW} AS has_answered,
           CASE WHEN responded_at <= sent_at + {WINDOW} THEN responded_at ELSE sent_at + {WINDOW} END AS settled_at
    FROM contact
    WHERE tenant_id = $1 AND state = {ACCEPTED} AND learned_at IS NULL
      AND (responded_at < $2 OR sent_at + {WINDOW} < $2)
), marked AS (
    UPDATE contact c SET learned_at = $2 FROM settled s
    WHERE c.tenant_id = $1 AND c.contact_id = s.contact_id AND s.settled_at < $2
    RETURNING c.contact_id, c.channel, c.slot, c.features, s.settled_at,
        coalesce(s.has_answered, false) AS has_answered,
        (extract(epoch FROM date_trunc('hour', c.sent_at) - date_trunc('hour', c.not_before)) / 3600)::int AS late_h
)
SELECT * FROM marked ORDER BY settled_at, contact_id
"""


class Outcome(NamedTuple):
    """One contact whose answer is known, or whose window has closed."""

    channel: int
    slot: int  # hour of the week at which it was sent, on the borrower's clock
    features: bytes
    has_answered: bool


class ModelVersion(NamedTuple):
    """A stored model."""

    version: int
    blob: bytes
    outcomes: int


async def take_outcomes(connection: Connection, tenant_id: UUID, tick_at: datetime) -> list[Outcome]:
    """Return what settled before the tick and was not learned yet, in order, and mark it as learned."""
    await connection.execute(ATTRIBUTE, tenant_id, tick_at, sorted(ANSWERS))
    rows = await connection.fetch(TAKE_SETTLED, tenant_id, tick_at)
    return [
        Outcome(row["channel"], (row["slot"] + row["late_h"]) % 168, row["features"], row["has_answered"])
        for row in rows
    ]


async def latest_model(connection: Connection, tenant_id: UUID) -> ModelVersion | None:
    """Return the latest version of a tenant's model, held for this transaction, or None."""
    row = await connection.fetchrow(
        "SELECT version, blob, outcomes FROM model_state WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1 FOR UPDATE",
        tenant_id,
    )
    return None if row is None else ModelVersion(row["version"], row["blob"], row["outcomes"])


async def keep_model(connection: Connection, tenant_id: UUID, model: ModelVersion, now: datetime) -> None:
    """Write a new version and forget the oldest."""
    await connection.execute("INSERT INTO model_state VALUES ($1, $2, $3, $4, $5)", tenant_id, *model, now)
    await connection.execute(
        "DELETE FROM model_state WHERE tenant_id = $1 AND version <= $2", tenant_id, model.version - VERSIONS_KEPT
    )
