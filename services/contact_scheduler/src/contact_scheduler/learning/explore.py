"""Exploration with a conscience: what is tried out, on whom, and with exactly which probability.

Three rules. A hold-out of whole borrowers, fixed for life by a hash, gets a uniform draw over its lawful slots: it is
what the honest lift is measured against. A small slice draws among channel x day-part options by inverse-gap weights
(Abe, Long 1999; Foster, Rakhlin 2020), whose probabilities are a closed form. Everyone else gets the plan. Protected
files (hardship, vulnerable, disputed, litigated) are in neither of the first two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.lots import PURPOSE_CONTROL, draw_key, uniform
from contact_scheduler.learning.scoring import FORBIDDEN, LOG_ODDS_CEILING
from contact_scheduler.learning.slots import (
    CHANNELS,
    DAY_PART_OF_HOUR,
    DAY_PARTS,
    HOURS_PER_WEEK,
    BoolArray,
    FloatArray,
    IntArray,
)

OPTIONS: Final = CHANNELS * len(DAY_PARTS)  # what exploration chooses among: 12, not 504
NO_CELL: Final = -1
FLOOR: Final = 1.0 / 50.0  # least probability of an open option, as a share of an even draw
GAMMA_PER_ROOT: Final = 10.0
GAMMA_MIN: Final = 10.0

Matrix = NDArray[np.float64]


def control_group(ids: NDArray[np.uint64], share: float, seed: int) -> BoolArray:
    """Marks the hold-out: the same borrowers at every planning round, a random `share` of any population."""
    if not 0.0 <= share <= 0.5:
        raise ValueError("a hold-out is a share between 0 and 0.5 of the borrowers")
    return uniform(ids, draw_key(seed, PURPOSE_CONTROL)) < share


def gamma_for(outcomes: float) -> float:
    """Returns how sharply the draw prefers the best after so many `outcomes` learned: wide at first, narrow later.

    It multiplies gaps of probability, grows with the root of the outcomes, and is GAMMA_MIN at least.
    """
    return max(GAMMA_MIN, GAMMA_PER_ROOT * float(np.sqrt(max(outcomes, 0.0))))


def inverse_gap_weights(value: Matrix, gamma: float) -> Matrix:
    """Returns the draw's probabilities [n, options]; -inf marks a closed option and gets 0.

    p(a) = 1 / (K + gamma x (best - value(a))), at least FLOOR / K, and the best option takes the rest. Values are on
    the scale of probabilities. A row without open options is all zero.
    """
    is_open = np.isfinite(value)
    count = is_open.sum(axis=1, keepdims=True)
    safe = np.where(is_open, value, -np.inf)
    best = safe.max(axis=1, keepdims=True, initial=-np.inf)
    gap = np.where(is_open, np.where(np.isfinite(best), best, 0.0) - np.where(is_open, value, 0.0), 0.0)
    at_least = np.maximum(count, 1)
    weight = np.where(is_open, np.maximum(1.0 / (at_least + gamma * gap), FLOOR / at_least), 0.0)
    leader = safe.argmax(axis=1)
    rows = np.arange(len(value))
    weight[rows, leader] = 0.0
    weight[rows, leader] = np.where(count[:, 0] > 0, 1.0 - weight.sum(axis=1), 0.0)
    return weight


def pick(weight: Matrix, lot: Matrix) -> tuple[IntArray, Matrix]:
    """Draws one option per row with the given lots in [0, 1); returns the options and their exact probabilities."""
    ladder = np.cumsum(weight, axis=1)
    choice = (lot[:, None] * ladder[:, -1:] >= ladder).sum(axis=1)
    choice = np.minimum(choice, weight.shape[1] - 1)
    return choice, np.take_along_axis(weight, choice[:, None], axis=1)[:, 0]


def option_of(channel: IntArray, hour_of_week: IntArray) -> IntArray:
    """Numbers the options of cells, channel (0 to 2) x part of the day (0 to 3), from hours of the week (0 to 167)."""
    result: IntArray = channel * len(DAY_PARTS) + DAY_PART_OF_HOUR[hour_of_week % 24]
    return result


def best_per_option(value: FloatArray, option: IntArray) -> tuple[FloatArray, IntArray]:
    """Returns of values [cells, n] the best of each option [n, OPTIONS + 1] and its place among the cells.

    A closed option is worth -inf; the last one, "no contact", is worth 0. Both have place -1.
    """
    order = np.argsort(option, kind="stable")
    numbers, starts = np.unique(option[order], return_index=True)
    best = np.full((OPTIONS + 1, value.shape[1]), -np.inf, dtype=np.float32)
    place = np.full((OPTIONS + 1, value.shape[1]), NO_CELL, dtype=np.int64)
    best[OPTIONS] = 0.0
    for number, members in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        of_option = value[members]
        top = of_option.max(axis=0)
        is_open = top > FORBIDDEN / 2
        best[number] = np.where(is_open, top, -np.inf)
        place[number] = np.where(is_open, members[(of_option == top).argmax(axis=0)], NO_CELL)
    return best.T, place.T


def _slots_by_option() -> tuple[IntArray, IntArray]:
    slot = np.arange(CHANNELS * HOURS_PER_WEEK)
    option = option_of(slot // HOURS_PER_WEEK, slot % HOURS_PER_WEEK)
    order = np.argsort(option, kind="stable")
    return order, np.searchsorted(option[order], np.arange(OPTIONS))


SLOTS_BY_OPTION, OPTION_STARTS = _slots_by_option()


@dataclass(frozen=True, slots=True)
class Decision:
    """One borrower's next contact: a slot of the week on their own clock (-1: no contact) and how it came about."""

    slot: int
    propensity: float
    probability: float
    best_slot: int  # what would be chosen without exploration


def decide_one(
    weights: FloatArray,
    features: FloatArray,
    lawful: BoolArray,
    *,
    gamma: float,
    lot: float,
    is_protected: bool = False,
) -> Decision:
    """Chooses for one borrower at once, with the exact probability of the choice.

    `weights` is `Posterior.weights` [FEATURES, 504]; `lawful` has 504 entries, channel by channel; `lot` lies in [0,
    1).
    """
    log_odds = features @ weights
    value = np.where(lawful, 1.0 / (1.0 + np.exp(-np.minimum(log_odds, LOG_ODDS_CEILING))), -1.0)
    best_slot = int(value.argmax())
    if value[best_slot] < 0.0:
        return Decision(NO_CELL, 1.0, 0.0, NO_CELL)
    if is_protected:
        return Decision(best_slot, 1.0, float(value[best_slot]), best_slot)
    sorted_value = value[SLOTS_BY_OPTION]
    best = np.maximum.reduceat(sorted_value, OPTION_STARTS)
    gap = float(value[best_slot]) - best
    count = int(np.count_nonzero(best >= 0.0))
    weight = np.maximum(1.0 / (count + gamma * gap), FLOOR / count)
    weight[best < 0.0] = 0.0
    leader = int(best.argmax())
    weight[leader] = 0.0
    weight[leader] = 1.0 - weight.sum()
    option = min(int(np.searchsorted(np.cumsum(weight), lot, side="right")), OPTIONS - 1)
    start = int(OPTION_STARTS[option])
    stop = int(OPTION_STARTS[option + 1]) if option + 1 < OPTIONS else len(sorted_value)
    slot = int(SLOTS_BY_OPTION[start + int(sorted_value[start:stop].argmax())])
    return Decision(slot, float(weight[option]), float(value[slot]), best_slot)
