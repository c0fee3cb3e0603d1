"""Slots: channel x hour of the week on the borrower's own clock, and which of them are lawful.

Hour of week 0 is Monday 00:00-01:00 local. A planning horizon is a run of H absolute hours; each time zone sees it as
its own run of local hours, so clock changes and half-hour zones are the caller's table, not our arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

HOURS_PER_WEEK: Final = 168
HORIZON_HOURS_MAX: Final = HOURS_PER_WEEK
ZONES_MAX: Final = 1_000  # the tz database has about 600 names


class Channel(IntEnum):
    """The channels a plan chooses from; numbers are columns of every array here and are never reused."""

    SMS = 0
    EMAIL = 1
    VOICE = 2


CHANNELS: Final = len(Channel)
SLOTS: Final = CHANNELS * HOURS_PER_WEEK

DAY_PARTS: Final = ("morning", "midday", "afternoon", "evening")
# Local hour of day -> day-part: 05-11 morning, 11-15 midday, 15-18 afternoon, the rest evening.
DAY_PART_OF_HOUR: Final[NDArray[np.int8]] = np.array(
    [0 if 5 <= hour < 11 else 1 if 11 <= hour < 15 else 2 if 15 <= hour < 18 else 3 for hour in range(24)],
    dtype=np.int8,
)


@dataclass(frozen=True, slots=True)
class Horizon:
    """A planning horizon: `local_hour[zone, t]` is the hour of week (0..167) that zone's clock shows at hour t."""

    local_hour: NDArray[np.int16]

    def __post_init__(self) -> None:
        if self.local_hour.ndim != 2 or not 0 < self.local_hour.shape[0] <= ZONES_MAX:
            raise ValueError("local_hour must be a table of zones x hours")
        if not 0 < self.hours <= HORIZON_HOURS_MAX:
            raise ValueError(f"a horizon has 1 to {HORIZON_HOURS_MAX} hours, not {self.hours}")
        if self.local_hour.min() < 0 or self.local_hour.max() >= HOURS_PER_WEEK:
            raise ValueError("an hour of week lies outside 0..167: the zone table is wrong")

    @property
    def hours(self) -> int:
        """Number of hours planned ahead."""
        return int(self.local_hour.shape[1])

    @classmethod
    def from_offsets(cls, start_hour_of_week_utc: int, hours: int, offsets_h: NDArray[np.int64] | list[int]) -> Horizon:
        """Builds the table for zones with fixed whole-hour offsets from UTC, without a clock change inside."""
        offsets = np.asarray(offsets_h, dtype=np.int64)
        if offsets.size and np.abs(offsets).max() > 15:
            raise ValueError("no zone lies more than 15 hours from UTC")
        local = (start_hour_of_week_utc + np.arange(hours)[None, :] + offsets[:, None]) % HOURS_PER_WEEK
        return cls(local.astype(np.int16))


@dataclass(frozen=True, slots=True)
class LawfulSlots:
    """Which (channel, hour of the horizon) cells the policy allows: few distinct patterns shared by many borrowers.

    `patterns[k]` is a bool array [CHANNELS, H]; `pattern_of[i]` names borrower i's. A million borrowers share a few
    hundred patterns (zone x jurisdiction x consents), so the mask costs megabytes, not half a gigabyte.
    """

    patterns: BoolArray
    pattern_of: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.patterns.ndim != 3 or self.patterns.shape[1] != CHANNELS:
            raise ValueError(f"patterns must have the shape (count, {CHANNELS}, hours)")
        if self.pattern_of.size and not 0 <= int(self.pattern_of.min()) <= int(self.pattern_of.max()) < len(
            self.patterns
        ):
            raise ValueError("pattern_of names a pattern that does not exist")

    @classmethod
    def from_dense(cls, mask: BoolArray) -> LawfulSlots:
        """Finds the distinct rows of a mask [n, CHANNELS, H]."""
        packed = np.packbits(mask.reshape(len(mask), -1), axis=1)
        rows = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
        _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
        return cls(np.ascontiguousarray(mask[first]), inverse.astype(np.int32).ravel())

    def dense(self, rows: NDArray[np.int64] | slice) -> BoolArray:
        """Returns the mask [len(rows), CHANNELS, H] of some borrowers."""
        return self.patterns[self.pattern_of[rows]]
