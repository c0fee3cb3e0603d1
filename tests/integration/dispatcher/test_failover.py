"""Two accounts of one channel on a real Valkey: circuits, failover through the gate, and what is never sent again."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from channel_dispatcher.health import BAD_MIN, OPEN, PROBES, Circuit, Health, Tally
from channel_dispatcher.outlets import Outlet, rank
from forbear_chassis.redis import RedisUnavailable, open_redis
from forbear_domain.lifecycle import State
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.stage import SENDERS, Stage, StubProvider, make_contact, open_stage
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
OTHER = ("+13125550100",)


async def refuse_connection(request: SendRequest) -> SendOutcome:
    """What a provider that is down answers: nothing was taken, proved."""
    return SendOutcome(SendState.REFUSED_TRANSIENT, reason="not_connected")


async def hang(request: SendRequest) -> SendOutcome:
    """What a provider that is stuck answers: nobody knows."""
    await asyncio.sleep(0.05)
    return SendOutcome(SendState.UNKNOWN, reason="timed_out")


async def two_accounts(stage: Stage, database: Database, valkey_url: str) -> tuple[Stage, StubProvider, StubProvider]:
    """A dispatcher beside the warm one, with a first account that is always tried first and a way round it."""
    first, second = StubProvider(name="first"), StubProvider(name="second")
    made = await open_stage(
        database,
        valkey_url,
        stage.clock,
        provider=first,
        outlet=lambda provider: Outlet(provider, SENDERS, 32, 1_000_000),
        more=[Outlet(second, OTHER, 32, 1_000_000, weight=0.0)],
    )
    await made.dispatch.run_once()  # the limiter has not met these accounts yet: their windows count as full
    return made, first, second


async def settle_down(stage: Stage, passes: int = 60) -> None:
    """Make passes, and move the clock to what is due next, until nothing waits."""
    for _ in range(passes):
        await stage.run()
        due_at = await stage.pool.fetchval("SELECT min(due_at) FROM contact WHERE state = 10")
        if due_at is None:
            return
        stage.clock.move_to(max(due_at, stage.clock.now() + timedelta(seconds=1)))


async def test_what_a_dead_account_refused_goes_out_by_the_other_through_the_gate_again(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """Each borrower is reached once, by the second account, under a permit of that second attempt."""
    pair, first, second = await two_accounts(stage, database, valkey_url)
    first.answer = refuse_connection
    await pair.submit(*[make_contact(n, pair.clock.now()) for n in range(100, 140)])

    await settle_down(pair)

    assert 40 == len(second.sent) == len(second.by_address)
    rows = await pair.pool.fetch(
        "SELECT provider, count(DISTINCT contact_id) AS n FROM attempt WHERE state = 1 GROUP BY 1"
    )
    assert 40 == {row["provider"]: row["n"] for row in rows}["second"]
    permits = [one for one in await pair.entries() if one["kind"] == "permit" and one["provider"] == "second"]
    assert len(second.sent) == len(permits)
    await pair.close()


async def test_what_a_stuck_account_may_have_taken_is_never_sent_by_the_other(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """Its time-outs stay unknown and open the circuit; only contacts that it never saw go out by the second account."""
    pair, first, second = await two_accounts(stage, database, valkey_url)
    first.answer = hang
    await pair.submit(*[make_contact(n, pair.clock.now()) for n in range(200, 300)])

    await settle_down(pair)

    lost, reached = set(first.by_address), set(second.by_address)
    assert set() == lost & reached
    assert 100 == len(lost | reached)
    assert 1 == max((first.by_address + second.by_address).values())
    # At most those side by side on the wire, those that took the place of the first to come back, and the probes.
    assert 32 <= len(lost) <= 32 + BAD_MIN - 1 + PROBES
    assert len(lost) == (await pair.states())[State.UNKNOWN]
    await pair.close()


async def test_nothing_is_claimed_while_every_account_is_an_open_circuit(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """Contacts wait without an attempt; when the circuit has been open long enough a few probe, and then all go."""
    pair, first, second = await two_accounts(stage, database, valkey_url)
    labels = ["first", "second"]
    health = Health(open_redis(valkey_url), "test", pair.clock.now)
    await health.tell([(label, Tally(bad=20)) for label in labels])
    await pair.submit(*[make_contact(n, pair.clock.now()) for n in range(300, 330)])

    shut = await pair.dispatch.run_once()
    sent_while_shut = len(first.sent) + len(second.sent)
    pair.clock.advance(OPEN + timedelta(seconds=1))
    await pair.dispatch.run_once()
    probed = (len(first.sent), len(second.sent))
    await settle_down(pair)

    assert 0 == shut.done == sent_while_shut
    assert shut.next_due_at is not None
    assert pair.clock.now() > shut.next_due_at
    assert (PROBES, PROBES) == probed
    assert 30 == len(first.by_address + second.by_address)
    await pair.close()


async def test_without_redis_no_account_is_asked(stage: Stage, database: Database) -> None:
    """Health fails closed."""
    health = Health(open_redis("redis://127.0.0.1:1"), "test", None)

    with pytest.raises(RedisUnavailable):
        await health.ask(["first"])
    await health.tell([("first", Tally(bad=1))])  # forgotten, and no error


async def test_a_provider_that_asks_to_wait_is_left_alone_for_as_long(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """After a 429 with Retry-After 40 the account gets nothing for forty seconds; the other one carries on."""
    pair, first, second = await two_accounts(stage, database, valkey_url)

    async def throttle(request: SendRequest) -> SendOutcome:
        return SendOutcome(SendState.REFUSED_TRANSIENT, code="20429", reason="too_many_requests", retry_after_s=40)

    first.answer = throttle
    await pair.submit(make_contact(400, pair.clock.now()))
    await pair.run()
    first.answer = None
    await pair.submit(*[make_contact(n, pair.clock.now()) for n in range(401, 411)])
    pair.clock.advance(timedelta(seconds=39))
    await pair.run()
    during = (len(first.sent), len(second.sent))
    pair.clock.advance(timedelta(seconds=2))
    await pair.submit(*[make_contact(n, pair.clock.now()) for n in range(411, 415)])
    await settle_down(pair)

    assert (1, 10) == during
    assert 4 <= len(first.sent) - 1
    await pair.close()


async def test_a_circuit_opens_for_all_replicas_and_closes_after_passes(valkey_url: str) -> None:
    """One replica tells, the other hears; failed probes open it for twice as long."""
    clock = ManualClock()
    here, there = (Health(open_redis(valkey_url), "test", clock.now) for _ in range(2))

    await here.tell([("a", Tally(good=4, bad=5))])
    opened = (await there.ask(["a"]))[0]
    clock.advance(OPEN)
    probe, nothing = (await here.ask(["a"]))[0], (await there.ask(["a"]))[0]
    await here.tell([("a", Tally(bad=1))])
    clock.advance(OPEN)
    again = (await there.ask(["a"]))[0]
    clock.advance(OPEN)
    second_probe = (await there.ask(["a"]))[0]
    await there.tell([("a", Tally(good=3))])
    healed = (await here.ask(["a"]))[0]

    assert (Circuit.OPEN, 0) == (opened.circuit, opened.allowance)
    assert (Circuit.HALF_OPEN, PROBES) == (probe.circuit, probe.allowance)
    assert 0 == nothing.allowance
    assert Circuit.OPEN is again.circuit
    assert (Circuit.HALF_OPEN, PROBES) == (second_probe.circuit, second_probe.allowance)
    assert (Circuit.CLOSED, None) == (healed.circuit, healed.allowance)


async def test_a_few_failures_among_many_successes_open_nothing(valkey_url: str) -> None:
    """The twin: the same five failures beside ten successes."""
    health = Health(open_redis(valkey_url), "test", ManualClock().now)

    await health.tell([("a", Tally(good=10, bad=5))])

    assert Circuit.CLOSED is (await health.ask(["a"]))[0].circuit


def test_first_places_are_shared_out_by_weight_over_price() -> None:
    """Three accounts: twice the weight, the same, and the same at twice the price: shares of 4, 2 and 1 in 7."""
    outlets = (
        Outlet(StubProvider(name="heavy"), SENDERS, 1, 1, weight=2.0, price=0.01),
        Outlet(StubProvider(name="plain"), SENDERS, 1, 1, weight=1.0, price=0.01),
        Outlet(StubProvider(name="dear"), SENDERS, 1, 1, weight=1.0, price=0.02),
    )

    firsts = Counter(rank(outlets, f"address-{n}")[0].label for n in range(7000))

    assert [4000, 2000, 1000] == pytest.approx([firsts["heavy"], firsts["plain"], firsts["dear"]], abs=150)


def test_an_address_keeps_its_account_when_another_one_falls_out() -> None:
    """Only the addresses of the account that fell out move."""
    outlets = tuple(Outlet(StubProvider(name=name), SENDERS, 1, 1) for name in ("a", "b", "c"))
    before = {n: rank(outlets, str(n)) for n in range(500)}

    after = {n: rank(outlets[:2], str(n)) for n in range(500)}

    assert [n for n in before if before[n][0].label != "c" and before[n][0] is not after[n][0]] == []
    assert all(after[n] == tuple(one for one in before[n] if one.label != "c") for n in before)
