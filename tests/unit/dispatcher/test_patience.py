"""Patience with calls: what takes too long is called off, what does not is left alone, and nobody else is cancelled."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from channel_dispatcher import patience as module
from channel_dispatcher.patience import LOOKS, Patience
from tests.kit.jumping_time import in_jumping_time

LIMIT_S = 0.1
ROUNDING_S = 1e-9


@pytest.fixture(autouse=True)
def _time_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "monotonic_s", lambda: asyncio.get_running_loop().time())


async def after(delay_s: float, answer: str = "done") -> str:
    await asyncio.sleep(delay_s)
    return answer


@in_jumping_time
async def test_what_takes_too_long_is_called_off_and_the_rest_is_not() -> None:
    """Twenty calls side by side: those that would never answer raise TimeoutError, at most a tenth of the time late."""
    patience, loop = Patience(LIMIT_S), asyncio.get_running_loop()
    started_s = loop.time()

    outcomes = await asyncio.gather(
        *[patience.wait_for(after(3600 if number % 2 else 0.001)) for number in range(20)], return_exceptions=True
    )

    assert ["done"] * 10 == outcomes[::2]
    assert [TimeoutError] * 10 == [type(one) for one in outcomes[1::2]]
    assert LIMIT_S <= loop.time() - started_s <= LIMIT_S * (1 + 1 / LOOKS) + ROUNDING_S


@in_jumping_time
async def test_a_worker_goes_on_after_a_call_that_was_called_off() -> None:
    """The cancellation reaches the call alone: the task that waited takes the next one, each with its own time."""
    patience, answers = Patience(LIMIT_S), []

    async def work() -> int:
        for delay_s in (3600.0, 0.0, 3600.0, LIMIT_S * 0.6, LIMIT_S * 0.6):
            try:
                answers.append(await patience.wait_for(after(delay_s)))
            except TimeoutError:
                answers.append("late")
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert 0 == await asyncio.create_task(work())
    assert ["late", "done", "late", "done", "done"] == answers


@in_jumping_time
async def test_a_task_that_somebody_else_cancels_is_cancelled() -> None:
    """Neither before nor after its time is a real cancellation taken for a late call."""
    patience = Patience(LIMIT_S)

    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    early = asyncio.create_task(patience.wait_for(after(3600)))
    both = asyncio.create_task(patience.wait_for(stubborn()))
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.sleep(LIMIT_S * 1.5)
    both.cancel()

    for task in (early, both):
        with pytest.raises(asyncio.CancelledError):
            await task


@in_jumping_time
async def test_an_answer_that_comes_in_spite_of_the_cancellation_counts() -> None:
    """A call that finishes what it was at when it was called off has its answer taken, and leaves nothing behind."""
    patience = Patience(LIMIT_S)

    async def finishing() -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return "finished"
        return "never"

    async def work() -> tuple[str, str]:
        return await patience.wait_for(finishing()), await patience.wait_for(after(0.01))

    assert ("finished", "done") == await asyncio.create_task(work())


@in_jumping_time
async def test_an_error_of_the_call_goes_through() -> None:
    """A bug is no time-out."""

    async def failing() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await Patience(LIMIT_S).wait_for(failing())
