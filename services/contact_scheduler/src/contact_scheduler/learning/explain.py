"""Why this channel and this hour: the choice, the runner-up and what spoke for it, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from contact_scheduler.learning.explore import option_of
from contact_scheduler.learning.features import Borrowers
from contact_scheduler.learning.model import Posterior
from contact_scheduler.learning.slots import (
    CHANNELS,
    DAY_PARTS,
    HOURS_PER_WEEK,
    BoolArray,
    Channel,
    FloatArray,
    Horizon,
    IntArray,
)
from contact_scheduler.learning.terms import BASIS, BASIS_NAMES, TERMS

REASONS: Final = 4
WORTH_SAYING: Final = 0.05  # log-odds; a smaller contribution is not worth a line
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_PHRASES: Final = {
    "days_past_due": "how long the payment is overdue",
    "attempts": "earlier attempts on this channel",
    "recent": "how recent the last attempt on this channel is",
    "last_outcome": "what came of the last contact on this channel",
    "prefers": "the channel the borrower asked for",
    "ability": "the ability score",
    "willingness": "the willingness score",
    "employment": "how the borrower earns",
    "other_language": "the borrower's language",
    "region_unemployment": "unemployment in the region",
    "habit": "when and where this borrower answered before",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One slot of the horizon with the probability of a response."""

    channel: Channel
    hour: int  # of the horizon
    local_time: str  # e.g. "Tuesday 18:00"
    probability: float
    value: float  # worth x probability - cost - price


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that moved the probability: words, and its effect in log-odds against the average lawful slot."""

    text: str
    effect: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to "why this one?"; `chosen` is None where nothing is lawful or worth doing."""

    chosen: Choice | None
    second: Choice | None  # best slot of another channel or day-part: a neighbouring hour would say nothing
    reasons: tuple[Reason, ...]
    lawful_slots: int


def explain(
    posterior: Posterior,
    borrowers: Borrowers,
    row: int,
    lawful: BoolArray,
    horizon: Horizon,
    *,
    net_of: FloatArray | None = None,
) -> Explanation:
    """Explains one borrower's best slot; `lawful` and `net_of` (cost plus price of a cell) are [CHANNELS, H]."""
    cells = np.flatnonzero(lawful.ravel())
    if not len(cells):
        return Explanation(None, None, (), 0)
    channel, hour = np.divmod(cells, horizon.hours)
    local = horizon.local_hour[borrowers.zone[row], hour].astype(np.int64)
    slot = channel * HOURS_PER_WEEK + local
    probability = posterior.probability(np.repeat(borrowers.features[[row]], len(cells), axis=0), slot)
    value = borrowers.worth[row] * probability
    if net_of is not None:
        value = value - net_of.ravel()[cells]
    best = int(value.argmax())
    if value[best] <= 0.0:
        return Explanation(None, None, (), len(cells))
    option = option_of(channel, local)
    others = np.flatnonzero(option != option[best])

    def choice(index: int) -> Choice:
        return Choice(
            Channel(int(channel[index])),
            int(hour[index]),
            f"{_DAYS[local[index] // 24]} {local[index] % 24:02d}:00",
            float(probability[index]),
            float(value[index]),
        )

    second = choice(int(others[value[others].argmax()])) if len(others) else None
    return Explanation(choice(best), second, _reasons(posterior, borrowers.features[row], slot, best), len(cells))


def _reasons(posterior: Posterior, features: FloatArray, slot: IntArray, best: int) -> tuple[Reason, ...]:
    """Groups the terms' contributions, measured against the borrower's average lawful slot, and names the largest."""
    basis = BASIS[slot]
    contrast = basis[best] - basis.mean(axis=0)
    effect = posterior.coefficients * np.nan_to_num(features.astype(np.float64))[TERMS.row] * contrast[TERMS.column]
    groups: dict[str, float] = {}
    for index in np.flatnonzero(effect):
        text = _words(TERMS.name(int(index)))
        groups[text] = groups.get(text, 0.0) + float(effect[index])
    ranked = sorted(groups.items(), key=lambda item: (-abs(item[1]), item[0]))
    return tuple(Reason(text, value) for text, value in ranked if abs(value) >= WORTH_SAYING)[:REASONS]


def _words(term: str) -> str:
    feature, _, prop = term.partition(" x ")
    phrase = _PHRASES.get(feature.partition(":")[0])
    if phrase is not None:
        return phrase
    part = prop.rpartition("*")[2]
    if prop in BASIS_NAMES[1 : 1 + CHANNELS]:
        return "how people answer this channel"
    if part.startswith("hour") or part in DAY_PARTS:
        return "when people answer during the day"
    return "the day of the week"
