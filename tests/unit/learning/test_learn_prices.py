"""Prices on a sample: near the optimum whatever they start from, also of cells so small that few ever ask for them."""

from __future__ import annotations

import numpy as np
import pytest

from contact_scheduler.learning.auction import Auction
from contact_scheduler.learning.prices import PriceProblem, find_prices

ROWS, CELLS, TINY = 4_000, 120, 20
PLACES = np.where(np.arange(CELLS) < TINY, 1, 25)


def problem(seed: int) -> PriceProblem:
    """Eight kinds of people, each with cells of their own, all a little different; twenty cells of a single place."""
    draw = np.random.default_rng(seed)
    of_kind = draw.normal(0.0, 0.5, (8, CELLS))[draw.integers(0, 8, ROWS)]
    log_odds = of_kind + draw.normal(0.0, 0.4, (ROWS, 1)) + draw.normal(0.0, 0.15, (ROWS, CELLS)) - 1.5
    value = (1.0 / (1.0 + np.exp(-log_odds))).astype(np.float32)
    return PriceProblem(value, PLACES.astype(np.float64), np.zeros(CELLS))


def bound(of: PriceProblem, price: np.ndarray) -> float:
    """What no assignment can exceed, by these prices."""
    return float(np.maximum((of.value - price).max(axis=1), 0.0).sum() + price.astype(np.float64) @ of.capacity)


@pytest.mark.parametrize("seed", [1, 2])
def test_prices_bound_the_best_assignment_closely(seed: int) -> None:
    """By an auction of the same values, which is exact but for a ten-thousandth a row."""
    case = problem(seed)
    found = find_prices(case).cell
    auction = Auction.over(case.value, PLACES, found, np.zeros(CELLS, dtype=np.float32), 1e-4)
    auction.run()

    assert bound(case, found) == pytest.approx(auction.bound(), rel=1e-3)


def test_a_price_too_high_for_anybody_to_look_at_its_cell_falls_all_the_same() -> None:
    """Single places that cost three times as much yesterday: nobody would keep their cells among the best few."""
    case = problem(3)
    cold = find_prices(case).cell
    dear = np.where(np.arange(CELLS) < TINY, np.float32(0.9), cold)

    warm = find_prices(case, dear).cell

    assert np.abs(warm - cold)[:TINY].max() < 0.02
    assert bound(case, warm) == pytest.approx(bound(case, cold), rel=1e-3)
