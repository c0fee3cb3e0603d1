"""Draws by lot where places are few: one borrower after the other, each among the cells that still have a place.

Were all drawn at once, whoever drew a full cell would go without a contact. The log would then hold scarce cells less
often than its probabilities say, and every value estimated from it would be wrong by as much as places are short. In
turn, the probability of a draw is exact given what was drawn before it, which is all that inverse weighting needs; and
nobody goes without a contact while any cell is open. The order of turns is drawn by lot, so that nobody is always last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.explore import NO_CELL
from contact_scheduler.learning.slots import BoolArray, IntArray, LawfulSlots

Matrix = NDArray[np.float64]
TurnArray = NDArray[np.int32]

# Draws for some rows among the cells that have a place now: the cells (NO_CELL: no contact) and their probabilities.
Draw = Callable[[IntArray], tuple[IntArray, Matrix]]

NEVER: Final = np.iinfo(np.int32).max
FIRST_ROWS: Final = 8_192  # drawn side by side, then twice as many
PIECE_ROWS: Final = 2_048  # the same, after a cell has filled
EVEN_ROWS: Final = 8_192  # at once, to bound memory where each has a lawful pattern of its own


class Places:
    """The places by cell while drawn rows take them in turn. Mutable.

    `full_from` is the turn from which on a cell has no place any more: NEVER, or 0 where it never had one.
    """

    def __init__(self, capacity: IntArray) -> None:
        self.room = capacity.copy()
        self.turns = 0
        self.full_from: TurnArray = np.where(capacity > 0, NEVER, 0).astype(np.int32)

    def take(self, cell: IntArray) -> int:
        """Seats rows in their order, up to and with the first that fills a cell; returns how many."""
        count = _until_full(cell, self.room)
        seated = cell[:count]
        self.room -= np.bincount(seated[seated != NO_CELL], minlength=len(self.room))
        self.turns += count
        self.full_from[(self.room == 0) & (self.full_from == NEVER)] = self.turns
        return count


def draw_in_turn(queue: IntArray, draw: Draw, places: Places) -> tuple[IntArray, Matrix]:
    """Draws for rows one after the other; returns their cells and the probabilities.

    Ever larger pieces of the queue draw at once, as if no cell filled. Where one does, those after it draw again, with
    the same lots, among what is left then.
    """
    cell = np.full(len(queue), NO_CELL, dtype=np.int64)
    probability = np.ones(len(queue))
    done, size = 0, FIRST_ROWS
    while done < len(queue):
        part = slice(done, done + size)
        drawn, chance = draw(queue[part])
        taken = places.take(drawn)
        seated = slice(done, done + taken)
        cell[seated], probability[seated] = drawn[:taken], chance[:taken]
        done += taken
        size = 2 * size if taken == len(drawn) else PIECE_ROWS
    return cell, probability


def draw_evenly(lawful: LawfulSlots, rows: IntArray, lots: Matrix, has_place: BoolArray) -> tuple[IntArray, Matrix]:
    """Draws evenly for each of `rows` one of its lawful cells that has a place, and returns it with its probability.

    `lots` [len(rows)] are uniform in [0, 1), `has_place` is [cells]; NO_CELL and 1 where no cell is open.
    """
    cell = np.full(len(rows), NO_CELL, dtype=np.int64)
    probability = np.ones(len(rows))
    patterns = lawful.patterns.reshape(len(lawful.patterns), -1)
    for first in range(0, len(rows), EVEN_ROWS):
        part = slice(first, first + EVEN_ROWS)
        numbers, which = np.unique(lawful.pattern_of[rows[part]], return_inverse=True)
        of_pattern, is_open = np.nonzero(patterns[numbers] & has_place)
        count = np.bincount(of_pattern, minlength=len(numbers))
        nth = np.floor(lots[part] * count[which]).astype(np.int64)
        found = (np.cumsum(count) - count)[which] + nth
        has = count[which] > 0
        cell[part][has] = is_open[found[has]]
        probability[part] = 1.0 / np.maximum(count[which], 1)
    return cell, probability


def _until_full(cell: IntArray, room: IntArray) -> int:
    """How many rows, in their order, until one takes the last place of a cell; all of them if none does."""
    seated = np.flatnonzero(cell != NO_CELL)
    of = cell[seated]
    wanted = np.bincount(of, minlength=len(room))
    if not (wanted[of] >= room[of]).any():
        return len(cell)
    order = np.argsort(of, kind="stable")
    in_order = of[order]
    rank = np.arange(len(of)) - np.searchsorted(in_order, in_order)
    filling = seated[order[rank + 1 == room[in_order]]]
    return int(filling.min()) + 1
