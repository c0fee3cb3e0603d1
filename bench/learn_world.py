"""A made-up population for the decision core: what borrowers are like, and how they really answer (hidden).

Only for tests and benches. The truth is drawn from other shapes than the model's own terms (plain hour bumps, personal
offsets, personal favourite hours), so that learning it is not a tautology.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning import BorrowerFacts, Borrowers, Feedback, HabitSums, Horizon, LawfulSlots, encode
from contact_scheduler.learning.slots import DAY_PART_OF_HOUR

Matrix = NDArray[np.float64]

ZONES_OFFSETS_H: Final = [-5, -6, -7, -8]
CONSENTS: Final = 7  # non-empty subsets of three channels
CONSENT_SHARES: Final = (0.05, 0.05, 0.1, 0.05, 0.05, 0.1, 0.6)
# Hour at which each kind of employment answers best (employed, self-employed, shift, unemployed, retired, unknown).
BEST_HOUR: Final = np.array([18.5, 12.5, 9.5, 10.5, 10.0, 17.0])
CHANNEL_TASTE: Final = np.array(
    [[0.3, 0.0, -0.4], [-0.2, 0.6, -0.3], [0.6, -0.3, -0.2], [0.1, -0.2, 0.3], [-0.7, -0.2, 0.7], [0.0, 0.0, 0.0]]
)


def facts_of(count: int, seed: int) -> BorrowerFacts:
    """Draws facts of a mixed population."""
    draw = np.random.default_rng(seed)
    facts = BorrowerFacts.unknown(count)
    facts.days_past_due[:] = draw.gamma(2.0, 25.0, count)
    facts.preference[:] = draw.choice([-1, 0, 1, 2], count, p=[0.7, 0.15, 0.1, 0.05])
    facts.ability[:] = draw.beta(3, 3, count)
    facts.willingness[:] = draw.beta(4, 3, count)
    facts.employment[:] = draw.choice([-1, 0, 1, 2, 3, 4], count, p=[0.1, 0.5, 0.12, 0.12, 0.08, 0.08])
    facts.language[:] = draw.random(count) < 0.2
    facts.region_unemployment_pct[:] = draw.normal(5.0, 1.5, count)
    return facts


def lawful_patterns(horizon: Horizon) -> NDArray[np.bool_]:
    """08-21 local time, no texts or calls on Sunday; seven consent patterns a zone."""
    patterns = []
    for local in horizon.local_hour:
        is_day = (local % 24 >= 8) & (local % 24 < 21)
        for consent in range(1, CONSENTS + 1):
            mask = np.zeros((3, len(local)), dtype=np.bool_)
            for channel in range(3):
                if consent >> channel & 1:
                    mask[channel] = is_day & ((local < 144) | (channel == 1))
            patterns.append(mask)
    return np.array(patterns)


@dataclass(frozen=True, slots=True)
class World:
    """Borrowers with hidden habits; `log_odds(rows)` is the truth [rows, 3, 168]."""

    facts: BorrowerFacts
    channel_offset: Matrix  # [n, 3], personal
    hour_shift: Matrix  # [n], personal shift of the best hour

    @classmethod
    def of(cls, count: int, seed: int, personal_sd: float) -> World:
        """Draws a population; `personal_sd` is how far a borrower differs from their like, in log-odds."""
        draw = np.random.default_rng([seed, 1])
        offset = draw.normal(0.0, 1.0, (count, 3)) * personal_sd
        return cls(facts_of(count, seed), offset, draw.normal(0.0, 1.0, count) * 3.0 * personal_sd)

    def log_odds(self, rows: NDArray[np.int64]) -> Matrix:
        """The truth about some borrowers."""
        kind, hour = self.facts.employment[rows].astype(np.int64), np.arange(168) % 24 + 0.5
        distance = hour[None, :] - (BEST_HOUR[kind] + self.hour_shift[rows])[:, None]
        bump = 1.6 * np.exp(-np.square(distance) / 12.0) - 0.3 * (np.arange(168) >= 144)
        taste = CHANNEL_TASTE[kind] + self.channel_offset[rows]
        taste = taste + 0.9 * (self.facts.preference[rows][:, None] == np.arange(3))
        level = -2.6 + 0.8 * (np.nan_to_num(self.facts.willingness[rows]) - 0.5)
        result: Matrix = level[:, None, None] + taste[:, :, None] + bump[:, None, :]
        return result

    def probability(self, rows: NDArray[np.int64]) -> Matrix:
        """True probability of a response [rows, 3, 168]."""
        result: Matrix = 1.0 / (1.0 + np.exp(-self.log_odds(rows)))
        return result


def with_habits(facts: BorrowerFacts, sums: HabitSums) -> NDArray[np.float32]:
    """Encodes facts with the habits learned so far."""
    facts.habits[:] = sums.features()
    return encode(facts)


def borrowers_of(features: NDArray[np.float32], zone: NDArray[np.int16], seed: int, control: float = 0.0) -> Borrowers:
    """Makes plan-ready borrowers with rising ids; none protected."""
    count = len(features)
    ids = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(7919)
    draw = np.random.default_rng([seed, 2])
    return Borrowers(
        ids, features, zone, np.ones(count, np.float32), np.zeros(count, np.bool_), draw.random(count) < control
    )


def day_lawful(day: int) -> tuple[Horizon, LawfulSlots]:
    """One day in one zone, 08-21, every channel."""
    horizon = Horizon((day % 7 * 24 + np.arange(24))[None, :].astype(np.int16))
    mask = np.repeat(((np.arange(24) >= 8) & (np.arange(24) < 21))[None, :], 3, axis=0)
    return horizon, LawfulSlots(mask[None], np.zeros(0, dtype=np.int32))


def same_pattern(lawful: LawfulSlots, count: int) -> LawfulSlots:
    """The only pattern, for `count` borrowers."""
    return LawfulSlots(lawful.patterns, np.zeros(count, dtype=np.int32))


def feedback_of(features: NDArray[np.float32], slot: NDArray[np.int64], label: NDArray[np.float32]) -> Feedback:
    """Final outcomes."""
    return Feedback(features, slot, label)


def day_part_of(hour: NDArray[np.int64]) -> NDArray[np.int8]:
    """Day-part of an hour of the week."""
    return DAY_PART_OF_HOUR[hour % 24]
