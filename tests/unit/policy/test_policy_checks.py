"""Each kind of limit by time and number: until when it objects, in which words, and what it counted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from forbear_domain.policy import (
    AddressKind,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Direction,
    Facts,
    Outcome,
    PastContact,
    Purpose,
    Recipient,
    Route,
    Scope,
    Suppression,
    SuppressionKind,
)
from tests.unit.policy.policy_facts import NOW, ORDINARY, calls
from tests.unit.policy.policy_rule_kit import (
    CALL,
    CAP,
    DAY,
    DENVER,
    HOUR,
    MINUTE,
    NEW_YORK,
    NINE,
    TALK,
    called,
    judged,
    past,
    rule,
    utc,
)

EIGHT_OPEN: dict[str, Any] = {"opens": "08:00", "closes": "21:00", "edges": "open"}
HOLIDAYS: dict[str, Any] = NINE | {"closed_on_holidays_of": "US"}
WEEKEND: dict[str, Any] = NINE | {"weekend_opens": "10:00", "weekend_closes": "12:30"}
CLOCKS: list[tuple[dict[str, Any], datetime, tuple[ZoneInfo, ...], datetime | None]] = [
    (NINE, utc(10, 13), (), None),
    (NINE, utc(10, 12, 59, 59), (), utc(10, 13)),
    (NINE, utc(11, 0, 59, 59), (), None),
    (NINE, utc(11, 1), (), utc(11, 13)),
    (NINE, utc(10, 14), (DENVER, NEW_YORK), utc(10, 15)),
    (NINE, utc(11, 1), (DENVER, NEW_YORK), utc(11, 13)),
    (EIGHT_OPEN, utc(10, 12), (), utc(10, 12, 0, 1)),
    (EIGHT_OPEN, utc(10, 12, 0, 1), (), None),
    (EIGHT_OPEN, utc(11, 0, 59, 59), (), None),
    (WEEKEND, utc(13, 13, 59), (), utc(13, 14)),
    (WEEKEND, utc(13, 16, 30), (), utc(14, 14)),
    (WEEKEND, utc(12, 13), (), None),
    (WEEKEND, utc(14, 16, 30), (), utc(15, 13)),
    (HOLIDAYS, datetime(2026, 7, 3, 16, tzinfo=UTC), (), datetime(2026, 7, 5, 13, tzinfo=UTC)),
    (NINE | {"zone": "Asia/Tokyo"}, utc(10, 13), (), utc(11, 0)),
]


@pytest.mark.parametrize(("parameters", "at", "zones", "until"), CLOCKS)
def test_a_clock_opens_and_closes_to_the_second(
    parameters: dict[str, Any], at: datetime, zones: tuple[ZoneInfo, ...], until: datetime | None
) -> None:
    """Shows both edges, several zones, weekends, holidays and a fixed zone."""
    finding = judged(rule("clock_window", **parameters), ORDINARY, at, *zones)

    assert until == (finding.until if finding else None)


def test_a_clock_says_what_time_it_is_where() -> None:
    """Shows the sentence, the holidays that only the facts know, and the consent that lifts the rule."""
    at = utc(10, 7, 5, 9)
    agreed = replace(ORDINARY, consents=(Consent(ConsentKind.THIS_TIME, at),))
    closed = replace(ORDINARY, holidays=frozenset({date(2026, 6, 10)}))
    lifted = rule("clock_window", lifted_by=["time_consent"], **NINE)

    finding = judged(rule("clock_window", **NINE), ORDINARY, at, DENVER)

    assert finding is not None
    assert (
        "It is 01:05:09 on Wed 10 Jun 2026 in America/Denver, outside the hours of contact 09:00 to 21:00."
        == finding.why
    )
    assert ("place", "holidays") == finding.facts_used
    assert judged(rule("clock_window", **HOLIDAYS), closed) is not None
    assert judged(rule("clock_window", **NINE), closed) is None
    assert judged(lifted, ORDINARY, at) is not None
    assert judged(lifted, agreed, at) is None


CAPS: list[tuple[str, dict[str, Any], Facts, datetime | None, tuple[int, ...]]] = [
    ("none before", CAP, CALL, None, ()),
    ("one within seven days", CAP, called(past(6 * DAY)), utc(11, 4), (0,)),
    ("one before seven days", CAP, called(past(7 * DAY)), None, ()),
    ("one tick inside the hours", {"limit": 1, "window": {"hours": 24}}, called(past(DAY - MINUTE)),
     NOW + MINUTE, (0,)),
    ("exactly the hours ago", {"limit": 1, "window": {"hours": 24}}, called(past(DAY)), None, ()),
    ("minutes", {"limit": 1, "window": {"minutes": 5}}, called(past(4 * MINUTE)), NOW + MINUTE, (0,)),
    ("the calendar day", {"limit": 1, "window": {"calendar": "day"}}, called(past(10 * HOUR)), utc(11, 4), (0,)),
    ("the day before", {"limit": 1, "window": {"calendar": "day"}}, called(past(12 * HOUR)), None, ()),
    ("the week from Monday", {"limit": 1, "window": {"calendar": "week"}}, called(past(2 * DAY)), utc(15, 4), (0,)),
    ("last Sunday", {"limit": 1, "window": {"calendar": "week"}}, called(past(3 * DAY)), None, ()),
    ("the month", {"limit": 1, "window": {"calendar": "month"}}, called(past(9 * DAY)),
     datetime(2026, 7, 1, 4, tzinfo=UTC), (0,)),
    ("last month", {"limit": 1, "window": {"calendar": "month"}}, called(past(10 * DAY)), None, ()),
    ("room for one more", CAP | {"limit": 2}, called(past(DAY)), None, ()),
    ("the second latest decides", CAP | {"limit": 2}, called(past(3 * DAY), past(DAY), past(5 * DAY)),
     utc(14, 4), (0, 1, 2)),
    ("another debt", CAP, called(past(DAY, debts=("D2",))), None, ()),
    ("no debt is every debt", CAP, called(past(DAY, debts=())), utc(16, 4), (0,)),
    ("the borrower", CAP | {"per": "borrower"}, called(past(DAY, debts=("D2",))), utc(16, 4), (0,)),
    ("no debt proposed", CAP, called(past(DAY, debts=("D2",)), debts=()), utc(16, 4), (0,)),
    ("the fullest debt", CAP, called(past(DAY), past(2 * DAY, debts=("D2",)), past(3 * DAY, debts=("D2",)),
     debts=(Debt("D1"), Debt("D2"))), utc(16, 4), (1, 2)),
    ("the address", CAP | {"per": "address"}, called(past(DAY, address="a", debts=("D2",))), utc(16, 4), (0,)),
    ("another address", CAP | {"per": "address"}, called(past(DAY, address="b")), None, ()),
    ("this person", CAP | {"per": "person_and_debt"}, called(past(DAY)), utc(16, 4), (0,)),
    ("another person", CAP | {"per": "person_and_debt"}, called(past(DAY, person="x")), None, ()),
    ("another recipient", CAP | {"per": "person_and_debt"}, called(past(DAY, recipient=Recipient.EMPLOYER)), None, ()),
    ("a busy line connects nobody", CAP | {"counts": "connected"}, called(past(DAY, result=CallResult.BUSY)), None, ()),
    ("ringing is connected", CAP | {"counts": "connected"}, called(past(DAY, result=CallResult.NO_ANSWER)),
     utc(16, 4), (0,)),
    ("ringing makes no contact", CAP | {"counts": "contacts_made"}, called(past(DAY, result=CallResult.NO_ANSWER)),
     None, ()),
    ("a message makes contact", CAP | {"counts": "contacts_made"}, called(past(DAY, result=CallResult.VOICEMAIL)),
     utc(16, 4), (0,)),
    ("only talk is conversation", CAP | {"counts": "conversations"}, called(past(DAY)), None, ()),
    ("talk", CAP | {"counts": "conversations"}, called(past(DAY, result=TALK)), utc(16, 4), (0,)),
    ("inbound", CAP, called(past(DAY, direction=Direction.IN)), None, ()),
    ("inbound counted", CAP | {"directions": ["in"]}, called(past(DAY, direction=Direction.IN)), utc(16, 4), (0,)),
    ("another channel", CAP | {"counted_channels": ["sms"]}, called(past(DAY)), None, ()),
    ("this channel", CAP | {"counted_channels": ["voice_call"]}, called(past(DAY)), utc(16, 4), (0,)),
    ("an uncounted purpose", CAP | {"uncounted_purposes": ["reply"]}, called(past(DAY, purpose=Purpose.REPLY)), None,
     ()),
    ("a counted purpose", CAP | {"counted_purposes": ["reply"]}, called(past(DAY, purpose=Purpose.REPLY)), utc(16, 4),
     (0,)),
    ("not the counted purpose", CAP | {"counted_purposes": ["reply"]}, called(past(DAY)), None, ()),
    ("a counted kind", CAP | {"counted_address_kinds": ["mobile"]}, called(past(DAY, address_kind=AddressKind.MOBILE)),
     utc(16, 4), (0,)),
    ("not the counted kind", CAP | {"counted_address_kinds": ["mobile"]}, called(past(DAY)), None, ()),
    ("another sender", CAP, called(past(DAY, by_us=False)), utc(16, 4), (0,)),
    ("another sender left out", CAP | {"other_senders": False}, called(past(DAY, by_us=False)), None, ()),
    ("agreed", CAP | {"skips_agreed_calls": True},
     called(past(DAY), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY),)), None, ()),
    ("agreed, but counted all the same", CAP,
     called(past(DAY), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY),)), utc(16, 4), (0,)),
    ("agreed to calls, not to texts", CAP | {"skips_agreed_calls": True},
     called(past(DAY, channel=Channel.SMS), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY),)),
     utc(16, 4), (0,)),
    ("agreed with somebody else", CAP | {"skips_agreed_calls": True},
     called(past(DAY), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY, Route.TO_ANOTHER),)),
     utc(16, 4), (0,)),
    ("agreed for a shorter time", CAP | {"skips_agreed_calls": True},
     called(past(DAY), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 3 * DAY, until=NOW - DAY),)),
     utc(16, 4), (0,)),
    ("agreed until the talk", CAP | {"skips_agreed_calls": True},
     called(past(DAY), past(DAY + HOUR, result=TALK),
            consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY),)), utc(16, 4), (0,)),
    ("the seventh day of the agreement", CAP | {"skips_agreed_calls": True},
     called(past(DAY), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 7 * DAY),)), None, ()),
    ("the eighth day of the agreement", CAP | {"skips_agreed_calls": True},
     called(past(HOUR), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 7 * DAY),)), utc(17, 4), (0,)),
    ("a wrong number", CAP,
     called(past(DAY, address="x"), suppressions=(Suppression(SuppressionKind.WRONG_PARTY, NOW, address="x"),)),
     None, ()),
    ("another number is wrong", CAP,
     called(past(DAY, address="y"), suppressions=(Suppression(SuppressionKind.WRONG_PARTY, NOW, address="x"),)),
     utc(16, 4), (0,)),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "facts", "until", "counted"), [one[1:] for one in CAPS],
                         ids=[one[0] for one in CAPS])  # fmt: skip
def test_a_cap_counts_what_it_names_and_frees_when_the_window_has_passed(
    parameters: dict[str, Any], facts: Facts, until: datetime | None, counted: tuple[int, ...]
) -> None:
    """Shows every window, every counter and every exception of counting by itself."""
    finding = judged(rule("cap", **parameters), facts)

    assert (until, counted) == ((finding.until, finding.counted) if finding else (None, ()))


def test_a_cap_counts_the_channels_of_its_scope_and_of_none_other() -> None:
    """Shows that the scope names the counted channels where the parameters do not."""
    texts = Scope(channels=frozenset({Channel.SMS}))

    assert judged(rule("cap", scope=texts, **CAP), called(past(DAY))) is None
    assert judged(rule("cap", scope=texts, **CAP), called(past(DAY, channel=Channel.SMS))) is not None


def test_windows_are_those_of_the_latest_zone() -> None:
    """Shows that a contact leaves the window when it has done so everywhere."""
    finding = judged(rule("cap", **CAP), called(past(6 * DAY)), NOW, DENVER, NEW_YORK)

    assert finding is not None
    assert utc(11, 6) == finding.until


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"days": 7}, "the last 7 days"),
        ({"hours": 24}, "the last 24 hours"),
        ({"minutes": 90}, "the last 90 minutes"),
        ({"calendar": "week"}, "this calendar week"),
    ],
)
def test_a_cap_says_how_many_in_which_window(window: dict[str, Any], words: str) -> None:
    """Shows the sentence."""
    finding = judged(rule("cap", limit=1, window=window, counts="contacts_made"), called(past(HOUR)))

    assert finding is not None
    assert finding.until is not None
    until = f"{finding.until:%Y-%m-%d %H:%M}"
    assert (
        f"1 contact made already counted in {words}, and at most 1 is allowed; room again from {until} UTC."
        == finding.why
    )
    assert ("R", Outcome.NOT_BEFORE, "the source") == (finding.rule, finding.outcome, finding.source)


TALKS: list[tuple[str, Facts, datetime | None]] = [
    ("within seven days", called(past(6 * DAY, result=TALK)), utc(11, 4)),
    ("a week ago", called(past(7 * DAY, result=TALK)), None),
    ("no talk", called(past(DAY)), None),
    ("by text", called(past(DAY, result=TALK, channel=Channel.SMS)), None),
    ("they called", called(past(DAY, result=TALK, direction=Direction.IN)), utc(16, 4)),
    ("the last of two", called(past(DAY, result=TALK), past(2 * DAY, result=TALK)), utc(16, 4)),
    ("another debt", called(past(DAY, result=TALK, debts=("D2",))), None),
    ("every debt", called(past(DAY, result=TALK, debts=())), utc(16, 4)),
    ("no debt proposed", called(past(DAY, result=TALK, debts=("D2",)), debts=()), utc(16, 4)),
    ("spouses are the consumer", called(past(DAY, result=TALK, person="spouse")), utc(16, 4)),
    ("another recipient", called(past(DAY, result=TALK, recipient=Recipient.EMPLOYER)), None),
]


@pytest.mark.parametrize(("facts", "until"), [one[1:] for one in TALKS], ids=[one[0] for one in TALKS])
def test_silence_follows_a_conversation(facts: Facts, until: datetime | None) -> None:
    """Shows whose conversations about what bar calls, and until when."""
    finding = judged(rule("cooling_off", days=7), facts)

    assert until == (finding.until if finding else None)


def test_silence_says_since_when_and_may_be_for_one_direction_or_lifted() -> None:
    """Shows the sentence, the parameter and the exception."""
    facts = called(past(DAY, result=TALK))
    inbound = called(past(DAY, result=TALK, direction=Direction.IN))
    lifted = rule("cooling_off", days=7, lifted_by=["more_calls_consent"])
    agreed = replace(facts, consents=(Consent(ConsentKind.ADDITIONAL_CALLS, NOW - HOUR),))

    finding = judged(rule("cooling_off", days=7), facts)

    assert finding is not None
    assert "A conversation about this debt on Tue 9 Jun 2026 bars calls until Mon 15 Jun 2026." == finding.why
    assert (0,) == finding.counted
    assert judged(rule("cooling_off", days=7, directions=["out"]), inbound) is None
    assert judged(rule("cooling_off", days=7, directions=["out"]), facts) is not None
    assert judged(lifted, facts) is not None
    assert judged(lifted, agreed) is None


def test_calls_agreed_to_before_the_talk_stand_until_it_ends() -> None:
    """Shows that the conversation itself is one of the calls agreed to, and the next is not."""
    one = rule("cap", skips_agreed_calls=True, **CAP)
    consent = (Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY),)

    assert judged(one, called(past(DAY, result=TALK), consents=consent)) is None
    assert judged(one, called(past(3 * DAY, result=TALK), past(DAY), consents=consent)) is not None
    assert judged(one, replace(called(past(DAY), consents=consent), past=calls(DAY, DAY - HOUR))) is None


AGREED_AT = utc(3, 2)  # still 2 June in New York, where the seventh day therefore ends with 8 June


@pytest.mark.parametrize(
    ("called_at", "counted"), [(utc(9, 2), False), (utc(9, 3, 59, 59), False), (utc(9, 4), True), (utc(9, 12), True)]
)
def test_an_agreement_to_more_calls_ends_by_the_consumers_calendar(called_at: datetime, counted: bool) -> None:
    """Shows the end of the seventh day, which is neither that of UTC nor a full week later."""
    one = rule("cap", skips_agreed_calls=True, **CAP)
    facts = called(PastContact(called_at, Channel.VOICE), consents=(Consent(ConsentKind.ADDITIONAL_CALLS, AGREED_AT),))

    assert counted is (judged(one, facts) is not None)


def test_the_call_right_after_the_talk_is_no_longer_agreed_to() -> None:
    """Shows the end of the agreement to the microsecond."""
    one = rule("cap", skips_agreed_calls=True, **CAP)
    consent = (Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY),)
    after = past(DAY - timedelta(microseconds=1))

    finding = judged(one, called(past(DAY, result=TALK), after, consents=consent))

    assert finding is not None
    assert (1,) == finding.counted


def test_the_days_of_silence_are_told_by_the_consumers_calendar() -> None:
    """Shows a talk on a Tuesday morning in Tokyo, where it was still Monday in UTC."""
    facts = called(PastContact(utc(8, 20), Channel.VOICE, result=TALK))

    finding = judged(rule("cooling_off", days=7), facts, NOW, ZoneInfo("Asia/Tokyo"))

    assert finding is not None
    assert "A conversation about this debt on Tue 9 Jun 2026 bars calls until Mon 15 Jun 2026." == finding.why
