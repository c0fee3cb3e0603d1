"""`forbear template`: what a person who writes messages sees."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from forbear_client.template_commands import template
from forbear_domain.messages import Catalogue
from forbear_domain.messages import catalogue as catalogue_module

FOLDER = Path(catalogue_module.__file__).parent / "templates"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the shipped templates that a test may change."""
    return Path(shutil.copytree(FOLDER, tmp_path / "templates"))


def run(*arguments: str, text: str | None = None) -> tuple[int, str]:
    """Run the command; return its code and what it says."""
    result = CliRunner().invoke(template, list(arguments), input=text)
    return result.exit_code, result.output


def test_list_names_every_template_with_its_purpose() -> None:
    """One line each, or one JSON object each."""
    code, said = run("list", "--json")

    rows = [json.loads(line) for line in said.splitlines()]
    assert code == 0
    assert len(rows) == 24
    assert all(len(row["versions"]) == 12 and row["about"] for row in rows)


def test_show_gives_the_message_as_the_borrower_gets_it() -> None:
    """With sample values, its version and the parts it costs."""
    code, said = run("show", "reminder.gentle", "--language", "zh-Hans")

    assert code == 0
    assert "【Harbor Home Loans】" in said
    assert "SMS parts" in said


def test_show_of_a_call_gives_its_steps() -> None:
    """Greeting, statement, menu and the rest, each by its name."""
    _, said = run("show", "reminder.gentle", "--channel", "voice")

    assert "[greeting] Hello." in said
    assert "[voicemail] Hello. This is Jordan Lee" in said


def test_show_of_an_unknown_template_names_those_that_are() -> None:
    """An error that helps."""
    code, said = run("show", "reminder.loud")

    assert code == 1
    assert "reminder.gentle" in said


def test_lint_explains_a_bad_message_and_fails() -> None:
    """What is wrong, in plain words, with the source."""
    code, said = run("lint", "-", "--brand", "Harbor", text="Harbor: pay now or be arrested")

    assert code == 1
    assert "threatens arrest or prison" in said
    assert "has no plain way to opt out" in said
    assert "12 CFR 1006.18(b)(3)" in said


def test_lint_of_a_good_message_claims_no_more_than_it_knows() -> None:
    """The twin: nothing found, and whose decision it is."""
    text = "This is Harbor, a debt collector. We have not received $5 yet. Reply STOP to opt out."
    code, said = run("lint", "-", "--brand", "Harbor", text=text)

    assert code == 0
    assert "decided by the person who approves it" in said


def test_lint_of_the_shipped_templates_finds_nothing() -> None:
    """Every text, every role."""
    assert run("lint")[0] == 0


def test_approve_locks_a_change_that_is_clean_and_refuses_one_that_is_not(folder: Path) -> None:
    """A threat is not approved; a kind change is, with a new version."""
    file = folder / "reminder.gentle.toml"
    kind = file.read_text(encoding="utf-8").replace("reply and tell us", "tell us in a reply")
    file.write_text(kind.replace("tell us in a reply", "tell us or we will sue you"), encoding="utf-8")
    refused, why = run("approve", "--folder", str(folder))
    file.write_text(kind, encoding="utf-8")
    approved, said = run("approve", "--folder", str(folder))

    assert refused == 1
    assert "lawsuit" in why
    assert approved == 0
    assert "approved reminder.gentle/sms/en" in said
    assert len(Catalogue.load(folder)) == 288
