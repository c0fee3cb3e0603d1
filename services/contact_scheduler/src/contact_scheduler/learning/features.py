"""From facts about borrowers to the feature matrix the response model reads.

Everything is scaled by fixed, documented constants (never by the data), so the same facts give the same numbers in
every process and a drifting column shows up as drift instead of rescaling itself away. NaN means "unknown" and encodes
to zero, which is the prior's own value: an unknown fact neither helps nor harms.

Protected attributes (sex, age, race, religion, national origin, marital status) have no column here on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import CHANNELS, DAY_PARTS, BoolArray, Channel, FloatArray

UNKNOWN: Final = -1
DAYS_PAST_DUE_EDGES: Final = (30.0, 60.0, 90.0)
RECOVERY_H: Final = 72.0  # a contact's after-effect fades with this time constant; the model learns its sign and size
UNEMPLOYMENT_CENTRE_PCT: Final = 5.0
UNEMPLOYMENT_SCALE_PCT: Final = 2.5


class Employment(IntEnum):
    """How a borrower earns; decides when they can be reached. UNKNOWN (-1) is allowed everywhere."""

    EMPLOYED = 0
    SELF_EMPLOYED = 1
    SHIFT = 2
    UNEMPLOYED = 3
    RETIRED = 4


def _per_channel(name: str) -> tuple[str, ...]:
    return tuple(f"{name}:{channel.name.lower()}" for channel in Channel)


FEATURE_NAMES: Final = (
    "base",
    *(f"days_past_due:{edge:.0f}+" for edge in DAYS_PAST_DUE_EDGES),
    *_per_channel("attempts"),
    *_per_channel("recent"),
    *_per_channel("last_outcome"),
    *_per_channel("prefers"),
    "ability",
    "willingness",
    *(f"employment:{kind.name.lower()}" for kind in Employment),
    "other_language",
    "region_unemployment",
    *_per_channel("habit"),
    *(f"habit:{part}" for part in DAY_PARTS),
)
FEATURES: Final = len(FEATURE_NAMES)
HABITS: Final = CHANNELS + len(DAY_PARTS)


@dataclass(frozen=True, slots=True)
class BorrowerFacts:
    """What is known about n borrowers at planning time, as arrays of length n (or [n, CHANNELS]).

    Unknown numbers are NaN, unknown codes are -1. `attempts` counts the last 30 days; `hours_since_attempt` is infinite
    where there was none; `last_outcome` is 1 responded, 0 silent, -1 none; `preference` is the channel the borrower
    asked for; `language` is 0 for the tenant's main language and positive otherwise; `habits` come from
    `Habits.features`; ability and willingness are the scores in 0..1.
    """

    days_past_due: FloatArray
    attempts: FloatArray
    hours_since_attempt: FloatArray
    last_outcome: NDArray[np.int8]
    preference: NDArray[np.int8]
    ability: FloatArray
    willingness: FloatArray
    employment: NDArray[np.int8]
    language: NDArray[np.int8]
    region_unemployment_pct: FloatArray
    habits: FloatArray

    @classmethod
    def unknown(cls, count: int) -> BorrowerFacts:
        """Returns facts of `count` borrowers of whom nothing is known (a new tenant's first day)."""
        number = np.full(count, np.nan, dtype=np.float32)
        code = np.full(count, UNKNOWN, dtype=np.int8)
        return cls(
            days_past_due=number.copy(),
            attempts=np.zeros((count, CHANNELS), dtype=np.float32),
            hours_since_attempt=np.full((count, CHANNELS), np.inf, dtype=np.float32),
            last_outcome=np.full((count, CHANNELS), UNKNOWN, dtype=np.int8),
            preference=code.copy(),
            ability=number.copy(),
            willingness=number.copy(),
            employment=code.copy(),
            language=code.copy(),
            region_unemployment_pct=number.copy(),
            habits=np.zeros((count, HABITS), dtype=np.float32),
        )


@dataclass(frozen=True, slots=True)
class Borrowers:
    """n borrowers ready to be planned. `ids` are distinct; `zone` is a row of `Horizon.local_hour`.

    `worth` is what one response is worth (any unit, the same as the channel costs); `is_protected` marks hardship,
    vulnerable, disputed and litigated files, for which nothing is ever tried out; `is_control` marks the hold-out.
    """

    ids: NDArray[np.uint64]
    features: FloatArray
    zone: NDArray[np.int16]
    worth: FloatArray
    is_protected: BoolArray
    is_control: BoolArray

    def __post_init__(self) -> None:
        if self.features.shape != (len(self.ids), FEATURES):
            raise ValueError(f"features must have the shape ({len(self.ids)}, {FEATURES}), not {self.features.shape}")
        for name in ("zone", "worth", "is_protected", "is_control"):
            if getattr(self, name).shape != self.ids.shape:
                raise ValueError(f"{name} must have one entry per borrower")

    def __len__(self) -> int:
        return len(self.ids)


def encode(facts: BorrowerFacts) -> FloatArray:
    """Returns the feature matrix float32 [n, FEATURES], columns as in FEATURE_NAMES; never NaN or infinite."""
    past_due = facts.days_past_due[:, None]
    columns = (
        np.ones((len(past_due), 1), dtype=np.float32),
        past_due >= np.asarray(DAYS_PAST_DUE_EDGES, dtype=np.float32),
        np.log1p(np.clip(facts.attempts, 0.0, 100.0)),
        np.exp(-np.clip(facts.hours_since_attempt, 0.0, None) / RECOVERY_H),
        np.where(facts.last_outcome == UNKNOWN, 0, 2 * facts.last_outcome - 1),
        facts.preference[:, None] == np.arange(CHANNELS),
        2.0 * (np.clip(np.stack((facts.ability, facts.willingness), axis=1), 0.0, 1.0) - 0.5),
        facts.employment[:, None] == np.arange(len(Employment)),
        facts.language[:, None] > 0,
        np.clip((facts.region_unemployment_pct[:, None] - UNEMPLOYMENT_CENTRE_PCT) / UNEMPLOYMENT_SCALE_PCT, -3.0, 3.0),
        np.clip(facts.habits, -3.0, 3.0),
    )
    matrix = np.concatenate(columns, axis=1, dtype=np.float32)
    return np.nan_to_num(matrix, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def without_habits(features: FloatArray) -> FloatArray:
    """Returns a copy of encoded features [n, FEATURES] with the borrowers' own habits at 0: those of their like."""
    result = features.copy()
    result[:, -HABITS:] = 0.0
    return result


@dataclass(frozen=True, slots=True)
class ColumnHealth:
    """Share of unknown values per raw fact, and the facts that are constant: what a console shows as data alarms."""

    unknown_share: dict[str, float]
    constant: tuple[str, ...]


def column_health(facts: BorrowerFacts) -> ColumnHealth:
    """Reports missing and constant facts of one import (codes below zero and NaN count as unknown)."""
    unknown: dict[str, float] = {}
    constant: list[str] = []
    for name in BorrowerFacts.__slots__:
        values = np.asarray(getattr(facts, name), dtype=np.float64)
        is_unknown = np.isnan(values) | (values == UNKNOWN)
        unknown[name] = float(is_unknown.mean()) if values.size else 1.0
        known = values[~is_unknown]
        if known.size > 1 and known.min() == known.max():
            constant.append(name)
    return ColumnHealth(unknown, tuple(constant))
