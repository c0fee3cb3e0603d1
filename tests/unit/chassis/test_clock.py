"""The simulated clock follows its coordinator and never runs back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_chassis.clock import (
    ClockError,
    IdleReport,
    SimulatedClock,
    SystemClock,
    from_epoch_us,
    to_epoch_us,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001  # the zone is added below
def test_instants_survive_the_way_through_microseconds(naive: datetime) -> None:
    """No rounding on the wire."""
    instant = naive.replace(tzinfo=UTC)

    assert instant == from_epoch_us(to_epoch_us(instant))


class Coordinator:
    """Speaks the coordinator's side of the protocol to one participant."""

    async def start(self) -> int:
        self.joined = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.hello = orjson.loads(await reader.readline())
        self.joined.set()
        self.tell({"op": "step", "now": to_epoch_us(START)})

    def tell(self, message: dict[str, object]) -> None:
        self._writer.write(orjson.dumps(message) + b"\n")

    async def ask(self, message: dict[str, object]) -> dict[str, object]:
        self.tell(message)
        return await self.listen()

    async def listen(self) -> dict[str, object]:
        while True:
            answer: dict[str, object] = orjson.loads(await self._reader.readline())
            if answer["op"] != "ack":
                return answer

    async def close(self) -> None:
        self._writer.close()
        self._server.close()


async def test_a_participant_joins_steps_and_reports() -> None:
    """Hello, the first instant, and an answer to a probe."""
    coordinator = Coordinator()
    due = START + timedelta(hours=1)
    clock = SimulatedClock(lambda: IdleReport(idle=True, next_due_at=due, activity=7), "tracker")

    await clock.connect("127.0.0.1", await coordinator.start())
    report = await coordinator.ask({"op": "probe", "n": 1})

    assert {"op": "hello", "name": "tracker"} == coordinator.hello
    assert START == clock.now()
    assert {
        "op": "report",
        "n": 1,
        "now": to_epoch_us(START),
        "idle": True,
        "next_due": to_epoch_us(due),
        "activity": 7,
    } == report
    await clock.close()
    await coordinator.close()


async def test_a_step_wakes_whoever_has_something_due_and_the_time_never_runs_back() -> None:
    """Others sleep on; an earlier instant changes nothing; a peer that is ahead carries the clock along."""
    coordinator = Coordinator()
    clock = SimulatedClock(lambda: IdleReport(idle=True, next_due_at=None, activity=0), "tracker")
    await clock.connect("127.0.0.1", await coordinator.start())
    day = timedelta(days=1)
    at_once, today, tomorrow, never = (
        asyncio.create_task(clock.wait(asyncio.Event(), until, at_most_s=30))
        for until in (START, START + day, START + day + timedelta(seconds=1), None)
    )
    await asyncio.sleep(0)

    coordinator.tell({"op": "step", "now": to_epoch_us(START + day)})
    async with asyncio.timeout(5):
        await asyncio.gather(at_once, today)
    assert not tomorrow.done()
    assert not never.done()
    never.cancel()
    tomorrow.cancel()
    clock.observe(START)
    assert START + timedelta(days=1) == clock.now()

    clock.observe(START + timedelta(days=2))
    assert START + timedelta(days=2) == clock.now()
    await clock.close()
    await coordinator.close()


async def test_whoever_was_found_busy_says_when_it_is_idle() -> None:
    """Once for each time that it was asked in vain, and not before it is so."""
    coordinator, is_idle = Coordinator(), False
    clock = SimulatedClock(lambda: IdleReport(idle=is_idle, next_due_at=None, activity=0), "tracker")
    await clock.connect("127.0.0.1", await coordinator.start())

    assert False is (await coordinator.ask({"op": "probe", "n": 1}))["idle"]
    clock.tell_if_idle()
    is_idle = True
    clock.tell_if_idle()
    clock.tell_if_idle()

    assert {"op": "idle"} == await coordinator.listen()
    assert 2 == (await coordinator.ask({"op": "probe", "n": 2}))["n"]
    await clock.close()
    await coordinator.close()


async def test_a_clock_without_coordinator_refuses_to_tell_the_time() -> None:
    """No instant is better than a wrong one."""
    clock = SimulatedClock(lambda: IdleReport(idle=True, next_due_at=None, activity=0), "tracker")

    with pytest.raises(ClockError):
        clock.now()
    with pytest.raises(ClockError, match="no simulated clock"):
        await clock.connect("127.0.0.1", 1)


def test_the_system_clock_refuses_to_run_backwards() -> None:
    """A machine whose clock jumps back stops sending, because windows and caps would be wrong."""
    clock = SystemClock()
    clock.now()
    clock._latest += timedelta(hours=1)  # as if the machine's clock had then been set back by an hour

    with pytest.raises(ClockError, match="jumped back"):
        clock.now()
