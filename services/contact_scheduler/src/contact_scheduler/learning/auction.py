"""The assignment of a small population by auction: exact up to a chosen epsilon a borrower.

Borrowers without a place bid for their best cell, up to what makes them indifferent to their second best; a cell keeps
its highest bidders, and its price is the lowest bid it keeps (Bertsekas 1979; with several places a cell: Bertsekas and
Castanon 1989). Started from prices that are nearly right it needs a few dozen rounds. Then the roles turn round: cells
with empty places at a positive price go cheaper until somebody comes (the reverse auction).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from contact_scheduler.learning.prices import within_capacity
from contact_scheduler.learning.slots import FloatArray, IntArray

ROUNDS_MAX: Final = 400
FILL_STEPS_PER_CELL: Final = 12
NOBODY: Final = -1


@dataclass(slots=True)
class Auction:
    """State of one auction; `cell` is each row's column of `value`, or -1."""

    value: FloatArray  # [rows, cells]
    room: IntArray
    price: FloatArray
    epsilon: float
    floor: FloatArray  # no price falls below this: what the contact pays for its money
    cell: IntArray
    bid: FloatArray

    @classmethod
    def over(
        cls, value: FloatArray, room: IntArray, start_price: FloatArray, floor: FloatArray, epsilon: float
    ) -> Auction:
        """Prepares an auction in which nobody holds a place yet."""
        price = np.where(room > 0, start_price + floor, np.float32(np.inf)).astype(np.float32)
        nobody = np.full(len(value), NOBODY)
        return cls(value, room, price, epsilon, floor, nobody, np.zeros(len(value), dtype=np.float32))

    def run(self) -> None:
        """Bids until everybody is content, then lets the cells with empty places call for takers."""
        self._bid(np.arange(len(self.value)))
        self._fill()

    def bound(self) -> float:
        """No assignment within the places is worth more (what is paid for money not counted)."""
        best = np.where(self.room > 0, self.value - self.price, np.float32(0.0)).max(axis=1, initial=0.0)
        paid = (self.price - self.floor).astype(np.float64) @ self.room
        return float(best.sum(dtype=np.float64) + paid)

    def _bid(self, rows: IntArray) -> None:
        for _ in range(ROUNDS_MAX):
            if not len(rows):
                return
            net = self.value[rows] - self.price
            index = np.arange(len(rows))
            best = net.argmax(axis=1)
            top = net[index, best]
            net[index, best] = -np.inf
            runner_up = np.maximum(net.max(axis=1), 0.0)
            wants = top > 0.0
            rows, best = rows[wants], best[wants]
            self.bid[rows] = self.price[best] + (top - runner_up)[wants] + np.float32(self.epsilon)
            self.cell[rows] = best
            rows = self._keep_highest(best)

    def _keep_highest(self, touched: IntArray) -> IntArray:
        """Lets every touched cell keep its highest bidders; returns the others, who bid again."""
        is_touched = np.zeros(len(self.room), dtype=np.bool_)
        is_touched[touched] = True
        holders = np.flatnonzero((self.cell != NOBODY) & is_touched[self.cell])
        kept = within_capacity(self.cell[holders], self.bid[holders], self.room)
        staying, leaving = holders[kept], holders[~kept]
        self.cell[leaving] = NOBODY
        load = np.bincount(self.cell[staying], minlength=len(self.room))
        lowest = np.full(len(self.room), np.inf, dtype=np.float32)
        np.minimum.at(lowest, self.cell[staying], self.bid[staying])
        is_full = is_touched & (load >= self.room) & (load > 0)
        self.price[is_full] = np.maximum(self.price[is_full], lowest[is_full])
        return leaving

    def _fill(self) -> None:
        """Lets cells with empty places lower their price just until enough rows come, one cell at a time.

        A row that comes may leave a hole elsewhere, which is filled in turn; it ends where a price reaches the floor.
        """
        index = np.arange(len(self.cell))
        price = self.price = np.where(self.room > 0, self.price, self.floor)
        held = self.cell != NOBODY
        profit = np.where(held, self.value[index, self.cell] - price[self.cell], np.float32(0.0))
        spare = self.room - np.bincount(self.cell[held], minlength=len(self.room))
        for _ in range(FILL_STEPS_PER_CELL * len(self.room)):
            waste = spare * (price - self.floor)
            cell = int(waste.argmax())
            if waste[cell] <= self.epsilon:
                return
            offered = np.where(self.cell == cell, np.float32(-np.inf), self.value[:, cell] - profit)
            places = min(int(spare[cell]), len(offered) - 1)
            leaders = np.argpartition(-offered, places)[: places + 1]
            leaders = leaders[np.argsort(-offered[leaders], kind="stable")]
            price[cell] = min(max(offered[leaders[places]], self.floor[cell]), price[cell])
            movers = leaders[:places][offered[leaders[:places]] > price[cell]]
            left = self.cell[movers]
            np.add.at(spare, left[left != NOBODY], 1)
            self.cell[movers] = cell
            spare[cell] -= len(movers)
            members = self.cell == cell
            profit[members] = self.value[members, cell] - price[cell]
