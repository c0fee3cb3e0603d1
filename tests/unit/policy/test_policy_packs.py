"""A pack that is doubtful in anything stops the start, and says where."""

from datetime import date
from pathlib import Path

import pytest

from forbear_domain.policy import PackError, load_packs, rules_for
from tests.unit.policy.policy_facts import PACKS

HEAD = """
jurisdiction = "XA"
title = "Test land"
version = "1"
"""
RULE = """
[[rule]]
id = "XA-1"
kind = "cap"
summary = "At most two a week."
source = "section 1"
grade = "primary"
[rule.parameters]
limit = 2
window = { days = 7 }
"""
CASE = """
[[case]]
name = "a third waits"
rule = "XA-1"
at = 2026-06-12T15:00:00Z
expect = "not_before"
[case.facts]
channel = "sms"
past = [{ at = 2026-06-11T15:00:00Z, channel = "sms" }, { at = 2026-06-10T15:00:00Z, channel = "sms" }]
"""


def folder_with(folder: Path, text: str) -> Path:
    """A folder that holds one pack."""
    (folder / "xa.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_file_that_is_dropped_in_is_found(tmp_path: Path) -> None:
    """Shows discovery: no list of packs exists anywhere."""
    packs = load_packs(folder_with(tmp_path, HEAD + RULE + CASE))

    assert ["XA"] == list(packs)
    assert ["XA-1"] == [rule.id for rule in rules_for(packs, ["XA"], date(2026, 1, 1)).rules]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + RULE.replace('"cap"', '"capp"'), "xa.toml, line 8: XA-1: unknown kind 'capp'"),
        (HEAD + RULE.replace('source = "section 1"', ""), "xa.toml, line 6: XA-1: source is missing"),
        (HEAD + RULE.replace('source = "section 1"', 'source = " "'), "xa.toml, line 10: XA-1: source must be a text"),
        (HEAD + RULE.replace('"primary"', '"hearsay"'), "grade 'hearsay'"),
        (HEAD + RULE.replace("limit = 2", ""), "parameter 'limit' is missing"),
        (HEAD + RULE.replace("limit = 2", "limit = 0"), "limit must be"),
        (HEAD + RULE.replace("limit = 2", "limit = 2\nlimitt = 3"), "unknown parameters: limitt"),
        (HEAD + RULE.replace("days = 7", "weeks = 1"), "unknown window"),
        (HEAD + RULE.replace("{ days = 7 }", "{ days = 7, hours = 1 }"), "exactly one length"),
        (HEAD + RULE + 'counts = "wishes"', "counts: 'wishes'"),
        (HEAD + RULE + 'lifted_by = ["magic"]', "lifted_by: 'magic'"),
        (HEAD + RULE + '[rule.scope]\nchannels = ["pigeon"]', "pigeon"),
        (HEAD + RULE + "[rule.scope]\nmoons = []", "unknown scope moons"),
        (HEAD + RULE + RULE, "line 16: XA-1 : two rules of this id are in force at the same time"),
        (
            HEAD
            + RULE.replace("[rule.p", "effective_to = 2026-05-01\n[rule.p")
            + RULE.replace("[rule.p", "effective_from = 2026-05-01\n[rule.p"),
            "same time",
        ),
        (HEAD + RULE.replace("[rule.p", 'effective_from = "soon"\n[rule.p'), "a date is wanted"),
        (
            HEAD + RULE.replace("[rule.p", "effective_from = 2026-05-02\neffective_to = 2026-05-01\n[rule.p"),
            "before it starts",
        ),
        (
            HEAD + RULE + CASE.replace('"not_before"', '"allow"'),
            "xa.toml, line 16: case 'a third waits' of XA-1: expected ALLOW",
        ),
        (HEAD + RULE + CASE.replace('"not_before"', '"perhaps"'), "unknown outcome 'perhaps'"),
        (HEAD + RULE + CASE.replace('rule = "XA-1"', 'rule = "XA-2"'), "which this pack does not hold"),
        (HEAD + RULE + CASE.replace('"sms"\npast', '"fax"\npast'), "facts.channel"),
        (HEAD + RULE + CASE.replace("Z\nexpect", "\nexpect"), "instant with its offset"),
        (HEAD + 'parents = ["XB"]\n' + RULE, "no pack for parent XB"),
        (HEAD.replace('version = "1"', "") + RULE, "version is missing"),
        (HEAD + "colour = 1\n" + RULE, "unknown field colour"),
        (HEAD + "oops\n" + RULE, "at line 5"),
    ],
)
def test_a_doubtful_pack_is_refused_with_file_and_rule(tmp_path: Path, text: str, message: str) -> None:
    """Shows that each fault stops loading and is named."""
    with pytest.raises(PackError) as caught:
        load_packs(folder_with(tmp_path, text))

    assert "xa.toml" in str(caught.value)
    assert message in str(caught.value)


def test_two_versions_of_a_rule_may_follow_each_other(tmp_path: Path) -> None:
    """Shows that effective dates tell versions apart."""
    first = RULE.replace("[rule.p", "effective_to = 2026-04-30\n[rule.p")
    second = RULE.replace("[rule.p", "effective_from = 2026-05-01\n[rule.p")

    packs = load_packs(folder_with(tmp_path, HEAD + first + second))

    assert 2 == len(rules_for(packs, ["XA"], date(2026, 1, 1)).rules)
    assert 1 == len(rules_for(packs, ["XA"], date(2026, 5, 1)).rules)


def test_a_rule_id_belongs_to_one_pack(tmp_path: Path) -> None:
    """Shows that two files cannot both define a rule."""
    folder_with(tmp_path, HEAD + RULE)
    (tmp_path / "xb.toml").write_text(HEAD.replace("XA", "XB") + RULE, encoding="utf-8")

    with pytest.raises(PackError, match=r"xb.toml, line 6: XA-1 belongs to xa.toml"):
        load_packs(tmp_path)


def test_every_rule_that_ships_has_source_grade_and_a_known_kind() -> None:
    """Shows the shipped packs as a whole; loading them ran their worked cases."""
    rules = [rule for pack in PACKS.all for rule in pack.rules]

    assert len(rules) > 150
    assert all(pack.cases for pack in PACKS.all)
    assert {"memory"} == {rule.grade for rule in rules if "from memory" in rule.source.lower()}
    assert {"policy", "vendor_doc", "primary", "memory"} >= {rule.grade for rule in rules if not rule.law}


def test_the_rules_of_a_place_include_those_of_its_parents_and_the_house() -> None:
    """Shows New York City under state, federal and house rules."""
    rules = rules_for(PACKS, ["US-NYC"], date(2026, 6, 1))

    assert {"HOUSE@2026.11", "US-FED@2026.11", "US-NY@2026.11", "US-NYC@2026.11"} == set(rules.packs)


def test_an_unknown_jurisdiction_is_marked() -> None:
    """Shows that a set with an unknown member is known to be incomplete."""
    assert not rules_for(PACKS, ["US", "ATLANTIS"], date(2026, 6, 1)).known
    assert not rules_for(PACKS, [], date(2026, 6, 1)).known
    assert rules_for(PACKS, ["US", "DE"], date(2026, 6, 1)).known
