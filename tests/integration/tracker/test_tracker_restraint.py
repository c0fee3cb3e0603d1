"""While people have the word the machine is silent about money, at every door; and it answers as it is written to."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from forbear_domain.model import Channel
from tests.integration.tracker.test_tracker_calls import call as answer_call
from tests.integration.tracker.test_tracker_commitments import pay
from tests.integration.tracker.test_tracker_mail import send
from tests.integration.tracker.test_tracker_pages import post
from tests.integration.tracker.tracker_stage import World, page_path

pytestmark = pytest.mark.needs_postgres


async def test_who_wrote_of_despair_gets_no_offer_afterwards_but_a_person(world: World) -> None:
    """ "I lost my job" half an hour after it: no word of a debt, and the case of a quarter of an hour is there."""
    await world.attempt()
    await world.text("I want to end my life")
    await world.pump()
    world.clock.advance(timedelta(minutes=30))

    await world.text("I lost my job and cannot pay")
    await world.text("I will pay $300 on Friday")
    await world.pump()

    assert ["care.distress"] == world.templates()
    assert ["distress"] == await world.cases()
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM promise")
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM offer")


async def test_a_bar_that_a_person_lifted_gives_the_machine_its_voice_back(world: World) -> None:
    """The twin: the suppression is lifted, and the question is answered."""
    await world.attempt()
    await world.text("I want to end my life")
    await world.pump()
    await world.pool.execute("UPDATE suppression SET lift_reason = 'spoken_with_borrower'")

    await world.text("How can I pay?")
    await world.pump()

    assert ["care.distress", "answer.how_to_pay"] == world.templates()


async def test_an_option_from_before_the_attorney_is_not_agreed_by_a_reply(world: World) -> None:
    """Two options lie on the table, an attorney appears, "1" comes: people decide, and nothing is written."""
    await world.attempt()
    await world.text("Could I pay in parts?")
    await world.text("Talk to my attorney")
    await world.pump()

    await world.text("1")
    await world.pump()

    assert ["options.offered"] == world.templates()
    assert ["attorney", "wrote_again"] == await world.cases()
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM arrangement")


@pytest.mark.parametrize("form", [{"act": "promise", "day": "2026-03-06"}, {"act": "instalments"}, {"act": "hardship"}])
async def test_on_the_page_nothing_is_agreed_about_a_disputed_loan_and_it_says_who_follows(
    world: World, form: dict[str, str]
) -> None:
    """The borrower reads that a person follows, not that it is noted."""
    attempt = await world.attempt()
    await world.text("I never took out this loan")
    await world.pump()
    before = world.templates()

    _, body = await post(world, page_path(attempt), serial="0", **form)
    await world.pump()

    assert "A colleague" in body
    assert [] == before == world.templates()
    assert ["dispute", "verification", "wrote_again"] == await world.cases()
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM promise")
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM arrangement")


@pytest.mark.parametrize("act", ["deferral", "instalments", "hardship"])
async def test_a_page_that_stood_open_while_all_was_paid_says_that_nothing_is_settled(world: World, act: str) -> None:
    """No option is left to agree to: a person follows, and the page promises no message with one."""
    attempt = await world.attempt()
    await pay(world, 145_000, past_due_minor=0)

    _, body = await post(world, page_path(attempt), act=act, serial="0")

    assert "A colleague" in body
    assert ["no_offer"] == await world.cases()
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM arrangement")


@pytest.mark.parametrize("key", ["1", "2"])
async def test_a_key_pressed_in_a_call_promises_and_offers_nothing_in_a_bankruptcy(world: World, key: str) -> None:
    """The call was on its way when the message came: it says what it says to whoever asks for a person."""
    call = await world.attempt(channel=Channel.VOICE)
    await world.attempt(2)
    await world.text("I filed for chapter 13")
    await world.pump()

    said = await answer_call(world, call, "menu", Digits=key)
    for_a_person = await answer_call(world, call, "menu", Digits="0")
    await world.pump()

    assert for_a_person == said
    assert [] == world.templates()
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM offer")
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM promise")


async def test_the_language_written_in_is_kept_to_in_all_that_follows(world: World) -> None:
    """The record says English; Spanish was written. "1" tells no language, nor does a payment: both hear Spanish."""
    await world.attempt(language="en")

    await world.text("Me quedé sin trabajo y no puedo pagar, ¿qué puedo hacer?")
    await world.pump()
    await world.text("1")
    await world.pump()
    await pay(world, 145_000)
    await world.advance(timedelta(days=1))

    assert ["options.offered", "option.deferral_confirmed", "arrangement.kept"] == world.templates()
    assert ["es"] * 3 == [one.recipient.language for one in world.dispatcher.contacts]


@pytest.mark.parametrize(("record", "written", "answered"), [
    ("zh-Hans", "請問怎麼還款?可以刷卡嗎?", "zh-Hant"), ("zh-Hant", "请问怎么还款?可以刷卡吗?", "zh-Hans"),
])  # fmt: skip
async def test_each_script_of_chinese_is_answered_in_itself(
    world: World, record: str, written: str, answered: str
) -> None:
    """Whatever the record says."""
    await world.attempt(language=record)

    await world.text(written)
    await world.pump()

    assert [answered] == [one.recipient.language for one in world.dispatcher.contacts]


async def test_another_channel_named_leaves_the_plan_that_channel(world: World) -> None:
    """ "Call me instead of texting": texts are barred, and the scheduler is not told that the borrower left."""
    await world.attempt()

    await world.text("Call me instead of texting")
    await world.pump()

    assert ["REPLIED"] == world.scheduler.kinds()
    assert [int(Channel.VOICE)] == [one.preferred_channel for one in world.scheduler.responses]


async def test_whoever_waits_for_a_person_rests_by_whichever_door_they_asked(world: World) -> None:
    """By the page's button, by a key in a call, by a mail that nobody can read: no reminder for a week at least."""
    page = await world.attempt()
    await post(world, page_path(page), act="person", serial="0")
    call = await world.attempt(2, channel=Channel.VOICE)
    await answer_call(world, call, "menu", Digits="0")
    mail = await world.attempt(3, channel=Channel.EMAIL)
    await send(world, f"reply+{mail.hex}@example.com", b"Content-Type: message/rfc822\r\n\r\n" * 2000)

    kinds = world.scheduler.kinds()
    rests = [
        one.pause_until_time.ToDatetime(UTC)
        for kind, one in zip(kinds, world.scheduler.responses, strict=True)
        if kind == "REPLIED"
    ]
    assert [world.clock.now() + timedelta(days=7)] * 3 == rests
