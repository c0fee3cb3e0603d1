"""Prices of scarce cells: what one more place in a cell would bring, found on a sample of the borrowers.

The plan is a transport problem (each borrower at most one cell, each cell at most its capacity), so prices alone decide
it: everyone takes the cell with the best value minus price. We minimise the smoothed dual

    capacity . price + budget x budget_price + T sum_i log(1 + sum_j exp((value_ij - price_j) / T))

first roughly by fixed-point steps on a quarter of the sample (each cell's price moves with the logarithm of its load),
then by L-BFGS-B on a few of the best cells of each borrower, at falling temperatures T. Yesterday's prices skip the
rough part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import FloatArray, IntArray

Matrix = NDArray[np.float64]

SAMPLE_ROWS: Final = 20_000
ROUGH_ROWS: Final = 5_000  # for the rough steps
BEST_CELLS: Final = 24  # of each borrower, for the fine steps
# Cells are near equal to borrowers alike, and all would keep the same few: the others would lose their price. So each
# keeps its cells by value and a Gumbel lot of this temperature, which is to draw from a softmax without replacement.
LOT: Final = 0.014
LOT_ROWS: Final = 2_048
# Temperatures as shares of the mean best value, with their step counts.
ROUGH: Final = ((0.14, 8), (0.06, 8), (0.03, 8))
ROUGH_WARM: Final = ((0.02, 4),)
FINE: Final = ((0.014, 30), (0.003, 45))
FINE_WARM: Final = ((0.006, 20), (0.003, 40))


@dataclass(frozen=True, slots=True)
class Prices:
    """Price per cell (in the unit of value) and per unit of budget, and the temperature they are good for."""

    cell: FloatArray
    budget: float
    temperature: float


@dataclass(frozen=True, slots=True)
class PriceProblem:
    """A sample: values [rows, cells] (FORBIDDEN where unlawful), and capacity, cost and budget scaled to its size."""

    value: FloatArray
    capacity: Matrix
    cost: Matrix
    budget: float | None


def find_prices(problem: PriceProblem, start: FloatArray | None = None) -> Prices:
    """Returns prices of this sample; deterministic. `start` are earlier prices of the same cells."""
    best = problem.value.max(axis=1, initial=0.0)
    scale = float(best[best > 0].mean()) if (best > 0).any() else 1.0
    price = np.zeros(len(problem.capacity)) if start is None else np.maximum(start.astype(np.float64), 0.0)
    rough = problem.value[:: max(len(problem.value) // ROUGH_ROWS, 1)]
    target = problem.capacity * (len(rough) / max(len(problem.value), 1))
    for share, steps in ROUGH if start is None else ROUGH_WARM:
        for _ in range(steps):
            price = _rough_step(rough, target, price, share * scale)
    budget_price = 0.0
    schedule = FINE if start is None else FINE_WARM
    for share, steps in schedule * (2 if len(problem.value) < SAMPLE_ROWS // 2 else 1):
        value, cell = _best_cells(problem.value, price + budget_price * problem.cost, LOT * scale)
        price, budget_price = _fine(problem, value, cell, (price, budget_price), share * scale, steps)
    return Prices(price.astype(np.float32), budget_price, schedule[-1][0] * scale)


def _rough_step(value: FloatArray, target: Matrix, price: Matrix, temperature: float) -> Matrix:
    """One fixed-point step: each price moves by temperature x log(load / target), never below zero."""
    load = np.zeros(len(target))
    for first in range(0, len(value), 1024):
        net = (value[first : first + 1024] - price.astype(np.float32)) * np.float32(1.0 / temperature)
        top = np.maximum(net.max(axis=1), 0.0)
        np.exp(net - top[:, None], out=net)
        load += (1.0 / (net.sum(axis=1) + np.exp(-top))) @ net
    ratio = np.log(np.maximum(load, 1e-9) / np.maximum(target, 1e-9))
    return np.maximum(0.0, price + temperature * np.clip(ratio, -3.0, 3.0))


def _fine(
    problem: PriceProblem,
    value: FloatArray,
    cell: IntArray,
    start_at: tuple[Matrix, float],
    temperature: float,
    steps: int,
) -> tuple[Matrix, float]:
    price, budget_price = start_at
    has_budget = problem.budget is not None and bool((problem.cost > 0).any())
    unit = float(problem.cost[problem.cost > 0].mean()) if has_budget else 1.0  # brings the budget's price to scale
    cost = problem.cost / unit
    budget = (problem.budget or 0.0) / unit
    rows, size, flat = max(len(value), 1), len(price), cell.ravel()
    ones = np.ones(value.shape[1], dtype=np.float32)

    def dual(point: Matrix) -> tuple[float, Matrix]:
        full = point[:size] + (point[size] * cost if has_budget else 0.0)
        net = (value - full.astype(np.float32)[cell]) * np.float32(1.0 / temperature)
        top = np.maximum(net.max(axis=1), np.float32(0.0))
        np.exp(net - top[:, None], out=net)
        total = (net @ ones + np.exp(-top)).astype(np.float64)
        net *= (1.0 / total).astype(np.float32)[:, None]
        load = np.bincount(flat, weights=net.ravel(), minlength=size)
        height = float(point[:size] @ problem.capacity) + temperature * float(
            (top + np.log(total)).sum(dtype=np.float64)
        )
        slope = problem.capacity - load
        if has_budget:
            height += float(point[size]) * budget
            slope = np.append(slope, budget - load @ cost)
        return float(height) / rows / temperature, slope / rows

    start = np.append(price, budget_price * unit) if has_budget else price
    # The objective is divided by T, so the slope is too: prices are solved in units of T.
    from scipy.optimize import minimize  # takes long to load: a plan does, the start of a service does not

    found = minimize(
        lambda units: dual(units * temperature),
        start / temperature,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None)] * len(start),
        options={"maxiter": steps, "maxcor": 20},
    ).x
    found = found * temperature
    return found[:size], float(found[size]) / unit if has_budget else 0.0


def _best_cells(value: FloatArray, price: Matrix, lot: float) -> tuple[FloatArray, IntArray]:
    """Keeps a few of each row's best cells after prices, near equals by lot; the same rows keep the same."""
    keep = min(BEST_CELLS, value.shape[1])
    cell = np.empty((len(value), keep), dtype=np.int64)
    draw = np.random.default_rng(value.shape).standard_exponential((min(LOT_ROWS, len(value)), value.shape[1]), "f")
    offset = -np.log(np.maximum(draw, np.float32(1e-30))) * np.float32(lot) - price.astype(np.float32)
    for first in range(0, len(value), LOT_ROWS):
        rows = slice(first, min(first + LOT_ROWS, len(value)))
        part = value[rows] + offset[: rows.stop - first]
        cell[rows] = np.argpartition(part, part.shape[1] - keep, axis=1)[:, part.shape[1] - keep :]
    return np.take_along_axis(value, cell, axis=1), cell


def within_capacity(cell: IntArray, merit: FloatArray, room: IntArray) -> NDArray[np.bool_]:
    """Marks which rows keep their cell when each cell takes its best `room` rows (ties: first row wins)."""
    load = np.bincount(cell, minlength=len(room))
    kept = np.ones(len(cell), dtype=np.bool_)
    contested = np.flatnonzero((load > room)[cell])
    ranked = contested[np.lexsort((-merit[contested], cell[contested]))]
    sorted_cells = cell[ranked]
    first = np.searchsorted(sorted_cells, sorted_cells, side="left")
    kept[ranked] = np.arange(len(ranked)) - first < room[sorted_cells]
    return kept
