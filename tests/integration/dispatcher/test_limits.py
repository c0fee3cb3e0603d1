"""Rate limits on a real Valkey: never more than the limit in any window, and nearly all of it used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channel_dispatcher.limits import Demand, Limiter, Window
from forbear_chassis.clock import from_epoch_us
from forbear_chassis.redis import open_redis
from tests.kit.manual_clock import NOON_IN_NEW_YORK, ManualClock
from tests.kit.stretches import most_in_any_stretch

pytestmark = pytest.mark.needs_valkey
SECOND = timedelta(seconds=1)


@pytest.fixture
async def client(valkey_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of the worker's Valkey."""
    made = open_redis(valkey_url)
    yield made
    await made.aclose()


async def warm(limiter: Limiter, clock: ManualClock, windows: tuple[Window, ...]) -> None:
    """Let the windows empty, as far as the limiter knows."""
    await limiter.take([Demand(1, windows)], clock.now())
    clock.advance(timedelta(seconds=2 + max(window.length_s for window in windows)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 30)), min_size=1, max_size=60))
async def test_no_stretch_of_a_second_holds_more_than_the_limit(
    client: redis.asyncio.Redis, steps: list[tuple[int, int]]
) -> None:
    """However the demand comes, the most in any second is the limit at most."""
    await client.flushall()
    clock = ManualClock()
    limiter, window = Limiter(client, "test", clock.now), Window("account", 1, 20)
    await warm(limiter, clock, (window,))
    grants = []

    for wait_ms, count in steps:
        clock.advance(timedelta(milliseconds=wait_ms))
        answer = await limiter.take([Demand(1, (window,))] * count, clock.now())
        grants.append((clock.now(), sum(answer.granted)))

    assert most_in_any_stretch(grants, SECOND) <= 20


async def test_nearly_all_of_a_limit_is_used_when_there_is_always_work(client: redis.asyncio.Redis) -> None:
    """Over a minute at least 98 % go, by asking again when the limiter says."""
    clock = ManualClock()
    limiter, window = Limiter(client, "test", clock.now), Window("account", 1, 100)
    await warm(limiter, clock, (window,))
    start, grants = clock.now(), list[tuple[datetime, int]]()

    while clock.now() < start + timedelta(minutes=1):
        answer = await limiter.take([Demand(1, (window,))] * 500, clock.now())
        grants.append((clock.now(), sum(answer.granted)))
        assert answer.retry_at is not None
        clock.move_to(answer.retry_at)

    assert most_in_any_stretch(grants, SECOND) <= 100
    assert 0.98 * 6000 <= sum(n for _, n in grants) <= 6100


async def test_the_most_urgent_get_what_there_is(client: redis.asyncio.Redis) -> None:
    """A partial grant goes to the front of the batch; a tenant at its limit does not hold up the next."""
    clock = ManualClock()
    limiter = Limiter(client, "test", clock.now)
    account, one, two = Window("account", 1, 10), Window("tenant:1", 1, 4), Window("tenant:2", 1, 10)
    await warm(limiter, clock, (account, one, two))

    answer = await limiter.take([Demand(1, (account, one))] * 6 + [Demand(1, (account, two))] * 8, clock.now())

    assert (True,) * 4 + (False,) * 2 + (True,) * 6 + (False,) * 2 == answer.granted


async def test_a_message_is_charged_by_its_parts(client: redis.asyncio.Redis) -> None:
    """Ten tokens carry three messages of three parts."""
    clock = ManualClock()
    limiter, window = Limiter(client, "test", clock.now), Window("sender", 1, 10)
    await warm(limiter, clock, (window,))

    answer = await limiter.take([Demand(3, (window,))] * 5, clock.now())

    assert 3 == sum(answer.granted)
    assert not Demand(11, (window,)).is_possible()


@pytest.mark.parametrize("loss", ["flushed", "counters only"])
async def test_a_redis_that_lost_its_memory_grants_nothing_until_the_window_has_passed(
    client: redis.asyncio.Redis, loss: str
) -> None:
    """After FLUSHALL every window counts as full for its length; a minute's window for a minute."""
    clock = ManualClock()
    limiter, second, minute = Limiter(client, "test", clock.now), Window("a", 1, 5), Window("a", 60, 50)
    await warm(limiter, clock, (second, minute))
    before = await limiter.take([Demand(1, (second, minute))] * 5, clock.now())
    if loss == "flushed":
        await client.flushall()
    else:
        await client.delete("{test}:limit:epoch")

    at_once = await limiter.take([Demand(1, (second, minute))] * 5, clock.now())
    clock.advance(timedelta(seconds=30))
    midway = (
        await limiter.take([Demand(1, (second,))], clock.now()),
        await limiter.take([Demand(1, (minute,))], clock.now()),
    )
    clock.advance(timedelta(seconds=31))
    after = await limiter.take([Demand(1, (second, minute))] * 5, clock.now())

    assert (5, 0, 5) == (sum(before.granted), sum(at_once.granted), sum(after.granted))
    assert [(True,), (False,)] == [one.granted for one in midway]


async def test_a_restarted_server_is_told_by_its_run_id(client: redis.asyncio.Redis) -> None:
    """A server that kept its epoch but may have lost its last second of counters is not trusted either."""
    clock = ManualClock()
    limiter, window = Limiter(client, "test", clock.now), Window("account", 1, 5)
    await warm(limiter, clock, (window,))
    await client.hset("{test}:limit:epoch", "run", "0" * 40)

    answer = await limiter.take([Demand(1, (window,))], clock.now())

    assert (False,) == answer.granted


async def test_replicas_share_the_server_s_clock_and_never_exceed_the_limit(valkey_url: str) -> None:
    """Four limiters ask side by side for three real seconds; no second, by the server's own log, holds too much."""
    clients = [open_redis(valkey_url) for _ in range(4)]
    window = Window("account", 1, 50)
    limiters = [Limiter(client, "test", None) for client in clients]
    grants: list[tuple[datetime, int]] = []
    await limiters[0].take([Demand(1, (window,))], NOON_IN_NEW_YORK)
    stop_at = asyncio.get_running_loop().time() + 3.2

    async def ask(limiter: Limiter) -> None:
        while asyncio.get_running_loop().time() < stop_at:
            answer = await limiter.take([Demand(1, (window,))] * 7, NOON_IN_NEW_YORK)
            grants.append((from_epoch_us(answer.at_us), sum(answer.granted)))

    await asyncio.gather(*[ask(limiter) for limiter in limiters])
    total = sum(n for _, n in grants)

    assert most_in_any_stretch(grants, SECOND) <= 50
    assert 100 <= total
    for client in clients:
        await client.aclose()
