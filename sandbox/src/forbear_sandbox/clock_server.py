"""The coordinator of a stepped month: moves the time on only when every participant says that it has nothing to do.

Participants (the services) connect and follow the protocol of `forbear_chassis.clock`. A step happens when all that
are expected are connected, two probes one after the other find everybody idle with unchanged activity, and the world
itself has nothing in flight; it goes to the earliest of what the participants and the world still have to do. The
target is reached when the same holds there: all that was to be done at that instant is done, and whoever asked may act
without crossing what is in flight. Whoever was busy says when that has ended, so that nobody is asked again and again.
When a participant dies, the time stands still until it is back. What holds the time is always known: see `ClockState`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from forbear_chassis.clock import from_epoch_us, monotonic_s, to_epoch_us
from forbear_sandbox.traffic import Agenda, Traffic, WorldTime

ANSWER_TIMEOUT_S = 5.0
RETRY_S = 0.05  # for what nobody tells us, such as a worker that has backed off after a failure
STALL_AFTER_S = 20.0
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClockState:
    """Where the time is, where it goes, and what holds it."""

    now: datetime
    target: datetime
    steps: int
    connected: tuple[str, ...]
    missing: tuple[str, ...]
    busy: tuple[str, ...]
    is_reached: bool  # the time is at its target, and everything of that instant is done
    still_s: float

    @property
    def is_stalled(self) -> bool:
        """Whether the target should be reached and nothing has moved for longer than anything takes."""
        return not self.is_reached and self.still_s > STALL_AFTER_S


@dataclass(frozen=True, slots=True)
class Report:
    """A participant's answer to a probe."""

    now: datetime
    is_idle: bool
    next_due_at: datetime | None
    activity: int


@dataclass(eq=False, slots=True)
class Participant:
    """One connected process."""

    name: str
    writer: asyncio.StreamWriter
    answers: asyncio.Queue[dict[str, object] | None] = field(default_factory=asyncio.Queue)

    def send(self, message: dict[str, object]) -> None:
        """Write one message."""
        self.writer.write(orjson.dumps(message) + b"\n")

    async def answer(self, op: str, key: str, value: object) -> dict[str, object] | None:
        """Return the answer to what was sent, or None when the process is gone or too busy to answer."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while (message := await self.answers.get()) is not None:
                    if message.get("op") == op and message.get(key) == value:
                        return message
        except TimeoutError:
            pass
        return None


class Coordinator:
    """Moves a `WorldTime` for everybody. `expected` names the processes that must be connected, replicas repeated."""

    def __init__(self, time: WorldTime, agenda: Agenda, traffic: Traffic, expected: Iterable[str]) -> None:
        self._time = time
        self._agenda = agenda
        self._traffic = traffic
        self._expected = Counter(normal_name(name) for name in expected)
        self._participants: set[Participant] = set()
        self._followers: set[asyncio.Task[None]] = set()
        self._target = time.now()
        self._steps = 0
        self._probes = 0
        self._busy: tuple[str, ...] = ()
        self._moved_s = monotonic_s()
        self._is_stall_told = False
        self._changed = asyncio.Event()
        self._news = asyncio.Event()  # somebody who was busy no longer is
        traffic.on_rest = self._news.set
        self._reached = asyncio.Event()
        self._reached.set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen for participants and return the port."""
        self._server = await asyncio.start_server(self._accept, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Send everybody away."""
        if self._server is not None:
            self._server.close()
        for participant in list(self._participants):
            participant.writer.close()
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)

    def state(self) -> ClockState:
        """Return where the time is and what holds it."""
        is_reached = self._reached.is_set()
        still_s = 0.0 if is_reached else monotonic_s() - self._moved_s
        return ClockState(
            self._time.now(), self._target, self._steps, tuple(sorted(p.name for p in self._participants)),
            self._missing(), self._busy, is_reached, still_s,
        )  # fmt: skip

    def aim(self, target: datetime) -> None:
        """Let the time run until `target`; an earlier one stops it where it is."""
        self._target = max(target, self._time.now())
        self._moved_s = monotonic_s()
        self._reached.clear()
        self._changed.set()

    async def run_until(self, target: datetime) -> ClockState:
        """Let the time run and return when it has reached its target or stalled (see the state returned)."""
        self.aim(target)
        while not (state := self.state()).is_reached and not state.is_stalled:
            try:
                async with asyncio.timeout(0.5):
                    await self._reached.wait()
            except TimeoutError:
                continue
        return state

    async def run(self) -> None:
        """Move the time for as long as the world lives."""
        while True:
            self._changed.clear()
            self._news.clear()
            if self._reached.is_set():
                await self._changed.wait()
                continue
            due = await self._next_due()
            if due is None:
                self._tell_stall()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_S):
                        await self._news.wait()
            elif due > self._target == self._time.now():
                self._reached.set()
            else:
                await self._step(min(due, self._target))

    async def _next_due(self) -> datetime | None:
        """Return when something is to be done next (`NEVER`: nothing is), or None while anybody is busy or missing."""
        if self._missing():
            return None
        first = await self._probe()
        second = await self._probe() if first is not None else None
        if first is None or second is None or first[1] != second[1]:
            return None
        return min(due or NEVER for due in (*second[0], self._agenda.next_at))

    async def _probe(self) -> tuple[list[datetime | None], tuple[int, ...]] | None:
        """Ask everybody; return what they wait for and their activity, or None when anybody is busy."""
        if self._traffic.in_flight:
            self._busy = ("world",)
            return None
        self._probes += 1
        asked = sorted(self._participants, key=lambda participant: participant.name)
        for participant in asked:
            participant.send({"op": "probe", "n": self._probes})
        reports = [_report(await participant.answer("report", "n", self._probes)) for participant in asked]
        now = self._time.now()
        self._busy = tuple(
            participant.name for participant, report in zip(asked, reports, strict=True) if not _is_calm(report, now)
        )
        calm = [report for report in reports if report is not None]
        if self._busy or self._traffic.in_flight:
            return None
        return [report.next_due_at for report in calm], (*(r.activity for r in calm), self._traffic.activity)

    async def _step(self, instant: datetime) -> None:
        self._time.move_to(instant)
        self._steps += 1
        self._moved_s, self._is_stall_told = monotonic_s(), False
        told = list(self._participants)
        us = to_epoch_us(instant)
        for participant in told:
            participant.send({"op": "step", "now": us})
        for participant in told:
            await participant.answer("ack", "now", us)
        for entry in self._agenda.take_due(instant):
            self._traffic.spawn(entry.perform(), entry.key)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        follower = asyncio.create_task(self._follow(reader, writer), name="participant")
        self._followers.add(follower)
        follower.add_done_callback(self._followers.discard)

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hello = orjson.loads(await reader.readline())
        except (ValueError, OSError):
            writer.close()
            return
        participant = Participant(normal_name(str(hello.get("name", "unnamed"))), writer)
        participant.send({"op": "step", "now": to_epoch_us(self._time.now())})
        self._participants.add(participant)
        self._changed.set()
        try:
            while line := await reader.readline():
                message = orjson.loads(line)
                if message["op"] == "idle":
                    self._news.set()
                else:
                    participant.answers.put_nowait(message)
        except (ValueError, OSError):
            pass  # torn by a kill: as good as closed
        finally:
            self._participants.discard(participant)
            participant.answers.put_nowait(None)
            writer.close()

    def _missing(self) -> tuple[str, ...]:
        here = Counter(participant.name for participant in self._participants)
        return tuple(sorted((self._expected - here).elements()))

    def _tell_stall(self) -> None:
        state = self.state()
        if state.is_stalled and not self._is_stall_told:
            self._is_stall_told = True
            held = [f"missing {name}" for name in state.missing] or [f"{name} is busy" for name in state.busy]
            sys.stderr.write(f"the time stands at {state.now:%F %T} for {state.still_s:.0f} s: {', '.join(held)}\n")


def normal_name(name: str) -> str:
    """Return a process name with hyphens, so that "contact_scheduler" and "contact-scheduler" are one."""
    return name.replace("_", "-")


def _is_calm(report: Report | None, now: datetime) -> bool:
    if report is None or not report.is_idle or report.now != now:
        return False
    return report.next_due_at is None or report.next_due_at > now


def _report(message: dict[str, object] | None) -> Report | None:
    if message is None:
        return None
    due = message["next_due"]
    return Report(
        now=from_epoch_us(int(str(message["now"]))),
        is_idle=bool(message["idle"]),
        next_due_at=None if due is None else from_epoch_us(int(str(due))),
        activity=int(str(message["activity"])),
    )
