"""Who gets which cell: lots for the few, prices for the many, then repairs. The working state of one plan.

Order of service: the hold-out and the explored slice draw first, one after the other (`draws.py`: what they draw must
be honoured for their probabilities to be exact); the planned rows share what is left, each taking its best cell after
prices; rows that found their cell full choose again among what is open. A slight random dither of the prices splits
ties among equal cells, which would otherwise all be taken or all be left at once.

Where that costs more than the budget, the drawn rows keep their share of the money, by lots: how much is learned must
not depend on how much there is to spend, and nobody's answer decides who stays. The planned rows then share the rest at
a price on money, and the ceiling cuts what rounding and repairs went beyond it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np

from contact_scheduler.learning.auction import Auction
from contact_scheduler.learning.budget import Budget, within_money
from contact_scheduler.learning.draws import Draw, Places, draw_evenly, draw_in_turn
from contact_scheduler.learning.explore import NO_CELL
from contact_scheduler.learning.explored import Explored
from contact_scheduler.learning.leaders import largest, leaders, leaders_of_rows
from contact_scheduler.learning.lots import (
    PURPOSE_BUDGET,
    PURPOSE_DITHER,
    PURPOSE_OPTION,
    PURPOSE_SAMPLE,
    PURPOSE_SLICE,
    PURPOSE_TURN,
    draw_key,
    uniform,
)
from contact_scheduler.learning.prices import (
    SAMPLE_ROWS,
    WHOLE_ROWS,
    PriceProblem,
    Prices,
    find_prices,
    within_capacity,
)
from contact_scheduler.learning.scoring import CHUNK_ROWS, FORBIDDEN, Chunk, Scorer
from contact_scheduler.learning.slots import CHANNELS, BoolArray, FloatArray, IntArray
from contact_scheduler.learning.worth import Matrix

CLOSED: Final = np.float32(1e8)  # price of a cell without a place; FORBIDDEN is below its negative
DITHER_SHIFTS: Final = 256  # chunks look at the table of dithers from so many different columns on
DITHER_STRIDE: Final = 67  # odd, so that successive chunks meet the columns in changing order
DITHER_COLUMNS: Final = CHUNK_ROWS + DITHER_SHIFTS
DITHER_FLOOR: Final = np.float32(1e-7)
REPAIR_ROUNDS: Final = 12
REPAIR_PER_PLACE: Final = 4
HELD_VALUES: Final = 6_000_000  # of rows that choose again, at once: 24 MB


class Arm(IntEnum):
    """Which of the rules chose a row of the plan."""

    NONE = 0  # nothing lawful, nothing worth doing, or no capacity left
    PLANNED = 1  # best value after prices; certain, given model, prices and tick
    EXPLORED = 2  # the randomised slice; propensity exact
    CONTROL = 3  # the hold-out: uniform over its lawful slots; propensity exact


@dataclass(frozen=True, slots=True)
class Lottery:
    """What the randomised parts of a plan depend on."""

    seed: int
    tick: int
    explore_share: float
    gamma: float

    def key(self, purpose: int) -> int:
        """Key of this plan's draws for one purpose."""
        return draw_key(self.seed, purpose, self.tick)


class Assignment:
    """One row per borrower, filled by `run`: `cell` (channel x hour, flattened; -1 none), `second`, `arm`, ..."""

    def __init__(
        self, scorer: Scorer, capacity: IntArray, lottery: Lottery, budget: Budget | None, *, with_second: bool
    ) -> None:
        count = len(scorer.borrowers)
        self.scorer, self.capacity, self.lottery, self.budget = scorer, capacity, lottery, budget
        self.with_second = with_second
        self.money = np.repeat(np.asarray(budget.money if budget else (0.0,) * CHANNELS), scorer.horizon.hours)
        self.purse = np.inf  # what the planned rows may spend; no limit until they are found to spend too much
        self.places = Places(capacity)
        self.room = self.places.room
        self.cell = np.full(count, NO_CELL, dtype=np.int64)
        self.second = np.full(count, NO_CELL, dtype=np.int16)
        self.arm = np.zeros(count, dtype=np.int8)
        self.propensity = np.ones(count, dtype=np.float32)
        self.drawn: list[IntArray] = []  # rows in the order of their turns
        self.merit = np.full(count, FORBIDDEN, dtype=np.float32)  # value after prices: who keeps a contested place
        self.drawn_value = np.zeros(count, dtype=np.float32)
        self.prices = Prices(np.zeros(len(capacity), dtype=np.float32), 0.0, 0.0)
        self.noise = np.zeros((len(capacity), DITHER_COLUMNS), dtype=np.float32)
        self.bound = self.reached = 0.0
        self.whole: tuple[IntArray, IntArray, FloatArray] | None = (
            None  # rows, cells, values where the sample is everybody
        )
        self.turned_away = 0

    def run(self, start_prices: FloatArray | None) -> None:
        """Fills the rows."""
        borrowers = self.scorer.borrowers
        is_free = ~borrowers.is_protected
        is_control = borrowers.is_control & is_free
        lots = uniform(borrowers.ids, self.lottery.key(PURPOSE_SLICE))
        is_slice = is_free & ~is_control & (lots < self.lottery.explore_share)
        is_planned = ~(is_control | is_slice)
        self._price(is_planned, start_prices)
        self.noise = self._noise()
        self._draw_control(np.flatnonzero(is_control))
        self._draw_slice(np.flatnonzero(is_slice))
        planned = self.scorer.in_order(is_planned)
        self._assign(planned)
        if self.budget is not None and self._spent(slice(None)) > self.budget.ceiling:
            self._ration(self.budget.ceiling, is_planned, planned)
        placed = is_planned & (self.cell != NO_CELL)
        self.arm[placed] = Arm.PLANNED
        self.reached = float(self.drawn_value[placed].sum(dtype=np.float64))

    def _assign(self, planned: IntArray) -> None:
        """Lets the planned rows (in order) share the places, and the money where that has a price."""
        of_places = float(self.prices.cell.astype(np.float64) @ self.room)
        of_money = self.prices.money * self.purse if self.prices.money else 0.0
        self.bound = of_places + of_money + self._choose(planned, self._net_price())
        if self.whole is None:
            self._settle(planned)
        else:
            self.bound = min(self.bound, self._auction(*self.whole) + of_money)

    def _net_price(self) -> FloatArray:
        """Price of each cell, its money's included; CLOSED where no place is left."""
        return np.where(self.room > 0, self.prices.cell + self._money_part(), CLOSED).astype(np.float32)

    def _money_part(self) -> FloatArray:
        """What a contact in each cell pays for its money."""
        return (self.prices.money * self.money).astype(np.float32)

    def _costs(self, rows: IntArray | slice) -> Matrix:
        """Money that each row takes, 0 without a contact."""
        cell = self.cell[rows]
        return np.where(cell == NO_CELL, 0.0, self.money[cell])

    def _spent(self, rows: IntArray | slice) -> float:
        """What rows cost, counted by channel: to the last digit the same, whatever the order of the rows."""
        cell = self.cell[rows]
        contacts = np.bincount(cell[cell != NO_CELL] // self.scorer.horizon.hours, minlength=CHANNELS)
        return math.fsum(contacts * self.money[:: self.scorer.horizon.hours])

    def _ration(self, ceiling: float, is_planned: BoolArray, planned: IntArray) -> None:
        """Assigns again with money as one more scarce thing, and nothing beyond the ceiling."""
        drawn = np.flatnonzero(~is_planned & (self.cell != NO_CELL))
        self._keep_share(drawn, ceiling * self._spent(drawn) / self._spent(slice(None)))
        self.purse = ceiling - self._spent(drawn)
        self._vacate(planned)
        self._price(is_planned, self.prices.cell)
        self._assign(planned)
        self._use_up(planned)
        self._cut(planned)

    def _keep_share(self, drawn: IntArray, most: float) -> None:
        """Lets drawn rows keep their contact in the order of a lot, as far as their share of the money goes."""
        lots = uniform(self.scorer.borrowers.ids[drawn], self.lottery.key(PURPOSE_BUDGET))
        away = drawn[~within_money(self._costs(drawn), lots, most)]
        self.turned_away += len(away)
        self.arm[away] = Arm.NONE
        self._vacate(away)

    def _vacate(self, rows: IntArray) -> None:
        """Gives the places of rows back."""
        cell = self.cell[rows]
        self.room += np.bincount(cell[cell != NO_CELL], minlength=len(self.room))
        self.cell[rows] = NO_CELL

    def _affordable(self, planned: IntArray) -> int:
        """How many more contacts the planned rows can pay for, at the mean cost of those they have."""
        if self.purse == np.inf:
            return len(planned)
        costs = self._costs(planned)
        paid = costs[costs > 0.0]
        each = float(paid.mean()) if len(paid) else float(self.money[self.money > 0.0].min())
        return max(int((self.purse - float(costs.sum())) / each), 0)

    def _use_up(self, planned: IntArray) -> None:
        """Offers what is left of the money, at no price, to the next best of those without a contact."""
        self._offer(planned, self._affordable(planned), np.zeros_like(self.prices.cell))

    def _cut(self, planned: IntArray) -> None:
        """Takes back the contacts that gain least for their money, as many as went beyond it."""
        paid = planned[self._costs(planned) > 0.0]
        cost = self._costs(paid)
        if float(cost.sum()) <= self.purse:
            return
        gain = self.drawn_value[paid] / cost
        kept = within_money(cost, -gain, self.purse)
        if self.prices.money == 0.0:  # so little is over that the sample saw nothing of it
            self.prices = replace(self.prices, money=float(gain[~kept].max()))
        self._vacate(paid[~kept])

    def _price(self, is_planned: BoolArray, start: FloatArray | None) -> None:
        """Finds prices on a sample that is drawn by id, also of money where it is scarce."""
        count = int(is_planned.sum())
        cells = np.flatnonzero(self.scorer.lawful.patterns.any(axis=0).ravel() & (self.capacity > 0))
        if not count or not len(cells):
            return
        lots = uniform(self.scorer.borrowers.ids, self.lottery.key(PURPOSE_SAMPLE))
        sample = is_planned & (lots < SAMPLE_ROWS / count) if count > WHOLE_ROWS else is_planned
        sample = sample if sample.any() else is_planned
        sampled = self.scorer.in_order(sample)
        value = self._values(sampled, cells)
        if len(value) == count:
            self.whole = sampled, cells, value
        share = len(value) / count
        warm = None if start is None else np.nan_to_num(start[cells], nan=0.0)
        scarce = self.capacity[cells].astype(np.float64) * share
        is_short = self.purse < np.inf
        cost, budget = (self.money[cells], self.purse * share) if is_short else (np.zeros(len(cells)), 0.0)
        found = find_prices(PriceProblem(value, scarce, cost, budget), warm)
        prices = np.zeros(len(self.capacity), dtype=np.float32)
        prices[cells] = found.cell
        self.prices = Prices(prices, found.money, found.temperature)

    def _draw_control(self, rows: IntArray) -> None:
        """Gives each hold-out borrower an even draw over the lawful cells that have a place."""
        queue = self._queue(rows, Arm.CONTROL)
        lots = uniform(self.scorer.borrowers.ids[queue], self.lottery.key(PURPOSE_OPTION))
        lawful, room = self.scorer.lawful, self.room
        self._draw(queue, lambda turns: draw_evenly(lawful, queue[turns], lots[turns], room > 0))
        self._turn_away(rows)

    def _draw_slice(self, rows: IntArray) -> None:
        """Draws channel and day-part by inverse-gap weights over values after prices, the best hour inside each."""
        queue, key = self._queue(rows, Arm.EXPLORED), self.lottery.key(PURPOSE_OPTION)
        choices = Explored(self.scorer, queue, self._net_price(), self.places, gamma=self.lottery.gamma, key=key)
        self._draw(queue, choices.draw)

    def _queue(self, rows: IntArray, arm: Arm) -> IntArray:
        """Puts rows that draw in the order of their turns, by lot."""
        queue = rows[np.argsort(uniform(self.scorer.borrowers.ids[rows], self.lottery.key(PURPOSE_TURN)))]
        self.arm[queue] = arm
        self.drawn.append(queue)
        return queue

    def _draw(self, queue: IntArray, draw: Draw) -> None:
        """Lets each draw in turn among what still has a place."""
        self.cell[queue], self.propensity[queue] = draw_in_turn(np.arange(len(queue)), draw, self.places)

    def _turn_away(self, rows: IntArray) -> None:
        """Notes hold-out rows without a contact: by nobody's choice, so they are no part of any comparison."""
        without = rows[self.cell[rows] == NO_CELL]
        lawful = self.scorer.lawful
        had_place: BoolArray = np.any(lawful.patterns.reshape(-1, len(self.capacity)) & (self.capacity > 0), axis=1)
        self.arm[without] = Arm.NONE
        self.turned_away = int(had_place[lawful.pattern_of[without]].sum())

    def _choose(self, planned: IntArray, price: FloatArray) -> float:
        """Lets each row (in order) take its best cell after prices; returns the sum of their undithered net values."""
        total = 0.0
        for number, chunk in enumerate(self.scorer.chunks(planned)):
            if not len(chunk.cells):
                continue
            net = chunk.value
            net -= price[chunk.cells][:, None]
            total += float(np.maximum(net.max(axis=0), 0.0).sum(dtype=np.float64))
            start = number * DITHER_STRIDE % DITHER_SHIFTS
            dither = self.noise[: len(chunk.cells), start : start + len(chunk.rows)]
            net += dither
            self._take(chunk, price, dither)
        return total

    def _noise(self) -> FloatArray:
        """Gumbel noise at the prices' own temperature: the best cell after it is a draw by soft-max."""
        generator = np.random.Generator(np.random.Philox(self.lottery.key(PURPOSE_DITHER)))
        uniforms = np.maximum(generator.random((len(self.room), DITHER_COLUMNS), dtype=np.float32), DITHER_FLOOR)
        result: FloatArray = np.float32(-self.prices.temperature) * np.log(-np.log(uniforms))
        return result

    def _take(self, chunk: Chunk, price: FloatArray, dither: FloatArray) -> None:
        """Each row takes the cell that leads after prices and dither, which `chunk.value` holds by now."""
        best, merit = leaders(chunk.value)
        cell, index = chunk.cells[best], np.arange(len(best))
        self.merit[chunk.rows] = merit
        self.cell[chunk.rows] = np.where(merit > 0.0, cell, NO_CELL)
        self.drawn_value[chunk.rows] = merit + price[cell] - dither[best, index]
        if self.with_second:
            chunk.value[best, index] = FORBIDDEN
            runner_up, second = leaders(chunk.value)
            self.second[chunk.rows] = np.where(second > -CLOSED / 2, chunk.cells[runner_up], NO_CELL)

    def _settle(self, planned: IntArray) -> None:
        """Seats the planned rows (in order) and lets those without a place choose again among what is open."""
        self._seat(planned)
        if self.purse < np.inf:
            lost = planned[(self.cell[planned] == NO_CELL) & (self.merit[planned] > 0.0)]
            self._offer(lost, len(lost), self._net_price())
        else:
            self._offer(planned, int(self.room.sum()), self._net_price(), np.zeros_like(self.prices.cell))

    def _offer(self, planned: IntArray, places: int, *prices: FloatArray) -> None:
        """Lets the best of those without a place choose among what is open, first at these prices, then at those.

        A few for each place: the others could not win one anyway. As many at once as can be held, the best first.
        """
        rows = planned[self.cell[planned] == NO_CELL]
        rows = rows[self.merit[rows] > -CLOSED / 2]  # nothing is open to the others
        cells = np.flatnonzero(self.room > 0)
        if not places or not len(rows) or not len(cells):
            return
        rows = rows[largest(self.merit[rows], REPAIR_PER_PLACE * places + 1024)]
        pieces = -(-len(rows) * len(cells) // HELD_VALUES)
        for part in np.array_split(np.argsort(-self.merit[rows], kind="stable"), pieces):
            held = rows[np.sort(part)]
            value = self._values(held, cells)
            for price in prices:
                self._bid(held, cells, value, price[cells])

    def _values(self, rows: IntArray, cells: IntArray) -> FloatArray:
        """Values [rows, cells] of rows that come in order; FORBIDDEN where unlawful."""
        position = np.full(len(self.room), NO_CELL)
        position[cells] = np.arange(len(cells))
        value = np.full((len(rows), len(cells)), FORBIDDEN, dtype=np.float32)
        done = 0
        for chunk in self.scorer.chunks(rows):
            here = np.flatnonzero(position[chunk.cells] >= 0)
            value[done : done + len(chunk.rows), position[chunk.cells[here]]] = chunk.value[here].T
            done += len(chunk.rows)
        return value

    def _bid(self, rows: IntArray, cells: IntArray, value: FloatArray, price: FloatArray) -> None:
        """Rows without a place take their best open cell at these prices; whose cell fills meanwhile looks again."""
        looking = np.flatnonzero(self.cell[rows] == NO_CELL)
        for _ in range(REPAIR_ROUNDS):
            price = np.where(self.room[cells] > 0, price, CLOSED)
            best, merit = leaders_of_rows(value, looking, price)
            wants = merit > 0.0
            looking, best, merit = looking[wants], best[wants], merit[wants]
            if not len(looking):
                break
            kept = within_capacity(cells[best], merit, self.room)
            seated, at = looking[kept], best[kept]
            self.cell[rows[seated]] = cells[at]
            self.drawn_value[rows[seated]] = value[seated, at]
            self.room -= np.bincount(cells[at], minlength=len(self.room))
            looking = looking[~kept]

    def _auction(self, rows: IntArray, cells: IntArray, value: FloatArray) -> float:
        """Settles a population small enough to hold all its values, exactly up to a fraction of the temperature.

        Returns what no assignment within the places can exceed, what is paid for money not counted.
        """
        start = np.maximum(self.prices.cell[cells] - np.float32(3.0 * self.prices.temperature), np.float32(0.0))
        auction = Auction.over(value, self.room[cells], start, self._money_part()[cells], self.prices.temperature / 3.0)
        auction.run()
        has = auction.cell != NO_CELL
        self.cell[rows] = np.where(has, cells[auction.cell], NO_CELL)
        self.drawn_value[rows] = value[np.arange(len(rows)), auction.cell]
        self.room -= np.bincount(self.cell[rows[has]], minlength=len(self.room))
        return auction.bound()

    def _seat(self, rows: IntArray) -> None:
        """Gives places to rows that chose one; a row whose cell was full is left without."""
        cell = self.cell[rows]
        choosers, cell = rows[cell != NO_CELL], cell[cell != NO_CELL]
        kept = within_capacity(cell, self.merit[choosers], self.room)
        self.room -= np.bincount(cell[kept], minlength=len(self.room))
        self.cell[choosers[~kept]] = NO_CELL
