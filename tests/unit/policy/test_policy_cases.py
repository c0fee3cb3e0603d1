"""Worked cases: the shared file where it exists, and variants of our own."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from forbear_domain.policy.cases import answer_case, matches
from tests.unit.policy.policy_facts import PACKS

CASES = (
    Path(os.environ.get("FORBEAR_SHARED", Path(__file__).parents[3].parent / "shared")) / "cases" / "policy_cases.jsonl"
)


def shared_cases() -> list[dict[str, Any]]:
    """All cases of the shared file; missing is a failure where CI promises it."""
    if not CASES.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{CASES} is missing")
        pytest.skip(f"no shared cases at {CASES}")
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines() if line.strip()]


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """The engine's answer, which never sees what is expected."""
    return answer_case({key: value for key, value in case.items() if key != "expected"}, PACKS).answer


@pytest.mark.needs_shared_data
def test_every_verified_official_example_and_list_item_passes() -> None:
    """Shows the gate: regulators' own examples have no exceptions."""
    official = [
        one for one in shared_cases() if one["verified"] and one["origin"] in ("official_example", "official_list")
    ]

    assert [] == [one["id"] for one in official if matches(one["expected"], answer(one))]


@pytest.mark.needs_shared_data
def test_at_least_97_percent_of_all_cases_pass() -> None:
    """Shows the regression: all origins, verified or not."""
    cases = shared_cases()

    failing = [one["id"] for one in cases if matches(one["expected"], answer(one))]

    assert len(failing) <= 0.03 * len(cases), failing


def call(at: str, **more: Any) -> dict[str, Any]:
    """A proposed call about one debt."""
    return {"at": at, "channel": "voice_call", "debts": ["D1"], "to": "consumer", **more}


VARIANTS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "IN",
        "IN-HOURS",
        {"consumer": {"tz": "Asia/Kolkata"}, "proposed": call("2026-06-11T19:00:00+05:30")},
        {"decision": "deny"},
    ),
    (
        "IN",
        "IN-HOURS",
        {"consumer": {"tz": "Asia/Kolkata"}, "proposed": call("2026-06-11T18:59:00+05:30")},
        {"decision": "allow"},
    ),
    (
        "US-FED",
        "REGX-39A-LIVE",
        {"due": "2026-03-01", "paid": None},
        {"live_contact_by": "2026-04-06", "delinquent": True},
    ),
    ("US-FED", "REGX-39A-LIVE", {"due": "2026-03-01", "paid": "2026-03-20"}, {"required": False, "delinquent": False}),
    ("US-FED", "REGX-41F-120", {"days_delinquent": 121, "complete_application": False}, {"decision": "allow"}),
    ("US-FED", "REGX-41F-120", {"days_delinquent": 300, "complete_application": True}, {"decision": "deny"}),
    ("US-FED", "REGF-34-VALID", {"validation_notice_sent": "2026-11-20"}, {"assumed_receipt": "2026-11-30"}),
    ("US-FED", "TCPA-A10-10BD", {"opt_out_at": "2026-12-21T10:00:00-05:00"}, {"honour_by": "2027-01-06"}),
    ("US-FED", "TCPA-RND", {"query": {"date_of_consent": "2026-05-01"}, "database": {}}, {"rnd_response": "no data"}),
    ("GLOBAL", "RFC8058", {"headers": {"List-Unsubscribe": "<mailto:u@example.com>"}}, {"one_click": False}),
    ("GLOBAL", "A2P-ERR", {"provider": "twilio", "error_code": 21610}, {"delivered": False, "creates_opt_out": True}),
    ("CN", "CN-BAN", {"action": "冒充公安人员催收"}, {"decision": "deny"}),
    (
        "UK",
        "UK-BREATHING",
        {"moratorium": {"kind": "standard", "start": "2026-06-01"}, "proposed": call("2026-08-03T11:00:00+01:00")},
        {"decision": "allow"},
    ),
]


@pytest.mark.parametrize(("jurisdiction", "rule", "situation", "expected"), VARIANTS)
def test_a_variant_follows_the_rule(
    jurisdiction: str, rule: str, situation: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Shows other dates, counts and words than the published cases."""
    case = {"id": "V", "jurisdiction": jurisdiction, "rule": rule, "situation": situation}

    assert [] == matches(expected, answer(case))


def test_a_situation_that_cannot_be_read_is_told_and_does_not_stop_the_rest() -> None:
    """Shows that a malformed case gets an answer that says so."""
    case = {"id": "V", "jurisdiction": "IN", "rule": "IN-HOURS", "situation": {"proposed": call("yesterday")}}

    answered = answer_case(case, PACKS)

    assert {} == answered.answer
    assert "could not read" in answered.why


def test_the_answer_does_not_depend_on_what_is_expected() -> None:
    """Shows that neither the id nor the expectation is looked at."""
    case = {
        "id": "V",
        "jurisdiction": "IN",
        "rule": "IN-HOURS",
        "situation": {"proposed": call("2026-06-11T19:30:00+05:30")},
    }

    plain = answer_case(case, PACKS)
    tempted = answer_case({**case, "expected": {"decision": "allow"}}, PACKS)

    assert plain == tempted
