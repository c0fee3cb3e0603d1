"""Intervals of rates hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.rates import newcombe, wilson


def test_the_interval_of_a_known_case() -> None:
    """81 of 263: 0.2553 to 0.3662 (Newcombe 1998, Statistics in Medicine 17, p. 857, method 3)."""
    interval = wilson(81, 263)

    assert (0.2553, 0.3662) == (round(interval.low, 4), round(interval.high, 4))


def test_the_difference_of_a_known_case() -> None:
    """56/70 - 48/80: 0.0524 to 0.3339 (Newcombe 1998, Statistics in Medicine 17, p. 873, method 10)."""
    interval = newcombe((56, 70), (48, 80))

    assert (0.0524, 0.3339) == (round(interval.low, 4), round(interval.high, 4))


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_interval_holds_its_share_and_lies_between_nothing_and_all(successes: int, more: int) -> None:
    """At the edges too: none of n and n of n."""
    trials = successes + more
    interval = wilson(successes, trials)

    assert 0 <= interval.low <= interval.high <= 1
    assert trials == 0 or interval.low <= successes / trials <= interval.high


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_nineteen_of_twenty_intervals_hold_the_truth(share: float) -> None:
    """Coverage over 4,000 seeded samples of 60 attempts."""
    drawn = np.random.default_rng(1).binomial(60, share, 4_000)
    held = np.mean([interval.low <= share <= interval.high for interval in (wilson(int(k), 60) for k in drawn)])

    assert 0.92 <= held <= 0.985


def test_more_successes_than_trials_cannot_be() -> None:
    """A bug of ours, said at once."""
    with pytest.raises(ValueError, match="cannot be"):
        wilson(2, 1)
