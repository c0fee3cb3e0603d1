"""Does what time brings: promises and instalments that were not kept, and contacts that are due to follow."""

from __future__ import annotations

from collections.abc import Callable

from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import Pass
from response_tracker.settle import Settler
from response_tracker.store import commitments, outgoing

BATCH_MAX = 500


class Due:
    """The worker of everything that waits for an instant. `wake` tells the relays."""

    def __init__(self, pool: Pool, clock: Clock, settler: Settler, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._clock = clock
        self._settler = settler
        self._wake = wake

    async def run_once(self) -> Pass:
        """Make one pass of the worker loop."""
        done = await self._settler.run_due()
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                done += await outgoing.release_follow_ups(connection, self._clock.now(), BATCH_MAX)
            if not done:
                settle_at = await commitments.next_settle_at(connection)
                follow_at = await outgoing.next_follow_up_at(connection)
                return Pass(0, min((at for at in (settle_at, follow_at) if at is not None), default=None))
        self._wake()
        return Pass(done)
