"""The page for compliance officers says of packs, rules and examples what the program says."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from forbear_client.policy_commands import policy
from forbear_domain.policy import read_tenant_policy
from tests.unit.policy.policy_facts import PACKS

PAGE = (Path(__file__).resolve().parents[3] / "docs/COMPLIANCE.md").read_text(encoding="utf-8")
OFFICIAL = {"primary", "quoted_primary", "official_summary"}
SECOND_HAND = {"secondary", "press_report", "vendor_doc"}
ROW = re.compile(r"^\| [^|]*\(`([A-Z-]+)`\) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


def counts_of(grades: list[str]) -> tuple[int, ...]:
    """Rules, official, second hand, memory, policy."""
    tally = Counter(
        "official" if one in OFFICIAL else "second" if one in SECOND_HAND else one for one in grades
    )  # fmt: skip
    return (len(grades), tally["official"], tally["second"], tally["memory"], tally["policy"])


def test_the_table_of_grades_is_that_of_the_packs() -> None:
    """Every pack has its row, and the last row is their sum."""
    told = {name: tuple(map(int, numbers)) for name, *numbers in ROW.findall(PAGE)}
    packs = {pack.jurisdiction: counts_of([rule.grade for rule in pack.rules]) for pack in PACKS.all}
    every = counts_of([rule.grade for pack in PACKS.all for rule in pack.rules])

    assert packs == told
    assert f"| all | {' | '.join(map(str, every))} |" in PAGE


def test_the_question_on_the_page_gets_the_answer_on_the_page(tmp_path: Path) -> None:
    """What an officer copies works, and says the same."""
    question = next(block for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if '"now"' in block)
    file = tmp_path / "question.json"
    file.write_text(json.dumps(json.loads(question)), encoding="utf-8")
    answer = CliRunner().invoke(policy, ["explain", str(file)]).output

    shown = re.search(r"```\n(Decision .*?)\.\.\.", PAGE, re.DOTALL)
    assert shown is not None
    assert [] == [line for line in shown[1].strip().splitlines() if line not in answer]


@pytest.mark.parametrize("rule", ["HARBOR-REST"])
def test_a_rule_of_one_s_own_on_the_page_is_taken(rule: str) -> None:
    """The example of days of rest is a good policy under a head of three lines."""
    block = next(one for one in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if rule in one)
    head = 'jurisdiction = "HARBOR"\ntitle = "ours"\nversion = "1"\n'

    assert [rule] == [one.id for one in read_tenant_policy(head + block, 1, PACKS).rules]
