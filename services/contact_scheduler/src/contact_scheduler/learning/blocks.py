"""Cells whose log-odds are a sum of an hour's part and a day's part, so that few products serve many cells.

The response model has terms for hours and terms for weekdays, and none for both: within a channel, the weights of one
day differ from those of another by the same vector at every hour. Thirteen lawful hours on seven days are then twenty
columns instead of ninety-one, for the matrix product as for the exponentials:

    probability = 1 / (1 + exp(-(hour + day))) = exp(day) / (exp(day) + exp(-hour))

Which days of a table are parallel is seen from its numbers, not taken from the model: a day with a curve of its own (a
table changed by hand, other terms) becomes a block of its own, and the result is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, BoolArray, FloatArray, Horizon, IntArray

DAYS: Final = 7
PARALLEL: Final = 1e-5  # weights of two days that differ by no more than this from hour to hour are parallel
PART_CEILING: Final = np.float32(40.0)  # of either part: products of the exponentials stay finite in single precision

Kin = NDArray[np.int64]  # [tables, CHANNELS, DAYS]: the first day whose curve over the hours is parallel to this day's


@dataclass(frozen=True, slots=True)
class Block:
    """Days x hours of one channel: where its columns and its cells lie within the layout."""

    channel: int
    hours: slice  # columns
    days: slice  # columns
    cells: slice
    shape: tuple[int, int]  # days, hours


@dataclass(frozen=True, slots=True)
class Layout:
    """The cells lawful for somebody in a chunk, and the columns of weights that their values are made of."""

    cells: IntArray  # channel x horizon hour, flattened; in the order of the blocks, day by day
    blocks: tuple[Block, ...]
    slot: IntArray  # [columns] slot of the week that a column is read from
    less: IntArray  # [columns] and the slot whose weights are taken off it; of an hour's column itself
    sign: FloatArray  # [columns] an hour's part enters with its sign turned

    @classmethod
    def of(cls, mask: BoolArray, horizon: Horizon, zone: int, kin: Kin) -> Layout:
        """Lays out the cells that `mask` [CHANNELS, H] allows, as one zone's clock shows them."""
        channel, hour = np.nonzero(mask)
        day, of_day = np.divmod(horizon.local_hour[zone, hour].astype(np.int64), 24)
        order = np.lexsort((hour, of_day, day, channel))
        cell = (channel * horizon.hours + hour)[order]
        days = [
            (key, tuple(of_day[order[list(members)]]), list(members))
            for key, members in _runs(np.stack((channel, day))[:, order])
        ]
        days.sort(key=lambda one: (one[0][0], kin[one[0]], one[1]))  # stable: days stay in order
        cells: list[IntArray] = []
        blocks: list[Block] = []
        slot: list[int] = []
        less: list[int] = []
        placed = 0
        for (of_channel, first, hours), alike in groupby(days, key=lambda one: (one[0][0], kin[one[0]], one[1])):
            found = list(alike)
            start, middle = of_channel * HOURS_PER_WEEK, len(slot) + len(hours)
            reference = start + int(first) * 24
            slot += [reference + at for at in hours] + [start + key[1] * 24 + hours[0] for key, _, _ in found]
            less += [-1] * len(hours) + [reference + hours[0]] * len(found)
            cells += [cell[members] for _, _, members in found]
            size = len(found) * len(hours)
            blocks.append(
                Block(
                    of_channel,
                    slice(middle - len(hours), middle),
                    slice(middle, len(slot)),
                    slice(placed, placed + size),
                    (len(found), len(hours)),
                )
            )
            placed += size
        taken_off = np.array(less, dtype=np.int64)
        sign = np.where(taken_off < 0, np.float32(-1.0), np.float32(1.0))
        none = np.zeros(0, dtype=np.int64)
        return cls(np.concatenate(cells or [none]), tuple(blocks), np.array(slot, dtype=np.int64), taken_off, sign)

    def columns(self, table: FloatArray) -> FloatArray:
        """Returns the weights [columns, FEATURES] of one table [SLOTS, FEATURES]."""
        result: FloatArray = self.sign[:, None] * table[self.slot]
        result[self.sign > 0] -= table[self.less[self.sign > 0]]
        return result

    def fill(self, parts: FloatArray, worth: FloatArray, out: FloatArray) -> None:
        """Writes worth x probability [cells, rows] from log-odds [columns, rows]; `worth` is [CHANNELS, rows]."""
        np.clip(parts, -PART_CEILING, PART_CEILING, out=parts)
        np.exp(parts, out=parts)
        for block in self.blocks:
            value = out[block.cells].reshape(*block.shape, -1)
            days = parts[block.days, None]
            np.add(parts[block.hours], days, out=value)
            days *= worth[block.channel]
            np.divide(days, value, out=value)


def kin_of(tables: FloatArray) -> Kin:
    """Finds, for each table [tables, SLOTS, FEATURES], channel and day, the first day with a parallel curve."""
    curve = tables.reshape(len(tables), CHANNELS, DAYS, 24, -1)
    shape = curve - curve[:, :, :, :1]
    kin = np.full((len(tables), CHANNELS, DAYS), DAYS)
    for first in range(DAYS):
        apart = np.abs(shape - shape[:, :, first : first + 1]).max(axis=(3, 4))
        kin = np.where((kin == DAYS) & (apart <= PARALLEL), first, kin)
        kin[:, :, first] = np.minimum(kin[:, :, first], first)
        if (kin < DAYS).all():
            break
    return kin


def _runs(keys: IntArray) -> list[tuple[tuple[int, int], range]]:
    """Cuts columns [2, n] into runs of equal ones."""
    edges = [0, *(np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1).tolist(), keys.shape[1]]
    return [
        ((int(keys[0, first]), int(keys[1, first])), range(first, last))
        for first, last in pairwise(edges)
        if last > first
    ]
