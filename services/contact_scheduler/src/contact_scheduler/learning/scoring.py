"""Values of every lawful cell for many borrowers, computed in pieces that stay inside the processor's cache.

Rows are visited grouped by (time zone, draw of the coefficients, lawful pattern): one matrix product then serves a
whole chunk, only cells that are lawful for somebody in it are computed (`blocks.py`), and the mask costs nothing where
a chunk shares one pattern. A chunk holds cells x rows, so that every step runs along the rows whatever the cells are.
The grouping depends on the borrowers' ids, never on their order in the arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.blocks import Kin, Layout, kin_of
from contact_scheduler.learning.features import Borrowers
from contact_scheduler.learning.lots import hash_ids
from contact_scheduler.learning.slots import (
    CHANNELS,
    HOURS_PER_WEEK,
    BoolArray,
    FloatArray,
    Horizon,
    IntArray,
    LawfulSlots,
)
from contact_scheduler.learning.worth import Worth

CHUNK_ROWS: Final = 1_536  # x 150 to 250 lawful cells x 4 bytes: about the second-level cache
RUN_ROWS_MIN: Final = 400  # a shared pattern is worth a chunk of its own from here on
DRAW_GROUPS: Final = 32  # different posterior draws in one plan; protected borrowers get the mean instead
FORBIDDEN: Final = np.float32(-1e9)  # value of an unlawful cell: below every price
LOG_ODDS_CEILING: Final = 60.0  # exp stays finite in single precision

Weights = NDArray[np.float32]  # [groups, FEATURES, CHANNELS, 168]: draws, then tables, last the posterior mean


@dataclass(frozen=True, slots=True)
class Chunk:
    """Values of some borrowers (rows of the input arrays) in some cells (channel x horizon hour, flattened)."""

    rows: IntArray
    cells: IntArray
    value: FloatArray  # [cells, rows]: worth x probability - cost; FORBIDDEN where unlawful


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
    tables: FloatArray  # [groups, SLOTS, FEATURES]: draws, then tables of strategies, last the posterior mean
    kin: Kin
    cost: FloatArray  # [CHANNELS]
    answer_worth: FloatArray  # [CHANNELS], of an answer beside the average one
    group: NDArray[np.uint8]
    order: IntArray  # rows sorted by (zone, group, pattern, id)
    layouts: dict[tuple[int, bytes, bytes], tuple[Layout, tuple[IntArray, ...]]] = field(
        default_factory=dict, repr=False
    )
    of_mask: dict[tuple[int, bytes, bytes], Layout] = field(default_factory=dict, repr=False)
    columns: dict[tuple[int, int], FloatArray] = field(default_factory=dict, repr=False)  # by layout and group

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
            lots = hash_ids(borrowers.ids, key)
            drawn = lots - lots // np.uint64(draws) * np.uint64(draws)  # lots % draws, which numpy finds slowly
            group = np.where(borrowers.is_protected, mean, drawn).astype(np.uint8)
        if tables is not None:
            group = np.where(tables.of >= 0, draws + tables.of, group).astype(np.uint8)
        order = _by_id(borrowers.ids)
        for sort_key in (lawful.pattern_of, borrowers.zone.astype(np.int32) * len(weights) + group):
            order = order[np.argsort(_small(sort_key)[order], kind="stable")]
        cost, of_answer = (np.asarray(part, dtype=np.float32) for part in (worth.cost, worth.of_answer))
        by_slot = np.ascontiguousarray(weights.reshape(len(weights), weights.shape[1], -1).transpose(0, 2, 1))
        return cls(borrowers, lawful, horizon, by_slot, kin_of(by_slot), cost, of_answer, group, order)

    @property
    def cell_cost(self) -> FloatArray:
        """Cost of each cell, flattened."""
        return np.repeat(self.cost, self.horizon.hours)

    @property
    def cell_worth(self) -> FloatArray:
        """Worth of an answer in each cell, flattened."""
        return np.repeat(self.answer_worth, self.horizon.hours)

    def in_order(self, is_wanted: BoolArray) -> IntArray:
        """Returns the wanted rows as `chunks` needs them: by zone, group, pattern and id."""
        return self.order[is_wanted[self.order]]

    def chunks(self, order: IntArray) -> Iterator[Chunk]:
        """Yields the values of rows that come `in_order`. Their array is reused: copy what must outlive the step."""
        if not len(order):
            return
        key = self.borrowers.zone[order].astype(np.int32) * len(self.tables) + self.group[order]
        pattern = self.lawful.pattern_of[order]
        buffer = np.empty(CHUNK_ROWS * CHANNELS * self.horizon.hours, dtype=np.float32)
        for start, stop in pairwise(_edges(key, pattern)):
            zone, group = divmod(int(key[start]), len(self.tables))
            pieces = -(-(stop - start) // CHUNK_ROWS)  # as even as can be: each costs some work of its own
            for first, last in pairwise(np.linspace(start, stop, pieces + 1, dtype=np.int64).tolist()):
                part = slice(first, last)
                yield self._value(order[part], pattern[part], zone, group, buffer)

    def _value(self, rows: IntArray, pattern: NDArray[np.int32], zone: int, group: int, buffer: FloatArray) -> Chunk:
        edges = [0]
        if pattern[0] != pattern[-1]:  # rows come sorted by pattern
            edges += (np.flatnonzero(pattern[1:] != pattern[:-1]) + 1).tolist()
        layout, unlawful = self._layout(zone, group, pattern[edges])
        value = buffer[: len(layout.cells) * len(rows)].reshape(len(layout.cells), len(rows))
        parts = self._columns(layout, group) @ self.borrowers.features.take(rows, axis=0).T
        layout.fill(parts, self.answer_worth[:, None] * self.borrowers.worth.take(rows), value)
        if self.cost.any():
            value -= self.cell_cost[layout.cells][:, None]
        if len(edges) > 1:
            for cells, first, last in zip(unlawful, edges, [*edges[1:], len(rows)], strict=True):
                value[cells, first:last] = FORBIDDEN
        return Chunk(rows, layout.cells, value)

    def _columns(self, layout: Layout, group: int) -> FloatArray:
        key = id(layout), group  # layouts live as long as the scorer
        if key not in self.columns:
            self.columns[key] = layout.columns(self.tables[group])
        return self.columns[key]

    def _layout(self, zone: int, group: int, patterns: NDArray[np.int32]) -> tuple[Layout, tuple[IntArray, ...]]:
        """The layout of cells that some of the patterns allow, and which of these each forbids."""
        key = zone, patterns.tobytes(), self.kin[group].tobytes()
        if key not in self.layouts:
            masks = self.lawful.patterns[patterns]
            some: BoolArray = np.logical_or.reduce(masks, axis=0)
            alike = zone, some.tobytes(), self.kin[group].tobytes()
            if alike not in self.of_mask:
                self.of_mask[alike] = Layout.of(some, self.horizon, zone, self.kin[group])
            layout = self.of_mask[alike]
            self.layouts[key] = layout, tuple(np.flatnonzero(~mask.ravel()[layout.cells]) for mask in masks)
        return self.layouts[key]

    def mean_probability(self, rows: IntArray, cell: IntArray) -> FloatArray:
        """Posterior-mean probability of a response of each row in one cell each."""
        channel, hour = np.divmod(cell, self.horizon.hours)
        result = np.empty(len(rows), dtype=np.float32)
        for first in range(0, len(rows), CHUNK_ROWS):
            part = slice(first, first + CHUNK_ROWS)
            local = self.horizon.local_hour[self.borrowers.zone[rows[part]], hour[part]]
            weights = self.tables[-1].take(channel[part] * HOURS_PER_WEEK + local, axis=0)
            log_odds = np.einsum("ij,ij->i", self.borrowers.features.take(rows[part], axis=0), weights)
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
