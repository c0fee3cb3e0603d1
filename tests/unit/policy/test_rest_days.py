"""A tenant's own days of rest: on top of the public holidays of packs, which nothing can take away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.policy import (
    Channel,
    Facts,
    Outcome,
    PackError,
    Place,
    Purpose,
    ReplyToken,
    TenantPolicy,
    Verdict,
    closes_at,
    decide,
    read_tenant_policy,
    rules_for,
    with_tenant_policy,
)
from tests.unit.policy.policy_facts import ORDINARY, PACKS, place

HEAD = 'jurisdiction = "HARBOR"\ntitle = "Harbor\'s own"\nversion = "2026"\n'
RULE = """[[rule]]
id = "HARBOR-REST"
kind = "rest_days"
summary = "Nobody works here."
source = "board minutes of 3 May"
grade = "policy"
"""
WEDNESDAY_NOON = datetime(2026, 6, 10, 16, 0, tzinfo=UTC)  # in New York
THURSDAY_EIGHT = datetime(2026, 6, 11, 12, 0, 1, tzinfo=UTC)


def policy(parameters: str, scope: str = "", cases: str = "") -> TenantPolicy:
    """A policy with one rule."""
    return read_tenant_policy(f"{HEAD}{RULE}{scope}[rule.parameters]\n{parameters}\n{cases}", 1, PACKS)


def ask(own: TenantPolicy, at: datetime = WEDNESDAY_NOON, facts: Facts = ORDINARY) -> Verdict:
    """What the law and the tenant's days of rest say together."""
    return decide(facts, with_tenant_policy(rules_for(PACKS, facts.place.jurisdictions, at.date()), own), at)


def test_nobody_is_contacted_on_a_day_of_rest_and_the_next_morning_is_named() -> None:
    """The pair: the day listed waits for the first lawful second of the next, the day before is free."""
    own = policy("days = [2026-06-10]")

    assert (Outcome.NOT_BEFORE, "HARBOR-REST", THURSDAY_EIGHT) == (
        ask(own).outcome, ask(own).rule, ask(own).not_before
    )  # fmt: skip
    assert "Wed 10 Jun 2026 in America/New_York, a day of rest: Nobody works here." in ask(own).why
    assert ask(own, WEDNESDAY_NOON - timedelta(days=1)).allowed


def test_a_run_of_days_is_waited_for_as_one() -> None:
    """Listed days that follow each other, by date and by year, end together."""
    own = policy('days = [2026-06-10, 2026-06-12]\nevery_year = ["06-11", "06-13"]')

    assert datetime(2026, 6, 14, 12, 0, 1, tzinfo=UTC) == ask(own).not_before


def test_a_day_of_every_year_comes_again_on_leap_days_too() -> None:
    """The twin of a date: it does not run out when the year does."""
    own = policy('every_year = ["02-29", "12-24"]')

    assert [Outcome.NOT_BEFORE, Outcome.NOT_BEFORE] == [
        _fresh(own, datetime(year, 12, 24, 17, tzinfo=UTC)).outcome for year in (2026, 2031)
    ]
    assert Outcome.NOT_BEFORE is _fresh(own, datetime(2028, 2, 29, 17, tzinfo=UTC)).outcome
    assert _fresh(own, datetime(2027, 3, 1, 17, tzinfo=UTC)).allowed


def _fresh(own: TenantPolicy, at: datetime) -> Verdict:
    consents = tuple(replace(one, at=at - timedelta(days=1)) for one in ORDINARY.consents)
    return ask(own, at, replace(ORDINARY, consents=consents))


def test_without_an_end_there_is_no_contact() -> None:
    """A whole year of rest refuses instead of naming an instant."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    own = policy(f"days = [{', '.join(map(str, days))}]")

    assert Outcome.REFUSE is ask(own).outcome


def test_it_is_that_day_for_the_borrower_in_any_zone() -> None:
    """Strictest clock: while it is still Wednesday in Honolulu, who may be there or in New York rests."""
    both = replace(
        ORDINARY, place=Place(frozenset({"America/New_York", "Pacific/Honolulu"}), frozenset({"US"})),
    )  # fmt: skip
    own = policy("days = [2026-06-10]")
    wednesday_in_hawaii_only = datetime(2026, 6, 11, 8, 0, tzinfo=UTC)

    assert "HARBOR-REST" in {one.rule for one in ask(own, wednesday_in_hawaii_only, both).fired}
    assert "HARBOR-REST" not in {one.rule for one in ask(own, wednesday_in_hawaii_only).fired}
    waits = ask(own, WEDNESDAY_NOON, both).not_before
    assert waits is not None
    assert date(2026, 6, 11) == waits.date()
    assert waits >= datetime(2026, 6, 11, 18, 0, 1, tzinfo=UTC)  # eight in the morning in Honolulu


@pytest.mark.parametrize(
    ("region", "where", "rests"),
    [("US-NY", "US-NY", True), ("US-NY", "US-NYC", True), ("US", "US-NY", True), ("US-NY", "US-MA", False),
     ("US-NYC", "US-NY", False), ("CN", "US", False)],
)  # fmt: skip
def test_a_region_binds_those_who_may_be_in_it(region: str, where: str, rests: bool) -> None:
    """A state holds its cities, a country its states; whoever cannot be there is contacted."""
    own = policy(f'days = [2026-06-10]\nregions = ["{region}"]')
    verdict = ask(own, facts=replace(ORDINARY, place=place("America/New_York", where)))

    assert rests is ("HARBOR-REST" in {one.rule for one in verdict.fired})


def test_who_may_be_in_two_regions_rests_with_either() -> None:
    """Evidence that conflicts: lawful in all of it, so one region that rests is enough."""
    own = policy('days = [2026-06-10]\nregions = ["US-NY"]')
    both = replace(ORDINARY, place=place("America/New_York", "US-MA", "US-NY"))

    assert Outcome.NOT_BEFORE is ask(own, facts=both).outcome


def test_the_name_of_a_city_begins_with_that_of_its_state() -> None:
    """What regions go by: a pack whose parent is no country is found by the beginning of its name."""
    groups = {"US-MINI-TCPA"}  # of laws, not a place
    cities = [
        (pack.jurisdiction, name)
        for pack in PACKS.all
        for name in pack.parents
        if PACKS[name].parents and name not in groups
    ]

    assert ("US-NYC", "US-NY") in cities
    assert [] == [(city, state) for city, state in cities if not city.startswith(state)]


def test_a_rule_for_calls_lets_texts_through_and_an_answer_may_be_let_through() -> None:
    """The scope narrows it to a channel, and `lifted_by` lets an answer go that the borrower asked for."""
    calls = policy("days = [2026-06-10]", scope='[rule.scope]\nchannels = ["voice_call"]\n')
    token = ReplyToken(Channel.SMS, WEDNESDAY_NOON - timedelta(minutes=1))
    answer = replace(ORDINARY, purpose=Purpose.REPLY, replies_due=(token,))

    assert ask(calls).allowed
    assert "HARBOR-REST" in {one.rule for one in ask(calls, facts=replace(ORDINARY, channel=Channel.VOICE)).fired}
    assert not ask(policy("days = [2026-06-10]"), facts=answer).allowed
    assert ask(policy('days = [2026-06-10]\nlifted_by = ["reply"]'), facts=answer).allowed


def test_worked_cases_may_name_a_region() -> None:
    """A policy is taken with its examples, which are run; a wrong one stops it."""
    case = """[[case]]
name = "closed in New York"
rule = "HARBOR-REST"
at = 2026-06-10T16:00:00Z
expect = "not_before"
[case.facts]
channel = "sms"
regions = ["US-NY"]
"""
    parameters = 'days = [2026-06-10]\nregions = ["US-NY"]'

    assert 1 == len(policy(parameters, cases=case).pack.cases)
    with pytest.raises(PackError, match="expected NOT_BEFORE, decided ALLOW"):
        policy(parameters, cases=case.replace('"US-NY"', '"US-MA"'))


@pytest.mark.parametrize(
    ("parameters", "line", "message"),
    [
        ("", 4, "name days = "),
        ("days = []", 11, "name days = "),
        ('days = ["2026-06-10"]', 11, "days lists dates such as 2026-12-24, not '2026-06-10'"),
        ("days = [2026-06-10T00:00:00Z]", 11, "days lists dates"),
        ("days = 2026-06-10", 11, "parameter 'days' must be like"),
        ('every_year = ["24.12."]', 11, "'24.12.' is no day"),
        ('every_year = ["02-30"]', 11, "'02-30' is no day"),
        ("every_year = [1224]", 11, "every_year lists texts, not 1224"),
        ('days = [2026-06-10]\nregions = ["ny"]', 12, "not a region: 'ny'"),
        ('days = [2026-06-10]\nregions = ["US-XY"]', 4, "no pack knows the region US-XY"),
        (f"days = [{', '.join(['2026-06-10'] * 401)}]", 11, "at most 400"),
    ],
)
def test_a_day_or_region_that_cannot_be_is_refused_by_line(parameters: str, line: int, message: str) -> None:
    """A misspelt day or region would bind nobody, unseen."""
    with pytest.raises(PackError) as caught:
        policy(parameters)

    assert message in str(caught.value)
    assert line == caught.value.line


def test_a_message_dies_before_the_day_of_rest_begins() -> None:
    """A reply that goes out after hours must not be delivered past the midnight with which the day of rest begins."""
    own = policy("days = [2026-06-11]")
    token = ReplyToken(Channel.SMS, WEDNESDAY_NOON)
    answer = replace(ORDINARY, purpose=Purpose.REPLY, replies_due=(token,))
    rules = with_tenant_policy(rules_for(PACKS, ["US"], WEDNESDAY_NOON.date()), own)
    late = datetime(2026, 6, 11, 3, 0, tzinfo=UTC)  # eleven in the evening of Wednesday

    assert decide(answer, rules, late).allowed
    assert datetime(2026, 6, 11, 4, 0, tzinfo=UTC) == closes_at(answer, rules, late)


@given(st.sets(st.dates(date(2026, 4, 1), date(2026, 5, 10)), min_size=1, max_size=5), st.integers(0, 40 * 24))
def test_nothing_that_a_tenant_lists_opens_a_holiday_of_a_pack(days: set[date], hours: int) -> None:
    """Whatever days a tenant names, Australia's Easter and Anzac Day stay closed, and waits never get shorter."""
    at = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(hours=hours)
    facts = replace(ORDINARY, channel=Channel.VOICE, place=place("Australia/Sydney", "AU"))
    law = rules_for(PACKS, ["AU"], at.date())
    before, after = decide(facts, law, at), ask(policy(f"days = [{', '.join(map(str, sorted(days)))}]"), at, facts)

    assert after.outcome >= before.outcome
    if before.not_before and after.not_before:
        assert after.not_before >= before.not_before
    if any(one.rule.startswith("AU-") for one in before.fired):
        assert not after.allowed
