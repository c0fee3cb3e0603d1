"""Calls: nothing about a debt before the person is known, keys act as replies do, machines hear only what they may."""

from __future__ import annotations

from uuid import UUID

import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.types.v1 import types_pb2 as types_pb
from forbear_domain.model import Channel
from tests.integration.tracker.tracker_stage import PAST_DUE, World

pytestmark = pytest.mark.needs_postgres


async def call(world: World, attempt: UUID, step: str = "", **form: str) -> str:
    """Let the provider ask for the next step of a call; return the TwiML."""
    path = f"/twilio/voice/{attempt}" + (f"/{step}" if step else "")
    status, twiml = await world.post_signed(path, {"CallSid": "CA1", "CallStatus": "in-progress", **form})
    assert 200 == status
    await world.pump()
    return twiml


async def test_the_debt_is_named_only_after_the_person_said_who_they_are(world: World) -> None:
    """First the name, then, after "1", the matter; only then it is a conversation about the debt."""
    attempt = await world.attempt(channel=Channel.VOICE)

    greeting = await call(world, attempt)
    before = [one.state for one in world.dispatcher.receipts]
    statement = await call(world, attempt, "identity", Digits="1")

    assert not PAST_DUE.search(greeting)
    assert "debt" not in greeting
    assert "Maria" in greeting
    assert "612.40" in statement
    assert [] == before
    assert dispatcher_pb.RECEIPT_STATE_CONVERSED == world.dispatcher.receipts[-1].state
    assert ["ENGAGED", "CONVERSED"] == world.scheduler.kinds()


async def test_a_machine_hears_no_more_than_a_voicemail_may_hold(world: World) -> None:
    """The limited content, or nothing (12 CFR 1006.2(j))."""
    attempt = await world.attempt(channel=Channel.VOICE)

    twiml = await call(world, attempt, AnsweredBy="machine_end_beep")

    assert not PAST_DUE.search(twiml)
    assert "debt" not in twiml
    assert [dispatcher_pb.RECEIPT_STATE_MACHINE] == [one.state for one in world.dispatcher.receipts]
    assert "ENGAGED" not in world.scheduler.kinds()


async def test_one_promises_for_the_third_day_and_is_confirmed_in_writing(world: World) -> None:
    """The call goes on where we have written before; without that nobody is called back."""
    await world.attempt(1)
    attempt = await world.attempt(2, channel=Channel.VOICE)

    await call(world, attempt, "menu", Digits="1")

    assert types_pb.PURPOSE_CONFIRMATION == world.dispatcher.contacts[0].purpose
    assert ["PROMISE"] == world.suppression_kinds()
    assert ["promise.thanks"] == world.templates()
    assert types_pb.CHANNEL_SMS == world.dispatcher.contacts[0].channel
    assert "2026-03-05" == (await world.pool.fetchval("SELECT due_on FROM promise")).isoformat()


async def test_two_and_two_become_three_instalments(world: World) -> None:
    """ "Cannot pay", then "smaller payments"."""
    attempt = await world.attempt(channel=Channel.VOICE)

    offered = await call(world, attempt, "menu", Digits="2")
    await call(world, attempt, "options", Digits="2")

    assert "/options" in offered
    assert ["HARDSHIP", "ARRANGEMENT"] == world.suppression_kinds()
    assert 3 == await world.pool.fetchval("SELECT count(*) FROM instalment")
    assert [] == world.templates()


async def test_nine_stops_calls_to_that_number_at_any_step(world: World) -> None:
    """In force before the goodbye is spoken; text messages stay possible."""
    attempt = await world.attempt(channel=Channel.VOICE)

    twiml = await call(world, attempt, "identity", Digits="9")

    assert "<Hangup/>" in twiml
    assert ["OPT_OUT"] == world.suppression_kinds()
    assert types_pb.CHANNEL_VOICE == world.dispatcher.suppressions[0].channel


async def test_a_call_that_cannot_be_stopped_at_the_dispatcher_is_asked_again(world: World) -> None:
    """No goodbye before the stop is in force."""
    attempt = await world.attempt(channel=Channel.VOICE)
    world.dispatcher.is_away = True

    path = f"/twilio/voice/{attempt}/menu"
    status, _ = await world.post_signed(path, {"CallSid": "CA1", "CallStatus": "in-progress", "Digits": "9"})

    assert 503 == status


async def test_words_are_heard_where_no_key_was_pressed(world: World) -> None:
    """ "I want to end my life", spoken at the menu: a person at once."""
    attempt = await world.attempt(channel=Channel.VOICE)

    twiml = await call(world, attempt, "menu", SpeechResult="I want to end my life")

    assert "<Hangup/>" in twiml
    assert ["DISTRESS"] == world.suppression_kinds()
    assert "distress" in await world.cases()


async def test_two_at_the_greeting_is_a_wrong_number(world: World) -> None:
    """Not this person: the number is barred for everyone."""
    attempt = await world.attempt(channel=Channel.VOICE)

    await call(world, attempt, "identity", Digits="2")
    await world.pump()

    assert ["WRONG_PARTY"] == world.suppression_kinds()
    assert b"" == world.dispatcher.suppressions[0].borrower_id
    assert 1 == world.scheduler.kinds().count("WRONG_PARTY")


async def test_a_repeated_step_says_the_same_and_acts_once(world: World) -> None:
    """The provider repeats requests; a second promise is not made."""
    attempt = await world.attempt(channel=Channel.VOICE)

    first = await call(world, attempt, "menu", Digits="1")
    second = await call(world, attempt, "menu", Digits="1")

    assert first == second
    assert 1 == await world.pool.fetchval("SELECT count(*) FROM promise")


async def test_a_call_that_is_faster_than_its_attempt_waits(world: World) -> None:
    """Two seconds of pause, then the same question again."""
    twiml = await call(world, UUID(int=5))

    assert '<Pause length="2"/><Redirect' in twiml
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM event")
