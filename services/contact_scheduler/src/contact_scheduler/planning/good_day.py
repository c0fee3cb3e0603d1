"""Whoever is left alone for longer is in no hurry: their next contact comes on the best of a few days.

A plan chooses among the hours of one day. A rest that has grown ends on a Sunday as often as on a Tuesday; whoever gets
few contacts should get them when they can be reached.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from contact_scheduler.learning.evidence import sigmoid
from contact_scheduler.learning.model import Posterior
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, BoolArray, FloatArray, IntArray
from contact_scheduler.learning.worth import Worth

DAYS_OF_CHOICE: Final = 3  # after the day on which the rest ends
MARGIN: Final = 1.1  # a later day must promise as many times more: what is known of a day is known from few contacts
ROWS: Final = 4_096  # at once, so that memory stays bounded
HOURS_A_DAY: Final = 24


def has_better_day(
    posterior: Posterior, features: FloatArray, is_open: BoolArray, local_hour: IntArray, left: IntArray, worth: Worth
) -> BoolArray:
    """Return for each of n borrowers whether one of the next `left` days promises more than the day that is planned.

    `is_open` [n, CHANNELS, H] are the cells of the planned day, `local_hour` [n, H] their hours of the week; other days
    are taken to be open at the same hours. Where they are not, the day comes all the same: `left` runs out.
    """
    found = np.zeros(len(features), dtype=np.bool_)
    for start in range(0, len(features), ROWS):
        rows = slice(start, start + ROWS)
        log_odds = (features[rows] @ posterior.weights).reshape(-1, CHANNELS, HOURS_PER_WEEK)
        chance = sigmoid(log_odds.astype(np.float64))
        gain = chance * np.asarray(worth.of_answer)[:, None] - np.asarray(worth.cost)[:, None]
        today = _best(gain, is_open[rows], local_hour[rows])
        for days in range(1, DAYS_OF_CHOICE + 1):
            then = _best(gain, is_open[rows], (local_hour[rows] + days * HOURS_A_DAY) % HOURS_PER_WEEK)
            found[rows] |= (left[rows] >= days) & (then > MARGIN * np.maximum(today, 0.0))
    return found


def _best(gain: FloatArray, is_open: BoolArray, hour: IntArray) -> FloatArray:
    """Return the most that one contact in an open cell brings: [n]."""
    of_hour = np.take_along_axis(gain, np.broadcast_to(hour[:, None, :], is_open.shape), axis=2)
    best: FloatArray = np.where(is_open, of_hour, -np.inf).max(axis=(1, 2))
    return best
