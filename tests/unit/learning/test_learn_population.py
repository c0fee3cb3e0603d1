"""Four simulated weeks: hidden habits are learned, and learning never does worse than chance."""

from __future__ import annotations

import numpy as np
import pytest

from bench.learn_population import four_weeks


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_four_weeks_close_nine_tenths_of_the_gap_to_the_hidden_optimum(seed: int) -> None:
    """Habits that follow how people earn and what they ask for: from uniform (0) to the optimum (1)."""
    closed = four_weeks(borrowers=2_000, seed=seed, personal_sd=0.1)

    assert closed[-1] >= 0.9
    assert min(closed) > -0.02


def test_habits_of_single_persons_are_learned_as_far_as_fourteen_contacts_can_tell() -> None:
    """Strongly personal habits: about two thirds, as much as an ideal learner that knows everything else (0.70)."""
    closed = four_weeks(borrowers=2_000, seed=1, personal_sd=0.6)

    assert 0.55 <= closed[-1] <= 0.85
    assert np.all(np.array(closed[1:]) > 0.4)
