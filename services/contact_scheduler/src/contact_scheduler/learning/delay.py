"""How long a response takes: the delay curve per channel, learned while many contacts are still open.

A life table (Kaplan-Meier on a logarithmic grid) over *all* contacts gives the share that has answered by an age;
scaled to the window's end it is the delay distribution of those who answer. Counting only finished answers instead
would favour the quick ones. Counts of several batches simply add up, so the curve is learned from a stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

GRID_POINTS: Final = 96
AGE_MIN_H: Final = 0.05  # three minutes: a faster answer counts as immediate
PRIOR_ANSWERS: Final = 5.0  # weight of the prior curve, in answers
PRIOR_SIGMA: Final = 1.5  # the prior delay is lognormal with this spread, its median a tenth of the window


@dataclass(frozen=True, slots=True)
class DelayCurve:
    """Chance of still being silent at each age, for a borrower who will answer inside the window."""

    window_h: float
    grid_h: Matrix
    silent: Matrix  # at grid_h, from 1 to 0

    def survival(self, elapsed_h: Matrix) -> Matrix:
        """Returns P(silent so far | will answer) in [0, 1]; 0 from the window's end on, 1 for an age below zero."""
        result: Matrix = np.interp(elapsed_h, self.grid_h, self.silent, left=1.0, right=0.0)
        return result


class DelayCounts:
    """Adds up ages of answers and of silent contacts for one channel. Mutable."""

    def __init__(self, window_h: float) -> None:
        if not window_h > AGE_MIN_H:
            raise ValueError("the attribution window must be longer than three minutes")
        self.window_h = window_h
        self.grid_h = np.concatenate(([0.0], np.geomspace(AGE_MIN_H, window_h, GRID_POINTS)))
        self.answered = np.zeros(GRID_POINTS)  # by age, in (grid[k], grid[k + 1]]
        self.left = np.zeros(GRID_POINTS)  # contacts last seen silent in that interval (open, or window closed)

    def add(self, age_h: Matrix, has_answered: NDArray[np.bool_]) -> None:
        """Adds contacts: the age at which they answered, or the age up to which they are known to be silent.

        Ages that are negative or not numbers are left out: they can only come from a wrong clock.
        """
        fine = np.isfinite(age_h) & (age_h >= 0.0)
        age, answered = np.minimum(age_h[fine], self.window_h), has_answered[fine] & (age_h[fine] <= self.window_h)
        cell = np.clip(np.searchsorted(self.grid_h, age, side="left") - 1, 0, GRID_POINTS - 1)
        self.answered += np.bincount(cell[answered], minlength=GRID_POINTS)
        self.left += np.bincount(cell[~answered], minlength=GRID_POINTS)

    def curve(self) -> DelayCurve:
        """Returns the curve learned so far, leaning on a lognormal prior while answers are few.

        Ages that no contact has reached yet are as the prior says: nothing is known of them, which is not "nobody".
        """
        reached = np.cumsum((self.answered + self.left)[::-1])[::-1]
        at_risk = reached - self.left / 2.0
        hazard = self.answered / np.maximum(at_risk, 1e-12)
        silent = np.concatenate(([1.0], np.cumprod(1.0 - np.clip(hazard, 0.0, 1.0))))
        answers = float(self.answered.sum())
        measured = np.concatenate(([0.0], 1.0 - silent[1:]))
        prior = self._prior_share()
        oldest = np.count_nonzero(reached)
        share = prior.copy()
        if measured[oldest] > 0.0:
            share[: oldest + 1] = measured[: oldest + 1] / measured[oldest] * prior[oldest]
        trust = answers / (answers + PRIOR_ANSWERS)
        blended = trust * share + (1.0 - trust) * prior
        return DelayCurve(self.window_h, self.grid_h, 1.0 - blended)

    def _prior_share(self) -> Matrix:
        z = np.log(np.maximum(self.grid_h, AGE_MIN_H / 2) / (self.window_h / 10.0)) / PRIOR_SIGMA
        share = 1.0 / (1.0 + np.exp(-1.702 * z))  # logistic approximation of the normal distribution function
        share[0] = 0.0
        result: Matrix = share / share[-1]
        return result
