"""Group commit: every event is durable before it is acknowledged, and events that wait together share one commit.

While one commit is on its way, later events gather and go with the next, so the cost of a commit is shared exactly
when it matters. Nothing is acknowledged that is not durable; when the database is away, every waiter learns it.
"""

from __future__ import annotations

import asyncio

from forbear_chassis.postgres import Pool
from forbear_chassis.worker import TRANSIENT
from response_tracker.events import Event

BATCH_MAX = 500
WAITING_MAX = 10_000  # some seconds of the heaviest load; beyond it the provider is asked to come again

INSERT = """
INSERT INTO event (id, kind, attempt_id, body, received_at)
SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::bytea[], $5::timestamptz[])
ON CONFLICT (id) DO NOTHING RETURNING id
"""


class IntakeFull(OSError):
    """Too many events wait to become durable: the sender must come again."""


class Intake:
    """Takes events; `take` returns once the event is durable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Event, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    async def take(self, event: Event) -> bool:
        """Make an event durable; return whether it is new. Idempotent by id.

        Raises IntakeFull or what the database raised when it is not durable.
        """
        if len(self._waiting) >= WAITING_MAX:
            raise IntakeFull("too many events wait to be written")
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, future))
        if self._task is None:
            self._task = asyncio.create_task(self._write_all(), name="intake")
        return await future

    async def close(self) -> None:
        """Wait until what was taken is written."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                await self._write(batch)
        finally:
            self._task = None

    async def _write(self, batch: list[tuple[Event, asyncio.Future[bool]]]) -> None:
        events = {event.id: event for event, _ in batch}.values()
        try:
            rows = await self._pool.fetch(
                INSERT,
                [event.id for event in events],
                [int(event.kind) for event in events],
                [event.attempt_id for event in events],
                [event.body for event in events],
                [event.received_at for event in events],
            )
        except TRANSIENT as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        new = {row["id"] for row in rows}
        for event, future in batch:
            if not future.done():
                future.set_result(event.id in new)
                new.discard(event.id)
