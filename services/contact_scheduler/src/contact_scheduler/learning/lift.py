"""What did learning bring? Response rates of the planned borrowers against the hold-out, with honest intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import BoolArray

Z_95: Final = 1.959964


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its Wilson 95 % interval."""

    positives: int
    rows: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The plain share; 0 without rows."""
        return self.positives / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Lift:
    """Learned minus control, with Newcombe's 95 % interval; `is_proven` when the interval lies above zero."""

    learned: Rate
    control: Rate
    difference: float
    low: float
    high: float

    @property
    def is_proven(self) -> bool:
        """Whether chance alone is an unlikely explanation."""
        return self.low > 0.0


def rate(positives: int, rows: int) -> Rate:
    """Wilson's interval (Wilson 1927): sensible for small counts and for shares near 0."""
    if not 0 <= positives <= rows:
        raise ValueError("positives must lie between 0 and rows")
    if rows == 0:
        return Rate(0, 0, 0.0, 1.0)
    share, squared = positives / rows, Z_95**2
    centre = (share + squared / (2 * rows)) / (1 + squared / rows)
    reach = Z_95 / (1 + squared / rows) * float(np.sqrt(share * (1 - share) / rows + squared / (4 * rows**2)))
    return Rate(positives, rows, max(0.0, centre - reach), min(1.0, centre + reach))


def lift(learned: Rate, control: Rate) -> Lift:
    """Difference of two shares with the hybrid score interval (Newcombe 1998, method 10)."""
    difference = learned.value - control.value
    below = float(np.hypot(learned.value - learned.low, control.high - control.value))
    above = float(np.hypot(learned.high - learned.value, control.value - control.low))
    return Lift(learned, control, difference, difference - below, difference + above)


def lift_by_week(week: NDArray[np.int64], is_control: BoolArray, is_positive: BoolArray) -> dict[int, Lift]:
    """Compares the two groups week by week; one row per borrower and week, contacted or not."""
    result = {}
    for number in np.unique(week):
        here = week == number
        parts = [
            rate(int((is_positive & member & here).sum()), int((member & here).sum()))
            for member in (~is_control, is_control)
        ]
        result[int(number)] = lift(parts[0], parts[1])
    return result
