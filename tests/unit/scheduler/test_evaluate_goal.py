"""Who reached the goal, in one plain answer: per borrower, with money, and with what it does not compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

from contact_scheduler.evaluate_goal import compare_contact, compare_goal


def side(*, is_control: bool, reached: int, borrowers: int, minor: int = 0, currency: str | None = None) -> Any:
    """One row as the store reads it; all who reached the goal paid alike."""
    return {
        "is_control": is_control, "reached": reached, "borrowers": borrowers, "minor": minor,
        "minor_squared": minor**2 / reached if minor else 0.0,
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
        "here: +$6.70 (-$5.35 to +$18.74). Both sides are contacted: this compares learned with random choice, not "
        "contact with no contact."
    ) == found.summary


def test_the_interval_of_money_is_that_of_two_means() -> None:
    """Beside scipy's Welch statistics of the same borrowers, one by one."""
    draw = np.random.default_rng(1)
    sums = [np.where(draw.random(count) < 0.3, draw.integers(1, 90_000, count), 0) for count in (400, 150)]
    rows = [
        {
            "is_control": bool(number), "reached": 1, "borrowers": len(one), "minor": int(one.sum()),
            "minor_squared": float((one.astype(np.float64) ** 2).sum()), "currency": "USD", "other_currency": "USD",
        }
        for number, one in enumerate(sums)
    ]  # fmt: skip
    told = compare_goal("payment", rows).paid_difference
    statistic = ttest_ind(*sums, equal_var=False).statistic

    assert told is not None
    difference, low, high = told
    assert sums[0].mean() - sums[1].mean() == pytest.approx(difference)
    assert statistic == pytest.approx(difference / ((high - low) / 2 / 1.959964))


def test_money_of_one_borrower_has_no_interval_and_is_not_told() -> None:
    """Two borrowers of a side at least."""
    rows = [side(is_control=number > 0, reached=1, borrowers=1, minor=100, currency="USD") for number in (0, 1)]

    assert compare_goal("payment", rows).paid_difference is None
    assert "They paid" not in compare_goal("payment", rows).summary


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


def test_what_contact_brings_is_told_from_the_day_of_the_lot() -> None:
    """Those who could be contacted beside those left alone: no word of a first contact, which one side never had."""
    rows = [
        side(is_control=False, reached=300, borrowers=1_000, minor=3_000_000, currency="USD"),
        side(is_control=True, reached=20, borrowers=200, minor=200_000, currency="USD"),
    ]

    assert compare_contact("payment", rows).summary.startswith(
        "Of 100 borrowers who could be contacted 30.0 paid within 14 days, of 100 whom a lot left alone 10.0: +20.0 (+"
    )
    assert "chance alone hardly explains it. They paid $30.00 a borrower there and $10.00 here: +$20.00" in (
        compare_contact("payment", rows).summary
    )
    assert compare_contact("payment", rows[:1]).summary.startswith("What contact itself brings cannot be told yet")


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
    assert "They paid" not in compare_goal("payment", rows).summary
