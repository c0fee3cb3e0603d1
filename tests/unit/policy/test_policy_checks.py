"""Each kind of limit by itself: what it objects to, in which words, until when, and which contacts it counted."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
    Finding,
    Inconvenience,
    MessageMarks,
    Outcome,
    Pack,
    PastContact,
    Purpose,
    Recipient,
    ReplyToken,
    Route,
    Rule,
    RuleSet,
    Scope,
    Suppression,
    SuppressionKind,
    decide,
    rules_for,
)
from forbear_domain.policy.calendar import (
    add_business_days,
    add_months,
    au_national_holidays,
    easter_sunday,
    us_federal_holidays,
)
from forbear_domain.policy.checks import ParameterError, Situation, check_of
from forbear_domain.policy.pack_cases import failing_cases
from tests.unit.policy.policy_facts import NOW, ORDINARY, PACKS, calls

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NEW_YORK, DENVER = ZoneInfo("America/New_York"), ZoneInfo("America/Denver")
CALL = replace(ORDINARY, channel=Channel.VOICE, consents=())
TALK = CallResult.CONVERSATION
CAP: dict[str, Any] = {"limit": 1, "window": {"days": 7}}
CONFIRMATION = replace(
    ORDINARY, purpose=Purpose.OPT_OUT_CONFIRMATION, suppressions=(Suppression(SuppressionKind.CEASE, NOW),)
)
CONFIRM: dict[str, Any] = {"states": ["cease"], "confirm_within_minutes": 5}
THIRD = replace(ORDINARY, recipient=Recipient.THIRD_PARTY, purpose=Purpose.LOCATION, reachable=False)
SILENT = MessageMarks(reveals_debt=False)


def utc(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """An instant of June 2026."""
    return datetime(2026, 6, day, hour, minute, second, tzinfo=UTC)


def rule(kind: str, outcome: Outcome = Outcome.NOT_BEFORE, scope: Scope | None = None, **parameters: Any) -> Rule:
    """A rule of that kind."""
    return Rule("R", kind, outcome, "The summary.", "the source", "policy", "P", parameters, scope or Scope())


def judged(one: Rule, facts: Facts, at: datetime = NOW, *zones: ZoneInfo) -> Finding | None:
    """What one rule alone says; in New York, unless zones are given."""
    check = check_of(one)
    assert check is not None
    return check.judge(Situation(facts, zones or (NEW_YORK,)), at)


def past(ago: timedelta, **fields: Any) -> PastContact:
    """A call about D1, so long before NOW."""
    return PastContact(**({"at": NOW - ago, "channel": Channel.VOICE, "debts": ("D1",)} | fields))


def called(*ones: PastContact, **fields: Any) -> Facts:
    """A call proposed after these."""
    return replace(CALL, past=ones, **fields)


@pytest.mark.parametrize("pack", PACKS.all, ids=lambda pack: str(pack.jurisdiction))
def test_every_worked_case_of_every_pack_comes_out(pack: Pack) -> None:
    """Shows that each pack still says what its own examples say."""
    assert [] == list(failing_cases(pack, rules_for(PACKS, [pack.jurisdiction], date.min, house=False)))


NINE: dict[str, Any] = {"opens": "09:00", "closes": "21:00"}
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
        ({"hours": 24}, "the last 1 day, 0:00:00"),
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
        f"1 contacts made already counted in {words}, and at most 1 are allowed; room again from {until} UTC."
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


def stated(**fields: Any) -> Facts:
    """A consumer who called something inconvenient."""
    return replace(CALL, inconvenient=(Inconvenience(**fields),))


STATED: list[tuple[Facts, datetime, datetime | None]] = [
    (stated(starts=time(10), ends=time(11, 0, 30)), NOW, utc(10, 15, 0, 30)),
    (stated(starts=time(10), ends=time(11)), NOW, None),
    (stated(starts=time(11)), NOW, utc(11, 4)),
    (stated(starts=time(11, 1)), NOW, None),
    (stated(weekdays=frozenset({2})), NOW, utc(11, 4)),
    (stated(weekdays=frozenset({1, 3})), NOW, None),
    (stated(until_on=date(2026, 6, 10)), NOW, utc(11, 4)),
    (stated(until_on=date(2026, 6, 9)), NOW, None),
    (stated(channel=Channel.VOICE), NOW, utc(11, 4)),
    (stated(channel=Channel.SMS), NOW, None),
    (stated(place="home"), NOW, None),
    (stated(starts=time(1), ends=time(1, 45)), datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
     datetime(2026, 11, 1, 6, 45, tzinfo=UTC)),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "at", "until"), STATED)
def test_a_stated_time_holds_on_its_days_between_its_hours(facts: Facts, at: datetime, until: datetime | None) -> None:
    """Shows each part of what a consumer may have said, and an hour that the clocks show twice."""
    finding = judged(rule("stated_inconvenience", about="time"), facts, at)

    assert until == (finding.until if finding else None)


def test_a_stated_time_says_so_and_can_be_lifted_by_an_answer() -> None:
    """Shows the sentence, the second statement after one that does not hold, and the reply."""
    lifted = rule("stated_inconvenience", about="time", lifted_by=["reply"])
    both = replace(CALL, inconvenient=(Inconvenience(starts=time(20)), Inconvenience(starts=time(9))))
    reply = replace(both, purpose=Purpose.REPLY, replies_due=(ReplyToken(Channel.VOICE, NOW),))

    finding = judged(lifted, both)

    assert finding is not None
    assert "The consumer called 11:00 on a Wednesday an inconvenient time." == finding.why
    assert judged(lifted, reply) is None


PLACES: list[tuple[Facts, bool]] = [
    (replace(stated(place="home"), address=Address("a", AddressKind.LANDLINE)), True),
    (replace(stated(place="home"), address=Address("a", AddressKind.HOME_ADDRESS)), True),
    (replace(stated(place="home"), address=Address("a", AddressKind.MOBILE)), False),
    (replace(stated(place="work"), address=Address("a", AddressKind.WORK_PHONE)), True),
    (replace(stated(place="work"), address=Address("a", AddressKind.WORK_EMAIL)), True),
    (replace(stated(place="work"), channel=Channel.WORKPLACE), True),
    (replace(stated(place="home"), channel=Channel.WORKPLACE), False),
    (replace(stated(place="gym"), known_at="gym"), True),
    (replace(stated(place="gym"), known_at="home"), False),
    (replace(stated(place="gym", until_on=date(2026, 6, 10)), known_at="gym"), True),
    (replace(stated(place="gym", until_on=date(2026, 6, 9)), known_at="gym"), False),
    (stated(), False),
]


@pytest.mark.parametrize(("facts", "barred"), PLACES)
def test_a_stated_place_bars_what_is_tied_to_it(facts: Facts, barred: bool) -> None:
    """Shows addresses, channels and whereabouts; without an end it is a refusal."""
    finding = judged(rule("stated_inconvenience", about="place"), facts)

    assert barred is (finding is not None)
    if finding is not None:
        place = facts.inconvenient[0].place
        assert f"The consumer called contact at the place {place!r} inconvenient." == finding.why
        assert Outcome.REFUSE is finding.outcome


STATES: list[tuple[Suppression, bool]] = [
    (Suppression(SuppressionKind.CEASE, NOW), True),
    (Suppression(SuppressionKind.CEASE, NOW + MINUTE), False),
    (Suppression(SuppressionKind.CEASE, NOW - DAY, NOW + MINUTE), True),
    (Suppression(SuppressionKind.CEASE, NOW - DAY, NOW), False),
    (Suppression(SuppressionKind.PAID, NOW), False),
    (Suppression(SuppressionKind.CEASE, NOW, address="a"), True),
    (Suppression(SuppressionKind.CEASE, NOW, address="b"), False),
    (Suppression(SuppressionKind.CEASE, NOW, channel=Channel.VOICE), True),
    (Suppression(SuppressionKind.CEASE, NOW, channel=Channel.RINGLESS_VOICEMAIL), True),
    (Suppression(SuppressionKind.CEASE, NOW, channel=Channel.SMS), False),
    (Suppression(SuppressionKind.CEASE, NOW, debt="D1"), True),
    (Suppression(SuppressionKind.CEASE, NOW, debt="D2"), False),
]


@pytest.mark.parametrize(("state", "barred"), STATES)
def test_a_state_bars_what_it_is_narrowed_to(state: Suppression, barred: bool) -> None:
    """Shows time, kind, address, channel and debt."""
    finding = judged(rule("state", states=["cease"]), replace(CALL, suppressions=(state,)))

    assert barred is (finding is not None)


def test_the_longest_state_decides_and_says_since_when() -> None:
    """Shows the sentence and the order: none that ends outlasts one without an end."""
    short = Suppression(SuppressionKind.CEASE, NOW - DAY, NOW + DAY)
    long = Suppression(SuppressionKind.CEASE, NOW - DAY, NOW + 2 * DAY)
    endless = Suppression(SuppressionKind.ADDRESS_OPT_OUT, NOW - DAY)
    states = rule("state", states=["cease", "address_opt_out"], lifted_by=["reply"])
    reply = replace(CALL, suppressions=(short,), purpose=Purpose.REPLY, replies_due=(ReplyToken(Channel.VOICE, NOW),))

    longest = judged(states, replace(CALL, suppressions=(short, long, short)))
    refused = judged(states, replace(CALL, suppressions=(short, endless, long)))

    assert longest is not None
    assert refused is not None
    assert (NOW + 2 * DAY, Outcome.NOT_BEFORE) == (longest.until, longest.outcome)
    assert "For this contact, address opt out has been in force since 2026-06-09 15:00 UTC." == refused.why
    assert Outcome.REFUSE is refused.outcome
    assert judged(states, reply) is None


def confirmed(ago: timedelta, **fields: Any) -> Facts:
    """A confirmation proposed after another contact."""
    one = {"at": NOW - ago, "channel": Channel.SMS, "purpose": Purpose.OPT_OUT_CONFIRMATION} | fields
    return replace(CONFIRMATION, past=(past(DAY), PastContact(**one)))


SINCE = "cease has been in force since 2026-06-10 15:00 UTC"
CONFIRMATIONS: list[tuple[Facts, datetime, Outcome | None, str]] = [
    (CONFIRMATION, NOW + 5 * MINUTE, None, ""),
    (CONFIRMATION, NOW + 5 * MINUTE + timedelta(seconds=1), Outcome.FLAG, f"The confirmation comes late: {SINCE}."),
    (confirmed(-MINUTE), NOW + 2 * MINUTE, Outcome.REFUSE, f"The request was confirmed already, and {SINCE}."),
    (confirmed(timedelta(0)), NOW + MINUTE, Outcome.REFUSE, f"The request was confirmed already, and {SINCE}."),
    (confirmed(MINUTE), NOW + MINUTE, None, ""),
    (confirmed(-MINUTE, channel=Channel.EMAIL), NOW + 2 * MINUTE, None, ""),
    (confirmed(-MINUTE, direction=Direction.IN), NOW + 2 * MINUTE, None, ""),
    (confirmed(-MINUTE, purpose=Purpose.REMINDER), NOW + 2 * MINUTE, None, ""),
    (replace(CONFIRMATION, message=MessageMarks(promotional=True)), NOW, Outcome.REFUSE,
     f"A confirmation may say nothing else, and {SINCE}."),
    (replace(CONFIRMATION, message=MessageMarks(confirms_only=False)), NOW, Outcome.REFUSE,
     f"A confirmation may say nothing else, and {SINCE}."),
    (replace(CONFIRMATION, purpose=Purpose.REMINDER), NOW, Outcome.REFUSE, f"For this contact, {SINCE}."),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "at", "outcome", "why"), CONFIRMATIONS)
def test_a_confirmation_is_prompt_single_and_bare(
    facts: Facts, at: datetime, outcome: Outcome | None, why: str
) -> None:
    """Shows each condition with its sentence."""
    finding = judged(rule("state", **CONFIRM), facts, at)

    assert (outcome, why) == ((finding.outcome, finding.why) if finding else (None, ""))
    if "already" in why:
        assert finding is not None
        assert (1,) == finding.counted


def test_without_a_time_for_confirmations_none_is_free() -> None:
    """Shows that the exception is the rule's to make."""
    assert judged(rule("state", states=["cease"]), CONFIRMATION) is not None


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


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("wish", {}, "unknown kind 'wish'; known are bar, basis, cap, clock_window, cooling_off, message, prior_notice, "
     "state, stated_inconvenience, third_party, record"),
    ("bar", {"b": 1, "a": 2}, "unknown parameters: a, b"),
    ("bar", {"lifted_by": ["x"]}, "lifted_by: 'x' is none of more_calls_consent, reply, time_consent"),
    ("bar", {"rebutted_by": ["x"]}, "'x' is not a valid Purpose"),
    ("bar", {"when": ["y", "x"]}, "unknown marks of a message: x, y"),
    ("bar", {"when": ["faults"]}, "unknown marks of a message: faults"),
    ("clock_window", {"opens": "09:00"}, "parameter 'closes' is missing"),
    ("clock_window", NINE | {"opens": "9"}, "not a time of day: '9'"),
    ("clock_window", NINE | {"opens": "x:00"}, "not a time of day: 'x:00'"),
    ("clock_window", NINE | {"opens": "09:xx"}, "not a time of day: '09:xx'"),
    ("clock_window", NINE | {"opens": "09:60"}, "not a time of day: '09:60'"),
    ("clock_window", NINE | {"opens": "25:00"}, "not a time of day: '25:00'"),
    ("clock_window", NINE | {"edges": "shut"}, "edges must be 'open' or 'half_open', not 'shut'"),
    ("clock_window", NINE | {"edges": 1}, "parameter 'edges' must be like 'half_open', not 1"),
    ("clock_window", NINE | {"zone": "Mars/Olympus"}, "unknown time zone 'Mars/Olympus'"),
    ("clock_window", NINE | {"closed_on_holidays_of": "XX"}, "no holiday calendar 'XX'"),
    ("stated_inconvenience", {"about": "mood"}, "about must be 'time' or 'place', not 'mood'"),
    ("cap", {"limit": 0, "window": {"days": 7}}, "limit must be a whole number above zero, not 0"),
    ("cap", {"limit": "1", "window": {"days": 7}}, "limit must be a whole number above zero, not '1'"),
    ("cap", CAP | {"window": {"days": 7, "hours": 1}}, "a window has exactly one length, not {'days': 7, 'hours': 1}"),
    ("cap", CAP | {"window": {"days": 0}}, "unknown window {'days': 0}"),
    ("cap", CAP | {"window": {"hours": 0}}, "unknown window {'hours': 0}"),
    ("cap", CAP | {"window": {"hours": "1"}}, "unknown window {'hours': '1'}"),
    ("cap", CAP | {"window": {"days": "1"}}, "unknown window {'days': '1'}"),
    ("cap", CAP | {"window": {"calendar": "year"}}, "unknown window {'calendar': 'year'}"),
    ("cap", CAP | {"window": {"weeks": 1}}, "unknown window {'weeks': 1}"),
    ("cap", CAP | {"per": "x"}, "per: 'x' is none of address, borrower, debt, person_and_debt"),
    ("cap", CAP | {"counts": "x"},
     "counts: 'x' is none of answered, attempts, connected, contacts_made, conversations, unanswered"),
    ("cooling_off", {}, "parameter 'days' is missing"),
    ("state", {}, "parameter 'states' is missing"),
    ("basis", {"consents": []}, "parameter 'routes' is missing"),
    ("prior_notice", {}, "parameter 'notice' is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "parameters", "what"), BAD)
def test_a_rule_that_cannot_be_understood_is_refused_with_its_reason(
    kind: str, parameters: dict[str, Any], what: str
) -> None:
    """Shows the words that whoever wrote the rule reads."""
    with pytest.raises(ParameterError) as caught:
        check_of(rule(kind, **parameters))

    assert what == str(caught.value)


def test_a_day_may_end_at_midnight() -> None:
    """Shows 24:00."""
    late = rule("clock_window", opens="00:00", closes="24:00")

    assert judged(late, ORDINARY, utc(11, 3, 59, 59)) is None
    assert check_of(rule("record", anything=1)) is None


def alone(one: Rule, facts: Facts, at: datetime = NOW) -> Any:
    """The verdict of one rule, as `decide` gives it."""
    return decide(facts, RuleSet(frozenset({"US"}), (one,), ("P@1",)), at)


def test_dates_of_a_rule_are_days_at_the_borrowers_place() -> None:
    """Shows the first and the last instant at which a rule is in force."""
    one = replace(rule("bar"), effective_from=date(2026, 6, 10), effective_to=date(2026, 6, 11))

    assert alone(one, ORDINARY, utc(10, 3, 59, 59)).allowed
    assert not alone(one, ORDINARY, utc(10, 4)).allowed
    assert not alone(one, ORDINARY, utc(12, 3, 59, 59)).allowed
    assert alone(one, ORDINARY, utc(12, 4)).allowed


def test_a_wait_runs_into_a_rule_that_is_not_in_force_yet() -> None:
    """Shows that a settled rule which begins during the wait is asked then."""
    wait = replace(rule("cap", **CAP), id="W")
    later = replace(rule("bar"), effective_from=date(2026, 6, 12))
    rules = RuleSet(frozenset({"US"}), (wait, later), ("P@1",))

    verdict = decide(called(past(5 * DAY)), rules, NOW)

    assert (Outcome.REFUSE, "R") == (verdict.outcome, verdict.rule)


def test_a_wait_that_outlasts_an_exception_is_a_refusal() -> None:
    """Shows that a settled rule whose exception lapses during the wait objects again."""
    wait = replace(rule("cap", **CAP), id="W")
    lifted = rule("bar", lifted_by=["time_consent"])
    rules = RuleSet(frozenset({"US"}), (wait, lifted), ("P@1",))
    facts = called(past(6 * DAY))

    lapses = replace(facts, consents=(Consent(ConsentKind.THIS_TIME, NOW, until=NOW + HOUR),))
    lasts = replace(facts, consents=(Consent(ConsentKind.THIS_TIME, NOW),))

    assert Outcome.REFUSE is decide(lapses, rules, NOW).outcome
    assert utc(11, 4) == decide(lasts, rules, NOW).not_before


def test_a_wait_of_sixty_days_is_told_and_a_longer_one_refused_with_the_same_facts() -> None:
    """Shows the bound to the instant, and the sentence that says so."""
    states = rule("state", states=["hardship"])
    sixty = replace(ORDINARY, suppressions=(Suppression(SuppressionKind.HARDSHIP, NOW, NOW + 60 * DAY),))
    longer = replace(sixty, suppressions=(Suppression(SuppressionKind.HARDSHIP, NOW, NOW + 60 * DAY + MINUTE),))

    told, refused = alone(states, sixty), alone(states, longer)

    assert NOW + 60 * DAY == told.not_before
    assert Outcome.REFUSE is refused.outcome
    assert refused.why == told.why + " No lawful instant was found within 60 days."
    first, second = refused.fired
    assert replace(second, outcome=Outcome.REFUSE, why=refused.why) == first
    assert ("R", "the source", ("P@1",)) == (refused.rule, refused.source, refused.packs)


def test_nobody_is_contacted_at_an_unknown_place_and_the_sentence_says_why() -> None:
    """Shows the verdict in full."""
    verdict = decide(ORDINARY, RuleSet(frozenset({"UK"}), (), ("P@1",)), NOW)

    assert (Outcome.REFUSE, "HOUSE-PLACE", "house policy: fail closed", ("place",), ("P@1",)) == (
        verdict.outcome, verdict.rule, verdict.source, verdict.facts_used, verdict.packs,
    )  # fmt: skip
    assert "Nobody may be contacted while the rules were chosen for other places." == verdict.why
    assert "No rule objects." == decide(ORDINARY, RuleSet(frozenset({"US"}), (), ("P@1",)), NOW).why


SCOPES: list[tuple[Scope, bool]] = [
    (Scope(), True),
    (Scope(actors=frozenset({ORDINARY.actor})), True),
    (Scope(channels=frozenset({Channel.EMAIL})), False),
    (Scope(recipients=frozenset({Recipient.EMPLOYER})), False),
    (Scope(address_kinds=frozenset({AddressKind.EMAIL})), False),
    (Scope(purposes=frozenset({Purpose.REPLY})), False),
    (Scope(except_purposes=frozenset({Purpose.REMINDER})), False),
    (Scope(except_purposes=frozenset({Purpose.REPLY})), True),
    (Scope(debt_kinds=frozenset({"credit_card", "x"})), True),
    (Scope(debt_kinds=frozenset({"mortgage"})), False),
    (Scope(except_debt_kinds=frozenset({"credit_card"})), False),
    (Scope(except_debt_kinds=frozenset({"mortgage"})), True),
]


@pytest.mark.parametrize(("scope", "binds"), SCOPES)
def test_a_rule_binds_only_within_its_scope(scope: Scope, binds: bool) -> None:
    """Shows each field of a scope by itself."""
    assert binds is not alone(rule("bar", scope=scope), ORDINARY).allowed


def test_the_one_that_lasts_longest_is_named_first_among_equals() -> None:
    """Shows the order of findings: outcome, end, name."""
    long = replace(rule("cap", **CAP), id="A")
    short = replace(rule("cap", limit=1, window={"days": 2}), id="B")
    other = replace(rule("cap", **CAP), id="C")

    verdict = decide(called(past(DAY)), RuleSet(frozenset({"US"}), (short, long, other), ()), NOW)

    assert ["C", "A", "B"] == [finding.rule for finding in verdict.fired]


def test_holidays_of_the_united_states_are_those_of_the_statute() -> None:
    """Shows 5 U.S.C. 6103(a) for 2026, and days that are observed in another week or year."""
    days = {(1, 1), (1, 19), (2, 16), (5, 25), (6, 19), (7, 3), (7, 4), (9, 7), (10, 12), (11, 11), (11, 26), (12, 25)}

    assert days == {(day.month, day.day) for day in us_federal_holidays(2026)}
    assert date(2021, 12, 31) in us_federal_holidays(2021)
    assert date(2023, 1, 2) in us_federal_holidays(2023)
    assert date(2022, 12, 26) in us_federal_holidays(2022)


def test_holidays_of_australia_move_to_the_next_working_day() -> None:
    """Shows 2026 and 2021, when Christmas and the day after fell on a weekend."""
    days = {(1, 1), (1, 26), (4, 3), (4, 6), (4, 25), (12, 25), (12, 26), (12, 28)}

    assert days == {(day.month, day.day) for day in au_national_holidays(2026)}
    assert {date(2021, 12, 27), date(2021, 12, 28)} <= au_national_holidays(2021)


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(1954, 4, 18), (1981, 4, 19), (2000, 4, 23), (2008, 3, 23), (2011, 4, 24), (2024, 3, 31), (2025, 4, 20),
     (2026, 4, 5), (2038, 4, 25), (2049, 4, 18), (2076, 4, 19), (2100, 3, 28), (2285, 3, 22)],
)  # fmt: skip
def test_easter_is_on_the_sunday_of_the_almanac(year: int, month: int, day: int) -> None:
    """Shows years with each correction of the computus."""
    assert date(year, month, day) == easter_sunday(year)


def test_months_and_business_days_are_added_by_the_calendar() -> None:
    """Shows short months, the turn of the year, weekends and holidays."""
    assert date(2026, 2, 28) == add_months(date(2026, 1, 31), 1)
    assert date(2027, 1, 15) == add_months(date(2026, 12, 15), 1)
    assert date(2026, 12, 31) == add_months(date(2026, 10, 31), 2)
    assert date(2025, 11, 30) == add_months(date(2026, 1, 30), -2)
    assert date(2026, 6, 15) == add_business_days(date(2026, 6, 12), 1)
    assert date(2026, 6, 16) == add_business_days(date(2026, 6, 12), 1, [date(2026, 6, 15)])
    assert date(2026, 6, 22) == add_business_days(date(2026, 6, 12), 6)
    assert date(2026, 6, 12) == add_business_days(date(2026, 6, 12), 0)


def test_calls_agreed_to_before_the_talk_stand_until_it_ends() -> None:
    """Shows that the conversation itself is one of the calls agreed to, and the next is not."""
    one = rule("cap", skips_agreed_calls=True, **CAP)
    consent = (Consent(ConsentKind.ADDITIONAL_CALLS, NOW - 2 * DAY),)

    assert judged(one, called(past(DAY, result=TALK), consents=consent)) is None
    assert judged(one, called(past(3 * DAY, result=TALK), past(DAY), consents=consent)) is not None
    assert judged(one, replace(called(past(DAY), consents=consent), past=calls(DAY, DAY - HOUR))) is None
