"""The coordinator steps only when nobody has anything to do, and stands still when somebody is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_chassis.clock import IdleReport, SimulatedClock
from forbear_sandbox import clock_server
from forbear_sandbox.child import free_port
from forbear_sandbox.clock_server import Coordinator
from forbear_sandbox.traffic import Agenda, Traffic, WorldTime

STARTS_AT = datetime(2026, 3, 2, 5, tzinfo=UTC)


class Service:
    """A participant that has work at given minutes, and needs a number of probes to finish each."""

    def __init__(self, name: str, minutes: list[int], effort: int) -> None:
        self.name = name
        self.clock = SimulatedClock(self.report, name)
        self.due = sorted(STARTS_AT + timedelta(minutes=minute) for minute in minutes)
        self.done: list[tuple[datetime, datetime]] = []  # when it was due, when it was done
        self.effort = effort
        self.left = 0
        self.activity = 0

    def report(self) -> IdleReport:
        """Work a little on what is due, and say whether anything is left."""
        now = self.clock.now()
        if self.left == 0 and self.due and self.due[0] <= now:
            self.left = self.effort
        if self.left:
            self.left -= 1
            self.activity += 1
            if self.left == 0:
                self.done.append((self.due.pop(0), now))
            return IdleReport(idle=False, next_due_at=None, activity=self.activity)
        return IdleReport(idle=True, next_due_at=self.due[0] if self.due else None, activity=self.activity)


@asynccontextmanager
async def idle_process(name: str, port: int) -> AsyncIterator[None]:
    """A process that never has anything to do; at the end its connection is torn, as by a kill."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(orjson.dumps({"op": "hello", "name": name}) + b"\n")

    async def answer() -> None:
        now = 0
        while line := await reader.readline():
            message = orjson.loads(line)
            now = message.get("now", now)
            idle = {"op": "report", "n": message.get("n"), "now": now, "idle": True, "next_due": None, "activity": 0}
            writer.write(orjson.dumps({"op": "ack", "now": now} if message["op"] == "step" else idle) + b"\n")

    task = asyncio.create_task(answer())
    try:
        yield
    finally:
        writer.transport.abort()
        await task


@asynccontextmanager
async def simulation(expected: list[str]) -> AsyncIterator[tuple[Coordinator, int, Agenda, Traffic, WorldTime]]:
    """A coordinator that runs."""
    time, agenda, traffic = WorldTime(STARTS_AT), Agenda(), Traffic()
    coordinator = Coordinator(time, agenda, traffic, expected)
    port = await coordinator.start("127.0.0.1", free_port())
    task = asyncio.create_task(coordinator.run())
    try:
        yield coordinator, port, agenda, traffic, time
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await coordinator.close()


MINUTES = st.lists(st.integers(1, 600), max_size=6, unique=True)


@given(first=MINUTES, second=MINUTES, efforts=st.tuples(st.integers(1, 4), st.integers(1, 4)), data=st.data())
@settings(max_examples=25, deadline=None)
def test_nothing_is_ever_done_late_however_slow_a_service_is(
    first: list[int], second: list[int], efforts: tuple[int, int], data: st.DataObject
) -> None:
    """All work is done at the very instant it was due, that of the target too, and the time ends exactly there."""
    until = data.draw(st.sampled_from([*first, *second, 660]), "until")

    async def scenario() -> None:
        services = [Service("one", first, efforts[0]), Service("two", second, efforts[1])]
        async with simulation(["one", "two"]) as (coordinator, port, _, _, time):
            for service in services:
                await service.clock.connect("127.0.0.1", port)
            target = STARTS_AT + timedelta(minutes=until)
            await coordinator.run_until(target)

            assert target == time.now()
            for service, minutes in zip(services, (first, second), strict=True):
                assert len([minute for minute in minutes if minute <= until]) == len(service.done)
                assert all(due == done for due, done in service.done)
            for service in services:
                await service.clock.close()

    asyncio.run(scenario())


async def test_the_time_stands_still_while_a_service_is_missing_and_goes_on_when_it_is_back() -> None:
    """A killed service is waited for; when it joins again it gets the present instant at once."""
    async with simulation(["one", "two"]) as (coordinator, port, _, _, time):
        one = Service("one", [10, 20], 1)
        await one.clock.connect("127.0.0.1", port)
        coordinator.aim(STARTS_AT + timedelta(hours=1))
        await asyncio.sleep(0.05)
        assert (STARTS_AT, ("two",)) == (time.now(), coordinator.state().missing)

        async with idle_process("two", port):
            await coordinator.run_until(STARTS_AT + timedelta(hours=1))
        coordinator.aim(STARTS_AT + timedelta(hours=2))
        await asyncio.sleep(0.05)
        assert STARTS_AT + timedelta(hours=1) == time.now()

        again = Service("two", [], 1)
        await again.clock.connect("127.0.0.1", port)
        assert STARTS_AT + timedelta(hours=1) <= again.clock.now()
        assert (await coordinator.run_until(STARTS_AT + timedelta(hours=2))).is_reached
        await one.clock.close()
        await again.clock.close()


async def test_reactions_in_flight_hold_the_time() -> None:
    """The world's own events happen at their instant, and the next step waits for their end."""
    async with simulation(["one"]) as (coordinator, port, agenda, _, time):
        service = Service("one", [1, 2, 3], 1)
        await service.clock.connect("127.0.0.1", port)
        seen: list[datetime] = []

        async def slow() -> None:
            started = time.now()
            await asyncio.sleep(0.05)
            seen.extend([started, time.now()])

        agenda.add(STARTS_AT + timedelta(seconds=90), "slow", slow)
        await coordinator.run_until(STARTS_AT + timedelta(minutes=5))

        assert [STARTS_AT + timedelta(seconds=90)] * 2 == seen
        await service.clock.close()


async def test_the_target_is_reached_when_what_the_world_does_there_has_ended() -> None:
    """Whoever waited for an instant meets nothing of it in flight; what follows at the same instant counts too."""
    async with simulation(["one"]) as (coordinator, port, agenda, traffic, time):
        service = Service("one", [], 1)
        await service.clock.connect("127.0.0.1", port)
        target = STARTS_AT + timedelta(minutes=5)
        seen: list[str] = []

        async def answer() -> None:
            await asyncio.sleep(0.05)
            seen.append("answered")

        async def text() -> None:
            await asyncio.sleep(0.05)
            seen.append("texted")
            agenda.add(time.now(), "answer", answer)

        agenda.add(target, "text", text)
        state = await coordinator.run_until(target)

        assert (["texted", "answered"], target, True) == (seen, state.now, state.is_reached)
        assert (0, None) == (traffic.in_flight, agenda.next_at)
        await service.clock.close()


async def test_a_target_is_not_reached_while_a_service_is_missing_there() -> None:
    """The instant is there, and nobody knows yet what the service that is away has to do at it."""
    async with simulation(["one"]) as (coordinator, port, _, _, _):
        assert coordinator.state().is_reached  # nothing was asked for yet
        coordinator.aim(STARTS_AT)
        assert not coordinator.state().is_reached

        service = Service("one", [0], 3)
        await service.clock.connect("127.0.0.1", port)
        state = await coordinator.run_until(STARTS_AT)

        assert (True, [(STARTS_AT, STARTS_AT)]) == (state.is_reached, service.done)
        await service.clock.close()


async def test_a_stall_names_who_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run_until` comes back instead of waiting for ever, and its state says what holds the time."""
    monkeypatch.setattr(clock_server, "STALL_AFTER_S", 0.1)
    async with simulation(["one"]) as (coordinator, port, _, _, _):
        busy = SimulatedClock(lambda: IdleReport(idle=False, next_due_at=None, activity=0), "one")
        await busy.connect("127.0.0.1", port)
        state = await coordinator.run_until(STARTS_AT + timedelta(hours=1))

        assert (True, ("one",), STARTS_AT) == (state.is_stalled, state.busy, state.now)
        await busy.close()


async def test_replicas_of_one_name_are_all_waited_for() -> None:
    """A name that is expected twice must be connected twice; underscores and hyphens are one."""
    async with simulation(["channel-dispatcher", "channel-dispatcher"]) as (coordinator, port, _, _, _):
        first, second = Service("channel_dispatcher", [], 1), Service("channel-dispatcher", [], 1)
        await first.clock.connect("127.0.0.1", port)
        assert ("channel-dispatcher",) == coordinator.state().missing
        await second.clock.connect("127.0.0.1", port)
        assert () == coordinator.state().missing
        await first.clock.close()
        await second.clock.close()
