"""The brake: a sequential test for each cell and signal, which may be looked at after every message. Pure.

For each signal a share of contacts is tolerated: p0. While `n` contacts brought `k` events, the evidence against "the
share is at most p0" is the mean, over five larger shares p, of the likelihood ratio (p/p0)^k ((1-p)/(1-p0))^(n-k).
Under that hypothesis each ratio is a supermartingale that starts at 1, and so is their mean; by Ville's inequality it
ever reaches 1/a with a chance of at most a, however often it is looked at (Robbins 1970; Ramdas et al. 2023, "Game-
theoretic statistics", section 4). Events that have not come yet count as none, which only lowers it. So a cell that
is as it should be is slowed with a chance of at most 2 %, and stopped with one of at most 0.1 %, for each signal and
in all its life.
"""

from __future__ import annotations

import math
from enum import Enum, IntEnum
from typing import NamedTuple

FASTER = (1.5, 2.0, 3.0, 5.0, 8.0)  # shares that are tested for, as multiples of the tolerated one
SHARE_MAX = 0.95
SLOW_AT = math.log(1 / 0.02)
STOP_AT = math.log(1 / 0.001)


class Signal(Enum):
    """What hurts: the column that counts it, of which contacts, the share tolerated, and its bounds for tenants."""

    OPTED_OUT = ("opted_out", "sent", 0.04, 0.005, 0.15)
    # Mailbox providers ask for less than 0.3 % (Google, sender guidelines).
    COMPLAINED = ("complained", "sent", 0.003, 0.0005, 0.003)
    WRONG_PARTY = ("wrong_party", "sent", 0.05, 0.005, 0.2)
    FILTERED = ("filtered", "sent", 0.05, 0.005, 0.3)
    UNANSWERED = ("unanswered", "rung", 0.95, 0.5, 0.99)

    def __init__(self, column: str, of: str, tolerated: float, least: float, most: float) -> None:
        self.column = column
        self.of = of
        self.tolerated = tolerated
        self.least = least
        self.most = most

    @classmethod
    def of_column(cls, column: str) -> Signal:
        """Return a signal by its column. Raises KeyError."""
        return {signal.column: signal for signal in cls}[column]


class Level(IntEnum):
    """What the evidence calls for."""

    NONE = 0
    SLOW = 1
    STOP = 2


class Counts(NamedTuple):
    """How often something happened: `events` in `trials`."""

    trials: int
    events: int


def log_evidence(counts: Counts, tolerated: float) -> float:
    """Return the natural logarithm of the evidence against "the share is at most `tolerated`"."""
    shares = _alternatives(tolerated)
    misses = counts.trials - counts.events
    logs = [
        counts.events * math.log(share / tolerated) + misses * math.log((1 - share) / (1 - tolerated))
        for share in shares
    ]
    top = max(logs)
    return top + math.log(sum(math.exp(one - top) for one in logs) / len(logs))


def _alternatives(tolerated: float) -> list[float]:
    """Return larger shares: multiples while they are shares, else steps of the way that is left to certainty."""
    if tolerated < 0.5:
        return [min(tolerated * factor, SHARE_MAX) for factor in FASTER]
    return [1 - (1 - tolerated) / factor for factor in FASTER]


def level_of(counts: Counts, tolerated: float) -> Level:
    """Return what the evidence of one signal calls for."""
    evidence = log_evidence(counts, tolerated)
    return Level.STOP if evidence >= STOP_AT else Level.SLOW if evidence >= SLOW_AT else Level.NONE
