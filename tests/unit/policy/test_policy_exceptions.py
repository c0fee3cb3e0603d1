"""What a rule lets pass or does not count: replies, confirmations, consents, wrong numbers, other debts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forbear_domain.policy import (
    Actor,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    MessageMarks,
    Outcome,
    PastContact,
    Purpose,
    ReplyToken,
    Suppression,
    SuppressionKind,
    decide,
)
from tests.unit.policy.policy_facts import (
    CALL,
    DAY,
    HOUR,
    MAIL,
    NOW,
    ORDINARY,
    calls,
    conversation,
    messages,
    on_days,
    rules_of,
    suppressed,
)


def test_a_message_of_the_consumer_earns_one_reply_in_the_same_medium() -> None:
    """Shows the token: same medium, only as a reply, and only while it is pending."""
    night = datetime(2026, 6, 11, 3, 0, tzinfo=UTC)
    token = ReplyToken(Channel.SMS, night - HOUR)
    reply = replace(ORDINARY, purpose=Purpose.REPLY, replies_due=(token,))

    assert decide(reply, rules_of(reply), night).allowed
    assert not decide(replace(reply, replies_due=()), rules_of(reply), night).allowed
    assert not decide(replace(reply, channel=Channel.EMAIL), rules_of(reply), night).allowed
    assert not decide(replace(reply, purpose=Purpose.REMINDER), rules_of(reply), night).allowed


@pytest.mark.parametrize(
    ("minutes", "message", "past", "outcome"),
    [
        (1, MessageMarks(), (), Outcome.ALLOW),
        (6, MessageMarks(), (), Outcome.FLAG),
        (1, MessageMarks(confirms_only=False), (), Outcome.REFUSE),
        (1, MessageMarks(promotional=True), (), Outcome.REFUSE),
        (
            2,
            MessageMarks(),
            (PastContact(NOW + timedelta(minutes=1), Channel.SMS, purpose=Purpose.OPT_OUT_CONFIRMATION),),
            Outcome.REFUSE,
        ),
    ],
)
def test_an_opt_out_may_be_confirmed_once_at_once_and_with_nothing_else(
    minutes: int, message: MessageMarks, past: tuple[PastContact, ...], outcome: Outcome
) -> None:
    """Shows each condition of the confirmation by itself."""
    stop = Suppression(SuppressionKind.ADDRESS_OPT_OUT, NOW, address="a")
    facts = replace(ORDINARY, purpose=Purpose.OPT_OUT_CONFIRMATION, suppressions=(stop,), message=message, past=past)

    assert decide(facts, rules_of(facts), NOW + timedelta(minutes=minutes)).outcome is outcome


def test_consent_to_more_calls_ends_with_the_next_conversation() -> None:
    """Shows that calls after the conversation count again."""
    consent = (Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 3 * DAY),)
    silent = replace(CALL, consents=consent, past=(*on_days(6), *calls(HOUR)))
    talked = replace(silent, past=(*silent.past, *conversation(1.5)))

    assert decide(silent, rules_of(silent, house=False), NOW).allowed
    assert "REGF-14B-CONV7" in {one.rule for one in decide(talked, rules_of(talked, house=False), NOW).fired}


def test_calls_to_a_number_that_turned_out_wrong_are_not_counted() -> None:
    """Shows that misdirected calls leave the count once that is known."""
    past = tuple(replace(one, address="x") for one in (*on_days(6), *calls(HOUR)))
    known = replace(CALL, past=past, suppressions=suppressed(SuppressionKind.WRONG_PARTY, address="x"))

    assert not decide(replace(CALL, past=past), rules_of(CALL, house=False), NOW).allowed
    assert decide(known, rules_of(known, house=False), NOW).allowed


def test_student_loans_under_one_account_count_as_one_debt() -> None:
    """Shows that the account is the key of the count."""
    past = tuple(replace(one, debts=("A-1",)) for one in (*on_days(6), *calls(HOUR)))
    joined = replace(CALL, debts=(Debt("SL2", "student_loan", account="A-1"),), past=past)
    single = replace(CALL, debts=(Debt("SL2", "student_loan"),), past=past)

    assert not decide(joined, rules_of(joined, house=False), NOW).allowed
    assert decide(single, rules_of(single, house=False), NOW).allowed


@pytest.mark.parametrize(("channel", "rule"), [(Channel.SMS, "HOUSE-TEXTS"), (Channel.EMAIL, "HOUSE-EMAILS")])
def test_the_house_allows_two_messages_a_week_per_debt(channel: Channel, rule: str) -> None:
    """Shows the house cap for a creditor whom Regulation F does not bind."""
    facts = replace(ORDINARY, actor=Actor.CREDITOR, channel=channel, past=messages(channel, 2 * DAY, 3 * DAY))
    other = replace(facts, debts=(Debt("D2"),))

    assert decide(facts, rules_of(facts), NOW).rule == rule
    assert decide(other, rules_of(other), NOW).allowed


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
def test_what_was_agreed_may_be_followed_up_beside_the_cap_of_the_week_but_not_twice_a_day(channel: Channel) -> None:
    """Shows that a reminder and its follow-up do not use up the kind question; another contact that day does."""
    week = messages(channel, 2 * DAY, 3 * DAY)
    asked = replace(ORDINARY, actor=Actor.CREDITOR, channel=channel, purpose=Purpose.PROMISE_FOLLOW_UP, past=week)
    today = replace(asked, past=(*week, *messages(channel, HOUR)))

    assert decide(asked, rules_of(asked), NOW).allowed
    assert "HOUSE-DAILY" == decide(today, rules_of(today), NOW).rule


def test_the_house_allows_one_contact_a_day_over_all_channels() -> None:
    """Shows that a text in the morning leaves no room for an e-mail, but for an answer."""
    facts = replace(MAIL, actor=Actor.CREDITOR, past=messages(Channel.SMS, HOUR))
    answer = replace(facts, purpose=Purpose.REPLY, replies_due=(ReplyToken(Channel.EMAIL, NOW - HOUR),))

    assert decide(facts, rules_of(facts), NOW).rule == "HOUSE-DAILY"
    assert decide(answer, rules_of(answer), NOW).allowed


PROMISED = calls(HOUR, result=CallResult.CONVERSATION)


def test_what_was_just_promised_in_a_call_is_confirmed_at_once_and_no_more_is_sent_that_day() -> None:
    """Shows the house rule beside a call: the confirmation passes, a reminder, a follow-up and a second one wait."""
    asked = replace(ORDINARY, actor=Actor.CREDITOR, purpose=Purpose.CONFIRMATION, past=PROMISED)
    done = (*PROMISED, replace(messages(Channel.SMS, HOUR)[0], purpose=Purpose.CONFIRMATION))

    assert decide(asked, rules_of(asked), NOW).allowed
    for purpose, rule in [
        (Purpose.CONFIRMATION, "HOUSE-CONFIRM"), (Purpose.REMINDER, "HOUSE-DAILY"),
        (Purpose.PROMISE_FOLLOW_UP, "HOUSE-DAILY"),
    ]:  # fmt: skip
        later = replace(asked, purpose=purpose, past=done)
        assert rule == decide(later, rules_of(later), NOW).rule


def test_the_confirmation_counts_against_the_day_by_itself() -> None:
    """Shows that it is excepted, not uncounted: after it alone, a reminder waits for tomorrow."""
    alone = (replace(messages(Channel.SMS, HOUR)[0], purpose=Purpose.CONFIRMATION),)
    facts = replace(ORDINARY, actor=Actor.CREDITOR, past=alone)

    assert "HOUSE-DAILY" == decide(facts, rules_of(facts), NOW).rule
