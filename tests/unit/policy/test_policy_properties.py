"""What must hold for all facts: stricter never looser, order never matters, no instant in quiet hours."""

import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    Facts,
    Inconvenience,
    MessageMarks,
    Outcome,
    PastContact,
    Place,
    Purpose,
    ReplyToken,
    Rule,
    RuleSet,
    Suppression,
    SuppressionKind,
    decide,
    read_tenant_policy,
    rules_for,
)
from forbear_domain.policy.checks import Situation
from forbear_domain.policy.decide import checks_for, judge, scope_key, zones_of
from tests.unit.policy.policy_facts import NOW, ORDINARY, PACKS, rules_of
from tests.unit.policy.policy_rule_kit import judged, rule

JURISDICTIONS = [
    "US",
    "US-MA",
    "US-DC",
    "US-NYC",
    "US-WA",
    "US-FL",
    "US-WV",
    "US-CA",
    "CN",
    "KR",
    "IN",
    "UK",
    "AU",
    "DE",
]
ZONES = [
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "Europe/London",
    "Australia/Sydney",
]
TENANT = read_tenant_policy(
    """
    jurisdiction = "TENANT-1"
    title = "A tenant's own"
    version = "1"
    [[rule]]
    id = "TENANT-HOURS"
    kind = "clock_window"
    summary = "Never at noon."
    source = "tenant policy"
    grade = "policy"
    [rule.parameters]
    opens = "13:00"
    closes = "18:00"
    [[rule]]
    id = "TENANT-ONCE"
    kind = "cap"
    outcome = "flag"
    summary = "One contact in three days."
    source = "tenant policy"
    grade = "policy"
    [rule.parameters]
    limit = 1
    window = { days = 3 }
    per = "borrower"
    [[rule]]
    id = "TENANT-REST"
    kind = "rest_days"
    summary = "A day off in the states."
    source = "tenant policy"
    grade = "policy"
    [rule.parameters]
    every_year = ["06-13", "06-20"]
    regions = ["US"]
    """,
    1,
    PACKS,
).rules
SHIPPED = [rule for pack in PACKS.all for rule in pack.rules]

past_contacts = st.builds(
    PastContact,
    at=st.integers(1, 40 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    channel=st.sampled_from(list(Channel)),
    direction=st.sampled_from(list(Direction)),
    result=st.sampled_from(list(CallResult)),
    debts=st.sampled_from([(), ("D1",), ("D2",)]),
    purpose=st.sampled_from(list(Purpose)),
    by_us=st.booleans(),
)
suppressions = st.builds(
    Suppression,
    kind=st.sampled_from(list(SuppressionKind)),
    since=st.just(NOW - timedelta(days=3)),
    until=st.sampled_from([None, NOW + timedelta(hours=30), NOW + timedelta(days=90)]),
    address=st.sampled_from(["", "a", "b"]),
    channel=st.sampled_from([None, Channel.SMS, Channel.VOICE]),
)
consents = st.builds(
    Consent, kind=st.sampled_from(list(ConsentKind)), at=st.integers(0, 80).map(lambda days: NOW - timedelta(days=days))
)
situations = st.builds(
    Facts,
    actor=st.sampled_from(list(Actor)),
    channel=st.sampled_from(list(Channel)),
    place=st.builds(
        Place,
        zones=st.frozensets(st.sampled_from(ZONES), min_size=1, max_size=3),
        jurisdictions=st.frozensets(st.sampled_from(JURISDICTIONS), min_size=1, max_size=3),
    ),
    debts=st.sampled_from([(Debt("D1"),), (Debt("D1", "mortgage"), Debt("D2"))]),
    purpose=st.sampled_from(list(Purpose)),
    address=st.builds(Address, key=st.just("a"), kind=st.sampled_from(list(AddressKind))),
    past=st.lists(past_contacts, max_size=12).map(tuple),
    consents=st.lists(consents, max_size=4).map(tuple),
    suppressions=st.lists(suppressions, max_size=2).map(tuple),
    inconvenient=st.sampled_from([(), (Inconvenience(weekdays=frozenset({2, 3})),), (Inconvenience(place="home"),)]),
    replies_due=st.sampled_from([(), (ReplyToken(Channel.SMS, NOW - timedelta(hours=1)),)]),
    message=st.builds(MessageMarks, opt_out_line=st.booleans(), artificial_voice=st.booleans()),
)
instants = st.integers(0, 60 * 24 * 40).map(lambda minutes: NOW + timedelta(minutes=minutes))


def law_of(facts: Facts) -> RuleSet:
    """All rules for the place of the facts, policy included."""
    return rules_for(PACKS, facts.place.jurisdictions, NOW.date())


@settings(max_examples=150, deadline=None)
@given(situations, instants, st.lists(st.sampled_from([*TENANT, *SHIPPED]), max_size=4))
def test_adding_a_rule_never_allows_more(facts: Facts, at: datetime, added: list[Rule]) -> None:
    """Shows that a tenant can only make verdicts stricter, and waits longer."""
    before = decide(facts, law_of(facts), at)
    law = law_of(facts)
    after = decide(facts, replace(law, rules=(*law.rules, *added)), at)

    assert after.outcome >= before.outcome
    if before.not_before and after.not_before:
        assert after.not_before >= before.not_before


@settings(max_examples=60, deadline=None)
@given(situations, instants, st.randoms(use_true_random=False))
def test_the_order_of_jurisdictions_and_rules_never_matters(facts: Facts, at: datetime, chance: object) -> None:
    """Shows that the verdict is a function of the set."""
    rules = law_of(facts)
    shuffled = list(rules.rules)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    told = decide(facts, rules, at)
    other = decide(facts, replace(rules, rules=tuple(shuffled)), at)

    assert (told.outcome, told.rule, told.not_before) == (other.outcome, other.rule, other.not_before)


@settings(max_examples=120, deadline=None)
@given(situations, instants, st.data())
def test_the_instant_to_wait_for_is_lawful_and_nothing_before_it_is(
    facts: Facts, at: datetime, data: st.DataObject
) -> None:
    """Shows that no lawful instant is jumped over and none is promised in vain."""
    rules = law_of(facts)
    verdict = decide(facts, rules, at)
    if verdict.not_before is None:
        return

    assert decide(facts, rules, verdict.not_before).allowed
    seconds = int((verdict.not_before - at).total_seconds())
    for second in [seconds - 1, *(data.draw(st.integers(0, max(0, seconds - 1))) for _ in range(8))]:
        earlier = at + timedelta(seconds=max(0, second))
        assert earlier >= verdict.not_before or not decide(facts, rules, earlier).allowed


@settings(max_examples=80, deadline=None)
@given(situations, instants)
def test_a_verdict_is_complete(facts: Facts, at: datetime) -> None:
    """Shows that every verdict but permission names its rule, its source, its packs and its reason."""
    verdict = decide(facts, law_of(facts), at)

    assert verdict.packs
    assert verdict.why
    assert (verdict.rule is None) is (verdict.outcome is Outcome.ALLOW)
    assert (verdict.not_before is not None) is (verdict.outcome is Outcome.NOT_BEFORE)
    assert all(finding.source and finding.why for finding in verdict.fired)


@settings(max_examples=200, deadline=None)
@given(situations, instants)
def test_what_is_settled_for_a_whole_batch_is_settled_as_for_each_contact(facts: Facts, at: datetime) -> None:
    """Shows that the checks that a batch leaves out would have found nothing: here all are asked, one by one."""
    law = law_of(facts)
    rules = replace(law, rules=(*law.rules, *TENANT))
    checks = checks_for(rules, scope_key(facts), facts.place.zones)
    expected = judge(checks, Situation(facts, zones_of(facts.place.zones)), at)

    verdict = decide(facts, rules, at)

    assert set(expected) <= set(verdict.fired)
    assert bool(expected) is not verdict.allowed


@settings(max_examples=200, deadline=None)
@given(situations, instants)
def test_no_law_is_loosened_for_the_confirmation_of_a_call(facts: Facts, at: datetime) -> None:
    """Shows that every law says of it what it says of a reminder of a promise: only the house knows the difference."""
    confirmation = replace(facts, purpose=Purpose.CONFIRMATION)
    reminder = replace(facts, purpose=Purpose.PROMISE_FOLLOW_UP)
    law = rules_for(PACKS, facts.place.jurisdictions, NOW.date(), house=False)

    assert decide(reminder, law, at) == decide(confirmation, law, at)


@pytest.mark.parametrize("days", [1, 2, 60])
def test_a_consent_is_fresh_by_the_calendar_where_clocks_change_and_the_date_line_moves(days: int) -> None:
    """Shows every hour of age around the limit, on both sides of changes by an hour and by a day (Samoa, 2011)."""
    needs = rule("basis", consents=["sms"], routes=["direct"], fresh_days=days)
    for name, change in [
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ]:
        zone = zoneinfo.ZoneInfo(name)
        for hours_since, hours_of_age in product(range(-2, 26, 3), range(-50, 50)):
            at = change + timedelta(hours=hours_since)
            given_at = min(at - timedelta(days=days, hours=hours_of_age), at)
            passed = at.astimezone(zone).date() - given_at.astimezone(zone).date()
            found = judged(needs, replace(ORDINARY, consents=(Consent(ConsentKind.SMS, given_at),)), at, zone)

            assert (found is None) is (passed <= timedelta(days=days)), f"{name} at {at}, given at {given_at}"


@pytest.mark.parametrize("shard", range(8))
def test_no_instant_inside_quiet_hours_is_allowed_in_any_zone_around_any_change_of_clocks(shard: int) -> None:
    """Shows every IANA zone of today, every quarter of an hour around each change of its clocks in two years."""
    for name in sorted(zoneinfo.available_timezones())[shard::8]:
        if name in {"Factory", "localtime"} or name.startswith(("posix", "right")):
            continue
        zone = zoneinfo.ZoneInfo(name)
        facts = replace(ORDINARY, place=Place(frozenset({name}), frozenset({"US"})))
        rules = rules_of(facts)
        for change in _changes(zone):
            facts = replace(facts, consents=(Consent(ConsentKind.SMS, change),))
            for quarter in range(-50, 51):
                at = change + timedelta(minutes=15 * quarter, days=1)
                local = at.astimezone(zone)
                if decide(facts, rules, at).allowed:
                    assert 8 <= local.hour < 21, f"{name} at {local}"


def _changes(zone: zoneinfo.ZoneInfo) -> list[datetime]:
    """Hours of 2026 and 2027 at which the zone's offset is another than the hour before; one day where it has none."""
    days = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(730)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    changed = [day for day, one, other in zip(days, offsets, offsets[1:], strict=False) if one != other]
    return changed or days[:1]
