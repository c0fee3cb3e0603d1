"""While law or safety gives the word to people, the machine speaks of no debt and agrees on nothing, ever."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from itertools import chain, combinations, product

import pytest

from forbear_domain.arrangements import Option
from forbear_domain.messages.crisis import CARE
from forbear_domain.model import Channel, Purpose, ResponseKind, SuppressionKind
from forbear_domain.policy import Actor, MessageMarks, ReplyToken, Suppression
from forbear_domain.policy import Channel as PolicyChannel
from forbear_domain.policy import Purpose as PolicyPurpose
from forbear_domain.policy import SuppressionKind as PolicyKind
from forbear_domain.policy import decide as ask_gate
from forbear_replies import Action, Extract, Label, Lang, Reading
from response_tracker.decision import ACTS, OPT_OUT_CONFIRMED, Decision, Situation, decide
from response_tracker.duties import Reason
from response_tracker.restraint import HELD, SILENT, STANDING, restrain
from tests.unit.policy.policy_facts import NOW, ORDINARY, rules_of

TODAY = date(2026, 3, 2)
CALM = Situation(TODAY, Channel.SMS, can_offer=True, can_pay=True, answers_today=0, answers_this_week=0)
EVERYTHING = Extract(date=date(2026, 3, 6), amount=Decimal(100), currency="USD", language="es", not_before="18:00")
SAYS_NOTHING_MORE = frozenset({Label.OPT_OUT, Label.ACKNOWLEDGEMENT, Label.LANGUAGE_REQUEST, Label.TIME_PREFERENCE})
MUST_NOT_HEAR_OF_IT = frozenset(
    {
        Label.WRONG_PARTY,
        Label.DECEASED,
        Label.ATTORNEY,
        Label.BANKRUPTCY,
        Label.DISTRESS,
        Label.CEASE_ALL,
        Label.MILITARY,
    }
)


def frames() -> dict[str, str]:
    """Return the frame of each template, as the shipped files say: "debt" names the lender as one who collects."""
    folder = resources.files("forbear_domain.messages.templates")
    files = [one for one in folder.iterdir() if one.name.endswith(".toml") and one.name != "frames.toml"]
    heads = [tomllib.loads(one.read_text(encoding="utf-8")) for one in files]
    return {head["id"]: head["frame"] for head in heads}


FRAMES = frames()


def said(*labels: Label, sure: bool = True) -> Reading:
    """Make a reading with every fact a reading can hold."""
    return Reading(frozenset(labels), EVERYTHING, 0.9, Action.NOTHING, Lang.EN, not sure)


def up_to(count: int) -> Iterator[tuple[Label, ...]]:
    """Yield every set of at least one and at most so many labels."""
    return chain.from_iterable(combinations(Label, size) for size in range(1, count + 1))


def decided(
    labels: tuple[Label, ...],
    *,
    sure: bool = True,
    standing: frozenset[SuppressionKind] = frozenset(),
    is_collector: bool = False,
) -> Decision:
    """Return what is done about a reading beside the bars that stand."""
    return restrain(decide(said(*labels, sure=sure), CALM), standing, is_collector=is_collector)


def agrees_on_nothing(decision: Decision) -> bool:
    """Say that no promise, no option and no offer follows."""
    agreed = {ResponseKind.PROMISED, ResponseKind.ARRANGED}.intersection(decision.responses)
    return decision.promise is None and decision.choice is None and not decision.is_offering and not agreed


def test_no_single_word_of_a_debt_goes_to_whom_it_must_not_reach() -> None:
    """Each set of one, two or three labels, sure and unsure: 4,094 readings."""
    for labels, sure in product(up_to(3), (True, False)):
        decision = decided(labels, sure=sure)

        if MUST_NOT_HEAR_OF_IT.intersection(labels):
            assert "debt" != FRAMES.get(decision.answer), labels
            assert agrees_on_nothing(decision), labels
        if Label.CEASE_ALL in labels:
            assert decision.answer in ("", CARE), labels
        if {Label.WRONG_PARTY, Label.DECEASED}.intersection(labels):
            assert not decision.wish, labels
            assert decision.answer in ("", CARE), labels


def test_about_a_disputed_loan_nothing_is_asked_or_agreed() -> None:
    """Before a person has looked: two labels more, sure and unsure. A collector says nothing at all, a person does."""
    for others, sure in product(up_to(2), (True, False)):
        decision = decided((Label.DISPUTE, *others), sure=sure)
        collectors = decided((Label.DISPUTE, *others), sure=sure, is_collector=True)

        assert agrees_on_nothing(decision), others
        assert decision.answer in ("", CARE, OPT_OUT_CONFIRMED, "handover.person", "identity.verify"), others
        assert agrees_on_nothing(collectors), others
        assert collectors.answer in ("", CARE, OPT_OUT_CONFIRMED), others
        assert Reason.DISPUTE in collectors.cases, others


@pytest.mark.parametrize("is_collector", [True, False])
@pytest.mark.parametrize("kind", sorted(STANDING))
def test_what_stands_from_before_binds_as_what_was_just_said(kind: SuppressionKind, is_collector: bool) -> None:
    """Despair on Monday, "how can I pay?" on Tuesday: no offer; a person sees what was written."""
    for labels in up_to(2):
        decision = decided(labels, standing=frozenset({kind}), is_collector=is_collector)

        assert agrees_on_nothing(decision), labels
        assert kind in HELD or "debt" != FRAMES.get(decision.answer), labels
        assert decision.cases or SAYS_NOTHING_MORE.issuperset(labels) or decision.answer or _third_person(labels), (
            labels
        )


def _third_person(labels: tuple[Label, ...]) -> bool:
    return Label.WRONG_PARTY in labels


def test_who_is_in_despair_and_writes_again_is_due_for_a_person_within_a_quarter_of_an_hour() -> None:
    """Whatever it is about; a mere "thanks" is not."""
    standing = frozenset({SuppressionKind.DISTRESS})

    assert Reason.DISTRESS in decided((Label.QUESTION_HOW_TO_PAY,), standing=standing).cases
    assert Reason.DISTRESS in decided((Label.HUMAN_REQUEST,), standing=standing).cases
    assert () == decided((Label.ACKNOWLEDGEMENT,), standing=standing).cases


@pytest.mark.parametrize("kind", sorted(STANDING))
def test_an_option_chosen_while_people_have_the_word_is_for_them_to_agree(kind: SuppressionKind) -> None:
    """A bare "1" to an offer of last week; the twin without a bar is agreed."""
    choice = decide(said(Label.OTHER), replace(CALM, choice=Option.DEFERRAL))

    held = restrain(choice, frozenset({kind}), is_collector=True)

    assert Option.DEFERRAL == restrain(choice, frozenset(), is_collector=True).choice
    assert agrees_on_nothing(held)
    assert held.cases in ((Reason.WROTE_AGAIN,), (Reason.DISTRESS,))


def test_restraint_changes_nothing_where_nothing_bars() -> None:
    """Every reading of two labels that puts no such bar."""
    for labels in up_to(2):
        decision = decide(said(*labels), CALM)
        if not {bar.kind for bar in decision.bars} & (SILENT | HELD):
            assert decision is restrain(decision, frozenset({SuppressionKind.HARDSHIP}), is_collector=True)


ANSWERED_BY = {
    Label.IDENTITY_DOUBT: {"identity.verify"},
    Label.HARDSHIP: {"options.offered"},
    Label.PLAN_REQUEST: {"options.offered"},
    Label.QUESTION_HOW_TO_PAY: {"answer.how_to_pay", "answer.balance_protected", "options.offered"},
    Label.QUESTION_BALANCE: {"answer.how_to_pay", "answer.balance_protected"},
    Label.HUMAN_REQUEST: set(),
    Label.OTHER: set(),
}


def test_what_is_asked_is_answered_or_a_person_sees_to_it() -> None:
    """One answer to a message; what it leaves open waits for a person, also beside a stop. Every set of three."""
    for labels in up_to(3):
        decision = decided(labels)

        for label in ANSWERED_BY.keys() & set(labels):
            is_answered = decision.answer in ANSWERED_BY[label]
            assert is_answered or decision.cases or Label.WRONG_PARTY in labels, labels


@pytest.mark.parametrize(
    ("labels", "answer", "cases"),
    [
        ((Label.HARDSHIP, Label.OPT_OUT), OPT_OUT_CONFIRMED, (Reason.UNANSWERED,)),
        ((Label.PROMISE_TO_PAY, Label.QUESTION_HOW_TO_PAY), "answer.how_to_pay", ()),
        ((Label.PROMISE_TO_PAY, Label.HARDSHIP), "options.offered", ()),
        ((Label.PROMISE_TO_PAY, Label.ALREADY_PAID), "promise.thanks", (Reason.CHECK_PAYMENT,)),
        ((Label.HARDSHIP, Label.IDENTITY_DOUBT), "identity.verify", (Reason.UNANSWERED,)),
        ((Label.WRONG_PARTY, Label.QUESTION_BALANCE), "", ()),
        ((Label.HARDSHIP, Label.WRONG_PARTY), "", ()),
    ],
)
def test_the_most_helpful_answer_is_given(labels: tuple[Label, ...], answer: str, cases: tuple[Reason, ...]) -> None:
    """Somebody who asks and promises hears what was asked; the promise is kept all the same, and reminded of."""
    decision = decided(labels)

    assert (answer, cases) == (decision.answer, decision.cases)
    assert (Label.PROMISE_TO_PAY in labels) == (decision.promise is not None)


def test_who_doubts_us_is_told_how_to_check_also_where_the_reading_is_unsure() -> None:
    """And hears no word of a debt meanwhile."""
    decision = decided((Label.IDENTITY_DOUBT,), sure=False)

    assert "identity.verify" == decision.answer
    assert "private" == FRAMES[decision.answer]
    assert Reason.UNSURE in decision.cases


@pytest.mark.parametrize(
    ("written_in", "language"), [(Lang.ZH_HANT, "zh-Hant"), (Lang.ZH_HANS, "zh-Hans"), (Lang.EN, "zh-Hans")]
)
def test_chinese_is_kept_to_in_the_script_in_which_it_was_asked_for(written_in: Lang, language: str) -> None:
    """The request names a language, its letters the script."""
    asked = replace(said(Label.LANGUAGE_REQUEST), extract=Extract(language="zh"), lang=written_in)

    assert language == decide(asked, CALM).wish.language


JUST_NOW = NOW - timedelta(seconds=5)
GATE = {
    SuppressionKind.OPT_OUT: PolicyKind.ADDRESS_OPT_OUT,
    **{kind: PolicyKind[kind.name] for kind in SILENT | HELD | {SuppressionKind.HARDSHIP, SuppressionKind.PAID}},
}
PURPOSES = {
    Purpose.REPLY: PolicyPurpose.REPLY,
    Purpose.OPT_OUT_CONFIRMATION: PolicyPurpose.OPT_OUT_CONFIRMATION,
    Purpose.CARE: PolicyPurpose.CARE,
}


@pytest.mark.parametrize("actor", [Actor.COLLECTOR, Actor.CREDITOR])
def test_whatever_the_assistant_chooses_to_say_passes_the_gate(actor: Actor) -> None:
    """No answer is chosen, noted and then refused by a rule about the very words that it answers: every pair."""
    asked: dict[tuple[frozenset[PolicyKind], Purpose], tuple[Label, ...]] = {}
    for labels in up_to(2):
        decision = decided(labels, is_collector=actor is Actor.COLLECTOR)
        if decision.answer:
            bars = frozenset(GATE[bar.kind] for bar in decision.bars)
            asked[bars, decision.purpose] = labels

    token = ReplyToken(PolicyChannel.SMS, JUST_NOW, ORDINARY.address.key)
    for (bars, purpose), labels in asked.items():
        facts = replace(
            ORDINARY,
            actor=actor,
            purpose=PURPOSES[purpose],
            message=MessageMarks(cares_only=purpose is Purpose.CARE),
            suppressions=tuple(Suppression(kind, JUST_NOW) for kind in sorted(bars)),
            replies_due=(token,),
            despair_heard=(token,) if Label.DISTRESS in labels else (),
        )
        verdict = ask_gate(facts, rules_of(facts), NOW)
        assert verdict.allowed, (verdict.rule, labels)


def test_every_label_that_bars_is_known_to_the_restraint_or_leaves_the_talk_open() -> None:
    """A new bar must say whether the machine may go on talking about money beside it."""
    bars = {act.bar.kind for act in ACTS.values() if act.bar is not None}

    assert bars - SILENT - HELD == {SuppressionKind.OPT_OUT, SuppressionKind.HARDSHIP, SuppressionKind.PAID}
