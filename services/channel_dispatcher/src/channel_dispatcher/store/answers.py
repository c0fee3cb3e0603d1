"""First answers of calls that change something: a repeat under the same request id gets the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from forbear_chassis.postgres import Connection


async def find(connection: Connection, request: UUID, method: str) -> bytes | None:
    """Return the first answer, or None. Waits for a call with the same id that is still under way."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{method}:{request}")
    answer: bytes | None = await connection.fetchval(
        "SELECT answer FROM rpc_answer WHERE request_id = $1 AND method = $2", request, method
    )
    return answer


async def keep(connection: Connection, request: UUID, method: str, answer: bytes, now: datetime) -> None:
    """Keep the answer in the transaction of what it answers."""
    await connection.execute(
        "INSERT INTO rpc_answer (request_id, method, answer, answered_at) VALUES ($1, $2, $3, $4)",
        request,
        method,
        answer,
        now,
    )


async def forget(connection: Connection, before: datetime, at_most: int) -> int:
    """Delete answers that nobody will ask for again; return how many."""
    tag: str = await connection.execute(
        "DELETE FROM rpc_answer WHERE request_id IN"
        " (SELECT request_id FROM rpc_answer WHERE answered_at <= $1 ORDER BY answered_at LIMIT $2)",
        before,
        at_most,
    )
    return int(tag.rpartition(" ")[2])


async def oldest(connection: Connection) -> datetime | None:
    """Return when the oldest answer that is kept was given."""
    found: datetime | None = await connection.fetchval("SELECT min(answered_at) FROM rpc_answer")
    return found


async def claim(connection: Connection, ids: Sequence[UUID], method: str, now: datetime) -> set[UUID]:
    """Remember ids under a method and return those that nobody had remembered: each is acted on once."""
    rows = await connection.fetch(
        "INSERT INTO rpc_answer (request_id, method, answer, answered_at) "
        "SELECT DISTINCT id, $2, ''::bytea, $3::timestamptz FROM unnest($1::uuid[]) AS id ORDER BY id "
        "ON CONFLICT (request_id) DO NOTHING RETURNING request_id",
        list(ids),
        method,
        now,
    )
    return {row["request_id"] for row in rows}
