"""`forbear policy` at the command line."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from forbear_client.policy_commands import policy
from forbear_domain.ledger import EXPORT_FORM, Kind, encode
from tests.unit.policy.policy_facts import NOW, ORDINARY

CASE = {
    "id": "X-1",
    "jurisdiction": "IN",
    "rule": "IN-HOURS",
    "origin": "rule_text",
    "source_grade": "press_report",
    "situation": {
        "consumer": {"tz": "Asia/Kolkata"},
        "proposed": {"at": "2026-06-11T19:30:00+05:30", "channel": "voice_call", "debts": ["D1"], "to": "consumer"},
    },
    "expected": {"decision": "deny"},
}
QUESTION = {
    "now": "2026-06-10T02:00:00+00:00",
    "facts": {
        "actor": "collector",
        "channel": "sms",
        "place": {"zones": ["America/New_York"], "jurisdictions": ["US-MA"]},
        "debts": [{"id": "D1"}],
        "past": [
            {"at": "2026-06-09T14:00:00+00:00", "channel": "sms"},
            {"at": "2026-06-08T14:00:00Z", "channel": "sms"},
        ],
        "consents": [{"kind": "sms", "at": "2026-06-01T00:00:00Z"}],
    },
}


def test_check_answers_each_case_on_a_line(tmp_path: Path) -> None:
    """Shows the form of the answer."""
    file = tmp_path / "cases.jsonl"
    file.write_text(json.dumps(CASE) + "\n\n", encoding="utf-8")

    result = CliRunner().invoke(policy, ["check", str(file)])

    told = json.loads(result.output)
    assert ["id", "answer", "rules", "why"] == list(told)
    assert ("X-1", "deny", ["IN-HOURS"]) == (told["id"], told["answer"]["decision"], told["rules"])


def test_check_compares_with_what_is_expected(tmp_path: Path) -> None:
    """Shows the rates and the differences."""
    file = tmp_path / "cases.jsonl"
    wrong = {**CASE, "id": "X-2", "expected": {"decision": "allow"}}
    file.write_text(f"{json.dumps(CASE)}\n{json.dumps(wrong)}\n", encoding="utf-8")

    result = CliRunner().invoke(policy, ["check", "--compare", str(file)])

    assert 'X-2: {"decision": ["allow", "deny"]}' in result.output
    assert "   1 of    2    50.0%" in result.output


def test_check_names_the_line_that_is_no_json(tmp_path: Path) -> None:
    """Shows a damaged file."""
    file = tmp_path / "cases.jsonl"
    good = {"id": "a", "rule": "r", "situation": {}, "question": "q"}
    file.write_text(f"{json.dumps(good)}\n{{oops\n", encoding="utf-8")

    result = CliRunner().invoke(policy, ["check", str(file)])

    assert 1 == result.exit_code
    assert "line 2" in result.output


@pytest.mark.parametrize(
    ("command", "content", "told"),
    [
        ("check", b"[1]\n", "line 1: a case is an object with id, rule and situation"),
        ("check", b"{}\n", "line 1: a case is an object"),
        ("check", b"\xff\xfe", "is not UTF-8 text"),
        ("explain", b"[1]", "an object of the form"),
        ("explain", b'{"facts": {}}', "an object of the form"),
        ("explain", b"{", "line 1 column 2"),
        ("explain", b'{"now": "2026-06-09T10:00:00", "facts": {}}', "now: an instant with its offset is wanted"),
        ("explain", b"\xff", "can't decode"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_way_to_mend_it(
    tmp_path: Path, command: str, content: bytes, told: str
) -> None:
    """Shows that no wrong file ends in a traceback, and that a time without its offset is not guessed."""
    file = tmp_path / "file"
    file.write_bytes(content)

    result = CliRunner().invoke(policy, [command, str(file)])

    assert 1 == result.exit_code
    assert isinstance(result.exception, SystemExit)
    assert told in result.output


def test_explain_tells_rule_source_counted_contacts_and_the_next_instant(tmp_path: Path) -> None:
    """Shows a full explanation as text and as JSON."""
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(QUESTION), encoding="utf-8")

    text = CliRunner().invoke(policy, ["explain", str(file)]).output
    told = json.loads(CliRunner().invoke(policy, ["explain", "--json", str(file)]).output)

    assert "Not before    2026-06-15 12:00:01 UTC" in text
    assert "US-MA-2IN7" in text
    assert "209 CMR 18.16" in text
    assert 2 == text.count("Counted ")
    assert "2026-06-15T12:00:01+00:00" == told["not_before"]


def test_explain_names_the_field_that_is_wrong(tmp_path: Path) -> None:
    """Shows bad facts."""
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({**QUESTION, "facts": {**QUESTION["facts"], "channel": "pigeon"}}), encoding="utf-8")  # type: ignore[dict-item]

    result = CliRunner().invoke(policy, ["explain", str(file)])

    assert 1 == result.exit_code
    assert "facts.channel: 'pigeon' is none of sms, email" in result.output


def test_packs_lists_rules_and_tells_about_one(tmp_path: Path) -> None:
    """Shows the table, one rule, and a folder of one's own that is refused."""
    (tmp_path / "bad.toml").write_text("jurisdiction = 1", encoding="utf-8")

    table = CliRunner().invoke(policy, ["packs"])
    rule = CliRunner().invoke(policy, ["packs", "--why", "US-NYC-3IN7"])
    lines = CliRunner().invoke(policy, ["packs", "--json"])
    unknown = CliRunner().invoke(policy, ["packs", "--why", "NOPE"])
    refused = CliRunner().invoke(policy, ["packs", "--folder", str(tmp_path)])

    assert "US-FED@2026.11" in table.output
    assert "2026-09-01" in rule.output
    assert "a fourth attempt in seven days waits" in rule.output
    assert all(json.loads(line)["source"] for line in lines.output.splitlines())
    assert "no pack holds a rule NOPE" in unknown.output
    assert "bad.toml, line 1: jurisdiction must be a text" in refused.output


NO_TEXTS = """
jurisdiction = "TENANT-1"
title = "A tenant's own"
version = "1"
[[rule]]
id = "TENANT-HOURS"
kind = "clock_window"
summary = "No texts before noon."
source = "tenant policy"
grade = "policy"
[rule.scope]
channels = ["sms"]
[rule.parameters]
opens = "12:00"
closes = "20:00"
"""


def test_simulate_tells_what_a_new_rule_would_have_stopped(tmp_path: Path) -> None:
    """Shows two permits of the last month, of which the rule stops the one before noon, and one too old to count."""
    rule, export = tmp_path / "rule.toml", tmp_path / "export.json"
    rule.write_text(NO_TEXTS, encoding="utf-8")
    bodies = [
        _permit("old", NOW - timedelta(days=30)),
        _permit("morning", NOW - timedelta(days=1)),
        encode(Kind.RECEIPT, NOW, contact="none"),
        _permit("afternoon", NOW - timedelta(hours=22)),
        _permit("last", NOW + timedelta(hours=1)),
    ]
    entries = [{"sequence": at, "body": body.decode(), "proof": []} for at, body in enumerate(bodies)]
    export.write_bytes(orjson.dumps({"form": EXPORT_FORM, "borrower": "b", "entries": entries}))

    result = CliRunner().invoke(policy, ["simulate", "--rule", str(rule), "--export", str(export)])

    lines = result.output.splitlines()
    assert "3 permits in the last 30 days, 1 would not have been granted" == lines[0]
    assert ["TENANT-HOURS", "1"] == lines[1].split()
    assert ["11:00", "1", "of", "1"] == lines[3].split()
    assert lines[-1].startswith("morning  2026-06-09 15:00 UTC  sms: It is 11:00:00")


def test_simulate_refuses_a_rule_that_is_none(tmp_path: Path) -> None:
    """Shows that the file is checked like a pack."""
    rule = tmp_path / "rule.toml"
    rule.write_text(NO_TEXTS.replace("clock_window", "wish"), encoding="utf-8")

    result = CliRunner().invoke(policy, ["simulate", "--rule", str(rule), "--export", str(rule)])

    assert 1 == result.exit_code
    assert "unknown kind 'wish'" in result.output


def _permit(contact: str, at: datetime) -> bytes:
    facts = {
        "actor": ORDINARY.actor,
        "channel": ORDINARY.channel,
        "zones": ORDINARY.place.zones,
        "jurisdictions": ORDINARY.place.jurisdictions,
        "debts": ORDINARY.debts,
    }
    return encode(Kind.PERMIT, at, contact=contact, facts=facts)
