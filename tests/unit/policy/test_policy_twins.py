"""Each rule objects to one question, and is silent about its twin, which differs in one fact."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from forbear_domain.policy import (
    Address,
    AddressKind,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Direction,
    Facts,
    Inconvenience,
    MessageMarks,
    Place,
    Purpose,
    Recipient,
    Route,
    Suppression,
    SuppressionKind,
    decide,
)
from tests.unit.policy.policy_facts import (
    CALL,
    CN,
    DAY,
    DC,
    HOUR,
    MA,
    MAIL,
    NOW,
    NYC,
    ORDINARY,
    calls,
    conversation,
    messages,
    on_days,
    place,
    rules_of,
    suppressed,
)

# name of the rule, facts it objects to, facts that differ in one thing and are allowed, the instant
TWINS: list[tuple[str, Facts, Facts, datetime]] = [
    ("REGF-6B1-TIME", ORDINARY, ORDINARY, datetime(2026, 6, 10, 12, 0, 0, tzinfo=UTC)),
    (
        "REGF-6B1-TIME",
        replace(ORDINARY, place=Place(frozenset({"America/New_York", "Pacific/Honolulu"}), frozenset({"US"}))),
        ORDINARY,
        NOW,
    ),
    (
        "REGF-6B1-DESIG",
        replace(ORDINARY, inconvenient=(Inconvenience(weekdays=frozenset({2})),)),
        replace(ORDINARY, inconvenient=(Inconvenience(weekdays=frozenset({3})),)),
        NOW,
    ),
    (
        "REGF-6B1-DESIG",
        replace(ORDINARY, inconvenient=(Inconvenience(starts=time(10), ends=time(11, 1)),)),
        replace(ORDINARY, inconvenient=(Inconvenience(starts=time(10), ends=time(11)),)),
        NOW,
    ),
    (
        "REGF-6B1-DESIG",
        replace(ORDINARY, inconvenient=(Inconvenience(until_on=date(2026, 6, 10)),)),
        replace(ORDINARY, inconvenient=(Inconvenience(until_on=date(2026, 6, 9)),)),
        NOW,
    ),
    (
        "REGF-6B1-PLACE",
        replace(CALL, inconvenient=(Inconvenience(place="home"),), address=Address("a", AddressKind.LANDLINE)),
        replace(CALL, inconvenient=(Inconvenience(place="home"),), address=Address("a", AddressKind.MOBILE)),
        NOW,
    ),
    (
        "REGF-6B1-PLACE",
        replace(CALL, inconvenient=(Inconvenience(place="home"),), known_at="home"),
        replace(CALL, inconvenient=(Inconvenience(place="home"),), known_at="work"),
        NOW,
    ),
    (
        "REGF-6B2-ATTY",
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.ATTORNEY, debt="D1")),
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.ATTORNEY, debt="D2")),
        NOW,
    ),
    (
        "REGF-6B3-WORK",
        replace(
            CALL,
            suppressions=suppressed(SuppressionKind.WORK_BARRED),
            address=Address("w", AddressKind.WORK_PHONE),
        ),
        replace(CALL, suppressions=suppressed(SuppressionKind.WORK_BARRED)),
        NOW,
    ),
    (
        "REGF-6C-CEASE",
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.CEASE)),
        replace(ORDINARY, suppressions=(Suppression(SuppressionKind.CEASE, NOW + HOUR),)),
        NOW,
    ),
    (
        "REGF-6D1-THIRD",
        replace(CALL, recipient=Recipient.THIRD_PARTY),
        CALL,
        NOW,
    ),
    (
        "REGF-6D3-PROC",
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.LEAKED_ADDRESS, address="a")),
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.LEAKED_ADDRESS, address="b")),
        NOW,
    ),
    ("REGF-6D4-EMAIL", replace(MAIL, consents=()), MAIL, NOW),
    (
        "REGF-6D4-EMAIL",
        replace(MAIL, consents=(Consent(ConsentKind.EMAIL, NOW - DAY, Route.TO_ANOTHER),)),
        replace(MAIL, consents=(Consent(ConsentKind.EMAIL, NOW - DAY, Route.CREDITOR_NOTICE),)),
        NOW,
    ),
    (
        "REGF-6D5-TEXT",
        replace(ORDINARY, consents=(Consent(ConsentKind.SMS, NOW - 61 * DAY),)),
        replace(ORDINARY, consents=(Consent(ConsentKind.SMS, NOW - 60 * DAY),)),
        NOW,
    ),
    (
        "REGF-6D5-TEXT",
        replace(ORDINARY, consents=(Consent(ConsentKind.SMS, NOW - 90 * DAY, fresh_at=NOW - 61 * DAY),)),
        replace(ORDINARY, consents=(Consent(ConsentKind.SMS, NOW - 90 * DAY, fresh_at=NOW - 3 * DAY),)),
        NOW,
    ),
    ("REGF-6E-OPTOUT", replace(ORDINARY, message=MessageMarks(opt_out_line=False)), ORDINARY, NOW),
    ("REGF-18E-DISC", replace(ORDINARY, message=MessageMarks(disclosed=False)), ORDINARY, NOW),
    ("REGF-18-FALSE", replace(ORDINARY, message=MessageMarks(faults=("REGF-18-FALSE",))), ORDINARY, NOW),
    ("REGF-22F-MEDIA", replace(ORDINARY, channel=Channel.POSTCARD), replace(ORDINARY, channel=Channel.MAIL), NOW),
    ("REGF-14B-7IN7", replace(CALL, past=(*on_days(6), *calls(HOUR))), replace(CALL, past=on_days(6)), NOW),
    (
        "REGF-14B-7IN7",
        replace(CALL, past=(*on_days(6), *calls(2 * DAY + HOUR))),
        replace(CALL, past=(*on_days(6), *calls(2 * DAY + HOUR, result=CallResult.BUSY))),
        NOW,
    ),
    ("REGF-14B-CONV7", replace(CALL, past=conversation(6)), replace(CALL, past=conversation(7)), NOW),
    (
        "REGF-14B-CONV7",
        replace(CALL, past=conversation(2, Direction.IN)),
        replace(CALL, past=conversation(2, Direction.IN), channel=Channel.SMS),
        NOW,
    ),
    (
        "REGF-14B-CONV7",
        replace(CALL, past=conversation(2), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 7 * DAY),)),
        replace(CALL, past=conversation(2), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY),)),
        NOW,
    ),
    (
        "REGF-14A-CUMUL",
        replace(CALL, past=calls(timedelta(minutes=4))),
        replace(CALL, past=calls(timedelta(minutes=4), result=CallResult.DROPPED)),
        NOW,
    ),
    (
        "REGF-14H-MEDIUM",
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.ADDRESS_OPT_OUT, address="a")),
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.ADDRESS_OPT_OUT, address="b")),
        NOW,
    ),
    (
        "REGF-14H-MEDIUM",
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.MEDIUM_STOP, channel=Channel.SMS)),
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.MEDIUM_STOP, channel=Channel.VOICE)),
        NOW,
    ),
    (
        "REGF-38-DISPUTE",
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.DISPUTE)),
        replace(ORDINARY, suppressions=suppressed(SuppressionKind.DISPUTE), purpose=Purpose.VERIFICATION),
        NOW,
    ),
    ("TCPA-AIVOICE", replace(CALL, message=MessageMarks(artificial_voice=True)), CALL, NOW),
    (
        "US-MA-2IN7",
        replace(ORDINARY, place=MA, past=messages(Channel.SMS, DAY, 2 * DAY)),
        replace(ORDINARY, place=MA, past=messages(Channel.SMS, DAY, 7 * DAY)),
        NOW,
    ),
    (
        "US-DC-3814",
        replace(CALL, place=DC, past=on_days(4)),
        replace(CALL, place=DC, past=on_days(4), debts=(Debt("D1", "mortgage"),)),
        NOW,
    ),
    (
        "US-DC-3814",
        replace(MAIL, place=DC),
        replace(MAIL, place=DC, notices=frozenset({"US-DC-3814"})),
        NOW,
    ),
    (
        "US-NYC-3IN7",
        replace(ORDINARY, place=NYC, past=messages(Channel.MAIL, DAY, 2 * DAY, 3 * DAY)),
        replace(ORDINARY, place=NYC, past=messages(Channel.MAIL, DAY, 2 * DAY, 7 * DAY)),
        NOW + 100 * DAY,
    ),
    (
        "CN-THIRDPARTY",
        replace(CALL, place=CN, recipient=Recipient.CONTACT_PERSON),
        replace(CALL, place=CN),
        NOW - 9 * HOUR,
    ),
    ("CN-OUTSOURCE-NOTICE", replace(CALL, place=CN, told_of_agency=False), replace(CALL, place=CN), NOW - 9 * HOUR),
    (
        "UK-BREATHING",
        replace(ORDINARY, place=place("Europe/London", "UK"), suppressions=suppressed(SuppressionKind.MORATORIUM)),
        replace(ORDINARY, place=place("Europe/London", "UK")),
        NOW,
    ),
]


@pytest.mark.parametrize(("rule", "barred", "allowed", "at"), TWINS)
def test_a_rule_objects_to_one_twin_and_is_silent_about_the_other(
    rule: str, barred: Facts, allowed: Facts, at: datetime
) -> None:
    """Shows that the one fact by which the twins differ is what the rule looks at."""
    days = at - NOW
    if days > DAY:
        barred, allowed = _aged(barred, days), _aged(allowed, days)

    against = decide(barred, rules_of(barred, house=False), at)
    good_hour = at if barred is not allowed else at + timedelta(seconds=1)
    silent = decide(allowed, rules_of(allowed, house=False), good_hour)

    assert rule in {finding.rule for finding in against.fired}
    assert not against.allowed
    assert rule not in {finding.rule for finding in silent.fired}


def _aged(facts: Facts, days: timedelta) -> Facts:
    past = tuple(replace(one, at=one.at + days) for one in facts.past)
    return replace(facts, past=past, consents=tuple(replace(one, at=one.at + days) for one in facts.consents))
