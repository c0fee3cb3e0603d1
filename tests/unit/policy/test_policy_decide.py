"""Each refusal has a twin that differs in one fact and is allowed."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from forbear_domain.policy import (
    Actor,
    Address,
    AddressKind,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Direction,
    Evidence,
    Facts,
    Inconvenience,
    MessageMarks,
    Outcome,
    PastContact,
    Place,
    Purpose,
    Recipient,
    ReplyToken,
    Route,
    Suppression,
    SuppressionKind,
    decide,
)
from tests.unit.policy.policy_facts import NOW, ORDINARY, calls, messages, place, rules_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
CALL = replace(ORDINARY, channel=Channel.VOICE)
MAIL = replace(ORDINARY, channel=Channel.EMAIL)
MA = place("America/New_York", "US-MA")
DC = place("America/New_York", "US-DC")
NYC = place("America/New_York", "US-NYC")
CN = place("Asia/Shanghai", "CN")


def suppressed(kind: SuppressionKind, **narrowed: object) -> tuple[Suppression, ...]:
    """One state since yesterday."""
    return (Suppression(kind, NOW - DAY, **narrowed),)  # type: ignore[arg-type]


def conversation(days_ago: float, direction: Direction = Direction.OUT) -> tuple[PastContact, ...]:
    """A call in which the consumer talked with us about D1."""
    at = NOW - timedelta(days=days_ago)
    return (PastContact(at, Channel.VOICE, direction, CallResult.CONVERSATION, debts=("D1",)),)


def on_days(count: int, result: CallResult = CallResult.NO_ANSWER) -> tuple[PastContact, ...]:
    """One call on each of the last `count` days before today."""
    return calls(*(number * DAY for number in range(1, count + 1)), result=result)


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


def test_the_ordinary_reminder_is_allowed() -> None:
    """Shows that the baseline of these tests breaks no rule, the house's included."""
    for facts in (ORDINARY, CALL, MAIL):
        assert decide(facts, rules_of(facts), NOW).allowed


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        (replace(ORDINARY, place=Place(frozenset(), frozenset({"US"}))), "time zone"),
        (replace(ORDINARY, place=Place(frozenset({"America/New_York"}), frozenset())), "pack"),
        (replace(ORDINARY, place=place("America/New_York", "US", "ATLANTIS")), "pack"),
        (replace(ORDINARY, place=place("Mars/Olympus", "US")), "Mars/Olympus"),
    ],
)
def test_an_unknown_place_means_no_contact(facts: Facts, missing: str) -> None:
    """Shows that missing zones, missing law and unknown zones all fail closed, with the reason."""
    verdict = decide(facts, rules_of(facts), NOW)

    assert verdict.outcome is Outcome.REFUSE
    assert missing in verdict.why


def test_rules_chosen_for_another_place_are_refused() -> None:
    """Shows that facts of one place are never judged by another's rules."""
    verdict = decide(replace(ORDINARY, place=MA), rules_of(ORDINARY), NOW)

    assert verdict.outcome is Outcome.REFUSE


def test_the_strictest_rule_decides_and_all_others_are_told() -> None:
    """Shows refuse over flag over waiting."""
    facts = replace(
        ORDINARY,
        consents=(),
        suppressions=suppressed(SuppressionKind.ADDRESS_OPT_OUT),
        past=messages(Channel.SMS, HOUR, 2 * HOUR),
    )

    verdict = decide(facts, rules_of(facts), NOW)

    assert verdict.outcome is Outcome.REFUSE
    outcomes = [finding.outcome for finding in verdict.fired]
    assert outcomes == sorted(outcomes, reverse=True)
    assert {"REGF-6D5-TEXT", "HOUSE-TEXTS", "REGF-14H-MEDIUM"} <= {finding.rule for finding in verdict.fired}


def test_waiting_names_the_first_instant_at_which_every_rule_is_silent() -> None:
    """Shows that caps and clocks are joined: the cap frees at midnight, the clock opens after eight."""
    facts = replace(ORDINARY, past=messages(Channel.SMS, HOUR, 25 * HOUR))

    verdict = decide(facts, rules_of(facts), NOW)

    assert verdict.outcome is Outcome.NOT_BEFORE
    assert verdict.not_before == datetime(2026, 6, 16, 12, 0, 1, tzinfo=UTC)
    assert verdict.counted == (0, 1)


def test_waiting_across_the_autumn_change_of_clocks_goes_by_the_wall() -> None:
    """Shows that eight o'clock after the change is an hour later in UTC."""
    at = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)  # 22:00 in New York on the eve of the change
    facts = replace(ORDINARY, consents=(Consent(ConsentKind.SMS, at - DAY),))

    verdict = decide(facts, rules_of(facts), at)

    assert verdict.not_before == datetime(2026, 11, 1, 13, 0, 1, tzinfo=UTC)


def test_a_state_without_an_end_refuses_and_one_with_an_end_waits() -> None:
    """Shows that time heals only what says when."""
    open_ended = replace(ORDINARY, suppressions=suppressed(SuppressionKind.HARDSHIP))
    ending = replace(ORDINARY, suppressions=suppressed(SuppressionKind.HARDSHIP, until=NOW + 2 * DAY))

    assert decide(open_ended, rules_of(open_ended), NOW).outcome is Outcome.REFUSE
    assert decide(ending, rules_of(ending), NOW).not_before == NOW + 2 * DAY


def test_a_wait_beyond_sixty_days_is_a_refusal() -> None:
    """Shows that the search for a lawful instant is bounded."""
    facts = replace(ORDINARY, suppressions=suppressed(SuppressionKind.HARDSHIP, until=NOW + 61 * DAY))

    assert decide(facts, rules_of(facts), NOW).outcome is Outcome.REFUSE


def test_a_duty_that_meets_a_cap_is_for_a_person() -> None:
    """Shows that the live contact Regulation X asks for never goes over the cap silently."""
    facts = replace(CALL, actor=Actor.COLLECTING_SERVICER, past=(*on_days(6), *calls(HOUR)))
    duty = replace(facts, purpose=Purpose.DUTY_LIVE_CONTACT)

    assert decide(facts, rules_of(facts, house=False), NOW).outcome is Outcome.NOT_BEFORE
    assert decide(duty, rules_of(duty, house=False), NOW).outcome is Outcome.FLAG


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


def test_the_house_allows_one_contact_a_day_over_all_channels() -> None:
    """Shows that a text in the morning leaves no room for an e-mail, but for an answer."""
    facts = replace(MAIL, actor=Actor.CREDITOR, past=messages(Channel.SMS, HOUR))
    answer = replace(facts, purpose=Purpose.REPLY, replies_due=(ReplyToken(Channel.EMAIL, NOW - HOUR),))

    assert decide(facts, rules_of(facts), NOW).rule == "HOUSE-DAILY"
    assert decide(answer, rules_of(answer), NOW).allowed


def test_a_naive_instant_is_an_error() -> None:
    """Shows that an instant without an offset is never guessed at."""
    with pytest.raises(ValueError, match="aware"):
        decide(ORDINARY, rules_of(ORDINARY), datetime(2026, 6, 10, 15))  # noqa: DTZ001


def test_place_from_evidence_is_the_union_of_everything() -> None:
    """Shows that no indication is dropped in favour of another."""
    home = Evidence("residential_address", frozenset({"America/New_York"}), frozenset({"US-MA"}))
    phone = Evidence("mobile_area_code", frozenset({"America/Denver"}), frozenset({"US-CO"}))

    union = Place(frozenset({"America/New_York", "America/Denver"}), frozenset({"US-MA", "US-CO"}))

    assert union == Place.from_evidence(home, phone)
    assert Place(frozenset(), frozenset()) == Place.from_evidence()
