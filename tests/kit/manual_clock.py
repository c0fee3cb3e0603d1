"""A clock that moves only when the test says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

NOON_IN_NEW_YORK = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


class ManualClock:
    """Implements `forbear_chassis.clock.Clock`; waits end as on the stepped clock."""

    is_simulated = True

    def __init__(self, now: datetime = NOON_IN_NEW_YORK) -> None:
        self._now = now
        self._waiters: dict[asyncio.Event, datetime | None] = {}

    def now(self) -> datetime:
        """Return the instant the test has set."""
        return self._now

    def observe(self, peer_now: datetime) -> None:
        """Move on to the instant of a peer that is further."""
        self.move_to(max(peer_now, self._now))

    def advance(self, by: timedelta) -> datetime:
        """Move on by a duration and return the new instant."""
        return self.move_to(self._now + by)

    def move_to(self, instant: datetime) -> datetime:
        """Move to an instant, which must not be earlier."""
        assert instant >= self._now, "the time never runs back"
        if instant > self._now:
            self._now = instant
            for waiter, until in self._waiters.items():
                if until is not None and until <= instant:
                    waiter.set()
        return self._now

    async def wait(self, wake: asyncio.Event, until: datetime | None, at_most_s: float) -> None:
        """Return when `wake` is set, when the time is moved to `until`, or after `at_most_s` seconds of real time."""
        self._waiters[wake] = until
        try:
            async with asyncio.timeout(at_most_s):
                await wake.wait()
        except TimeoutError:
            return
        finally:
            del self._waiters[wake]
