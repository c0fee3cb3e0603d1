"""Limits of hours and days outlive the loss of Redis: they are restored from the attempts, and never exceeded."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channel_dispatcher.limit_memory import LATER
from channel_dispatcher.limit_rules import LimitRule, Scope
from channel_dispatcher.outlets import Outlet
from channel_dispatcher.store import limit_rules
from forbear_chassis.redis import open_redis
from forbear_domain import ids
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.conftest import warm_up
from tests.integration.dispatcher.stage import (
    SENDERS,
    TENANT,
    Stage,
    StubProvider,
    make_contact,
    migrate_dispatcher,
    open_stage,
)
from tests.kit.databases import Database
from tests.kit.manual_clock import NOON_IN_NEW_YORK, ManualClock
from tests.kit.stretches import most_in_any_stretch

pytestmark = pytest.mark.needs_valkey
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEYS = {
    Scope.ACCOUNT: "stub",
    Scope.SENDER: SENDERS[0],
    Scope.NETWORK: "+1212",
    Scope.TENANT: str(TENANT),
    Scope.CAMPAIGN: str(ids.campaign_id(TENANT, "spring")),
}


class World:
    """What reached the provider: tokens by instant."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.sent: list[tuple[datetime, int]] = []

    async def answer(self, request: SendRequest) -> SendOutcome:
        """Take a message, and note its parts."""
        self.sent.append((self._clock.now(), max(request.rendered.parts, 1)))
        return SendOutcome(SendState.ACCEPTED, provider_ref=f"SM{request.attempt_id.hex}")

    def tokens(self) -> int:
        """Return all that was sent."""
        return sum(tokens for _, tokens in self.sent)

    def worst(self, length: timedelta) -> int:
        """Return the most tokens in any stretch of a length."""
        return most_in_any_stretch(self.sent, length)


@pytest.fixture
def world(manual_clock: ManualClock) -> World:
    """The provider's own count."""
    return World(manual_clock)


@pytest.fixture
async def dispatchers(
    database: Database, valkey_url: str, manual_clock: ManualClock, world: World
) -> AsyncIterator[tuple[Stage, Stage]]:
    """Two dispatchers on one database and one Valkey, with one number to send from."""
    await migrate_dispatcher(database)

    async def open_one() -> Stage:
        return await open_stage(
            database,
            valkey_url,
            manual_clock,
            provider=StubProvider(answer=world.answer),
            outlet=lambda provider: Outlet(provider, SENDERS[:1], 32, 1_000_000),
        )

    one, two = await open_one(), await open_one()
    await warm_up(one, manual_clock)
    world.sent.clear()
    yield one, two
    await one.close()
    await two.close()


@pytest.fixture
async def client(valkey_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of the worker's Valkey."""
    made = open_redis(valkey_url)
    yield made
    await made.aclose()


async def limit(stage: Stage, scope: Scope, key: str, tokens: int, length: timedelta) -> None:
    """Put a limit in force."""
    now = stage.clock.now()
    async with stage.pool.acquire() as connection:
        await limit_rules.put(
            connection, LimitRule(0, scope, key, int(length.total_seconds()), tokens, 1.0, None, now, "test"), now
        )


async def submit(stage: Stage, numbers: range, **changes: object) -> None:
    """Hand in reminders to borrowers, the first hundred of them in area 212."""
    await stage.submit(*[make_contact(number, stage.clock.now(), **changes) for number in numbers])


@pytest.mark.parametrize("scope", KEYS)
async def test_a_limit_of_a_day_costs_minutes_when_redis_is_lost_in_the_middle(
    dispatchers: tuple[Stage, Stage], client: redis.asyncio.Redis, world: World, scope: Scope
) -> None:
    """Never more than the limit in the day, by the provider's count, and all of it but a message's parts."""
    stage, clock = dispatchers[0], dispatchers[0].clock
    await limit(stage, scope, KEYS[scope], 100, DAY)
    await submit(stage, range(20))
    await stage.run()
    before = world.tokens()

    await client.flushall()
    await submit(stage, range(20, 90))
    await stage.run()
    clock.advance(timedelta(seconds=2))  # the windows of a second count as full for a second
    await stage.run()

    assert 20 <= before < 100
    assert 98 <= world.tokens() <= 100
    assert world.tokens() == world.worst(DAY)


async def test_a_window_restored_lets_go_of_what_was_sent_as_its_day_ends(
    dispatchers: tuple[Stage, Stage], client: redis.asyncio.Redis, world: World
) -> None:
    """Tokens come back one window after they were taken, and at most a few minutes and the window's cut later."""
    stage, clock = dispatchers[0], dispatchers[0].clock
    await limit(stage, Scope.ACCOUNT, "stub", 40, HOUR)
    await submit(stage, range(40))
    await stage.run()
    first = world.tokens()
    clock.advance(HOUR / 2)
    await client.flushall()
    await stage.run()
    clock.advance(timedelta(seconds=2))
    await stage.run()
    midway = world.tokens()

    clock.advance(HOUR / 2 + LATER + HOUR / 250)
    await stage.run()

    assert first == midway <= 40
    assert first < world.tokens()
    assert world.worst(HOUR) <= 40


async def test_a_claim_that_was_open_when_redis_was_lost_is_waited_for_and_counted(
    dispatchers: tuple[Stage, Stage], client: redis.asyncio.Redis, world: World, database: Database
) -> None:
    """Its tokens are in neither place for a moment: nothing is restored until it is committed."""
    one, two = dispatchers
    await limit(one, Scope.ACCOUNT, "stub", 40, DAY)
    await submit(one, range(5))
    await one.run()
    before = world.tokens()
    async with one.pool.acquire() as connection:
        open_claim = connection.transaction()
        await open_claim.start()
        await connection.execute(
            "INSERT INTO attempt (attempt_id, contact_id, tenant_id, borrower_id, loan_id, channel, purpose, number,"
            " address_key, owner, claimed_at, provider, sender, parts, charged)"
            " VALUES ($1, $1, $2, $1, $1, 1, 1, 1, '', 1, $3, 'stub', $4, 25, ARRAY['account:stub'])",
            uuid.uuid4(),
            TENANT,
            one.clock.now(),
            SENDERS[0],
        )
        await client.flushall()
        await submit(two, range(5, 60))
        passes = asyncio.create_task(two.run())
        await asyncio.sleep(0.4)
        meanwhile = world.tokens()
        await open_claim.commit()
    await passes
    one.clock.advance(timedelta(seconds=2))
    await two.run()

    assert before == meanwhile
    assert 38 <= world.tokens() + 25 <= 40


async def test_attempts_that_do_not_say_what_they_were_charged_to_keep_a_lost_window_full(
    dispatchers: tuple[Stage, Stage], client: redis.asyncio.Redis, world: World
) -> None:
    """Claimed by an older dispatcher: the window then counts as full until it has passed, as it did before."""
    stage, clock = dispatchers[0], dispatchers[0].clock
    await limit(stage, Scope.ACCOUNT, "stub", 40, HOUR)
    await submit(stage, range(5))
    await stage.run()
    await stage.pool.execute("UPDATE attempt SET charged = NULL")
    before = world.tokens()
    await client.flushall()
    await submit(stage, range(5, 10))

    await stage.run()
    clock.advance(HOUR / 2)
    await stage.run()
    midway = world.tokens()
    clock.advance(HOUR / 2 + HOUR / 250 + LATER)
    await stage.run()

    assert before == midway < world.tokens()


examples = 0  # each has a campaign and borrowers of its own


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.just("lose"),
            st.integers(1, 25).map(lambda contacts: ("submit", contacts)),
            st.integers(1, 30).map(lambda minutes: ("wait", minutes)),
            st.sampled_from([("run", 0), ("run", 1), ("both", 0)]),
        ),
        min_size=6,
        max_size=16,
    )
)
async def test_whenever_redis_is_lost_no_stretch_of_an_hour_holds_more_than_the_limit(
    dispatchers: tuple[Stage, Stage], client: redis.asyncio.Redis, world: World, steps: list[object]
) -> None:
    """Two dispatchers, any order of work, waiting and loss; by the provider's count."""
    global examples
    examples += 1
    campaign = ids.campaign_id(TENANT, f"example {examples}")
    next_number = 100 + examples * 500
    world.sent.clear()
    clock = dispatchers[0].clock
    clock.move_to(NOON_IN_NEW_YORK + examples * DAY)
    await limit(dispatchers[0], Scope.CAMPAIGN, str(campaign), 30, HOUR)

    for step in [("submit", 5), ("run", 0), *steps, ("submit", 25), ("wait", 1), ("run", 0)]:
        match step:
            case "lose":
                await client.flushall()
            case ("submit", int(count)):
                numbers = range(next_number, next_number + count)
                await submit(dispatchers[0], numbers, campaign_id=campaign.bytes)
                next_number += count
            case ("wait", int(minutes)):
                clock.advance(timedelta(minutes=minutes))
            case ("run", int(which)):
                await dispatchers[which].run()
            case _:
                await asyncio.gather(*[one.run() for one in dispatchers])

    assert 0 < world.worst(HOUR) <= 30
