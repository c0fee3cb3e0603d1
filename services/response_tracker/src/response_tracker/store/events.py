"""Raw events: claimed one by one or in batches, marked with what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from forbear_chassis.postgres import Connection
from response_tracker.events import Event, Kind

# How long an event that names an attempt waits for the dispatcher to tell of it.
ATTEMPT_WAIT = timedelta(hours=24)
# An event that ended the process so often is put aside for a person instead of ending it again.
TRIES_MAX = 5

_COLUMNS = "id, kind, attempt_id, body, received_at"
_KNOWN = "(attempt_id IS NULL OR received_at <= $1 OR EXISTS (SELECT FROM attempt WHERE attempt.id = event.attempt_id))"


def _event(row: Any) -> Event:
    return Event(row["id"], Kind(row["kind"]), row["attempt_id"], row["body"], row["received_at"])


async def claim(connection: Connection, event_id: UUID) -> Event | None:
    """Lock one event that nobody has processed; None when somebody has."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM event WHERE id = $1 AND processed_at IS NULL FOR UPDATE", event_id
    )
    return None if row is None else _event(row)


async def claim_statuses(connection: Connection, now: datetime, limit: int) -> list[Event]:
    """Lock a batch of provider statuses whose attempts are known, oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM event WHERE processed_at IS NULL AND kind = $2 AND {_KNOWN} "
        "ORDER BY received_at, id LIMIT $3 FOR UPDATE SKIP LOCKED",
        now - ATTEMPT_WAIT,
        int(Kind.STATUS),
        limit,
    )
    return [_event(row) for row in rows]


async def waiting(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """Return the ids of other events that nobody has processed, oldest first."""
    rows = await connection.fetch(
        f"SELECT id FROM event WHERE processed_at IS NULL AND kind <> $2 AND {_KNOWN} "
        "ORDER BY received_at, id LIMIT $3",
        now - ATTEMPT_WAIT,
        int(Kind.STATUS),
        limit,
    )
    return [row["id"] for row in rows]


async def count_try(connection: Connection, event_id: UUID) -> int:
    """Count one try at an event, durably before the try, and return the number of tries."""
    tries: int | None = await connection.fetchval(
        "UPDATE event SET tries = tries + 1 WHERE id = $1 RETURNING tries", event_id
    )
    return tries or 0


async def fate_of(connection: Connection, event_id: UUID) -> str | None:
    """Return what became of an event; None while nothing has."""
    fate: str | None = await connection.fetchval("SELECT fate FROM event WHERE id = $1", event_id)
    return fate


async def finish(
    connection: Connection, event_ids: Sequence[UUID], at: datetime, fate: str, tenant_id: UUID | None = None
) -> None:
    """Say what became of events."""
    await connection.execute(
        "UPDATE event SET processed_at = $2, fate = $3, tenant_id = $4 WHERE id = ANY($1)",
        event_ids,
        at,
        fate,
        tenant_id,
    )


async def count_kind(
    connection: Connection, attempt_id: UUID, kind: Kind, since: datetime, containing: bytes = b""
) -> int:
    """Return how many events of one kind came for an attempt since an instant, with these bytes in them."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM event WHERE attempt_id = $1 AND kind = $2 AND received_at >= $3 "
        "AND position($4::bytea IN body) > 0",
        attempt_id,
        int(kind),
        since,
        containing,
    )
    return count


async def next_due_at(connection: Connection) -> datetime | None:
    """Return when the oldest event that still waits for its attempt is given up."""
    oldest: datetime | None = await connection.fetchval(
        "SELECT min(received_at) FROM event WHERE processed_at IS NULL AND attempt_id IS NOT NULL"
    )
    return None if oldest is None else oldest + ATTEMPT_WAIT
