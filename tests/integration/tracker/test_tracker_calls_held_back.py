"""Beside a bar that stands, a call reads no options and asks for no money; in despair it says whom to call."""

from __future__ import annotations

import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.types.v1 import types_pb2 as types_pb
from forbear_domain.model import Channel
from tests.integration.tracker.test_tracker_calls import call
from tests.integration.tracker.tracker_stage import World

pytestmark = pytest.mark.needs_postgres

BARS = {
    "dispute": "I never took out this loan",
    "cease": "Never contact me again in any way",
    "attorney": "Talk to my attorney",
    "bankruptcy": "I filed for chapter 13",
    "military": "My husband is on active duty",
    "distress": "I want to end my life",
}
A_PERSON = "A colleague will take it from here"
MONEY = ("612", "press 1", "promise", "payment")


def asks_for_money(twiml: str) -> bool:
    """Say whether a call names an amount, reads options, or asks for a choice."""
    return any(word in twiml for word in MONEY) or "<Gather" in twiml


STEPS: dict[str, tuple[str, dict[str, str]]] = {
    "who they are": ("identity", {"Digits": "1"}),
    "who they are, spoken": ("identity", {"SpeechResult": "yes"}),
    "a promise by key": ("menu", {"Digits": "1"}),
    "cannot pay, by key": ("menu", {"Digits": "2"}),
    "cannot pay, spoken": ("menu", {"SpeechResult": "I lost my job and cannot pay"}),
    "a promise, spoken": ("menu", {"SpeechResult": "I will pay $300 on Friday"}),
    "nothing understood": ("menu", {"SpeechResult": "hm"}),
    "an option by key": ("options", {"Digits": "2"}),
    "no option understood": ("options", {"Digits": "7"}),
}


@pytest.mark.parametrize("bar", BARS.values(), ids=BARS.keys())
@pytest.mark.parametrize("asked", STEPS.values(), ids=STEPS.keys())
async def test_a_call_beside_a_bar_that_stands_reads_no_options_and_asks_for_no_money(
    world: World, bar: str, asked: tuple[str, dict[str, str]]
) -> None:
    """What was said before binds each step of a call that had begun: a person follows, and the call says so."""
    await world.attempt(1)
    attempt = await world.attempt(2, channel=Channel.VOICE)
    await world.text(bar)
    step, form = asked

    twiml = await call(world, attempt, step, **form)
    again = await call(world, attempt, step, **form)

    assert A_PERSON in twiml
    assert not asks_for_money(twiml)
    assert twiml == again
    assert 0 == await world.pool.fetchval("SELECT (SELECT count(*) FROM promise) + (SELECT count(*) FROM offer)")
    assert await world.cases()
    assert dispatcher_pb.RECEIPT_STATE_CONVERSED not in [one.state for one in world.dispatcher.receipts]


@pytest.mark.parametrize("asked", list(STEPS)[:5])
async def test_the_same_steps_without_a_bar_lead_to_the_matter(world: World, asked: str) -> None:
    """The twin, so that the test above can fail."""
    attempt = await world.attempt(channel=Channel.VOICE)
    step, form = STEPS[asked]

    twiml = await call(world, attempt, step, **form)

    assert A_PERSON not in twiml
    assert asks_for_money(twiml) or "you will pay" in twiml


@pytest.mark.parametrize("bar", ["dispute", "attorney", "bankruptcy", "military", "cease", "distress"])
async def test_after_such_words_in_a_call_the_rest_of_it_is_for_people(world: World, bar: str) -> None:
    """Spoken at the menu; whatever is pressed after it in that call."""
    await world.attempt(1)
    attempt = await world.attempt(2, channel=Channel.VOICE)

    first = await call(world, attempt, "menu", SpeechResult=BARS[bar])
    later = [await call(world, attempt, step, Digits=key) for step, key in (("menu", "2"), ("options", "1"))]

    assert not any(asks_for_money(one) for one in (first, *later))
    assert {A_PERSON in one for one in later} == {True}


async def test_a_promise_that_was_not_heard_for_sure_is_not_said_to_be_noted(world: World) -> None:
    """Too far off to wait for: no promise is made, so the call names a person."""
    attempt = await world.attempt(channel=Channel.VOICE)

    twiml = await call(world, attempt, "menu", SpeechResult="I will pay you on December 24")

    assert 0 == await world.pool.fetchval("SELECT count(*) FROM promise")
    assert "you will pay" not in twiml
    assert await world.cases()


@pytest.mark.parametrize("step", ["identity", "menu", "options"])
async def test_who_speaks_of_despair_in_a_call_hears_whom_to_call_at_once(world: World, step: str) -> None:
    """In the call itself, whoever they are; nothing follows in writing, and a repeated request says the same."""
    await world.attempt(1)
    attempt = await world.attempt(2, channel=Channel.VOICE)

    first = await call(world, attempt, step, SpeechResult="I want to end my life")
    again = await call(world, attempt, step, SpeechResult="I want to end my life")

    assert "local emergency number" in first
    assert "<Hangup/>" in first
    assert not asks_for_money(first)
    assert first == again
    assert [] == world.templates()
    assert ["distress"] == await world.cases()


@pytest.mark.parametrize("texted_before", [True, False])
async def test_a_text_in_answer_to_a_call_is_answered_by_text(world: World, texted_before: bool) -> None:
    """Despair written to the number that had just called: a crisis line comes back where it was written."""
    if texted_before:
        await world.attempt(1)
    await world.attempt(2, channel=Channel.VOICE)

    await world.text("I want to end my life")
    await world.pump()

    (sent,) = world.dispatcher.contacts
    heard = [one for one in world.dispatcher.receipts if one.state == dispatcher_pb.RECEIPT_STATE_INBOUND]
    assert (types_pb.CHANNEL_SMS, types_pb.PURPOSE_CARE) == (sent.channel, sent.purpose)
    assert [("distress", types_pb.CHANNEL_SMS)] == [(one.code, one.channel) for one in heard]
    assert texted_before is sent.recipient.consented
