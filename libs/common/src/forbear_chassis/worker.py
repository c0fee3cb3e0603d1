"""Background loops, and what a process can say about how busy it is.

A worker is a coroutine function that makes one pass: it takes what is due, finishes it durably, and says how much it
did and when it wants to be called again. The loop around it calls again at once while there is work, waits when there
is none, backs off when the world fails (database away, peer away), and lets a bug end the process. A pass that is
running at shutdown is finished, never cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import NamedTuple

import asyncpg
import grpc
import structlog
from prometheus_client import Counter

from forbear_chassis.clock import Clock, ClockError, IdleReport

# What the world may do to us at any moment: try again later. Everything else is a bug of ours and ends the process.
TRANSIENT = (
    OSError,
    TimeoutError,
    ClockError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that broke in the middle of an exchange
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.DiskFullError,
    grpc.aio.AioRpcError,
)

PASSES_FAILED = Counter("forbear_worker_passes_failed_total", "passes that the world let fail", ["worker"])
ITEMS_DONE = Counter("forbear_worker_items_done_total", "items that passes have finished durably", ["worker"])

IDLE_POLL_S = 0.5
BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0

log = structlog.get_logger(__name__)


class Pass(NamedTuple):
    """What one pass did: how many items, and when the next is due (None: when woken)."""

    done: int
    next_due_at: datetime | None = None


class WorkerLoop:
    """Calls one worker for as long as the process lives.

    On a stepped clock it is called when it is woken and when a step reaches what it said is due. One that watches for
    what nobody announces, such as the death of another process, looks at `every_step`.
    """

    def __init__(
        self,
        name: str,
        run_once: Callable[[], Awaitable[Pass]],
        clock: Clock,
        idle_poll_s: float = IDLE_POLL_S,
        *,
        every_step: bool = False,
    ) -> None:
        self.name = name
        self.next_due_at: datetime | None = None
        self.done = 0
        self._run_once = run_once
        self._clock = clock
        self._idle_poll_s = idle_poll_s
        self._every_step = every_step and clock.is_simulated
        self._wake = asyncio.Event()
        self._is_busy = True
        self._checked_at: datetime | None = None
        self._failed, self._finished = PASSES_FAILED.labels(name), ITEMS_DONE.labels(name)

    def wake(self) -> None:
        """Say that there may be work now. Call it after the commit that made the work visible."""
        self._wake.set()

    def is_idle(self) -> bool:
        """Return whether the last pass found nothing, nothing fell due since, and nobody woke the worker."""
        if self._is_busy or self._wake.is_set() or self._checked_at is None:
            return False
        now = self._clock.now()
        if self._every_step and self._checked_at < now:
            return False
        return self.next_due_at is None or self.next_due_at > now

    async def run(self, stop: asyncio.Event) -> None:
        """Make passes until `stop` is set; set it together with `wake`."""
        backoff_s = BACKOFF_MIN_S
        while not stop.is_set():
            self._wake.clear()
            self._is_busy = True
            try:
                started_at = self._clock.now()
                result = await self._run_once()
            except TRANSIENT as error:
                log.warning("pass_failed", worker=self.name, error=_name(error), retry_s=backoff_s)
                self._failed.inc()
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
                continue
            backoff_s = BACKOFF_MIN_S
            self.done += result.done
            self._finished.inc(result.done)
            if result.done or self._was_overtaken(started_at, result.next_due_at):
                continue  # there may be more
            self.next_due_at = result.next_due_at
            self._checked_at = started_at
            self._is_busy = False
            until = started_at if self._every_step else result.next_due_at
            await self._clock.wait(self._wake, until, self._idle_poll_s)

    def _was_overtaken(self, started_at: datetime, due_at: datetime | None) -> bool:
        """Return whether a peer has carried a stepped clock on to what is due, while the pass ran."""
        now = self._clock.now() if self._clock.is_simulated else started_at
        return now > started_at and (self._every_step or (due_at is not None and started_at < due_at <= now))


def _name(error: BaseException) -> str:
    """Return what a log may say of an error: its type, and of a call its code, such as INVALID_ARGUMENT."""
    kind = type(error).__name__
    return f"{kind}: {error.code().name}" if isinstance(error, grpc.aio.AioRpcError) else kind


def wake_all(loops: Iterable[WorkerLoop]) -> None:
    """Wake loops; call it after the commit that made work for them visible."""
    for loop in loops:
        loop.wake()


class Activity:
    """Everything in a process that can be busy: worker loops, and calls that came in."""

    def __init__(self) -> None:
        self.on_end: Callable[[], None] | None = None  # called when a call has been answered
        self._loops: list[WorkerLoop] = []
        self._in_flight = 0
        self._calls = 0

    def add(self, loop: WorkerLoop) -> None:
        """Count a worker loop in."""
        self._loops.append(loop)

    def __enter__(self) -> None:
        self._in_flight += 1
        self._calls += 1

    def __exit__(self, *_: object) -> None:
        self._in_flight -= 1
        if self.on_end is not None:
            self.on_end()

    @property
    def in_flight(self) -> int:
        """Calls being answered now."""
        return self._in_flight

    def report(self) -> IdleReport:
        """Return whether the process is idle, when something falls due, and a number that grows with all it does."""
        due = [loop.next_due_at for loop in self._loops if loop.next_due_at is not None]
        return IdleReport(
            idle=self._in_flight == 0 and all(loop.is_idle() for loop in self._loops),
            next_due_at=min(due, default=None),
            activity=self._calls + sum(loop.done for loop in self._loops),
        )
