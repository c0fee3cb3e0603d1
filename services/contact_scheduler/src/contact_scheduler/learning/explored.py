"""What the explored rows draw among: the best open hour of each option, found once and again where a cell has filled.

A row draws channel and part of the day by inverse-gap weights over its best values after prices (`explore.py`). When a
cell fills, only those still to come whose best of an option it was are valued anew: all others would draw the same.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.draws import Matrix, Places
from contact_scheduler.learning.explore import NO_CELL, OPTIONS, best_per_option, inverse_gap_weights, option_of, pick
from contact_scheduler.learning.lots import uniform
from contact_scheduler.learning.scoring import Scorer
from contact_scheduler.learning.slots import BoolArray, FloatArray, IntArray

TINY: Final = np.finfo(np.float32).tiny


class Explored:
    """The choices of some rows, in the order of their turns. Mutable: kept in step with `places`."""

    def __init__(
        self, scorer: Scorer, rows: IntArray, price: FloatArray, places: Places, *, gamma: float, key: int
    ) -> None:
        self.scorer, self.rows, self.places, self.gamma = scorer, rows, places, gamma
        self.price = np.where(places.room > 0, price, np.float32(np.inf))
        self.lots = uniform(scorer.borrowers.ids[rows], key)
        self.best = np.empty((len(rows), OPTIONS + 1), dtype=np.float32)
        self.cell = np.empty((len(rows), OPTIONS + 1), dtype=np.int16)
        turn = np.empty(len(scorer.borrowers), dtype=np.int32)
        turn[rows] = np.arange(len(rows))
        is_wanted = np.zeros(len(turn), dtype=np.bool_)
        is_wanted[rows] = True
        self.turns_in_order: NDArray[np.int32] = turn[scorer.in_order(is_wanted)]
        self._value(np.ones(len(rows), dtype=np.bool_))

    def draw(self, turns: IntArray) -> tuple[IntArray, Matrix]:
        """Draws for successive turns: the cells (NO_CELL: no contact) and the probabilities of their options.

        A drawn contact's probability is that of its option given that there is a contact: no row stands for "no
        contact", and what is valued later is what contacts bring.
        """
        self._close(int(turns[0]))
        worth = np.maximum(self.scorer.borrowers.worth[self.rows[turns], None], TINY)
        weight = inverse_gap_weights(self.best[turns].astype(np.float64) / worth, self.gamma)
        choice, probability = pick(weight, self.lots[turns])
        no_contact = np.where(choice < OPTIONS, weight[:, OPTIONS], 0.0)
        return self.cell[turns, choice].astype(np.int64), np.minimum(probability / (1.0 - no_contact), 1.0)

    def _close(self, turn: int) -> None:
        """Values anew, from a turn on, the rows that would have taken a cell that has filled."""
        filled = (self.places.room == 0) & (self.price < np.inf)
        if filled.any():
            self.price[filled] = np.inf
            is_stale: BoolArray = np.any(np.append(filled, False)[self.cell], axis=1)  # the last is for NO_CELL
            is_stale[:turn] = False
            self._value(is_stale)

    def _value(self, is_wanted: BoolArray) -> None:
        turns = self.turns_in_order[is_wanted[self.turns_in_order]]
        horizon, zone, done = self.scorer.horizon, self.scorer.borrowers.zone, 0
        for chunk in self.scorer.chunks(self.rows[turns]):
            here = turns[done : done + len(chunk.rows)]
            channel, hour = np.divmod(chunk.cells, horizon.hours)
            option = option_of(channel, horizon.local_hour[zone[chunk.rows[0]], hour])
            chunk.value[:] -= self.price[chunk.cells][:, None]
            self.best[here], place = best_per_option(chunk.value, option)
            self.cell[here] = np.append(chunk.cells, NO_CELL)[place]
            done += len(here)
