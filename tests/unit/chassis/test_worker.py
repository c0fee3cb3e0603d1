"""Worker loops: they work while there is work, wait when there is none, survive the world and die of bugs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
import structlog

from forbear_chassis.clock import SystemClock
from forbear_chassis.worker import ITEMS_DONE, PASSES_FAILED, Activity, Pass, WorkerLoop
from tests.kit.manual_clock import ManualClock

FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


async def run_until(loop: WorkerLoop, condition: asyncio.Event) -> None:
    """Run a loop until `condition` is set, then stop it in good order."""
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(5):
        await condition.wait()
    stop.set()
    loop.wake()
    await task


async def test_a_worker_is_called_again_at_once_while_there_is_work() -> None:
    """Three items in three passes need no waiting: the idle poll of an hour is never reached."""
    left, empty = [1, 2, 3], asyncio.Event()

    async def take_one() -> Pass:
        if not left:
            empty.set()
            return Pass(0)
        left.pop()
        return Pass(1)

    loop = WorkerLoop("test", take_one, SystemClock(), idle_poll_s=3600)

    await run_until(loop, empty)

    assert [] == left
    assert 3 == loop.done


async def test_a_worker_counts_the_passes_that_failed_and_what_it_finished() -> None:
    """An alert tells by them that a worker is stuck; the log names a call's code, which says whether waiting helps."""
    answers: list[Pass | grpc.aio.AioRpcError] = [_refused(), _refused(), Pass(3), Pass(0)]
    empty = asyncio.Event()

    async def answer() -> Pass:
        result = answers.pop(0)
        if isinstance(result, Exception):
            raise result
        if not result.done:
            empty.set()
        return result

    with structlog.testing.capture_logs() as logs:
        await run_until(WorkerLoop("counted", answer, SystemClock(), idle_poll_s=3600), empty)

    assert 2 == PASSES_FAILED.labels("counted")._value.get()
    assert 3 == ITEMS_DONE.labels("counted")._value.get()
    assert ["AioRpcError: INVALID_ARGUMENT"] * 2 == [line["error"] for line in logs]


def _refused() -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(grpc.StatusCode.INVALID_ARGUMENT, grpc.aio.Metadata(), grpc.aio.Metadata())


async def test_a_woken_worker_looks_again() -> None:
    """Work that arrives while the worker waits is found when it is woken, not at the next poll."""
    passes, second = 0, asyncio.Event()

    async def look() -> Pass:
        nonlocal passes
        passes += 1
        if passes == 2:
            second.set()
        return Pass(0)

    loop = WorkerLoop("test", look, StandingClock(FUTURE), idle_poll_s=3600)
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(5):
        while not loop.is_idle():
            await asyncio.sleep(0)
        loop.wake()
        await second.wait()
    stop.set()
    loop.wake()
    await task

    assert passes >= 2


async def test_a_failing_world_is_tried_again() -> None:
    """A lost connection costs a back-off, not the process."""
    failures, done = [OSError("away"), TimeoutError()], asyncio.Event()

    async def fail_twice() -> Pass:
        if failures:
            raise failures.pop()
        done.set()
        return Pass(0)

    loop = WorkerLoop("test", fail_twice, SystemClock())

    await run_until(loop, done)

    assert [] == failures


async def test_a_bug_ends_the_loop() -> None:
    """A wrong program must not go on: the exception reaches the process."""

    async def wrong() -> Pass:
        raise AssertionError("bug")

    loop = WorkerLoop("test", wrong, SystemClock())

    with pytest.raises(AssertionError, match="bug"):
        await loop.run(asyncio.Event())


async def test_a_process_is_idle_only_when_nothing_is_woken_due_or_in_flight() -> None:
    """The four ways of being busy, one at a time."""
    looked, due_at = asyncio.Event(), [FUTURE]

    async def look() -> Pass:
        looked.set()
        return Pass(0, due_at[0])

    clock = SystemClock()
    loop = WorkerLoop("test", look, StandingClock(clock.now()), idle_poll_s=3600)
    activity = Activity()
    activity.add(loop)

    assert not activity.report().idle  # it has not looked yet

    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    await looked.wait()
    await asyncio.sleep(0)
    assert activity.report().idle
    assert FUTURE == activity.report().next_due_at

    with activity:
        assert not activity.report().idle  # a call is in flight
    assert activity.report().idle

    loop.wake()
    assert not activity.report().idle  # it was woken and has not looked yet

    stop.set()
    await task


class StandingClock(SystemClock):
    """A clock that stands still."""

    def __init__(self, instant: datetime) -> None:
        super().__init__()
        self._instant = instant

    def now(self) -> datetime:
        return self._instant


@pytest.mark.parametrize(("every_step", "passes_after"), [(False, 1), (True, 2)])
async def test_a_step_that_reaches_nothing_calls_only_who_watches(every_step: bool, passes_after: int) -> None:
    """A worker with nothing due stays idle and asleep; one that looks at every step is busy until it has looked."""
    clock, passes = ManualClock(), 0

    async def look() -> Pass:
        nonlocal passes
        passes += 1
        return Pass(0, FUTURE)

    loop = WorkerLoop("test", look, clock, idle_poll_s=3600, every_step=every_step)
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    async with asyncio.timeout(5):
        while not loop.is_idle():
            await asyncio.sleep(0)
        clock.advance(timedelta(hours=1))
        assert every_step is not loop.is_idle()
        while not loop.is_idle():
            await asyncio.sleep(0)
    assert passes_after == passes

    clock.move_to(FUTURE)
    assert not loop.is_idle()
    stop.set()
    await task


async def test_what_falls_due_while_a_worker_works_is_not_slept_over() -> None:
    """A peer carries the stepped clock on in the middle of a pass, to what that pass will say is due."""
    clock, done = ManualClock(), asyncio.Event()
    due_at = clock.now() + timedelta(hours=1)

    async def look() -> Pass:
        if clock.now() >= due_at:
            done.set()
            return Pass(0)
        clock.observe(due_at)
        return Pass(0, due_at)

    loop = WorkerLoop("test", look, clock, idle_poll_s=3600)

    await run_until(loop, done)


async def test_a_worker_with_something_due_now_is_not_idle() -> None:
    """Due now means not idle, even when the last pass did nothing: the time may not move past it."""
    now = datetime(2026, 3, 1, tzinfo=UTC)

    async def postponed() -> Pass:
        return Pass(0, now - timedelta(seconds=1))

    loop = WorkerLoop("test", postponed, StandingClock(now), idle_poll_s=3600)
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    await asyncio.sleep(0.01)

    assert not loop.is_idle()

    stop.set()
    loop.wake()
    await task
