"""What to do about what a borrower said: from a reading and a situation to a decision. Pure, and one table.

The rows of ACTS stand in the order in which they answer: a reply gets one answer, that of the first row that applies.
What a law or a person's safety asks for is done whatever else is said; what commits the borrower (a promise, a choice,
a wish) is done only when the reading is sure; what is not goes to a person as well. Labels and their meaning come from
`forbear_replies`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum

from forbear_domain.arrangements import PROMISE_DAYS_MAX, Option
from forbear_domain.messages.crisis import CARE
from forbear_domain.model import Channel, Purpose, ResponseKind, SuppressionKind
from forbear_replies import Label, Lang, Reading, WantedChannel
from response_tracker.duties import Reason
from response_tracker.model import NO_WISH, PromiseTerms, Wish, leaves_an_hour

OPT_OUT_CONFIRMED = "opt_out.confirmed"
ANSWERS_A_DAY_MAX = 3
ANSWERS_A_WEEK_MAX = 8


class Scope(Enum):
    """How far a suppression reaches."""

    ADDRESS = "address"  # this address, whoever is behind it, on every channel
    ADDRESS_CHANNEL = "address_channel"  # this address on this channel only
    CHANNEL = "channel"  # this channel, whatever the borrower's address
    BORROWER = "borrower"
    LOAN = "loan"


@dataclass(frozen=True, slots=True)
class Bar:
    """One suppression to put in force. Without days it holds until it is lifted."""

    kind: SuppressionKind
    scope: Scope
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What one label asks for. `ends_talk` means that nothing is answered, unless a row above does."""

    bar: Bar | None = None
    case: Reason | None = None
    answer: str = ""
    response: ResponseKind | None = None
    ends_talk: bool = False
    pause_days: int = 0


_S, _R = SuppressionKind, ResponseKind
HARDSHIP_DAYS = 30
CONSIDER_DAYS = 7  # how long options may be thought over in peace
CHECK_PAYMENT_DAYS = 5
WAIT_DAYS = 7  # no reminder while a person has not answered yet, at most; it ends when they give the borrower back

CEASE = Bar(_S.CEASE, Scope.BORROWER)
ACTS: Mapping[Label, Act] = {
    Label.DISTRESS: Act(Bar(_S.DISTRESS, Scope.BORROWER), Reason.DISTRESS, CARE, _R.HANDED_OVER),
    Label.WRONG_PARTY: Act(Bar(_S.WRONG_PARTY, Scope.ADDRESS), None, "", _R.OPTED_OUT, ends_talk=True),
    Label.CEASE_ALL: Act(CEASE, Reason.CEASE, "", _R.OPTED_OUT, ends_talk=True),
    Label.ATTORNEY: Act(Bar(_S.ATTORNEY, Scope.BORROWER), Reason.ATTORNEY, "", _R.HANDED_OVER, ends_talk=True),
    Label.BANKRUPTCY: Act(Bar(_S.BANKRUPTCY, Scope.BORROWER), Reason.BANKRUPTCY, "", _R.HANDED_OVER, ends_talk=True),
    Label.DECEASED: Act(Bar(_S.DECEASED, Scope.BORROWER), Reason.DECEASED, "", _R.HANDED_OVER, ends_talk=True),
    Label.OPT_OUT: Act(Bar(_S.OPT_OUT, Scope.ADDRESS), None, OPT_OUT_CONFIRMED, _R.OPTED_OUT),
    Label.MILITARY: Act(Bar(_S.MILITARY, Scope.BORROWER), Reason.MILITARY, "", _R.HANDED_OVER, ends_talk=True),
    Label.DISPUTE: Act(Bar(_S.DISPUTE, Scope.LOAN), Reason.DISPUTE, "handover.person", _R.HANDED_OVER),
    Label.HOSTILE: Act(None, Reason.HOSTILE, "", _R.HANDED_OVER, pause_days=7),
    Label.IDENTITY_DOUBT: Act(answer="identity.verify"),
    Label.HARDSHIP: Act(
        Bar(_S.HARDSHIP, Scope.BORROWER, HARDSHIP_DAYS), None, "options.offered", _R.HARDSHIP, pause_days=HARDSHIP_DAYS
    ),
    Label.PLAN_REQUEST: Act(
        Bar(_S.HARDSHIP, Scope.LOAN, CONSIDER_DAYS), None, "options.offered", None, pause_days=CONSIDER_DAYS
    ),
    Label.QUESTION_HOW_TO_PAY: Act(answer="answer.how_to_pay"),
    Label.QUESTION_BALANCE: Act(answer="answer.balance_protected"),
    Label.PROMISE_TO_PAY: Act(answer="promise.thanks", response=_R.PROMISED),
    Label.ALREADY_PAID: Act(
        Bar(_S.PAID, Scope.LOAN, CHECK_PAYMENT_DAYS),
        Reason.CHECK_PAYMENT,
        "handover.person",
        None,
        pause_days=CHECK_PAYMENT_DAYS,
    ),
    Label.HUMAN_REQUEST: Act(None, Reason.HUMAN_REQUEST, "handover.person", _R.HANDED_OVER),
    Label.LANGUAGE_REQUEST: Act(answer="preference.noted"),
    Label.CHANNEL_PREFERENCE: Act(answer="preference.noted"),
    Label.TIME_PREFERENCE: Act(answer="preference.noted"),
    Label.ACKNOWLEDGEMENT: Act(),
    Label.OTHER: Act(None, Reason.UNCLEAR, "handover.person"),
}

# What follows only from a reading that is sure: it would commit the borrower to something.
COMMITTING = frozenset({Label.PROMISE_TO_PAY, Label.LANGUAGE_REQUEST, Label.CHANNEL_PREFERENCE, Label.TIME_PREFERENCE})
_HANDED_OVER_ANYWAY = frozenset({Label.DISTRESS, Label.HOSTILE, Label.HUMAN_REQUEST, Label.OTHER})
_LANGUAGES = {"en": "en", "es": "es", "zh": "zh-Hans", "yue": "zh-Hant"}
# Help that commits nobody, and how to check who we are: given even when the reading is unsure.
_HARMLESS = frozenset({"options.offered", "answer.how_to_pay", "identity.verify"})
_OFF_TALK = frozenset({OPT_OUT_CONFIRMED, CARE})  # said however much was said before
_PURPOSES = {OPT_OUT_CONFIRMED: Purpose.OPT_OUT_CONFIRMATION, CARE: Purpose.CARE}

# What asks for an answer, and the texts that hold it; the pages that two of them link to show figures and ways to pay.
_ON_THE_PAGE = frozenset({"answer.how_to_pay", "answer.balance_protected"})
_ANSWERED_BY: Mapping[Label, frozenset[str]] = {
    Label.IDENTITY_DOUBT: frozenset({"identity.verify"}),
    Label.HARDSHIP: frozenset({"options.offered"}),
    Label.PLAN_REQUEST: frozenset({"options.offered"}),
    Label.QUESTION_HOW_TO_PAY: _ON_THE_PAGE | {"options.offered"},
    Label.QUESTION_BALANCE: _ON_THE_PAGE,
}
_OF_ANOTHER = frozenset({Label.WRONG_PARTY, Label.CEASE_ALL})
_NOT_THE_BORROWER = frozenset({Label.WRONG_PARTY, Label.DECEASED})  # who asks is owed no answer about the loan


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a reply comes in."""

    today: date
    channel: Channel
    can_offer: bool
    can_pay: bool  # the lender has a page to pay on
    answers_today: int
    answers_this_week: int
    choice: Option | None = None  # what the words choose among the options on the table
    is_repeated: bool = False  # the very same words came just before: two machines may be talking
    is_with_person: bool = False  # the machine has talked enough, and a person has not gone on yet


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything to be done about one reply. An empty answer means silence."""

    bars: tuple[Bar, ...] = ()
    cases: tuple[Reason, ...] = ()
    responses: tuple[ResponseKind, ...] = ()
    answer: str = ""
    purpose: Purpose = Purpose.REPLY
    promise: PromiseTerms | None = None
    choice: Option | None = None
    is_offering: bool = False
    wish: Wish = NO_WISH
    pause_days: int = 0
    call_at: datetime | None = None  # when the borrower wants to be called by a person
    lasting: frozenset[ResponseKind] = frozenset()  # responses whose rest does not end with the pause


def decide(reading: Reading, situation: Situation) -> Decision:
    """Return what to do about a reply."""
    if situation.choice is not None:  # nothing but a choice was said: `choices` is stricter than any reading
        return _limit(_chosen(situation.choice), situation)
    unsure = reading.needs_person and not reading.labels & _HANDED_OVER_ANYWAY
    labels = [label for label in ACTS if label in reading.labels and not (unsure and label in COMMITTING)]
    promise = _promise(reading, situation.today) if Label.PROMISE_TO_PAY in labels else None
    if promise is None and Label.PROMISE_TO_PAY in labels:
        labels.remove(Label.PROMISE_TO_PAY)
        unsure = unsure or not labels
    wish = _wish(reading) if not unsure else NO_WISH
    acts = [_act(label, labels) for label in labels]
    cases = [act.case for act in acts if act.case is not None]
    answer = _answer(acts)
    if unsure:
        cases.append(Reason.UNSURE)
        answer = answer if answer in _OFF_TALK | _HARMLESS else _silent_or(acts, "handover.person")
    if answer == "options.offered" and not situation.can_offer:
        cases.append(Reason.NO_OFFER)
        answer = "handover.person"
    if answer == "answer.how_to_pay" and not situation.can_pay:
        cases.append(Reason.HUMAN_REQUEST)
        answer = "handover.person"
    if Label.LANGUAGE_REQUEST in labels and not wish.language:
        cases.append(Reason.LANGUAGE)
        answer = "handover.person" if answer == "preference.noted" else answer
    if Label.TIME_PREFERENCE in labels and not leaves_an_hour(*_hours(reading)):
        cases.append(Reason.UNSURE)
        answer = "handover.person" if answer == "preference.noted" else answer
    if not cases and _is_left_open(labels, answer):
        cases.append(Reason.UNANSWERED)
    bars = tuple(_bar(act.bar, reading) for act in acts if act.bar is not None)
    responses = dict.fromkeys(act.response for act in acts if act.response is not None)
    if bars and all(bar.scope is Scope.ADDRESS_CHANNEL for bar in bars):
        responses.pop(_R.OPTED_OUT, None)  # the borrower named another channel to go on by, and it is the plan's to use
    decision = Decision(
        bars=bars,
        cases=tuple(cases),
        responses=tuple(responses),
        answer=answer,
        purpose=_PURPOSES.get(answer, Purpose.REPLY),
        promise=promise,
        is_offering=answer == "options.offered",
        wish=wish,
        pause_days=_rest_days(acts, cases),
        lasting=frozenset(act.response for act in acts if act.response is not None and not act.pause_days),
    )
    return _limit(decision, situation)


def _act(label: Label, labels: Sequence[Label]) -> Act:
    """Return what a label asks for; silence for good that somebody else demands binds their address, not the borrower.

    Until a person has found out who wrote, all contact rests; the rest ends when they give the borrower back.
    """
    act = ACTS[label]
    if not _OF_ANOTHER.issubset(labels):
        return act
    if label is Label.CEASE_ALL:
        return replace(act, case=Reason.WHO_WROTE, response=_R.HANDED_OVER)
    return replace(act, response=None) if act.response is _R.OPTED_OUT else act


def _is_left_open(labels: Sequence[Label], answer: str) -> bool:
    """Return whether the one answer leaves something that was asked without one, so that a person must see to it."""
    asked = [_ANSWERED_BY[label] for label in labels if label in _ANSWERED_BY]
    return any(answer not in texts for texts in asked) and not _NOT_THE_BORROWER.intersection(labels)


def _rest_days(acts: Sequence[Act], cases: Sequence[Reason]) -> int:
    """Return for how many days no reminder follows: what was said asks for it, or a person has yet to answer."""
    return max((*(act.pause_days for act in acts), WAIT_DAYS if cases else 0), default=0)


CONFIRMATIONS = {
    Option.DEFERRAL: "option.deferral_confirmed",
    Option.INSTALMENTS: "option.instalments_confirmed",
}


def _chosen(choice: Option) -> Decision:
    return Decision(responses=(ResponseKind.ARRANGED,), answer=CONFIRMATIONS[choice], choice=choice)


def _answer(acts: list[Act]) -> str:
    for act in acts:
        if act.answer or act.ends_talk:
            return act.answer
    return ""


def _silent_or(acts: list[Act], answer: str) -> str:
    return "" if any(act.ends_talk for act in acts) else answer


def _bar(bar: Bar, reading: Reading) -> Bar:
    """Narrow an opt-out to its channel when the borrower names another channel to go on by."""
    wants_other = reading.extract.channel in _SENDABLE
    if bar.kind is SuppressionKind.OPT_OUT and wants_other and Label.CEASE_ALL not in reading.labels:
        return Bar(bar.kind, Scope.ADDRESS_CHANNEL)
    return bar


def _promise(reading: Reading, today: date) -> PromiseTerms | None:
    """Return the terms of a promise; without a day it is due in a week; a day too far off is no promise to wait for."""
    due_on = reading.extract.date or today + timedelta(days=7)
    if not today <= due_on <= today + timedelta(days=PROMISE_DAYS_MAX):
        return None
    amount = reading.extract.amount
    minor = None if amount is None else int(amount * 100)
    return PromiseTerms(due_on, minor if minor else None, reading.extract.currency or "")


_SENDABLE = {
    WantedChannel.SMS: Channel.SMS,
    WantedChannel.EMAIL: Channel.EMAIL,
    WantedChannel.VOICE: Channel.VOICE,
}


def _wish(reading: Reading) -> Wish:
    facts = reading.extract
    wanted = facts.channel if Label.CHANNEL_PREFERENCE in reading.labels else None
    is_timed = Label.TIME_PREFERENCE in reading.labels
    start, end = _hours(reading) if is_timed else (None, None)
    if not leaves_an_hour(start, end):
        start = end = None  # a person looks
    return Wish(
        channel=_SENDABLE.get(wanted) if wanted else None,
        other_channel=wanted.value if wanted and wanted not in _SENDABLE else "",
        hour_start=start,
        hour_end=end,
        days=(facts.days or ()) if is_timed else (),
        language=_wished_language(reading) if Label.LANGUAGE_REQUEST in reading.labels else "",
    )


def _wished_language(reading: Reading) -> str:
    """Return the language asked for; Chinese in the script in which it was asked for."""
    if reading.extract.language == "zh" and reading.lang is Lang.ZH_HANT:
        return Lang.ZH_HANT.value
    return _LANGUAGES.get(reading.extract.language or "", "")


def _hours(reading: Reading) -> tuple[int | None, int | None]:
    """Return the whole hours of the day that are wished, for we plan by them; "17:15 to 17:45" leaves none."""
    return _hour(reading.extract.not_before, up=True), _hour(reading.extract.not_after, up=False) or None


def _hour(clock: str | None, *, up: bool) -> int | None:
    """Return the whole hour of "HH:MM"; a start moves up and an end down, so that the wish is never overstepped."""
    if clock is None:
        return None
    hours, minutes = int(clock[:2]), int(clock[3:5])
    return min(23, hours + 1) if up and minutes else hours


def _limit(decision: Decision, situation: Situation) -> Decision:
    """Fall silent, and ask for a person, when the machine has talked enough. What must be said is said."""
    talked = (
        situation.answers_today >= ANSWERS_A_DAY_MAX
        or situation.answers_this_week >= ANSWERS_A_WEEK_MAX
        or situation.is_repeated
        or situation.is_with_person
    )
    if not talked or not decision.answer or decision.answer in _OFF_TALK:
        return decision
    cases = decision.cases or (Reason.TALKED_TOO_MUCH,)
    pause_days = max(decision.pause_days, WAIT_DAYS)
    return replace(decision, cases=cases, pause_days=pause_days, answer="", purpose=Purpose.REPLY, is_offering=False)
