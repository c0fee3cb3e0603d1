"""What did learning bring? Response rates of the planned borrowers against the hold-out, with honest intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import BoolArray
from forbear_domain.rates import newcombe, wilson


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
    """Return `positives` of `rows` with Wilson's interval. Raises ValueError unless 0 <= positives <= rows."""
    return Rate(positives, rows, *wilson(positives, rows))


def lift(learned: Rate, control: Rate) -> Lift:
    """Return learned less control, in shares of 0 to 1, with Newcombe's interval; -1 to 1 where a side has no rows."""
    difference = learned.value - control.value
    if not learned.rows or not control.rows:
        return Lift(learned, control, difference, -1.0, 1.0)
    low, high = newcombe((learned.positives, learned.rows), (control.positives, control.rows))
    return Lift(learned, control, difference, low, high)


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
