"""The path of a contact against real PostgreSQL and Valkey: what goes out, what is written, what is refused."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from forbear.scheduler.v1 import scheduler_service_pb2 as scheduler_pb2
from forbear_chassis.redis import RedisUnavailable
from forbear_domain.lifecycle import State
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.stage import Stage, make_contact, open_stage
from tests.kit.databases import Database
from tests.kit.manual_clock import NOON_IN_NEW_YORK

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


async def test_a_lawful_contact_is_sent_once_and_everything_is_written(stage: Stage) -> None:
    """Permit, settlement and both neighbours' news are there; the person is forgotten."""
    taken = await stage.submit(make_contact(1, stage.clock.now()))
    repeated = await stage.submit(make_contact(1, stage.clock.now()))

    await stage.run()

    assert (1, 0) == (taken.taken, taken.repeated)
    assert (0, 1) == (repeated.taken, repeated.repeated)
    [request] = stage.provider.sent
    assert "Harbor Home Loans" in request.rendered.text
    row = await stage.pool.fetchrow(
        "SELECT state, body, attempts FROM contact ORDER BY contact_id = $1 DESC LIMIT 1", _id(1)
    )
    assert (State.ACCEPTED, None, 1) == tuple(row)
    topics = await stage.pool.fetch("SELECT topic, count(*) AS n FROM outbox GROUP BY topic ORDER BY topic")
    assert [("scheduler", 2), ("tracker", 2)] == [tuple(row) for row in topics]
    assert {"permit": 2, "settlement": 2} == dict(await stage.kinds())


async def test_a_batch_goes_out_side_by_side(stage: Stage) -> None:
    """Three hundred contacts take one claim and one settlement."""
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(300)])

    await stage.run()

    assert 300 == len(stage.provider.sent)
    assert 300 == len({request.attempt_id for request in stage.provider.sent})
    assert {State.ACCEPTED: 301} == dict(await stage.states())


async def test_nothing_is_sent_at_night(stage: Stage) -> None:
    """At half past two in New York the contact waits until the window opens, and the ledger says why."""
    stage.clock.move_to(stage.clock.now().replace(hour=7, minute=30) + timedelta(days=1))
    contact = make_contact(2, stage.clock.now())
    await stage.submit(contact)

    await stage.run()

    assert [] == stage.provider.sent
    due_at, reason = await stage.pool.fetchrow("SELECT due_at, reason FROM contact WHERE contact_id = $1", _id(2))
    assert (13, 0) == (due_at.hour, due_at.minute)
    assert reason
    assert 1 == (await stage.kinds())["postponement"]
    stage.clock.move_to(due_at)
    await stage.run()
    assert 1 == len(stage.provider.sent)


async def test_a_contact_that_would_only_be_lawful_after_it_expired_ends(stage: Stage) -> None:
    """The twin that expires before the window opens is never sent."""
    stage.clock.move_to(stage.clock.now().replace(hour=7, minute=30) + timedelta(days=1))
    contact = make_contact(2, stage.clock.now())
    contact.expire_time.FromDatetime(stage.clock.now() + timedelta(hours=2))
    await stage.submit(contact)

    await stage.run()

    assert [] == stage.provider.sent
    assert 1 == (await stage.states())[State.EXPIRED]
    assert 1 == (await stage.kinds())["expiry"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("zone", "HOUSE-PLACE"),
        ("consent", "REGF-6D5-TEXT"),
    ],
)
async def test_what_is_not_known_to_be_lawful_is_refused(stage: Stage, change: str, rule: str) -> None:
    """Without a zone, or without consent, nothing goes; the reason is the rule."""
    contact = make_contact(3, stage.clock.now())
    if change == "zone":
        contact.recipient.places.add(kind=2, zone="", region="US")
    else:
        contact.recipient.consented = False
    await stage.submit(contact)

    await stage.run()

    assert [] == stage.provider.sent
    state, reason = await stage.pool.fetchrow("SELECT state, reason FROM contact WHERE contact_id = $1", _id(3))
    assert State.REFUSED == state
    assert rule == reason


async def test_two_contacts_of_one_borrower_count_against_each_other(stage: Stage) -> None:
    """The second contact of a day waits although both were due in the same batch."""
    first, second = make_contact(4, stage.clock.now()), make_contact(4, stage.clock.now())
    second.contact_id = bytes(16)
    await stage.submit(first, second)

    await stage.run()

    assert 1 == len(stage.provider.sent)
    assert 1 == (await stage.states())[State.QUEUED] + (await stage.states())[State.EXPIRED]


async def test_a_transient_refusal_comes_back_through_the_gate_later(stage: Stage) -> None:
    """Back-off grows, the number of attempts is bounded, and each attempt has its own permit."""

    async def refuse(request: SendRequest) -> SendOutcome:
        return SendOutcome(SendState.REFUSED_TRANSIENT, code="20429", reason="too_many_requests", retry_after_s=40)

    stage.provider.answer = refuse
    await stage.submit(make_contact(5, stage.clock.now()))

    waits = []
    for _ in range(6):
        before = stage.clock.now()
        await stage.run()
        due_at, state = await stage.pool.fetchrow("SELECT due_at, state FROM contact WHERE contact_id = $1", _id(5))
        if state != State.QUEUED:
            break
        waits.append((due_at - before).total_seconds())
        stage.clock.move_to(due_at)

    assert State.REFUSED == state
    assert 5 == len(stage.provider.sent) == len({request.attempt_id for request in stage.provider.sent})
    assert waits == sorted(waits)
    assert 40 <= waits[0]
    assert 6 == (await stage.kinds())["permit"]  # five, and the warm-up's


async def test_an_unknown_outcome_is_never_sent_again_by_itself(stage: Stage) -> None:
    """It waits, and counts against the caps."""

    async def vanish(request: SendRequest) -> SendOutcome:
        return SendOutcome(SendState.UNKNOWN, reason="timed_out")

    stage.provider.answer = vanish
    second = make_contact(6, stage.clock.now())
    second.contact_id = bytes(16)
    await stage.submit(make_contact(6, stage.clock.now()))
    await stage.run()
    await stage.submit(second)

    stage.clock.advance(timedelta(hours=1))
    await stage.run()

    assert 1 == len(stage.provider.sent)
    assert 1 == (await stage.states())[State.UNKNOWN]


async def test_an_opt_out_that_only_the_provider_knows_is_in_force_from_then_on(stage: Stage) -> None:
    """Code 21610 refuses for good and bars the address; the scheduler is told both times that it is closed."""

    async def refuse(request: SendRequest) -> SendOutcome:
        return SendOutcome(SendState.REFUSED_FINAL, code="21610", reason="opted_out_at_carrier", is_opted_out=True)

    stage.provider.answer = refuse
    await stage.submit(make_contact(7, stage.clock.now()))
    await stage.run()
    other = make_contact(8, stage.clock.now(), recipient_address=stage.provider.sent[0].address)
    await stage.submit(other)

    await stage.run()

    assert 1 == len(stage.provider.sent)
    assert 2 == (await stage.states())[State.REFUSED]
    told = await stage.pool.fetch("SELECT body FROM outbox WHERE topic = 'scheduler'")
    outcomes = [scheduler_pb2.ContactOutcome.FromString(row["body"]) for row in told]
    assert [False, True, True] == sorted(one.is_address_barred for one in outcomes)  # the first is the warm-up's
    assert 1 == (await stage.kinds())["suppression"]


async def test_without_redis_nothing_is_sent_and_nothing_is_lost(
    stage: Stage, valkey_url: str, database: Database
) -> None:
    """A dispatcher that cannot reach its Redis leaves the queue as it was."""
    lonely = await open_stage(database, "redis://127.0.0.1:1", stage.clock)
    await lonely.submit(make_contact(9, stage.clock.now()))

    with pytest.raises(RedisUnavailable):
        await lonely.dispatch.run_once()

    assert [] == lonely.provider.sent
    assert 1 == (await stage.states())[State.QUEUED]
    await stage.run()
    assert 1 == len(stage.provider.sent)
    await lonely.close()


async def test_a_kill_switch_stops_a_campaign_until_it_is_lifted(stage: Stage) -> None:
    """Nothing of the campaign is claimed while the switch is thrown."""
    await stage.submit(make_contact(10, stage.clock.now()))
    campaign = await stage.pool.fetchval("SELECT campaign_id FROM contact LIMIT 1")
    await stage.pool.execute(
        "INSERT INTO kill_switch (campaign_id, reason, thrown_at) VALUES ($1, 'complaints', $2)",
        campaign,
        stage.clock.now(),
    )

    await stage.run()
    assert [] == stage.provider.sent
    await stage.pool.execute("UPDATE kill_switch SET lifted_at = $1", stage.clock.now())
    await stage.run()

    assert 1 == len(stage.provider.sent)


def _id(number: int) -> uuid.UUID:
    return uuid.UUID(bytes=make_contact(number, NOON_IN_NEW_YORK).contact_id)
