"""What would groups of borrowers be offered? Shares of each treatment by group, with what chance explains told apart.

The treatment is what a borrower meets, not the score: two scores may differ little between groups and yet part them at
a threshold. Groups are passed in for the report only; they are no input of scores or treatment.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.disparity import EXPECTED_MIN, Apart
from contact_scheduler.learning.lift import Rate, rate
from contact_scheduler.learning.ope import z_together
from contact_scheduler.learning.quality import GROUP_ROWS_MIN
from contact_scheduler.learning.treatment import Treatment

HALVES: Final = 2  # of two groups one is the other's mirror: one question for both


@dataclass(frozen=True, slots=True)
class Offered:
    """How often one group is given one treatment, beside all other loans; `apart` is None where too few are to say."""

    share: Rate
    others: Rate
    apart: Apart | None


@dataclass(frozen=True, slots=True)
class OfferedGroup:
    """One group's loans by treatment."""

    name: str
    loans: int
    by_treatment: dict[Treatment, Offered]

    def flagged(self) -> list[tuple[Treatment, Offered]]:
        """Return the treatments of which the group gets more or less than the others beyond chance."""
        return [(kind, one) for kind, one in self.by_treatment.items() if one.apart is not None and one.apart.is_clear]

    @property
    def is_judged(self) -> bool:
        """Whether a verdict is given on any treatment."""
        return any(one.apart is not None for one in self.by_treatment.values())


@dataclass(frozen=True, slots=True)
class OfferedReport:
    """All groups by name, and those of under GROUP_ROWS_MIN loans, whose shares would be noise or would name people."""

    groups: tuple[OfferedGroup, ...]
    left_out: tuple[str, ...]


def offered_by_group(treatment: NDArray[np.int8], group: NDArray[np.str_]) -> OfferedReport:
    """Report treatments [n] by group [n], each group beside all other loans.

    The intervals of all groups and treatments hold together (95 %): among equal groups about one report in twenty shows
    a flag. A verdict needs GROUP_ROWS_MIN loans on either side and EXPECTED_MIN of each kind to be expected there.
    """
    sizes = {str(name): int((group == name).sum()) for name in np.unique(group)}
    kept = [name for name, size in sizes.items() if size >= GROUP_ROWS_MIN]
    given = [kind for kind in Treatment if (treatment == kind).any()]
    sides = 1 if len(sizes) == HALVES else max(len(kept), 1)
    z = z_together(sides * len(given))
    groups = tuple(
        OfferedGroup(name, sizes[name], {kind: _offered(treatment == kind, group == name, z) for kind in given})
        for name in kept
    )
    return OfferedReport(groups, tuple(name for name in sizes if name not in kept))


def _offered(is_given: NDArray[np.bool_], is_member: NDArray[np.bool_], z: float) -> Offered:
    mine, others = (rate(int(is_given[side].sum()), int(side.sum())) for side in (is_member, ~is_member))
    return Offered(mine, others, _apart(mine, others, z))


def _apart(mine: Rate, others: Rate, z: float) -> Apart | None:
    """Compare two shares, with the error that they would have if both were the common one."""
    common = (mine.positives + others.positives) / (mine.rows + others.rows)
    smaller = min(mine.rows, others.rows)
    if smaller < GROUP_ROWS_MIN or smaller * min(common, 1.0 - common) < EXPECTED_MIN:
        return None
    reach = z * sqrt(common * (1.0 - common) * (1.0 / mine.rows + 1.0 / others.rows))
    difference = mine.value - others.value
    return Apart(difference, difference - reach, difference + reach)
