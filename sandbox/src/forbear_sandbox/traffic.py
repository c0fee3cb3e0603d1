"""What the world has in hand: events to come, and reactions in flight.

The time may move on only when nothing is in flight.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any, NamedTuple

from forbear_chassis.clock import SystemClock

AT_ONCE_MAX = 32  # reactions in flight side by side: enough to keep the services busy, not enough to drown them

Action = Callable[[], Awaitable[None]]


class Entry(NamedTuple):
    """One event to come. The key orders events of one instant, so that order never depends on arrival."""

    at: datetime
    key: str
    number: int
    action: Action

    async def perform(self) -> None:
        """Let it happen."""
        await self.action()


class Agenda:
    """Events to come, soonest first."""

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._count = 0
        self.added = asyncio.Event()

    @property
    def next_at(self) -> datetime | None:
        """The instant of the soonest event."""
        return self._heap[0].at if self._heap else None

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, at: datetime, key: str, action: Action) -> None:
        """Put an event down."""
        self._count += 1
        heapq.heappush(self._heap, Entry(at, key, self._count, action))
        self.added.set()

    def take_due(self, now: datetime) -> list[Entry]:
        """Take the events that are due, in order."""
        due = []
        while self._heap and self._heap[0].at <= now:
            due.append(heapq.heappop(self._heap))
        return due


class Traffic:
    """Counts requests being answered and reactions being made."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.activity = 0
        self.failures: list[str] = []
        self.on_rest: Callable[[], None] | None = None  # called when nothing is in flight any more
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)

    def __enter__(self) -> None:
        self.in_flight += 1
        self.activity += 1

    def __exit__(self, *_: object) -> None:
        self.in_flight -= 1
        if not self.in_flight and self.on_rest is not None:
            self.on_rest()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run a reaction beside everything else; it counts as in flight from now until its end."""
        self.__enter__()
        task = asyncio.create_task(self._run(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._settle)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        async with self._slots:
            await work

    def _settle(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.__exit__()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Kept and shown by the control API: a bug of the sandbox must fail the run that met it.
            self.failures.append(f"{task.get_name()}: {type(error).__name__}: {error}")


class WorldTime:
    """The instant of the world: stepped by the coordinator, or the machine's."""

    def __init__(self, start: datetime | None) -> None:
        self._now = start
        self._system = SystemClock()

    @property
    def is_stepped(self) -> bool:
        """Whether the coordinator moves this time."""
        return self._now is not None

    def now(self) -> datetime:
        """Return the present instant."""
        return self._now if self._now is not None else self._system.now()

    def move_to(self, instant: datetime) -> None:
        """Step to an instant; the time never runs back."""
        assert self._now is not None, "only a stepped time is moved"
        assert instant >= self._now, "the time never runs back"
        self._now = instant
