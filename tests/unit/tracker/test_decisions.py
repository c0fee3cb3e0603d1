"""One table decides what is done about a reply; a choice or a promise is never guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.arrangements import Option
from forbear_domain.messages import Catalogue
from forbear_domain.model import Channel, ResponseKind, SuppressionKind
from forbear_providers.contract import ReceiptState
from forbear_replies import Action, Extract, Label, Lang, Reading, WantedChannel
from response_tracker.choices import read_choice, read_yes_no
from response_tracker.decision import ACTS, CONFIRMATIONS, WAIT_DAYS, Decision, Scope, Situation, decide
from response_tracker.duties import DUTIES, FOLLOWING, Reason
from response_tracker.track import RANK, advances
from response_tracker.words import option_slots, speak

TODAY = date(2026, 3, 2)
CALM = Situation(TODAY, Channel.SMS, can_offer=True, can_pay=True, answers_today=0, answers_this_week=0)
LEGAL = {
    Label.DISTRESS: SuppressionKind.DISTRESS,
    Label.OPT_OUT: SuppressionKind.OPT_OUT,
    Label.CEASE_ALL: SuppressionKind.CEASE,
    Label.WRONG_PARTY: SuppressionKind.WRONG_PARTY,
    Label.DECEASED: SuppressionKind.DECEASED,
    Label.ATTORNEY: SuppressionKind.ATTORNEY,
    Label.BANKRUPTCY: SuppressionKind.BANKRUPTCY,
    Label.MILITARY: SuppressionKind.MILITARY,
    Label.DISPUTE: SuppressionKind.DISPUTE,
    Label.HARDSHIP: SuppressionKind.HARDSHIP,
}


def reading(*labels: Label, sure: bool = True, **facts: object) -> Reading:
    """Make a reading."""
    return Reading(frozenset(labels), Extract(**facts), 0.9, Action.NOTHING, Lang.EN, not sure)  # type: ignore[arg-type]


@given(st.sets(st.sampled_from(list(Label)), min_size=1, max_size=5), st.booleans(), st.integers(0, 9))
def test_what_the_law_asks_for_is_done_whatever_else_is_said(labels: set[Label], sure: bool, answers: int) -> None:
    """Beside any labels, sure or not, however much was talked: the suppressions of all labels are there."""
    situation = Situation(
        TODAY, Channel.SMS, can_offer=True, can_pay=True, answers_today=answers, answers_this_week=answers
    )

    decision = decide(reading(*labels, sure=sure), situation)

    assert {LEGAL[label] for label in labels if label in LEGAL} <= {bar.kind for bar in decision.bars}
    assert Label.DISTRESS not in labels or Reason.DISTRESS in decision.cases
    assert Label.DISTRESS not in labels or decision.answer == "care.distress"


@given(st.sets(st.sampled_from(list(Label)), min_size=1, max_size=5), st.booleans(), st.integers(0, 9))
def test_no_plan_is_made_into_what_the_gate_bars(labels: set[Label], sure: bool, answers: int) -> None:
    """The rest that the scheduler is told reaches as far as each bar: without end where the bar has none."""
    situation = Situation(
        TODAY, Channel.SMS, can_offer=True, can_pay=True, answers_today=answers, answers_this_week=answers
    )

    decision = decide(reading(*labels, sure=sure), situation)

    endless = {kind for kind in decision.responses if kind in decision.lasting or not decision.pause_days}
    rests_for_good = endless & {ResponseKind.HANDED_OVER, ResponseKind.OPTED_OUT}
    for bar in decision.bars:
        assert rests_for_good or (bar.days is not None and bar.days <= decision.pause_days), bar


@given(st.sets(st.sampled_from(list(Label)), min_size=1, max_size=5), st.booleans(), st.booleans(), st.integers(0, 9))
def test_whoever_waits_for_a_person_gets_no_reminder_meanwhile(
    labels: set[Label], sure: bool, can_offer: bool, answers: int
) -> None:
    """'A colleague will read it' is not followed by the machine's next reminder, whatever opened the case."""
    situation = Situation(
        TODAY, Channel.SMS, can_offer=can_offer, can_pay=can_offer, answers_today=answers, answers_this_week=answers
    )

    decision = decide(reading(*labels, sure=sure), situation)

    assert not decision.cases or decision.pause_days >= WAIT_DAYS


@given(st.sets(st.sampled_from(list(Label)), min_size=1, max_size=5))
def test_an_unsure_reading_commits_nobody_and_goes_to_a_person(labels: set[Label]) -> None:
    """No promise, no wish, no choice; and somebody looks."""
    decision = decide(reading(*labels, sure=False, date=date(2026, 3, 5), language="es"), CALM)
    handed_over = labels & {Label.DISTRESS, Label.HOSTILE, Label.HUMAN_REQUEST, Label.OTHER}

    assert decision.cases
    assert handed_over or decision.promise is None
    assert handed_over or not decision.wish


def test_every_label_has_its_act_and_every_answer_its_template() -> None:
    """The vocabulary of the reader, the table and the catalogue agree."""
    templates = set(Catalogue.load().templates)

    assert set(Label) == set(ACTS)
    assert {act.answer for act in ACTS.values() if act.answer} | set(CONFIRMATIONS.values()) <= templates


@pytest.mark.parametrize(
    ("labels", "answer"),
    [
        ((Label.OPT_OUT, Label.CEASE_ALL), ""),
        ((Label.OPT_OUT, Label.HOSTILE), "opt_out.confirmed"),
        ((Label.OPT_OUT, Label.ATTORNEY), ""),
        ((Label.OPT_OUT, Label.WRONG_PARTY), ""),
        ((Label.DISTRESS, Label.CEASE_ALL), "care.distress"),
        ((Label.HARDSHIP, Label.PLAN_REQUEST), "options.offered"),
        ((Label.HARDSHIP, Label.IDENTITY_DOUBT), "identity.verify"),
        ((Label.DISPUTE, Label.QUESTION_BALANCE), "handover.person"),
        ((Label.HOSTILE,), ""),
        ((Label.ACKNOWLEDGEMENT,), ""),
    ],
)
def test_one_answer_the_most_urgent_or_none(labels: tuple[Label, ...], answer: str) -> None:
    """A demand to cease is answered by silence, despair never is."""
    assert answer == decide(reading(*labels), CALM).answer


def test_what_a_stranger_demands_ends_nothing_for_good_but_at_their_address() -> None:
    """Whatever else is said: no response that never ends, one case to find out who wrote; the borrower's own stays."""
    for others in ((), (Label.OPT_OUT,), (Label.DISPUTE,), (Label.HOSTILE, Label.OPT_OUT), (Label.DISTRESS,)):
        stranger = decide(reading(Label.WRONG_PARTY, Label.CEASE_ALL, *others), CALM)
        own = decide(reading(Label.CEASE_ALL, *others), CALM)

        assert ResponseKind.OPTED_OUT not in stranger.responses
        assert {Reason.WHO_WROTE} == {Reason.WHO_WROTE, Reason.CEASE} & set(stranger.cases)
        assert {SuppressionKind.WRONG_PARTY, SuppressionKind.CEASE} <= {bar.kind for bar in stranger.bars}
        assert ResponseKind.OPTED_OUT in own.responses
        assert {Reason.CEASE} == {Reason.WHO_WROTE, Reason.CEASE} & set(own.cases)


def test_a_promise_keeps_its_day_and_amount_and_a_far_day_is_no_promise() -> None:
    """Sixty days are the most that reminders wait for."""
    near = decide(reading(Label.PROMISE_TO_PAY, date=date(2026, 3, 6), amount=Decimal("12.34")), CALM)
    far = decide(reading(Label.PROMISE_TO_PAY, date=date(2026, 9, 6)), CALM)

    assert near.promise is not None
    assert (date(2026, 3, 6), 1234) == (near.promise.due_on, near.promise.amount_minor)
    assert far.promise is None
    assert ResponseKind.PROMISED not in far.responses
    assert Reason.UNSURE in far.cases


def test_an_opt_out_reaches_every_channel_of_the_address_unless_another_is_wished_for() -> None:
    """STOP by text bars calls to that number too; "call me instead" keeps them."""
    plain = decide(reading(Label.OPT_OUT), CALM)
    other = decide(reading(Label.OPT_OUT, Label.CHANNEL_PREFERENCE, channel=WantedChannel.VOICE), CALM)

    assert [Scope.ADDRESS] == [bar.scope for bar in plain.bars]
    assert [Scope.ADDRESS_CHANNEL] == [bar.scope for bar in other.bars]
    assert Channel.VOICE == other.wish.channel


def test_without_an_offer_to_make_a_person_takes_over() -> None:
    """Nothing past due, or terms unknown: no empty promise of options."""
    situation = Situation(TODAY, Channel.SMS, can_offer=False, can_pay=True, answers_today=0, answers_this_week=0)

    decision = decide(reading(Label.HARDSHIP), situation)

    assert "handover.person" == decision.answer
    assert not decision.is_offering
    assert Reason.NO_OFFER in decision.cases


@pytest.mark.parametrize(
    ("can_pay", "answer", "cases"),
    [(True, "answer.how_to_pay", ()), (False, "handover.person", (Reason.HUMAN_REQUEST,))],
)
def test_who_asks_how_to_pay_is_led_to_a_page_that_takes_money_or_to_a_person(
    can_pay: bool, answer: str, cases: tuple[Reason, ...]
) -> None:
    """Never to a page on which nobody can pay."""
    decision = decide(reading(Label.QUESTION_HOW_TO_PAY), replace(CALM, can_pay=can_pay))

    assert (answer, cases) == (decision.answer, decision.cases)


@given(st.text(max_size=100))
def test_choices_and_yes_no_never_raise(text: str) -> None:
    """Any text gives an answer or none."""
    assert read_choice(text) in (None, Option.DEFERRAL, Option.INSTALMENTS)
    assert read_yes_no(text) in (None, True, False)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("1", 1), ("2.", 2), ("１", 1), ("2️⃣", 2), ("Option 1", 1), ("option two please", 2), ("the second one", 2),
        ("I'll take the first", 1), ("la primera", 1), ("Quiero la opción dos, gracias", 2), ("选一", 1), ("方案二", 2),
        ("我要第一个", 1), ("第二種,謝謝", 2), ("好的,选1", 1),
        ("1 or 2?", None), ("12", None), ("I paid 1", None), ("not 1", None), ("no 1", None), ("ok", None),
        ("two weeks", None), ("1 but stop texting me", None), ("First of all, stop", None), ("uno de estos días", None),
    ],
)  # fmt: skip
def test_a_choice_is_read_only_where_nothing_else_is_said(text: str, option: int | None) -> None:
    """In four languages, in digits and words; never out of a sentence about something else."""
    assert option == read_choice(text)


@given(st.lists(st.sampled_from([state for state in ReceiptState if state is not ReceiptState.INBOUND]), max_size=12))
def test_a_status_only_moves_forward_and_ends_the_same_in_any_order(states: list[ReceiptState]) -> None:
    """The rank of the furthest state decides, not the order of arrival."""

    def rank_after(order: list[ReceiptState]) -> int:
        state = 0
        for new in order:
            before = state
            state = int(new) if advances(state, new) else state
            assert RANK[state] >= RANK[before]
        return RANK[state]

    assert rank_after(states) == rank_after(list(reversed(states))) == max((RANK[one] for one in states), default=0)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("en", "en"), ("en-GB", "en"), ("es-MX", "es"), ("zh", "zh-Hans"), ("zh-TW", "zh-Hant"), ("fr", "en"), ("", "en")],
)
def test_a_language_that_we_do_not_write_is_spoken_to_in_the_nearest(tag: str, expected: str) -> None:
    """Never an empty message."""
    assert expected == speak(tag)


@pytest.mark.parametrize("language", ["en", "es", "zh-Hans", "zh-Hant"])
def test_options_fill_their_template_in_every_language(language: str) -> None:
    """What we put into the slots survives the catalogue's checks, figures included."""
    from forbear_domain.arrangements import Terms, offers
    from forbear_domain.messages import recipient_slots
    from forbear_domain.messages.slots import Addressee

    slots = option_slots(offers(Terms("USD", 61_240, 145_000, "mortgage"), TODAY), language)
    to = Addressee(
        given_name="Maria", brand="Harbor", actor="servicer", language=language, channel=Channel.SMS, currency="USD",
        past_due_minor=1, balance_minor=1, instalment_minor=1, page_url="https://x.example.com/p",
        unsubscribe_url="https://x.example.com/u", sender="+18885550100",
    )  # fmt: skip

    text = Catalogue.load().render("options.offered", Channel.SMS, language, recipient_slots(to) | slots).text

    assert "204.14" in text
    assert "1,450.00" in text


def test_silence_is_the_default() -> None:
    """A decision says nothing unless it says so."""
    assert "" == Decision().answer


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_duty_with_a_term(reason: Reason) -> None:
    """Exactly one kind of term, and it ends after it begins."""
    duty = DUTIES[reason]
    at = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)

    assert 1 == sum(1 for term in (duty.within, duty.business_days, duty.days) if term)
    assert at < duty.due_at(at, ZoneInfo("America/New_York"))
    assert duty.what
    assert duty.source


def test_business_days_leave_out_weekends_and_federal_holidays_and_end_with_the_borrowers_day() -> None:
    """A dispute of Thursday, 2 July 2026: Friday is the observed holiday, so the fifth business day is the 10th."""
    at = datetime(2026, 7, 3, 3, 30, tzinfo=UTC)  # still the 2nd in Los Angeles

    due = DUTIES[Reason.DISPUTE].due_at(at, ZoneInfo("America/Los_Angeles"))

    assert datetime(2026, 7, 11, 7, 0, tzinfo=UTC) == due


@pytest.mark.parametrize(
    ("said", "reason", "due"),
    [
        ("2026-03-08T06:50", Reason.DISTRESS, "2026-03-08T07:05"),  # 01:50, ten minutes before the clocks go on
        ("2026-11-01T05:50", Reason.DISTRESS, "2026-11-01T06:05"),  # 01:50 for the first time
        ("2026-03-07T22:00", Reason.HUMAN_REQUEST, "2026-03-08T02:00"),
        ("2026-03-08T05:30", Reason.UNSURE, "2026-03-09T05:30"),  # a day is 24 hours, whatever the clocks show
        ("2026-03-05T17:00", Reason.BANKRUPTCY, "2026-03-10T04:00"),  # ends with Monday in summer time
        ("2026-10-29T17:00", Reason.BANKRUPTCY, "2026-11-03T05:00"),  # ends with Monday in standard time
        ("2026-02-10T17:00", Reason.WITH_PEOPLE, "2026-03-13T04:00"),
    ],
)
def test_terms_hold_over_the_change_of_the_clocks(said: str, reason: Reason, due: str) -> None:
    """Spans are real time; whole days end with the borrower's day, in the offset of that day."""
    at, zone = datetime.fromisoformat(said).replace(tzinfo=UTC), ZoneInfo("America/New_York")

    assert datetime.fromisoformat(due).replace(tzinfo=UTC) == DUTIES[reason].due_at(at, zone)


def test_what_a_case_brings_with_it_has_the_longer_term() -> None:
    """Acknowledge first, verify later; and no chain goes round in circles."""
    at, zone = datetime(2026, 3, 2, 17, 0, tzinfo=UTC), ZoneInfo("America/New_York")

    for reason, following in FOLLOWING.items():
        assert DUTIES[reason].due_at(at, zone) < DUTIES[following].due_at(at, zone)
        assert following not in FOLLOWING


@given(st.integers(0, 1438).flatmap(lambda first: st.tuples(st.just(first), st.integers(max(60, first + 1), 1439))))
def test_hours_asked_for_are_never_overstepped_and_where_no_whole_one_is_left_a_person_looks(
    span: tuple[int, int],
) -> None:
    """ "Between 17:15 and 17:45" leaves no whole hour; the reader gives a start before its end, to the minute."""
    first, last = (f"{minute // 60:02}:{minute % 60:02}" for minute in span)

    decision = decide(reading(Label.TIME_PREFERENCE, not_before=first, not_after=last), CALM)

    start, end = decision.wish.hour_start, decision.wish.hour_end
    if start is None or end is None:
        assert (None, None, (Reason.UNSURE,), "handover.person") == (start, end, decision.cases, decision.answer)
        assert span[1] // 60 <= -(-span[0] // 60)
    else:
        assert span[0] <= 60 * start < 60 * end <= span[1]
        assert ((), "preference.noted") == (decision.cases, decision.answer)
