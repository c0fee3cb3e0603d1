"""Where the time comes from.

Every rule takes `now` as an argument; the one `Clock` of a process is made in its composition root. `SystemClock` is
the machine's. `SimulatedClock` follows a coordinator that steps the time forward when nothing is due and nothing is
in flight (DESIGN, sections 6 and 7): the same seed then gives the same month on any machine. This is the only module
that may read the machine's clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import orjson

SKEW_MAX = timedelta(minutes=2)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONNECT_TIMEOUT_S = 30.0


class ClockError(RuntimeError):
    """The time cannot be trusted: nothing may be sent."""


@dataclass(frozen=True, slots=True)
class IdleReport:
    """What a process says about itself when the coordinator asks whether the time may move on."""

    idle: bool
    next_due_at: datetime | None
    activity: int


class Clock(Protocol):
    """Gives the time and waits on it."""

    @property
    def is_simulated(self) -> bool: ...

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""

    def observe(self, peer_now: datetime) -> None:
        """Compare with the clock of a peer that called us. Raises ClockError when they are too far apart."""

    async def wait(self, wake: asyncio.Event, until: datetime | None, at_most_s: float) -> None:
        """Return when `wake` is set, when `until` is reached, or after `at_most_s` seconds of real time.

        On a simulated clock an `until` that is reached already means the next step, whatever its instant.
        """


def from_epoch_us(microseconds: int) -> datetime:
    """Turn microseconds since 1970 into an aware instant, exactly."""
    return EPOCH + timedelta(microseconds=microseconds)


def to_epoch_us(instant: datetime) -> int:
    """Turn an aware instant into microseconds since 1970, exactly."""
    since = instant - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def monotonic_s() -> float:
    """Return seconds of a clock that never jumps, for measuring durations only."""
    return time.monotonic()


class SystemClock:
    """The machine's clock. It refuses to run backwards by more than the tolerated skew."""

    is_simulated = False

    def __init__(self) -> None:
        self._latest = datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present instant. Raises ClockError when the machine's clock jumped back."""
        now = datetime.now(UTC)
        if now < self._latest - SKEW_MAX:
            raise ClockError(f"the machine's clock jumped back by {self._latest - now}; correct it and restart")
        self._latest = max(self._latest, now)
        return now

    def observe(self, peer_now: datetime) -> None:
        """Raise ClockError when a peer's clock differs by more than SKEW_MAX."""
        skew = peer_now - self.now()
        if abs(skew) > SKEW_MAX:
            raise ClockError(f"the caller's clock differs by {skew}, more than {SKEW_MAX}; check NTP on both machines")

    async def wait(self, wake: asyncio.Event, until: datetime | None, at_most_s: float) -> None:
        """Return when `wake` is set, when `until` is reached, or after `at_most_s` seconds."""
        timeout_s = at_most_s if until is None else min(at_most_s, max(0.0, (until - self.now()).total_seconds()))
        await _wait_event(wake, timeout_s)


class SimulatedClock:
    """Follows the coordinator of a simulation over one TCP connection of JSON lines.

    The coordinator sends `{"op":"step","now":us}` and `{"op":"probe","n":k}`; this side says hello once, acknowledges
    steps and answers probes. Whoever answered that it is busy says `{"op":"idle"}` once it no longer is. The time never
    runs back: `observe` lets a peer that is already further carry this clock along, so that two processes of one step
    never disagree. When the connection ends, the time stands still.
    """

    is_simulated = True

    def __init__(self, report: Callable[[], IdleReport], name: str) -> None:
        self._report = report
        self._name = name
        self._now: datetime | None = None
        self._stepped = asyncio.Event()
        self._waiters: dict[asyncio.Event, datetime | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._owes_news = False

    async def connect(self, host: str, port: int) -> None:
        """Join the simulation and return once the first instant is known. Raises ClockError when nobody answers."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(host, port)
                writer.write(orjson.dumps({"op": "hello", "name": self._name}) + b"\n")
                self._writer = writer
                self._task = asyncio.create_task(self._follow(reader, writer), name="simulated-clock")
                await self._stepped.wait()
        except (OSError, TimeoutError) as error:
            raise ClockError(f"no simulated clock at {host}:{port} within {CONNECT_TIMEOUT_S:.0f} s") from error

    def now(self) -> datetime:
        """Return the instant of the simulation."""
        if self._now is None:
            raise ClockError("the simulated clock was asked before it was connected")
        return self._now

    def observe(self, peer_now: datetime) -> None:
        """Move on to the instant of a peer that is further in the same step."""
        self._advance(peer_now)

    async def wait(self, wake: asyncio.Event, until: datetime | None, at_most_s: float) -> None:
        """Return when `wake` is set, when a step reaches `until`, or after `at_most_s` seconds."""
        self._waiters[wake] = until
        self.tell_if_idle()
        try:
            await _wait_event(wake, at_most_s)
        finally:
            del self._waiters[wake]

    def tell_if_idle(self) -> None:
        """Tell a coordinator that found us busy that we no longer are; to be called whenever something has ended."""
        if self._owes_news and self._writer is not None and self._report().idle:
            self._owes_news = False
            self._writer.write(b'{"op":"idle"}\n')

    async def close(self) -> None:
        """Leave the simulation."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _advance(self, instant: datetime) -> None:
        if self._now is None or instant > self._now:
            self._now = instant
            for waiter, until in self._waiters.items():
                if until is not None and until <= instant:
                    waiter.set()
        self._stepped.set()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                message = orjson.loads(line)
                if message["op"] == "step":
                    self._advance(from_epoch_us(message["now"]))
                    writer.write(orjson.dumps({"op": "ack", "now": message["now"]}) + b"\n")
                elif message["op"] == "probe":
                    writer.write(orjson.dumps(self._answer(message["n"])) + b"\n")
        finally:
            writer.close()

    def _answer(self, probe: int) -> dict[str, object]:
        report = self._report()
        self._owes_news = not report.idle
        due = None if report.next_due_at is None else to_epoch_us(report.next_due_at)
        return {
            "op": "report",
            "n": probe,
            "now": to_epoch_us(self.now()),
            "idle": report.idle,
            "next_due": due,
            "activity": report.activity,
        }


async def _wait_event(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
