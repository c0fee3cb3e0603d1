"""Hand-over between services: an outbox on the giving side, idempotent taking on the other.

The giving service writes rows into its table `outbox(id bigserial, topic text, body bytea)` in the same transaction
as the fact they tell of. `relay` sends them in order, in batches over one gRPC stream, and deletes them once the
taker has acknowledged the batch as durable. A crash in between sends a batch again, under the same ids. A taker that
takes one request a call is made a stream of by `one_by_one`.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from forbear_chassis.postgres import Pool
from forbear_chassis.worker import Pass

BATCH_ROWS_MAX = 500
BATCHES_A_PASS_MAX = 8
TIMEOUT_S = 30.0


WAITING = """
SELECT id, body FROM outbox WHERE topic = $1 AND NOT EXISTS (SELECT FROM outbox WHERE topic = $3) ORDER BY id LIMIT $2
"""


class StreamCall(Protocol):
    """A stub's stream-stream method."""

    def __call__(self, requests: AsyncIterator[Any], *, timeout: float) -> AsyncIterator[Any]: ...


def one_by_one(call: Callable[..., Awaitable[Any]]) -> StreamCall:
    """Let a call of one request and one response be used like a stream of them."""

    async def stream(requests: AsyncIterator[Any], *, timeout: float) -> AsyncIterator[Any]:
        async for request in requests:
            yield await call(request, timeout=timeout)

    return stream


async def relay(
    pool: Pool,
    topic: str,
    call: StreamCall,
    build: Callable[[str, list[bytes]], Any],
    *,
    batch_rows: int = BATCH_ROWS_MAX,
    after: str = "",
) -> Pass:
    """Send what waits under `topic`; `build(request_id, bodies)` makes one request. Returns the rows handed over.

    Rows of one topic are taken by one relay at a time (a transaction-level advisory lock), so their order is kept.
    Nothing is sent while anything waits under the topic `after`, which whoever wrote the rows committed no later.
    """
    if not await pool.fetchval("SELECT EXISTS (SELECT FROM outbox WHERE topic = $1)", topic):
        return Pass(0)
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock(hashtext($1))", f"outbox:{topic}"):
            return Pass(0)
        rows = await connection.fetch(WAITING, topic, batch_rows * BATCHES_A_PASS_MAX, after)
        if not rows:
            return Pass(0)
        batches = [rows[start : start + batch_rows] for start in range(0, len(rows), batch_rows)]

        async def requests() -> AsyncIterator[Any]:
            for batch in batches:
                named = ",".join(str(row["id"]) for row in batch)
                request_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{topic}:{named}"))
                yield build(request_id, [row["body"] for row in batch])

        acknowledged = 0
        async for _ in call(requests(), timeout=TIMEOUT_S):
            acknowledged += len(batches[acknowledged // batch_rows])
        if acknowledged:
            # By id, never "up to the last": whoever drew a smaller id may have committed it only after we read.
            await connection.execute(
                "DELETE FROM outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows[:acknowledged]]
            )
        return Pass(acknowledged)
