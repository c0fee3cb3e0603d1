"""Who reached the goal, in one plain answer: per borrower, with money, and with what it does not compare."""

from __future__ import annotations

from typing import Any

import pytest

from contact_scheduler.evaluate_goal import compare_goal


def side(*, is_control: bool, reached: int, borrowers: int, minor: int = 0, currency: str | None = None) -> Any:
    """One row as the store reads it."""
    return {
        "is_control": is_control, "reached": reached, "borrowers": borrowers, "minor": minor,
        "currency": currency, "other_currency": currency,
    }  # fmt: skip


def test_a_difference_that_may_be_luck_is_said_to_be_one_with_numbers_of_both_sides() -> None:
    """31 of 100 beside 27 of 100: Newcombe's interval reaches from -8.5 to +16.3."""
    found = compare_goal(
        "payment",
        [
            side(is_control=False, reached=31, borrowers=100, minor=310_000, currency="USD"),
            side(is_control=True, reached=27, borrowers=100, minor=243_050, currency="USD"),
        ],
    )

    assert (
        "Of 100 borrowers 31.0 paid within 14 days of their first contact where the learned plan chose, 27.0 where a "
        "lot did: +4.0 (-8.5 to +16.3); chance alone may explain it. They paid $31.00 a borrower there and $24.30 "
        "here, told without an interval. Nobody is left alone by lot, so this compares learned with random choice, "
        "not contact with no contact."
    ) == found.summary


@pytest.mark.parametrize(
    ("learned", "verdict"), [(200, "hardly explains"), (20, "hardly explains"), (85, "may explain")]
)
def test_gain_and_harm_beyond_chance_are_both_told(learned: int, verdict: str) -> None:
    """A learned side that pays less than the hold-out is no luck either."""
    rows = [
        side(is_control=False, reached=learned, borrowers=1_000),
        side(is_control=True, reached=80, borrowers=1_000),
    ]

    assert f"chance alone {verdict} it." in compare_goal("promise", rows).summary
    assert f"{learned / 10:.1f} promised or paid within" in compare_goal("promise", rows).summary


@pytest.mark.parametrize("rows", [[], [side(is_control=False, reached=3, borrowers=9)]])
def test_nothing_is_compared_without_both_sides(rows: list[Any]) -> None:
    """A campaign of days, and one without a hold-out."""
    assert compare_goal("contact", rows).summary.startswith("Who answered cannot be compared yet")


def test_money_of_two_currencies_is_not_summed_in_words() -> None:
    """Dollars here and euros there make no amount."""
    rows = [
        side(is_control=False, reached=1, borrowers=2, minor=100, currency="USD"),
        side(is_control=True, reached=1, borrowers=2, minor=100, currency="EUR"),
    ]

    assert "" == compare_goal("payment", rows).currency
    assert "told without an interval" not in compare_goal("payment", rows).summary
