"""The sentence of a demonstration's summary that says what learning brought."""

from __future__ import annotations

from typing import Any

import pytest

from forbear_sandbox.summary import told_goal, told_lift


def total(learned: float, control: float, reach: float, contacts: int = 900) -> dict[str, Any]:
    """All weeks of a report: rates between 0 and 1, and the interval of their difference."""
    difference = learned - control
    return {
        "learned": {"rate": learned, "contacts": 4 * contacts},
        "control": {"rate": control, "contacts": contacts},
        "difference": difference,
        "low": difference - reach,
        "high": difference + reach,
    }


@pytest.mark.parametrize(
    ("learned", "verdict"),
    [(0.19, "more than chance explains"), (0.085, "may be chance"), (0.05, "worse than chance explains")],
)
def test_the_lift_is_told_with_its_interval_and_whether_chance_explains_it(learned: float, verdict: str) -> None:
    """Above, across and below nothing."""
    told = told_lift(total(learned, 0.08, 0.02))

    assert told.endswith(verdict)
    assert f"{100 * (learned - 0.08):+.1f}" in told
    assert f"{100 * (learned - 0.10):+.1f} to {100 * (learned - 0.06):+.1f}" in told


def test_a_demonstration_without_a_control_group_tells_no_lift() -> None:
    """A short one may end before anybody of the control group was reached."""
    assert told_lift(total(0.2, 0.0, 0.0, contacts=0)) == "not told: one side had no contact yet"


def test_the_goal_is_told_in_the_words_of_the_report_in_lines_below_each_other() -> None:
    """Not a word is lost, and the second line begins where the first one's words do."""
    summary = "Of 100 borrowers 18.9 paid within 14 days of their first contact where the learned plan chose. " * 3
    told = told_goal({"summary": summary})

    assert " ".join(summary.split()) == " ".join(told.split())
    assert all(line == " " * 10 + line.strip() for line in told.split("\n")[1:])
    assert max(len(line) for line in told.split("\n")) <= 120
