"""Rates with honest intervals: how sure we may be of a share seen in a few or in many attempts. Pure."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution


class Interval(NamedTuple):
    """Lower and upper end of an interval for a share, 0 to 1."""

    low: float
    high: float


def wilson(successes: int, trials: int, z: float = Z_95) -> Interval:
    """Return the score interval of a share (Wilson 1927), which holds its level for small counts and at the edges.

    No trials give the whole range from 0 to 1. Raises ValueError unless 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials cannot be")
    if trials == 0:
        return Interval(0.0, 1.0)
    share, square = successes / trials, z * z
    centre = share + square / (2 * trials)
    half = z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    low = 0.0 if successes == 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if successes == trials else min(1.0, (centre + half) / scale)
    return Interval(low, high)


def newcombe(first: tuple[int, int], second: tuple[int, int], z: float = Z_95) -> Interval:
    """Return the interval of the difference `first - second` of two shares given as (successes, trials).

    Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17, 1998, method 10); ends lie in -1 to 1.
    """
    one, other = wilson(*first, z), wilson(*second, z)
    share_one = first[0] / first[1] if first[1] else 0.5
    share_other = second[0] / second[1] if second[1] else 0.5
    difference = share_one - share_other
    down = sqrt((share_one - one.low) ** 2 + (other.high - share_other) ** 2)
    up = sqrt((one.high - share_one) ** 2 + (share_other - other.low) ** 2)
    return Interval(max(-1.0, difference - down), min(1.0, difference + up))
