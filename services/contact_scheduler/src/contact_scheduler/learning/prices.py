"""Prices of scarce cells: what one more place in a cell would bring, found on a sample of the borrowers.

The plan is a transport problem (each borrower at most one cell, each cell at most its capacity), so prices alone decide
it: everyone takes the cell with the best value minus price. We minimise the smoothed dual

    capacity . price + budget x money_price + T sum_i log(1 + sum_j exp((value_ij - price_j - cost_j money_price) / T))

first roughly by fixed-point steps on a tenth of the sample (each price moves with the logarithm of what is asked for
over what there is), then by L-BFGS-B on a few of the best cells of each borrower, at falling temperatures T.
Yesterday's prices skip the rough part. Money is one more scarce thing beside the cells; without a budget nothing costs
any, and its price stays nil.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import FloatArray, IntArray

Matrix = NDArray[np.float64]

WHOLE_ROWS: Final = 20_000  # so few are held at once, and settled by auction
SAMPLE_ROWS: Final = 12_000  # of more
SMALL_ROWS: Final = 10_000  # so few cost little, and go through the fine steps twice
ROUGH_ROWS: Final = 1_250  # for the rough steps
BEST_CELLS: Final = 24  # of each borrower, for the fine steps
KEPT_PER_PLACE: Final = 4  # and at least so many borrowers keep a cell for each of its places, and a few more
KEPT_LEAST: Final = 8
# Cells are near equal to borrowers alike, and all would keep the same few: the others would lose their price. So each
# keeps its cells by value and a Gumbel lot of this temperature, which is to draw from a softmax without replacement.
LOT: Final = 0.014
LOT_ROWS: Final = 1_024
# Temperatures as shares of the mean best value, with their step counts.
ROUGH: Final = ((0.14, 8), (0.06, 8), (0.03, 8))
ROUGH_WARM: Final = ((0.02, 4),)
FINE: Final = ((0.014, 30), (0.0025, 90))
FINE_ROWS_FROM: Final = 0.005  # above this temperature the rows of the rough steps say enough
REACH: Final = 40.0  # temperatures that a price may move before its exponentials are taken anew
FINE_WARM: Final = ((0.006, 20), (0.0025, 40))


@dataclass(frozen=True, slots=True)
class Prices:
    """Price per cell (in the unit of value) and per unit of money, and the temperature they are good for."""

    cell: FloatArray
    money: float
    temperature: float


@dataclass(frozen=True, slots=True)
class PriceProblem:
    """A sample: values [rows, cells] (FORBIDDEN where unlawful); capacity and money scaled to its size."""

    value: FloatArray
    capacity: Matrix
    cost: Matrix  # money that a contact in each cell takes; nothing where money does not limit
    budget: float = 0.0

    def thinned(self, rows: int) -> PriceProblem:
        """Every n-th row, so that about so many are left, with their share of places and money."""
        value = self.value[:: max(len(self.value) // rows, 1)]
        share = len(value) / max(len(self.value), 1)
        return PriceProblem(value, self.capacity * share, self.cost, self.budget * share)

    @property
    def supply(self) -> Matrix:
        """What there is of each cell and, last, of money."""
        return np.append(self.capacity, self.budget)

    def net_price(self, point: Matrix) -> Matrix:
        """What a contact in each cell pays at prices of the cells and, last, of money."""
        result: Matrix = point[:-1] + point[-1] * self.cost
        return result

    def demand(self, load: Matrix) -> Matrix:
        """What is asked for of each cell and, last, of money where the cells draw so many rows."""
        return np.append(load, load @ self.cost)


def find_prices(problem: PriceProblem, start: FloatArray | None = None) -> Prices:
    """Returns the price of one more place in each cell and of one more unit of money, in the unit of the values.

    Deterministic. `start` are earlier prices of the same cells; they save rounds.
    """
    best = problem.value.max(axis=1, initial=0.0)
    scale = float(best[best > 0].mean()) if (best > 0).any() else 1.0
    # All rows ask for money, few for each cell: in this unit its price moves the dual about as much as theirs.
    unit = float(np.sqrt(np.square(problem.cost).sum())) or 1.0
    problem = replace(problem, cost=problem.cost / unit, budget=problem.budget / unit)
    point = np.zeros(len(problem.capacity) + 1)
    if start is not None:
        point[:-1] = np.maximum(start.astype(np.float64), 0.0)
    is_warm = start is not None and not problem.cost.any()  # no earlier price of money is kept
    rough = problem.thinned(ROUGH_ROWS)
    for share, steps in ROUGH_WARM if is_warm else ROUGH:
        for _ in range(steps):
            point = _rough_step(rough, point, share * scale)
    schedule = FINE_WARM if is_warm else FINE
    for share, steps in schedule * (2 if len(problem.value) < SMALL_ROWS else 1):
        point = _fine(rough if share > FINE_ROWS_FROM else problem, point, share * scale, LOT * scale, steps)
    return Prices(point[:-1].astype(np.float32), float(point[-1]) / unit, schedule[-1][0] * scale)


def _rough_step(problem: PriceProblem, point: Matrix, temperature: float) -> Matrix:
    """One fixed-point step: each price moves by temperature x log(demand / supply), never below zero."""
    load = np.zeros(len(problem.capacity))
    price = problem.net_price(point).astype(np.float32)
    for first in range(0, len(problem.value), 1024):
        net = (problem.value[first : first + 1024] - price) * np.float32(1.0 / temperature)
        top = np.maximum(net.max(axis=1), 0.0)
        np.exp(net - top[:, None], out=net)
        load += (1.0 / (net.sum(axis=1) + np.exp(-top))) @ net
    ratio = np.log(np.maximum(problem.demand(load), 1e-9) / np.maximum(problem.supply, 1e-9))
    step = temperature * np.clip(ratio, -3.0, 3.0)
    spent = float(load @ problem.cost)
    if spent > 0.0:  # a contact pays the price of money by its cost: by that of those who still want one
        step[-1] *= spent / float(load @ np.square(problem.cost))
    return np.maximum(0.0, point + step)


class _Dual:
    """The smoothed dual of a sample on a few cells of each row, and its slope, at one temperature.

    exp((value - price) / T) is kept for one price and scaled by exp((that price - price) / T), one number a cell: a
    step is then two products with a sparse matrix, and no exponentials.
    """

    def __init__(self, value: FloatArray, cell: IntArray, cells: int, temperature: float) -> None:
        from scipy.sparse import csr_array  # takes long to load: a plan does, the start of a service does not

        self._value, self._cell, self._temperature = value, cell, temperature
        ends = np.arange(len(value) + 1, dtype=np.int32) * np.int32(value.shape[1])
        places = cell.astype(np.int32).ravel()
        self._kernel = csr_array((np.zeros(cell.size, dtype=np.float32), places, ends), shape=(len(value), cells))
        self._price = np.full(cells, np.inf)

    def at(self, price: Matrix) -> tuple[float, Matrix]:
        """Returns T sum_i log(1 + sum_j exp((value_ij - price_j) / T)) and how many rows each cell draws."""
        if not float(np.abs(price - self._price).max()) <= REACH * self._temperature:
            self._centre(price)
        scale = np.exp((self._price - price) / self._temperature).astype(np.float32)
        total = self._kernel @ scale + self._nothing
        load = (self._kernel.T @ (np.float32(1.0) / total)).astype(np.float64) * scale
        height = float((self._top + np.log(total)).sum(dtype=np.float64))
        return self._temperature * height, load

    def _centre(self, price: Matrix) -> None:
        net = (self._value - price.astype(np.float32)[self._cell]) * np.float32(1.0 / self._temperature)
        self._top = np.maximum(net.max(axis=1), np.float32(0.0))
        self._nothing = np.exp(-self._top)
        net -= self._top[:, None]
        np.exp(net, out=net)
        self._kernel.data[:] = net.ravel()
        self._price = price.copy()


def _fine(problem: PriceProblem, start: Matrix, temperature: float, lot: float, steps: int) -> Matrix:
    """The prices that minimise the dual at one temperature, or what so many steps towards them reach."""
    price, supply = problem.net_price(start), problem.supply
    value, cell = _best_cells(problem, price, lot)
    smooth = _Dual(value, cell, len(price), temperature)
    pace = _pace(problem, smooth.at(price)[1], temperature)

    def dual(paces: Matrix) -> tuple[float, Matrix]:
        point = paces * pace
        drawn, load = smooth.at(problem.net_price(point))
        return (float(point @ supply) + drawn) / temperature, (supply - problem.demand(load)) * (pace / temperature)

    from scipy.optimize import minimize  # as above

    found: Matrix = minimize(
        dual,
        start / pace,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * len(start),
        options={"maxiter": steps, "maxcor": 20},
    ).x
    return found * pace


def _pace(problem: PriceProblem, load: Matrix, temperature: float) -> Matrix:
    """How far each price goes in one unit of the search, so that the dual curves alike along all of them.

    It curves along a cell's price by the contacts drawn there, in the end as many as it has places, along the price of
    money by the squared cost of those who want one. Without this the search takes twice as many steps.
    """
    places = np.maximum(problem.capacity, 1.0)
    squares = float(np.minimum(load, places) @ np.square(problem.cost))
    result: Matrix = temperature / np.sqrt(np.append(places, max(squares, 0.01)))
    return result


def _best_cells(problem: PriceProblem, price: Matrix, lot: float) -> tuple[FloatArray, IntArray]:
    """Keeps a few of each row's best cells after prices, near equals by lot; the same rows keep the same.

    A cell kept by too few would look unwanted and fall in price: those who come nearest to choosing it keep it as well.
    """
    value, single = problem.value, price.astype(np.float32)
    keep = min(BEST_CELLS, value.shape[1])
    cell = np.empty((len(value), keep), dtype=np.int64)
    draw = np.random.default_rng(value.shape).standard_exponential((min(LOT_ROWS, len(value)), value.shape[1]), "f")
    offset = -np.log(np.maximum(draw, np.float32(1e-30))) * np.float32(lot) - single
    for first in range(0, len(value), LOT_ROWS):
        rows = slice(first, min(first + LOT_ROWS, len(value)))
        part = value[rows] + offset[: rows.stop - first]
        cell[rows] = np.argpartition(part, part.shape[1] - keep, axis=1)[:, part.shape[1] - keep :]
    kept = np.take_along_axis(value, cell, axis=1)
    wanted = np.minimum(KEPT_PER_PLACE * problem.capacity + KEPT_LEAST, len(value)).astype(np.int64)
    too_few = np.flatnonzero(np.bincount(cell.ravel(), minlength=len(price)) < wanted)
    best = (kept - single[cell]).max(axis=1)
    for number, one in enumerate(too_few.tolist()):
        nearest = np.argpartition(best - value[:, one], wanted[one] - 1)[: wanted[one]]
        nearest = nearest[(cell[nearest] != one).all(axis=1)]
        slot = number % (keep // 2 + 1)  # the first holds the least of those kept
        cell[nearest, slot], kept[nearest, slot] = one, value[nearest, one]
    return kept, cell


def within_capacity(cell: IntArray, merit: FloatArray, room: IntArray) -> NDArray[np.bool_]:
    """Marks which rows [n] keep their `cell` [n] where each takes no more than its `room` [cells].

    The best by `merit` [n] stay; of equals the first.
    """
    load = np.bincount(cell, minlength=len(room))
    kept = np.ones(len(cell), dtype=np.bool_)
    contested = np.flatnonzero((load > room)[cell])
    # One number orders them all: the cell, then the merit falling, then the row. Sorting numbers is several times
    # faster than sorting places, or by three keys.
    row_bits, cell_bits = len(contested).bit_length(), len(room).bit_length()
    merit_bits = min(32, 64 - row_bits - cell_bits)
    key = cell[contested].astype(np.uint64) << np.uint64(merit_bits)
    key |= _falling(merit[contested]).astype(np.uint64) >> np.uint64(32 - merit_bits)
    key <<= np.uint64(row_bits)
    key |= np.arange(len(contested), dtype=np.uint64)
    key.sort()
    sorted_cells = (key >> np.uint64(merit_bits + row_bits)).astype(np.int64)
    first = np.searchsorted(sorted_cells, np.arange(len(room)))
    rank = np.arange(len(key)) - first[sorted_cells]
    row = (key & np.uint64((1 << row_bits) - 1)).astype(np.int64)
    kept[contested[row]] = rank < room[sorted_cells]
    return kept


def _falling(merit: FloatArray) -> NDArray[np.uint32]:
    """Turns single-precision numbers into whole ones that order the other way round."""
    bits = (merit.astype(np.float32) + np.float32(0.0)).view(np.int32)  # the sum makes one zero of two
    return np.where(bits < 0, bits, bits ^ np.int32(0x7FFFFFFF)).view(np.uint32)
