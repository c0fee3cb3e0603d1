"""Consents, messages, persons and notices: what is missing is named."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from forbear_domain.policy import (
    Channel,
    Consent,
    ConsentKind,
    Facts,
    MessageMarks,
    Outcome,
    Purpose,
    Recipient,
    ReplyToken,
    Route,
    Suppression,
    SuppressionKind,
)
from tests.unit.policy.policy_facts import NOW, ORDINARY
from tests.unit.policy.policy_rule_kit import (
    CALL,
    DAY,
    MINUTE,
    judged,
    rule,
)

THIRD = replace(ORDINARY, recipient=Recipient.THIRD_PARTY, purpose=Purpose.LOCATION, reachable=False)
SILENT = MessageMarks(reveals_debt=False)


BASIS: dict[str, Any] = {"consents": ["sms"], "routes": ["direct"]}
CONSENTS: list[tuple[Consent, dict[str, Any], bool]] = [
    (Consent(ConsentKind.SMS, NOW), BASIS, True),
    (Consent(ConsentKind.SMS, NOW + MINUTE), BASIS, False),
    (Consent(ConsentKind.EMAIL, NOW), BASIS, False),
    (Consent(ConsentKind.SMS, NOW, Route.TRANSACTION), BASIS, False),
    (Consent(ConsentKind.SMS, NOW, address="a"), BASIS, True),
    (Consent(ConsentKind.SMS, NOW, address="b"), BASIS, False),
    (Consent(ConsentKind.SMS, NOW - DAY, until=NOW), BASIS, False),
    (Consent(ConsentKind.SMS, NOW - DAY, until=NOW + MINUTE), BASIS, True),
    (Consent(ConsentKind.SMS, NOW - 60 * DAY), BASIS | {"fresh_days": 60}, True),
    (Consent(ConsentKind.SMS, NOW - 61 * DAY), BASIS | {"fresh_days": 60}, False),
    (Consent(ConsentKind.SMS, NOW - 61 * DAY), BASIS, True),
    (Consent(ConsentKind.SMS, datetime(2026, 4, 11, 2, tzinfo=UTC)), BASIS | {"fresh_days": 60}, False),
    (Consent(ConsentKind.SMS, NOW - 61 * DAY, fresh_at=NOW - DAY), BASIS | {"fresh_days": 60}, True),
    (Consent(ConsentKind.SMS, NOW - DAY, fresh_at=NOW - 99 * DAY), BASIS | {"fresh_days": 60}, True),
]


@pytest.mark.parametrize(("consent", "parameters", "carries"), CONSENTS)
def test_a_basis_is_a_running_consent_for_this_address(
    consent: Consent, parameters: dict[str, Any], carries: bool
) -> None:
    """Shows kind, route, address, dates and freshness."""
    assert carries is (judged(rule("basis", **parameters), replace(ORDINARY, consents=(consent,))) is None)


def test_a_missing_basis_is_named() -> None:
    """Shows both sentences."""
    nobody = replace(ORDINARY, consents=())
    plain, fresh = judged(rule("basis", **BASIS), nobody), judged(rule("basis", fresh_days=60, **BASIS), nobody)

    assert plain is not None
    assert fresh is not None
    assert "No basis for this medium and address: The summary." == plain.why
    assert "No basis no older than 60 days for this medium and address: The summary." == fresh.why


def test_a_message_is_told_everything_that_is_wrong_with_it() -> None:
    """Shows what is missing, what is too much, what the linter found, and its sentence."""
    one = rule("message", requires=["opt_out_line"], forbids=["promotional"])
    bad = replace(ORDINARY, message=MessageMarks(opt_out_line=False, promotional=True, faults=("R",)))

    finding = judged(one, bad)

    assert finding is not None
    assert "The message has promotional and lacks opt out line and was found to break it: The summary." == finding.why
    assert judged(one, ORDINARY) is None
    assert judged(rule("message"), replace(ORDINARY, message=MessageMarks(faults=("OTHER",)))) is None
    assert judged(rule("message"), bad) is not None


def test_a_rule_about_some_messages_is_silent_about_others() -> None:
    """Shows `when`."""
    one = rule("bar", when=["artificial_voice", "autodialled"])
    finding = judged(one, replace(CALL, message=MessageMarks(autodialled=True)))

    assert judged(one, CALL) is None
    assert finding is not None
    assert ("The summary.", Outcome.REFUSE) == (finding.why, finding.outcome)


THIRDS: list[tuple[Facts, str]] = [
    (replace(THIRD, message=SILENT), ""),
    (THIRD, "Another person may only be asked to relay a message, without the debt."),
    (replace(THIRD, message=SILENT, purpose=Purpose.REMINDER),
     "Another person may only be asked to relay a message, without the debt."),
    (replace(THIRD, message=SILENT, reachable=True), "The debtor can be reached, so nobody else may be asked."),
    (replace(THIRD, message=SILENT, suppressions=(Suppression(SuppressionKind.PERSON_REFUSED, NOW),)),
     "This person has asked not to be contacted."),
    (replace(THIRD, message=SILENT, suppressions=(Suppression(SuppressionKind.PERSON_REFUSED, NOW + MINUTE),)), ""),
    (replace(THIRD, message=SILENT, suppressions=(Suppression(SuppressionKind.PAID, NOW),)), ""),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "why"), THIRDS)
def test_other_people_are_out_of_bounds_but_for_a_message(facts: Facts, why: str) -> None:
    """Shows each condition with its sentence."""
    finding = judged(rule("third_party"), facts)

    assert why == (finding.why if finding else "")


def test_a_notice_must_have_come_first() -> None:
    """Shows the notice of outsourcing, one recorded by name, and the sentence."""
    named = rule("prior_notice", notice="N", lifted_by=["reply"])
    agency = rule("prior_notice", notice="agency")
    reply = replace(ORDINARY, purpose=Purpose.REPLY, replies_due=(ReplyToken(Channel.SMS, NOW),))

    finding = judged(named, ORDINARY)

    assert finding is not None
    assert "The notice that must come first was not given: The summary." == finding.why
    assert judged(named, replace(ORDINARY, notices=frozenset({"N"}))) is None
    assert judged(named, reply) is None
    assert judged(agency, ORDINARY) is None
    assert judged(agency, replace(ORDINARY, told_of_agency=False)) is not None


TOKENS: list[tuple[ReplyToken, bool]] = [
    (ReplyToken(Channel.SMS, NOW), True),
    (ReplyToken(Channel.SMS, NOW + MINUTE), False),
    (ReplyToken(Channel.EMAIL, NOW), False),
    (ReplyToken(Channel.SMS, NOW, "a"), True),
    (ReplyToken(Channel.SMS, NOW, "b"), False),
]


@pytest.mark.parametrize(("token", "lifts"), TOKENS)
def test_an_answer_is_due_to_what_was_written_in_this_medium_from_this_address(token: ReplyToken, lifts: bool) -> None:
    """Shows the token by itself."""
    facts = replace(ORDINARY, purpose=Purpose.REPLY, replies_due=(token,))

    assert lifts is (judged(rule("bar", lifted_by=["reply"]), facts) is None)


TIMES: list[tuple[Consent, bool]] = [
    (Consent(ConsentKind.THIS_TIME, NOW), True),
    (Consent(ConsentKind.THIS_TIME, NOW + MINUTE), False),
    (Consent(ConsentKind.SMS, NOW), False),
    (Consent(ConsentKind.THIS_TIME, NOW, Route.TO_ANOTHER), False),
    (Consent(ConsentKind.THIS_TIME, NOW, address="a"), True),
    (Consent(ConsentKind.THIS_TIME, NOW, address="b"), False),
    (Consent(ConsentKind.THIS_TIME, NOW - DAY, until=NOW + MINUTE), True),
    (Consent(ConsentKind.THIS_TIME, NOW - DAY, until=NOW), False),
]


@pytest.mark.parametrize(("consent", "lifts"), TIMES)
def test_consent_to_a_time_is_the_consumers_own_and_running(consent: Consent, lifts: bool) -> None:
    """Shows who, when, for how long and for which address."""
    facts = replace(ORDINARY, consents=(consent,))

    assert lifts is (judged(rule("bar", lifted_by=["time_consent"]), facts) is None)


def test_a_purpose_that_may_rebut_a_rule_leaves_it_to_a_person() -> None:
    """Shows the flag and its words."""
    one = rule("bar", Outcome.REFUSE, rebutted_by=["duty_notice"])
    finding = judged(one, replace(ORDINARY, purpose=Purpose.DUTY_NOTICE))

    assert finding is not None
    assert Outcome.FLAG is finding.outcome
    assert "The summary. The purpose of this contact may rebut that, so a person decides." == finding.why
