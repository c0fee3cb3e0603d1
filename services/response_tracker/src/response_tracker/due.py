"""Does what time brings: promises and instalments not kept, contacts that are to follow, cases that nobody took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection, Pool
from forbear_chassis.worker import Pass
from response_tracker import metrics
from response_tracker.duties import Reason
from response_tracker.settle import Settler
from response_tracker.store import cases, commitments, outgoing

BATCH_MAX = 500
WATCH_EVERY = timedelta(seconds=15)  # Prometheus asks about as often


class Due:
    """The worker of everything that waits for an instant. `wake` tells the relays."""

    def __init__(self, pool: Pool, clock: Clock, settler: Settler, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._clock = clock
        self._settler = settler
        self._wake = wake
        self._watched_at: datetime | None = None

    async def run_once(self) -> Pass:
        """Make one pass of the worker loop."""
        async with self._pool.acquire() as connection:
            await self._watch(connection)
            settle_at = await commitments.next_settle_at(connection)
            follow_at = await outgoing.next_follow_up_at(connection)
        due_at = min((at for at in (settle_at, follow_at) if at is not None), default=None)
        now = self._clock.now()
        if due_at is None or due_at > now:
            return Pass(0, due_at)
        done = await self._settler.run_due()
        async with self._pool.acquire() as connection, connection.transaction():
            done += await outgoing.release_follow_ups(connection, now, BATCH_MAX)
        self._wake()
        return Pass(done, due_at)

    async def _watch(self, connection: Connection) -> None:
        """Tell, once in a while, how many cases wait and how many are overdue."""
        now = self._clock.now()
        if self._watched_at is not None and now - self._watched_at < WATCH_EVERY:
            return
        self._watched_at = now
        counts = await cases.count_by_reason(connection, now)
        for reason in Reason:
            waiting, overdue = counts.get(reason, (0, 0))
            metrics.CASES_OPEN.labels(reason.value).set(waiting)
            metrics.CASES_OVERDUE.labels(reason.value).set(overdue)
