"""Rules as a whole: their scope, dates, parameters and order, and the worked cases of the packs."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from forbear_domain.policy import (
    AddressKind,
    Channel,
    Consent,
    ConsentKind,
    Outcome,
    Pack,
    Purpose,
    Recipient,
    RuleSet,
    Scope,
    Suppression,
    SuppressionKind,
    decide,
    rules_for,
)
from forbear_domain.policy.checks import ParameterError, check_of
from forbear_domain.policy.pack_cases import failing_cases
from tests.unit.policy.policy_facts import NOW, ORDINARY, PACKS
from tests.unit.policy.policy_rule_kit import (
    CAP,
    DAY,
    HOUR,
    MINUTE,
    NINE,
    alone,
    called,
    judged,
    past,
    rule,
    utc,
)

ONE_LENGTH = "a window has exactly one length, such as { days = 7 }"
CLOCK = '; write it like "08:00", at most "24:00"'


@pytest.mark.parametrize("pack", PACKS.all, ids=lambda pack: str(pack.jurisdiction))
def test_every_worked_case_of_every_pack_comes_out(pack: Pack) -> None:
    """Shows that each pack still says what its own examples say."""
    assert [] == list(failing_cases(pack, rules_for(PACKS, [pack.jurisdiction], date.min, house=False)))


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("wish", {}, "unknown kind 'wish'; known are bar, basis, cap, care, clock_window, cooling_off, message, "
     "prior_notice, rest_days, state, stated_inconvenience, third_party, record, retention"),
    ("bar", {"b": 1, "a": 2}, "unknown parameters: a, b"),
    ("bar", {"lifted_by": ["x"]}, "lifted_by: 'x' is none of more_calls_consent, reply, time_consent"),
    ("bar", {"rebutted_by": ["x"]}, "'x' is not a valid Purpose"),
    ("bar", {"when": ["y", "x"]}, "unknown marks of a message: x, y"),
    ("bar", {"when": ["faults"]}, "unknown marks of a message: faults"),
    ("clock_window", {"opens": "09:00"}, "parameter 'closes' is missing"),
    ("clock_window", NINE | {"opens": "9"}, f"not a time of day: '9'{CLOCK}"),
    ("clock_window", NINE | {"opens": "x:00"}, f"not a time of day: 'x:00'{CLOCK}"),
    ("clock_window", NINE | {"opens": "09:xx"}, f"not a time of day: '09:xx'{CLOCK}"),
    ("clock_window", NINE | {"opens": "09:60"}, f"not a time of day: '09:60'{CLOCK}"),
    ("clock_window", NINE | {"opens": "25:00"}, f"not a time of day: '25:00'{CLOCK}"),
    ("clock_window", NINE | {"edges": "shut"}, "edges must be 'open' or 'half_open', not 'shut'"),
    ("clock_window", NINE | {"edges": 1}, "parameter 'edges' must be like 'half_open', not 1"),
    ("clock_window", NINE | {"zone": "Mars/Olympus"}, "unknown time zone 'Mars/Olympus'"),
    ("clock_window", NINE | {"closed_on_holidays_of": "XX"}, "no holiday calendar 'XX'"),
    ("care", {"once_in": {"days": 1}}, "within_minutes is missing: say how soon the answer must go"),
    ("care", {"within_minutes": 9}, "parameter 'once_in' is missing"),
    ("stated_inconvenience", {"about": "mood"}, "about must be 'time' or 'place', not 'mood'"),
    ("cap", {"limit": 0, "window": {"days": 7}}, "limit must be a whole number above zero, not 0"),
    ("cap", {"limit": "1", "window": {"days": 7}}, "limit must be a whole number above zero, not '1'"),
    ("cap", CAP | {"window": {"days": 7, "hours": 1}}, f"{ONE_LENGTH}, not {{'days': 7, 'hours': 1}}"),
    ("cap", CAP | {"window": {"days": 0}}, "unknown window {'days': 0}; at most 3660 days"),
    ("cap", CAP | {"window": {"hours": 0}}, "unknown window {'hours': 0}; at most 3660 days"),
    ("cap", CAP | {"window": {"hours": "1"}}, "unknown window {'hours': '1'}; at most 3660 days"),
    ("cap", CAP | {"window": {"days": "1"}}, "unknown window {'days': '1'}; at most 3660 days"),
    ("cap", CAP | {"window": {"calendar": "year"}}, "unknown window {'calendar': 'year'}; at most 3660 days"),
    ("cap", CAP | {"window": {"weeks": 1}}, "unknown window {'weeks': 1}; at most 3660 days"),
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


def test_a_wait_may_end_with_the_last_day_of_a_rule() -> None:
    """Shows that hours of contact which end with today no longer hold at midnight."""
    wait = replace(rule("cap", **CAP), id="W")
    hours = replace(rule("clock_window", **NINE), effective_to=date(2026, 6, 10))
    rules = RuleSet(frozenset({"US"}), (wait, hours), ("P@1",))

    assert utc(11, 4) == decide(called(past(6 * DAY)), rules, NOW).not_before


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
