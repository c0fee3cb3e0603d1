"""A tenant's own rules: whatever is written in them, they only make verdicts stricter, and never trip the engine."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from forbear_domain.policy import (
    Facts,
    Outcome,
    PackError,
    decide,
    policy_digest,
    read_tenant_policy,
    rules_for,
    with_tenant_policy,
)
from forbear_domain.policy.checks import KINDS, RECORD_ONLY, ParameterError
from forbear_domain.policy.checks.check import LIFTS, MARKS
from forbear_domain.policy.checks.counts import COUNTERS
from tests.unit.policy.policy_facts import NOW, ORDINARY, PACKS
from tests.unit.policy.test_policy_properties import instants, law_of, situations

HEAD = """jurisdiction = "HARBOR"
title = "Harbor's own"
version = "spring"
"""
RULE = """[[rule]]
id = "HARBOR-HOURS"
kind = "clock_window"
summary = "Nobody before ten."
source = "board minutes of 3 May"
grade = "policy"
[rule.parameters]
opens = "10:00"
closes = "20:00"
"""
CASE = """[[case]]
name = "nine is too early"
rule = "HARBOR-HOURS"
at = 2026-06-09T13:00:00Z
expect = "not_before"
not_before = 2026-06-09T14:00:00Z
[case.facts]
channel = "sms"
"""
CAP = RULE.replace("clock_window", "cap").partition("[rule.parameters]")[0] + "[rule.parameters]\n"


def test_a_policy_names_itself_by_version_and_digest() -> None:
    """Shows what permits and the ledger call it: two texts, or two versions, never share a label."""
    text = HEAD + RULE + CASE
    policy = read_tenant_policy(text, 3, PACKS)

    assert f"HARBOR@3#{policy_digest(text)[:12]}" == policy.label
    assert {policy.label} == {rule.pack for rule in policy.rules}
    assert not any(rule.law for rule in policy.rules)
    assert policy.label not in {
        read_tenant_policy(text, 4, PACKS).label,
        read_tenant_policy(text + "\n", 3, PACKS).label,
    }


def test_a_rule_of_the_tenant_stands_in_the_verdict_with_its_source() -> None:
    """Shows the pair: at nine in New York the law allows, the tenant's hours do not."""
    nine = datetime.fromisoformat("2026-06-09T09:00:00-04:00")
    law = rules_for(PACKS, ORDINARY.place.jurisdictions, nine.date())
    policy = read_tenant_policy(HEAD + RULE, 1, PACKS)
    verdict = decide(ORDINARY, with_tenant_policy(law, policy), nine)

    assert Outcome.ALLOW is decide(ORDINARY, law, nine).outcome
    assert ("HARBOR-HOURS", "board minutes of 3 May") == (verdict.rule, verdict.source)
    assert policy.label in verdict.packs


def test_the_same_policy_gives_the_same_rules() -> None:
    """Shows that the gate's caches, which go by identity, hold: nothing is derived anew for each contact."""
    law = rules_for(PACKS, ["US-NY"], NOW.date())
    text = HEAD + RULE

    assert with_tenant_policy(law, read_tenant_policy(text, 1, PACKS)) is with_tenant_policy(
        law, read_tenant_policy(text, 1, PACKS)
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (HEAD.replace("HARBOR", "US-NY") + RULE, 1, "jurisdiction must be a name of your own"),
        (HEAD.replace("HARBOR", "HOUSE") + RULE, 1, "jurisdiction must be a name of your own"),
        (HEAD.replace("HARBOR", "harbor") + RULE, 1, "in capitals, such as HARBOR"),
        (HEAD + 'parents = ["US"]\n' + RULE, 4, "parents is not for policies of your own"),
        (HEAD + 'covers = ["US-NY"]\n' + RULE, 4, "covers is not for policies of your own"),
        (HEAD + RULE.replace("HARBOR-HOURS", "REGF-6B1-TIME"), 4, "no id of a rule that ships"),
        (HEAD + RULE.replace('"policy"', '"primary"'), 4, 'the grade of your own rules is "policy"'),
        (HEAD + RULE.replace("summary", 'outcome = "allow"\nsummary'), 7, "outcome cannot be 'allow'"),
        (HEAD + RULE.replace('"10:00"', '"25:00"'), 11, "not a time of day: '25:00'"),
        (HEAD + RULE.replace('"10:00"', "10"), 11, "not a time of day: 10"),
        (HEAD + RULE.replace("opens", "open"), 10, "parameter 'opens' is missing"),
        (HEAD + RULE + "shuts = 1\n", 13, "unknown parameters: shuts"),
        (HEAD + RULE.replace("clock_window", "clock"), 6, "unknown kind 'clock'"),
        (HEAD + RULE.replace('source = "board minutes of 3 May"\n', ""), 4, "source is missing"),
        (HEAD + RULE + CASE.replace("13:00", "15:00"), 13, "expected NOT_BEFORE, decided ALLOW"),
        (HEAD + CAP + "limit = 2\nwindow = { days = 32 }\n", 4, "reaches back further than 31 days"),
        (HEAD + CAP + "limit = 2\nwindow = { hours = 800 }\n", 4, "reaches back further than 31 days"),
        (HEAD + CAP + "limit = 101\nwindow = { days = 7 }\n", 4, "limit is at most 100"),
        (HEAD + CAP + "limit = true\nwindow = { days = 7 }\n", 11, "limit must be a whole number"),
        (HEAD + CAP + "limit = 2\nwindow = 7\n", 12, "a window has exactly one length"),
        (HEAD + RULE + "lifted_by = 7\n", 13, "a list of names is wanted"),
        (HEAD + RULE.replace("[[rule]]", "[rule]"), 1, "rule must be [[rule]] tables"),
        (HEAD + "x" * 70_000, 0, "longer than 65536 bytes"),
        (HEAD + "".join(RULE.replace("HOURS", f"H{number}") for number in range(51)), 0, "at most 50 rules"),
    ],
)
def test_a_doubtful_policy_is_refused_with_the_line_to_mend(text: str, line: int, message: str) -> None:
    """Shows that each fault is named, and where it stands."""
    with pytest.raises(PackError) as caught:
        read_tenant_policy(text, 1, PACKS)

    assert message in str(caught.value)
    assert line == caught.value.line


def as_toml(value: Any) -> str:
    """A value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {as_toml(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    return json.dumps(value)


words = st.sampled_from(
    ["sms", "voice_call", "reminder", "reply", "time_consent", "attempts", "out", "in", "debt", "address", "opens",
     "08:00", "20:30", "24:00", "00:00", "open", "cease", "direct", "America/New_York", "agency", "time", "US", ""]
)  # fmt: skip
numbers = st.one_of(st.integers(-2, 40), st.sampled_from([0, 2**31, 10**12, -(10**12)]))
values = st.one_of(
    words, numbers, st.booleans(), st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.lists(st.one_of(words, numbers), max_size=3),
    st.dictionaries(st.sampled_from(["days", "hours", "minutes", "calendar"]), st.one_of(numbers, words), max_size=2),
)  # fmt: skip
names = [
    "opens", "closes", "edges", "zone", "weekend_opens", "closed_on_holidays_of", "about", "limit", "window",
         "counts", "per", "counted_channels", "directions", "days", "states", "confirm_within_minutes", "consents",
         "routes", "fresh_days", "requires", "forbids", "notice", "lifted_by", "rebutted_by", "when", "other_senders",
]  # fmt: skip
GOOD: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "clock_window": {"opens": words, "closes": words},
    "cap": {
        "limit": st.integers(1, 3),
        "window": st.sampled_from([{"days": 7}, {"hours": 24}, {"calendar": "month"}]),
        "counts": st.sampled_from(sorted(COUNTERS)),
        "per": st.sampled_from(["debt", "address", "borrower", "person_and_debt"]),
    },
    "cooling_off": {"days": st.integers(1, 40)},
    "state": {"states": st.just(["cease", "deferral"]), "confirm_within_minutes": numbers},
    "basis": {"consents": st.just(["sms"]), "routes": st.just(["direct"]), "fresh_days": numbers},
    "message": {"requires": st.lists(st.sampled_from(sorted(MARKS)), max_size=2)},
    "bar": {"lifted_by": st.lists(st.sampled_from(sorted(LIFTS)), max_size=2)},
    "stated_inconvenience": {"about": st.sampled_from(["time", "place"])},
    "prior_notice": {"notice": words},
}


@st.composite
def policies(draw: st.DrawFn) -> str:
    """A policy as somebody might write it: mostly good, often with something odd in it."""
    text = HEAD
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([*GOOD, *KINDS, RECORD_ONLY]))
        outcome = draw(st.sampled_from(["not_before", "flag", "refuse", "allow"]))
        head = f'kind = "{kind}"\noutcome = "{outcome}"\nsummary = "s"\nsource = "s"\ngrade = "policy"\n'
        parameters = {name: draw(strategy) for name, strategy in GOOD.get(kind, {}).items()}
        parameters |= draw(st.dictionaries(st.sampled_from(names), values, max_size=1))
        scope = draw(
            st.sampled_from(["", '[rule.scope]\nchannels = ["sms"]\n', '[rule.scope]\npurposes = ["reply"]\n'])
        )
        lines = "".join(f"{name} = {as_toml(value)}\n" for name, value in parameters.items())
        text += f'[[rule]]\nid = "HARBOR-{number}"\n{head}{scope}[rule.parameters]\n{lines}'
    return text


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(policies(), situations, instants)
def test_no_policy_ever_allows_more_or_trips_the_engine(text: str, facts: Facts, at: datetime) -> None:
    """Shows I1 for tenants: whatever text is taken, verdicts are the law's or stricter, and waits are no shorter."""
    try:
        policy = read_tenant_policy(text, 1, PACKS)
    except PackError:
        assume(False)
        raise
    law = law_of(facts)
    before = decide(facts, law, at)
    after = decide(facts, with_tenant_policy(law, policy), at)

    assert after.outcome >= before.outcome
    if before.not_before and after.not_before:
        assert after.not_before >= before.not_before


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["", HEAD, HEAD + "[[rule]]\n", HEAD + RULE, HEAD + CASE]))
def test_no_text_raises_anything_but_a_pack_error(noise: str, start: str) -> None:
    """Shows that a reader of strangers' texts fails in one way only."""
    with contextlib.suppress(PackError):
        assert read_tenant_policy(start + noise, 1, PACKS).version == 1


def test_a_rule_that_would_allow_is_none() -> None:
    """Shows the hole that is closed: beside a law that says "not before", a rule of outcome "allow" once decided."""
    night = datetime.fromisoformat("2026-06-09T23:30:00-04:00")
    law = rules_for(PACKS, ORDINARY.place.jurisdictions, night.date())
    bar = read_tenant_policy(HEAD + CAP.replace('"cap"', '"bar"'), 1, PACKS).rules[0]

    with pytest.raises(ParameterError, match="a rule objects or says nothing"):
        decide(ORDINARY, replace(law, rules=(*law.rules, replace(bar, outcome=Outcome.ALLOW))), night)
