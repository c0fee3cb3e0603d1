"""States, stated times and places, and confirmations: each part of them by itself."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from forbear_domain.policy import (
    Address,
    AddressKind,
    Channel,
    Direction,
    Facts,
    Inconvenience,
    MessageMarks,
    Outcome,
    PastContact,
    Purpose,
    ReplyToken,
    Suppression,
    SuppressionKind,
)
from tests.unit.policy.policy_facts import NOW, ORDINARY
from tests.unit.policy.policy_rule_kit import (
    CALL,
    DAY,
    MINUTE,
    judged,
    past,
    rule,
    utc,
)

CONFIRMATION = replace(
    ORDINARY, purpose=Purpose.OPT_OUT_CONFIRMATION, suppressions=(Suppression(SuppressionKind.CEASE, NOW),)
)
CONFIRM: dict[str, Any] = {"states": ["cease"], "confirm_within_minutes": 5}


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


def test_a_stated_place_holds_to_the_end_of_its_last_day_there() -> None:
    """Shows ten in the evening of the last day, when it is the next day in UTC already."""
    facts = replace(stated(place="gym", until_on=date(2026, 6, 9)), known_at="gym")

    assert judged(rule("stated_inconvenience", about="place"), facts, utc(10, 2)) is not None
    assert judged(rule("stated_inconvenience", about="place"), facts, utc(10, 4)) is None


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
    one: dict[str, Any] = {"at": NOW - ago, "channel": Channel.SMS, "purpose": Purpose.OPT_OUT_CONFIRMATION} | fields
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
