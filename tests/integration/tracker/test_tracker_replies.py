"""What a borrower writes is acted upon before it is acknowledged: despair, hardship, choices, promises."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.types.v1 import types_pb2 as types_pb
from response_tracker.events import Event, Kind, name_event
from tests.integration.tracker.tracker_stage import BORROWER, LOAN, PHONE, SENDER, World

pytestmark = pytest.mark.needs_postgres


async def test_a_message_taken_twice_is_acted_on_once(world: World) -> None:
    """The provider repeats a callback whenever it likes."""
    await world.attempt()

    for _ in range(3):
        await world.text("I lost my job and cannot pay", sid="SM-same")
    await world.pump()

    assert ["options.offered"] == world.templates()
    assert 1 == world.scheduler.kinds().count("HARDSHIP")


async def test_a_message_that_was_durable_when_its_process_died_is_acted_on_once_by_the_next(world: World) -> None:
    """Killed between the write and the answer: the next process finds it, and the provider's second try is a repeat."""
    await world.attempt()
    form = {"MessageSid": "SM-killed", "From": PHONE, "To": SENDER, "Body": "I will pay $300 on Friday"}
    came = name_event(Kind.MESSAGE, "SM-killed")
    await world.receiver.take(Event(came, Kind.MESSAGE, None, urlencode(form).encode(), world.clock.now()))
    before = world.templates()

    await world.advance(timedelta(seconds=1))
    again = await world.text("I will pay $300 on Friday", sid="SM-killed")
    await world.pump()

    assert ([], 200) == (before, again)
    assert ["promise.thanks"] == world.templates()
    assert 1 == world.scheduler.kinds().count("PROMISED")


@pytest.mark.parametrize(
    ("words", "suppression", "case", "template"),
    [
        ("I want to end my life", "DISTRESS", "distress", "care.distress"),
        ("Wrong number, I am not Maria", "WRONG_PARTY", None, None),
        ("Talk to my attorney", "ATTORNEY", "attorney", None),
        ("I filed for chapter 13", "BANKRUPTCY", "bankruptcy", None),
        ("I never took out this loan", "DISPUTE", "dispute", None),
        ("My husband is on active duty", "MILITARY", "military", None),
        ("Maria died in January", "DECEASED", "deceased", None),
        ("Never contact me again in any way", "CEASE", "cease", None),
    ],
)
async def test_what_the_law_or_safety_asks_for_is_done_at_once(
    world: World, words: str, suppression: str, case: str | None, template: str | None
) -> None:
    """Suppressed before the answer, a case for a person, and at most one fitting message."""
    await world.attempt()

    await world.text(words)
    in_force = world.suppression_kinds()
    await world.pump()

    assert suppression in in_force
    assert case is None or case in await world.cases()
    assert ([template] if template else []) == world.templates()
    assert (suppression == "WRONG_PARTY") == ("WRONG_PARTY" in world.scheduler.kinds())


@pytest.mark.parametrize(("actor", "templates"), [("servicer", ["handover.person"]), ("collector", [])])
async def test_a_dispute_is_answered_by_a_machine_only_where_the_law_lets_it(
    world: World, actor: str, templates: list[str]
) -> None:
    """A collector's answers nothing, then or later; a person acknowledges and verifies in either case."""
    await world.attempt(actor=actor)

    await world.text("I never took out this loan")
    await world.pump()
    first = world.templates()
    await world.text("So who are you?")
    await world.pump()

    assert templates == first
    assert {"dispute", "verification"} <= set(await world.cases())
    assert (actor == "collector") == ([] == world.templates()[len(first) :])


async def test_distress_is_due_for_a_person_within_a_quarter_of_an_hour(world: World) -> None:
    """A person, at once."""
    await world.attempt()

    await world.text("I want to end my life")

    due = await world.pool.fetchval("SELECT due_at - opened_at FROM hand_over WHERE reason = 'distress'")
    assert timedelta(minutes=15) == due


@pytest.mark.parametrize(
    "beside",
    ["", " Stop texting me.", " Never contact me again in any way.", " I never took out this loan.", " Wrong number."],
)
async def test_a_crisis_line_is_planned_for_a_purpose_of_its_own_and_the_gate_is_told_what_it_answers(
    world: World, beside: str
) -> None:
    """Whatever else the message says: approved words, no slot, and the receipt of the words is there first."""
    await world.attempt()

    await world.text(f"I want to end my life.{beside}")
    await world.pump()

    (sent,) = world.dispatcher.contacts
    told = [one for one in world.dispatcher.receipts if one.state == dispatcher_pb.RECEIPT_STATE_INBOUND]
    assert ("care.distress", types_pb.PURPOSE_CARE, {}) == (sent.template, sent.purpose, dict(sent.slots))
    assert ["distress"] == [one.code for one in told]
    assert "distress" in await world.cases()


async def test_other_words_are_no_words_of_despair_to_the_gate(world: World) -> None:
    """The twin: hardship today, and hardship while a person is with somebody who wrote of despair yesterday."""
    await world.attempt()

    await world.text("I lost my job and cannot pay")
    await world.text("I want to end my life")
    await world.text("How can I pay?")
    await world.pump()

    told = [one for one in world.dispatcher.receipts if one.state == dispatcher_pb.RECEIPT_STATE_INBOUND]
    assert ["", "distress", ""] == [one.code for one in told]


async def test_hardship_stops_reminders_and_offers_two_computed_options(world: World) -> None:
    """612.40 in three parts is 204.14 + 204.13 + 204.13; nothing is rounded away."""
    await world.attempt()

    await world.text("I lost my job and cannot pay")
    await world.pump()

    assert ["HARDSHIP"] == world.suppression_kinds()
    assert "$204.14" in world.dispatcher.contacts[0].slots["option_2"]
    assert "$1,450.00" in world.dispatcher.contacts[0].slots["option_1"]
    assert "HARDSHIP" in world.scheduler.kinds()


@pytest.mark.parametrize(
    ("language", "hardship", "choice", "option"),
    [
        ("en", "I lost my job and cannot pay", "2", 2),
        ("es", "Me quedé sin trabajo y no puedo pagar", "la primera", 1),
        ("zh-Hans", "我失业了,没有钱还款", "选二", 2),
        ("zh-Hant", "我失業了,沒有錢還款", "第一個", 1),
    ],
)
async def test_a_choice_by_reply_becomes_an_arrangement_that_is_left_in_peace(
    world: World, language: str, hardship: str, choice: str, option: int
) -> None:
    """In four languages: the option is agreed, confirmed in that language, and reminders rest."""
    await world.attempt(language=language)
    await world.text(hardship)
    await world.pump()

    await world.text(choice)
    await world.pump()

    confirmation = {1: "option.deferral_confirmed", 2: "option.instalments_confirmed"}[option]
    assert ["options.offered", confirmation] == world.templates()
    assert language == world.dispatcher.contacts[1].recipient.language
    assert ["HARDSHIP", "ARRANGEMENT"] == world.suppression_kinds()
    assert 1 == len(world.dispatcher.lifted)
    assert option == await world.pool.fetchval("SELECT option FROM arrangement")
    assert "ARRANGED" in world.scheduler.kinds()


async def test_a_number_without_options_on_the_table_chooses_nothing(world: World) -> None:
    """The twin: "2" means something only when two options were put."""
    await world.attempt()

    await world.text("2")
    await world.pump()

    assert 0 == await world.pool.fetchval("SELECT count(*) FROM arrangement")


async def test_a_promise_pauses_reminders_and_is_reminded_of_the_day_before(world: World) -> None:
    """Monday: "I will pay $300 on Friday". Thanked now, reminded on Thursday at ten in New York."""
    await world.attempt()

    await world.text("I will pay $300 on Friday")
    await world.pump()
    now = world.templates()
    await world.advance(timedelta(days=3))

    assert ["PROMISE"] == world.suppression_kinds()
    assert ["promise.thanks"] == now
    assert "$300.00" == world.dispatcher.contacts[0].slots["promise_amount"]
    assert ["promise.thanks", "promise.reminder"] == world.templates()
    assert types_pb.PURPOSE_FOLLOW_UP == world.dispatcher.contacts[1].purpose
    assert "2026-03-05T15:00:00Z" == world.dispatcher.contacts[1].not_before_time.ToJsonString()


async def test_the_borrowers_message_earns_its_answer_before_the_answer_is_submitted(world: World) -> None:
    """The dispatcher must know of the message before it is asked to answer it."""
    await world.attempt()
    order: list[str] = []
    world.dispatcher.receipts = _Noted(order, "receipt")  # type: ignore[assignment]
    world.dispatcher.contacts = _Noted(order, "contact")  # type: ignore[assignment]

    await world.text("How can I pay?")
    await world.pump()

    assert ["receipt", "contact"] == order
    assert dispatcher_pb.RECEIPT_STATE_INBOUND == world.dispatcher.receipts[0].state


class _Noted(list):  # type: ignore[type-arg]
    """A list that notes when something is added to it."""

    def __init__(self, order: list[str], name: str) -> None:
        super().__init__()
        self._order, self._name = order, name

    def __iadd__(self, items):  # type: ignore[no-untyped-def]
        items = list(items)
        self._order += [self._name] * len(items)
        self.extend(items)
        return self


async def test_a_later_language_is_kept_to(world: World) -> None:
    """Asked for Spanish, answered in Spanish, and the scheduler knows."""
    await world.attempt()

    await world.text("Please write to me in Spanish")
    await world.pump()

    assert "es" in [one.preferred_language for one in world.scheduler.responses]
    assert ["es"] == [one.recipient.language for one in world.dispatcher.contacts]


async def test_the_assistant_falls_silent_after_three_answers_a_day(world: World) -> None:
    """It knows when to stop: then a person takes over. What must be confirmed still is."""
    await world.attempt()
    for words in ("How can I pay?", "Where do I pay?", "Which account do I pay to?", "What ways are there to pay?"):
        await world.text(words)
    await world.pump()
    answered = len(world.dispatcher.contacts)

    await world.text("STOP")
    await world.pump()

    assert 3 == answered
    assert "talked_too_much" in await world.cases()
    assert "opt_out.confirmed" == world.templates()[-1]


async def test_an_identity_question_answered_with_no_bars_the_address(world: World) -> None:
    """Who doubts us is asked who they are, without a word about a debt; "no" means a wrong number."""
    await world.attempt()
    await world.text("Who is this? Is this a scam?")
    await world.pump()

    await world.text("No")
    await world.pump()

    assert "identity.verify" == world.templates()[0]
    assert ["WRONG_PARTY"] == world.suppression_kinds()


async def test_a_reply_is_credited_to_the_last_outreach_within_two_days(world: World) -> None:
    """By window: not to our own answer, and to nothing when the outreach is older."""
    first = await world.attempt(1)
    world.clock.advance(timedelta(hours=1))
    await world.attempt(2, purpose=types_pb.PURPOSE_REPLY)
    world.clock.advance(timedelta(minutes=5))

    await world.text("ok thanks")
    world.clock.advance(timedelta(hours=60))
    await world.text("Where do I pay?")
    await world.pump()

    rows = await world.pool.fetch("SELECT attempt_id, attribution FROM response ORDER BY event_at")
    assert [(first, "window"), (None, "none")] == [(row["attempt_id"], row["attribution"]) for row in rows]
    assert [b""] == [one.contact_id for one in world.scheduler.responses[1:]]


@pytest.mark.parametrize(
    "words", ["", "🙂", "‮مرحبا", "x" * 5000, "<script>alert(1)</script>", "\x00\x01", "%s %d {}", "1/2/3/4"]
)
async def test_odd_words_get_an_answer_and_never_a_crash(world: World, words: str) -> None:
    """Empty, emoji, right to left, very long, markup, control characters."""
    await world.attempt()

    status = await world.text(words)
    await world.pump()

    assert 200 == status


async def test_another_channel_wished_for_keeps_it_open(world: World) -> None:
    """ "Call me instead of texting" bars text messages to that number, and calls stay possible."""
    await world.attempt()

    await world.text("Call me instead of texting")
    await world.pump()

    assert ["OPT_OUT"] == world.suppression_kinds()
    assert types_pb.CHANNEL_SMS == world.dispatcher.suppressions[0].channel
    assert types_pb.CHANNEL_VOICE in [one.preferred_channel for one in world.scheduler.responses]


async def test_a_payment_said_to_be_made_is_waited_for_and_checked_by_a_person(world: World) -> None:
    """Reminders rest for five days; the payment closes the case."""
    await world.attempt()

    await world.text("I already paid yesterday")
    await world.pump()

    assert ["PAID"] == world.suppression_kinds()
    assert timedelta(days=5) == (
        world.dispatcher.suppressions[0].end_time.ToDatetime()
        - world.dispatcher.suppressions[0].start_time.ToDatetime()
    )
    assert ["check_payment"] == await world.cases()


async def test_a_wish_about_the_hour_reaches_the_scheduler(world: World) -> None:
    """ "Only after 6 pm" is the hour 18 on the borrower's clock."""
    await world.attempt()

    await world.text("Only after 6 pm")
    await world.pump()

    assert [18] == [one.preferred_hour_start for one in world.scheduler.responses]
    assert ["preference.noted"] == world.templates()


async def test_the_words_stay_in_the_transcript(world: World) -> None:
    """Text is in `message` and in the raw event, and in no body that leaves us."""
    await world.attempt()

    await world.text("I lost my job at the zanzibar bakery")
    await world.pump()

    leaving = [one.SerializeToString() for one in world.dispatcher.contacts] + [
        one.SerializeToString() for one in world.scheduler.responses
    ]
    assert not any(b"zanzibar" in body for body in leaving)
    assert 1 == await world.pool.fetchval("SELECT count(*) FROM message WHERE text LIKE '%zanzibar%'")
    assert BORROWER.bytes == world.scheduler.responses[0].borrower_id
    assert LOAN.bytes == world.dispatcher.contacts[0].loan_id


async def test_a_wish_about_days_reaches_the_scheduler(world: World) -> None:
    """ "Only on weekends": Saturday and Sunday, so that the plan does not choose what the gate would refuse."""
    await world.attempt()

    await world.text("Please only contact me on weekends")
    await world.pump()

    assert [[5, 6]] == [list(one.preferred_days) for one in world.scheduler.responses]
