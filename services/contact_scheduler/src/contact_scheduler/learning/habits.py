"""What one borrower does differently from others like them: a shrunken offset per channel and per day-part.

Kept outside the model as two running sums per borrower and habit (residual and information), so that a new contact
updates a borrower in constant time and the model only learns how far habits are to be trusted at all.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.features import HABITS
from contact_scheduler.learning.slots import CHANNELS, DAY_PART_OF_HOUR, HOURS_PER_WEEK, FloatArray, IntArray

HABIT_SD: Final = 0.4  # borrowers differ from their like by this much in log-odds, before anything is known


class HabitSums:
    """Running sums of n borrowers: `residual` and `information`, both [n, HABITS]. Mutable."""

    def __init__(self, count: int) -> None:
        self.residual = np.zeros((count, HABITS), dtype=np.float32)
        self.information = np.zeros((count, HABITS), dtype=np.float32)

    def add(self, row: IntArray, slot: IntArray, label: FloatArray, probability: FloatArray) -> None:
        """Adds outcomes; `probability` is the model's with the habit features left at zero."""
        residual, information = label - probability, probability * (1.0 - probability)
        hour = slot % HOURS_PER_WEEK % 24
        for column in (slot // HOURS_PER_WEEK, CHANNELS + DAY_PART_OF_HOUR[hour]):
            np.add.at(self.residual, (row, column), residual)
            np.add.at(self.information, (row, column), information)

    def features(self, rows: NDArray[np.int64] | slice = slice(None)) -> FloatArray:
        """Returns the shrunken offsets in log-odds, float32 [len(rows), HABITS]; 0 for a borrower without history."""
        return habit_features(self.residual[rows], self.information[rows])


def habit_features(residual: FloatArray, information: FloatArray) -> FloatArray:
    """Returns the posterior mean offset of each habit in log-odds, one Newton step from zero.

    `residual` is the sum of label less probability, `information` of p (1 - p); both have the shape of the result.
    """
    result: FloatArray = (residual / (information + np.float32(1.0 / HABIT_SD**2))).astype(np.float32)
    return result
