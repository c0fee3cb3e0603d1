"""Forgets what is kept for a time only: answers for repeated calls, what unknown contacts would have said, evidence."""

from __future__ import annotations

from datetime import datetime, timedelta

from channel_dispatcher.erase import Erasure
from channel_dispatcher.store import address_use, answers, borrower_keys, unknown
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import Pass

ANSWERS_KEPT = timedelta(days=7)  # nobody repeats a call that long: hand-overs are retried within minutes of an outage
UNKNOWN_KEPT = timedelta(days=30)  # for the person whose turn it is when the provider cannot tell
ROWS_A_PASS = 1_000


class Housekeeping:
    """The worker. Its next pass is due in the night after the oldest of what is kept has had its time.

    Nobody wakes it when there is something to keep: while there is nothing, it looks again the next night.
    """

    def __init__(self, pool: Pool, clock: Clock, erasure: Erasure) -> None:
        self._erasure = erasure
        self._pool = pool
        self._clock = clock

    async def run_once(self) -> Pass:
        """Forget what is old enough, in small transactions; say when the next is."""
        now = self._clock.now()
        async with self._pool.acquire() as connection:
            forgotten = await answers.forget(connection, now - ANSWERS_KEPT, ROWS_A_PASS)
            forgotten += await unknown.forget_bodies(connection, now - UNKNOWN_KEPT, ROWS_A_PASS)
            forgotten += await address_use.forget(connection, now - address_use.SHARED_FOR, ROWS_A_PASS)
            async with connection.transaction():
                forgotten += await self._erasure.review(connection)
            if forgotten:
                return Pass(forgotten)
            kept = [
                (await answers.oldest(connection), ANSWERS_KEPT),
                (await unknown.oldest_body(connection), UNKNOWN_KEPT),
            ]
            review_at = await borrower_keys.next_review(connection)
        nights = [_night_after(since + time) for since, time in kept if since is not None] or [_night_after(now)]
        return Pass(0, min([*nights, *([_night_after(review_at)] if review_at else [])]))


def _night_after(instant: datetime) -> datetime:
    """Once a day is often enough, and a stepped clock is not stopped for each row."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
