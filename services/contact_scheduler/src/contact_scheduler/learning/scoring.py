"""Values of every lawful cell for many borrowers, computed in pieces that stay inside the processor's cache.

Rows are visited grouped by (time zone, draw of the coefficients, lawful pattern): one matrix product then serves a
whole chunk, only columns that are lawful for somebody in it are computed, and the mask costs nothing where a chunk
shares one pattern. The grouping depends on the borrowers' ids, never on their order in the arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.features import Borrowers
from contact_scheduler.learning.lots import hash_ids
from contact_scheduler.learning.slots import CHANNELS, FloatArray, Horizon, IntArray, LawfulSlots
from contact_scheduler.learning.worth import Worth

CHUNK_ROWS: Final = 1_024  # x 250 lawful cells x 4 bytes: the second-level cache
RUN_ROWS_MIN: Final = 128  # a shared pattern is worth a chunk of its own from here on
DRAW_GROUPS: Final = 32  # different posterior draws in one plan; protected borrowers get the mean instead
FORBIDDEN: Final = np.float32(-1e9)  # value of an unlawful cell: below every price
LOG_ODDS_CEILING: Final = 60.0  # exp stays finite in single precision

Weights = NDArray[np.float32]  # [groups, FEATURES, CHANNELS, 168]: draws, then tables, last the posterior mean


@dataclass(frozen=True, slots=True)
class Chunk:
    """Values of some borrowers (rows of the input arrays) in some cells (channel x horizon hour, flattened)."""

    rows: IntArray
    cells: IntArray
    value: FloatArray  # [rows, cells]: worth x probability - cost; FORBIDDEN where unlawful


@dataclass(frozen=True, slots=True)
class Tables:
    """Weights that choose for some borrowers in the model's place: `of[i]` numbers a table, -1 is the model."""

    weights: FloatArray  # [tables, FEATURES, SLOTS]
    of: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Scorer:
    """Everything needed to value any subset of the borrowers; build it with `Scorer.of`."""

    borrowers: Borrowers
    lawful: LawfulSlots
    horizon: Horizon
    weights: Weights
    cost: FloatArray  # [CHANNELS]
    answer_worth: FloatArray  # [CHANNELS], of an answer beside the average one
    group: NDArray[np.uint8]
    order: IntArray  # rows sorted by (zone, group, pattern, id)

    @classmethod
    def of(
        cls,
        borrowers: Borrowers,
        lawful: LawfulSlots,
        horizon: Horizon,
        weights: Weights,
        worth: Worth,
        *,
        key: int,
        tables: Tables | None = None,
    ) -> Scorer:
        """Sorts the borrowers once; two stable sorts of small keys are linear in their number. `key` draws groups."""
        _check(borrowers, lawful, horizon)
        draws, mean = len(weights) - 1, len(weights) - 1
        if tables is not None:
            extra = tables.weights.reshape(len(tables.weights), *weights.shape[1:])
            weights = np.concatenate((weights[:-1], extra, weights[-1:]))
            mean = len(weights) - 1
        group = np.full(len(borrowers), mean, dtype=np.uint8)
        if draws:
            drawn = hash_ids(borrowers.ids, key) % np.uint64(draws)
            group = np.where(borrowers.is_protected, mean, drawn).astype(np.uint8)
        if tables is not None:
            group = np.where(tables.of >= 0, draws + tables.of, group).astype(np.uint8)
        order = _by_id(borrowers.ids)
        for sort_key in (lawful.pattern_of, borrowers.zone.astype(np.int32) * len(weights) + group):
            order = order[np.argsort(_small(sort_key)[order], kind="stable")]
        cost, of_answer = (np.asarray(part, dtype=np.float32) for part in (worth.cost, worth.of_answer))
        return cls(borrowers, lawful, horizon, weights, cost, of_answer, group, order)

    @property
    def cell_cost(self) -> FloatArray:
        """Cost of each cell, flattened."""
        return np.repeat(self.cost, self.horizon.hours)

    @property
    def cell_worth(self) -> FloatArray:
        """Worth of an answer in each cell, flattened."""
        return np.repeat(self.answer_worth, self.horizon.hours)

    def chunks(self, is_wanted: NDArray[np.bool_] | None = None) -> Iterator[Chunk]:
        """Yields the values of the wanted borrowers. The value array is reused: copy what must outlive the step."""
        order = self.order if is_wanted is None else self.order[is_wanted[self.order]]
        if not len(order):
            return
        key = self.borrowers.zone[order].astype(np.int32) * len(self.weights) + self.group[order]
        edges = _edges(key, self.lawful.pattern_of[order])
        buffer = np.empty(CHUNK_ROWS * CHANNELS * self.horizon.hours, dtype=np.float32)
        for start, stop in pairwise(edges):
            zone, group = divmod(int(key[start]), len(self.weights))
            seen = self.weights[group][:, :, self.horizon.local_hour[zone]].reshape(self.weights.shape[1], -1)
            for first in range(start, stop, CHUNK_ROWS):
                yield self._value(order[first : min(first + CHUNK_ROWS, stop)], seen, buffer)

    def _value(self, rows: IntArray, seen: FloatArray, buffer: FloatArray) -> Chunk:
        pattern = self.lawful.pattern_of[rows]
        distinct = pattern[np.flatnonzero(np.diff(pattern, prepend=-1))]  # rows come sorted by pattern
        masks = self.lawful.patterns[distinct].reshape(len(distinct), -1)
        cells = np.flatnonzero(masks.any(axis=0))
        value = buffer[: len(rows) * len(cells)].reshape(len(rows), len(cells))
        np.matmul(self.borrowers.features[rows], -seen[:, cells], out=value)
        with np.errstate(over="ignore"):  # beyond 88 the exponential is infinite and the probability 0, as it should be
            np.exp(value, out=value)
        value += np.float32(1.0)
        np.divide(self.borrowers.worth[rows, None], value, out=value)
        if (self.answer_worth != 1.0).any():
            value *= self.cell_worth[cells]
        if self.cost.any():
            value -= self.cell_cost[cells]
        if len(distinct) > 1:
            penalty = np.where(masks[:, cells], np.float32(0.0), FORBIDDEN)
            value += penalty[np.searchsorted(distinct, pattern)]
        return Chunk(rows, cells, value)

    def mean_probability(self, rows: IntArray, cell: IntArray) -> FloatArray:
        """Posterior-mean probability of a response of each row in one cell each."""
        channel, hour = np.divmod(cell, self.horizon.hours)
        table = np.ascontiguousarray(self.weights[-1].reshape(self.weights.shape[1], -1).T)
        result = np.empty(len(rows), dtype=np.float32)
        for first in range(0, len(rows), 65_536):
            part = slice(first, first + 65_536)
            local = self.horizon.local_hour[self.borrowers.zone[rows[part]], hour[part]]
            weights = table[channel[part] * (self.weights.shape[3]) + local]
            log_odds = np.einsum("ij,ij->i", self.borrowers.features[rows[part]], weights)
            result[part] = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -LOG_ODDS_CEILING, LOG_ODDS_CEILING)))
        return result


def _by_id(ids: NDArray[np.uint64]) -> IntArray:
    """Returns the rows in order of id; refuses two rows with the same id."""
    order = np.arange(len(ids))
    if len(ids) > 1 and not bool((ids[1:] > ids[:-1]).all()):
        order = np.argsort(ids, kind="stable")
        if bool((np.diff(ids[order]) == 0).any()):
            raise ValueError("two borrowers have the same id: one would be contacted twice")
    return order


def _edges(key: NDArray[np.int32], pattern: NDArray[np.int32]) -> list[int]:
    """Cuts sorted rows where the key changes, and where the pattern does if that leaves worthwhile runs."""
    edges = [0]
    must = key[1:] != key[:-1]
    may = must | (pattern[1:] != pattern[:-1])
    cuts = np.flatnonzero(may) + 1
    lengths = np.diff(cuts, append=len(key))
    for cut, is_needed, length in zip(cuts.tolist(), must[cuts - 1].tolist(), lengths.tolist(), strict=True):
        if is_needed or (length >= RUN_ROWS_MIN and cut - edges[-1] >= RUN_ROWS_MIN // 4):
            edges.append(cut)
    return [*edges, len(key)]


def _small(key: NDArray[np.int32]) -> NDArray[np.int32] | NDArray[np.uint16]:
    """Narrows a key to 16 bits where it fits, because numpy sorts those in linear time."""
    return key.astype(np.uint16) if not len(key) or int(key.max()) < 1 << 16 else key


def _check(borrowers: Borrowers, lawful: LawfulSlots, horizon: Horizon) -> None:
    if len(lawful.pattern_of) != len(borrowers):
        raise ValueError("every borrower needs a lawful pattern")
    if lawful.patterns.shape[2] != horizon.hours:
        raise ValueError("the lawful patterns and the horizon cover different hours")
    if len(borrowers) and not 0 <= int(borrowers.zone.min()) <= int(borrowers.zone.max()) < len(horizon.local_hour):
        raise ValueError("a borrower's zone is not in the horizon's table")
