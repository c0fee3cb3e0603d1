"""What is kept for a time only is forgotten after it, and not before."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from channel_dispatcher.housekeeping import ANSWERS_KEPT, UNKNOWN_KEPT, Housekeeping
from channel_dispatcher.store import answers
from channel_dispatcher.store.address_use import SHARED_FOR
from forbear_domain.lifecycle import State
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.stage import Stage, make_contact

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


async def test_answers_are_forgotten_when_nobody_repeats_the_call_any_more(stage: Stage) -> None:
    """The pass says when that is, and does nothing before."""
    housekeeping = Housekeeping(stage.pool, stage.clock, stage.erasure)
    given_at = stage.clock.now()
    await stage.pool.execute("DELETE FROM address_use")  # of the contact that warmed the limiter up
    async with stage.pool.acquire() as connection:
        await answers.keep(connection, uuid.uuid4(), "RecallContacts", b"", given_at)

    waiting = await housekeeping.run_once()
    assert waiting.next_due_at is not None
    forgetting_at_night = stage.clock.move_to(waiting.next_due_at)
    forgetting = await housekeeping.run_once()

    assert 0 == waiting.done
    assert ANSWERS_KEPT <= waiting.next_due_at - given_at <= ANSWERS_KEPT + timedelta(days=1)
    assert 1 == forgetting.done
    next_night = forgetting_at_night + timedelta(days=1)
    assert (0, next_night) == await housekeeping.run_once()


async def test_who_was_to_be_reached_where_is_forgotten_after_a_week_and_not_before(stage: Stage) -> None:
    """A household is noticed by what happened within a week; older than that, nothing is kept of it."""
    housekeeping = Housekeeping(stage.pool, stage.clock, stage.erasure)
    await stage.pool.execute("DELETE FROM address_use")
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()

    kept = []
    for wait in (timedelta(), SHARED_FOR - timedelta(minutes=1), timedelta(minutes=2)):
        stage.clock.advance(wait)
        await housekeeping.run_once()
        kept.append(await stage.pool.fetchval("SELECT count(*) FROM address_use"))

    assert [1, 1, 0] == kept


async def test_an_unknown_contact_names_nobody_after_its_time(stage: Stage) -> None:
    """It stays unknown, and what it would have said is gone."""

    async def lose(request: SendRequest) -> SendOutcome:
        return SendOutcome(SendState.UNKNOWN, reason="timed_out")

    housekeeping = Housekeeping(stage.pool, stage.clock, stage.erasure)
    stage.provider.answer = lose
    sent_at = stage.clock.now()
    await stage.submit(make_contact(1, sent_at))
    await stage.run()
    await stage.pool.execute("UPDATE attempt SET check_at = NULL")

    waiting = await housekeeping.run_once()
    assert waiting.next_due_at is not None
    stage.clock.move_to(waiting.next_due_at)
    await housekeeping.run_once()

    assert UNKNOWN_KEPT <= waiting.next_due_at - sent_at <= UNKNOWN_KEPT + timedelta(days=1)
    assert await stage.pool.fetchval("SELECT body FROM contact") is None
    assert 1 == (await stage.states())[State.UNKNOWN]
