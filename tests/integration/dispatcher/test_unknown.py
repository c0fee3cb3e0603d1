"""Claims that nobody settled: found, never sent again by themselves, and looked up at the provider."""

from __future__ import annotations

from datetime import timedelta

import pytest

from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb2
from forbear.types.v1 import types_pb2
from forbear_domain.lifecycle import State
from forbear_providers.contract import Found, NotFound, ReceiptState, SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.stage import Stage, make_contact, open_stage
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


class Killed(BaseException):
    """Ends a pass where a process would have died."""


async def lose(stage: Stage, number: int = 1) -> None:
    """Leave a claim behind as a process does that dies while it sends."""

    async def die(request: SendRequest) -> SendOutcome:
        raise Killed

    stage.provider.answer = die
    await stage.submit(make_contact(number, stage.clock.now()))
    with pytest.raises(Killed):
        await stage.run()
    stage.provider.answer = None


async def test_a_claim_of_a_living_process_is_left_alone(stage: Stage) -> None:
    """Its owner will settle it."""
    await lose(stage)

    assert 0 == (await stage.reconciliation.run_once()).done
    assert 1 == (await stage.states())[State.CLAIMED]


async def test_an_orphan_becomes_unknown_as_soon_as_its_process_is_gone(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """The next process finds it at once, tells the tracker, and sends nothing."""
    await lose(stage)
    await stage.owner.close()
    heir = await open_stage(database, valkey_url, stage.clock)

    assert 1 == (await heir.reconciliation.run_once()).done
    await heir.run()

    assert [] == heir.provider.sent
    assert 1 == (await heir.states())[State.UNKNOWN]
    body = await heir.pool.fetchval("SELECT body FROM outbox WHERE topic = 'tracker' ORDER BY id DESC LIMIT 1")
    assert types_pb2.CONTACT_STATE_UNKNOWN == tracker_pb2.Attempt.FromString(body).state
    await heir.close()


@pytest.mark.parametrize(
    ("finding", "state", "sends"),
    [
        (Found("SM77", ReceiptState.DELIVERED), State.ACCEPTED, 1),
        (NotFound.ABSENT, State.ACCEPTED, 2),  # proved absent: attempted again, through the gate
        (NotFound.CANNOT_TELL, State.UNKNOWN, 1),
    ],
)
async def test_the_provider_s_word_settles_what_was_unknown(
    stage: Stage, finding: Found | NotFound, state: State, sends: int
) -> None:
    """Found is accepted; only a proof of absence sends again; otherwise it waits."""

    async def vanish(request: SendRequest) -> SendOutcome:
        return SendOutcome(SendState.UNKNOWN, reason="timed_out")

    stage.provider.answer = vanish
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()
    stage.provider.answer, stage.provider.finding = None, finding

    assert 0 == (await stage.reconciliation.run_once()).done, "not before nobody can be sending it any more"
    stage.clock.advance(timedelta(seconds=121))
    assert 1 == (await stage.reconciliation.run_once()).done
    await stage.run()

    assert 1 == (await stage.states())[state] - (state is State.ACCEPTED)  # the warm-up's was accepted, too
    assert sends == len(stage.provider.sent)
    assert sends == len({request.attempt_id for request in stage.provider.sent})


async def test_who_cannot_tell_is_asked_ever_more_rarely_and_then_a_person_decides(stage: Stage) -> None:
    """Five questions in twelve hours, and one word to the scheduler."""

    async def vanish(request: SendRequest) -> SendOutcome:
        return SendOutcome(SendState.UNKNOWN, reason="timed_out")

    stage.provider.answer = vanish
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()

    while (due_at := (await stage.reconciliation.run_once()).next_due_at) is not None:
        stage.clock.move_to(max(due_at, stage.clock.now()))

    assert 5 == len(stage.provider.asked)
    assert 1 == (await stage.states())[State.UNKNOWN]
    assert 1 == len(stage.provider.sent)
