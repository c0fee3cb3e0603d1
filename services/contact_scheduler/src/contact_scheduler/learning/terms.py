"""The terms of the response model: which borrower feature may act on which property of a slot, and how strongly.

log-odds(borrower, slot) = sum over terms k of coefficient_k x feature[borrower, row_k] x basis[slot, column_k]

so scoring is one matrix product: features [n, d] x weights [d, slots], weights = scatter(coefficients) x basis^T. On
real calls an additive model with 300 contacts ranks as well as separate cells with 10,000 (docs/LEARNING.md): the terms
start there. How people earn may bend every hour of every channel, but how strongly such a family of terms does is
learned (`EvidenceBank`), so that few outcomes leave it near nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.evidence import NO_FAMILY
from contact_scheduler.learning.features import FEATURE_NAMES, Employment
from contact_scheduler.learning.slots import CHANNELS, DAY_PART_OF_HOUR, DAY_PARTS, HOURS_PER_WEEK, SLOTS, Channel

Matrix = NDArray[np.float64]

HOUR_SPLINES: Final = 12
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# Standard deviations of the normal priors, in log-odds. A main effect of 0.7 doubles or halves the odds; interactions
# start tighter, so that with little data the model is additive. Those of families are only where learning starts.
SD_CHANNEL: Final = 1.0
SD_HOUR: Final = 0.5
SD_WEEKDAY: Final = 0.15
SD_BORROWER: Final = 0.5
SD_INTERACTION: Final = 0.3
SD_HABIT: Final = 0.7

# Where the coefficients of features start. Designed, not fitted: each is worth about fifty contacts against its prior.
PRIOR_BASE_LOG_ODDS: Final = -2.2  # ten in a hundred respond
PRIOR_PREFERENCE: Final = 0.6  # a stated preference about doubles the odds in its channel
PRIOR_HABIT: Final = 1.0  # habits come in log-odds already


def hour_splines() -> Matrix:
    """Returns the periodic cubic B-splines over the day at hour centres [24, HOUR_SPLINES]; rows sum to one."""
    width = 24.0 / HOUR_SPLINES
    centre = np.arange(HOUR_SPLINES) * width
    distance = (np.arange(24)[:, None] + 0.5 - centre[None, :] + 12.0) % 24.0 - 12.0
    u = np.abs(distance) / width
    return np.where(u < 1, 2 / 3 - u**2 + u**3 / 2, np.where(u < 2, (2 - u) ** 3 / 6, 0.0))


def _basis() -> tuple[Matrix, tuple[str, ...]]:
    slot = np.arange(SLOTS)
    channel, hour_of_week = np.divmod(slot, HOURS_PER_WEEK)
    weekday, hour = np.divmod(hour_of_week, 24)
    in_channel = (channel[:, None] == np.arange(CHANNELS)).astype(np.float64)
    on_weekday = (weekday[:, None] == np.arange(7)).astype(np.float64)
    splines = hour_splines()[hour]
    in_part = (DAY_PART_OF_HOUR[hour][:, None] == np.arange(len(DAY_PARTS))).astype(np.float64)
    blocks: list[Matrix] = [np.ones((SLOTS, 1)), in_channel, splines, on_weekday, in_part]
    blocks += [in_channel[:, [c]] * splines for c in range(CHANNELS)]
    blocks += [in_channel[:, [c]] * on_weekday for c in range(CHANNELS)]
    at_weekend = (weekday[:, None] >= WEEKDAYS.index("saturday")).astype(np.float64)
    blocks += [at_weekend, in_channel * at_weekend]
    hours = [f"hour{k * 24 // HOUR_SPLINES:02d}" for k in range(HOUR_SPLINES)]
    channels = [c.name.lower() for c in Channel]
    names = ["always", *channels, *hours, *WEEKDAYS, *DAY_PARTS]
    names += [f"{c}*{h}" for c in channels for h in hours] + [f"{c}*{d}" for c in channels for d in WEEKDAYS]
    names += ["weekend", *(f"{c}*weekend" for c in channels)]
    return np.concatenate(blocks, axis=1), tuple(names)


BASIS, BASIS_NAMES = _basis()


@dataclass(frozen=True, slots=True)
class Terms:
    """The coefficients of the model in order: where each acts, and its prior mean and standard deviation."""

    row: NDArray[np.int64]  # feature
    column: NDArray[np.int64]  # slot property
    prior_mean: Matrix
    prior_sd: Matrix
    family: NDArray[np.int64]  # terms of one number share a spread that is learned; NO_FAMILY: the prior's holds

    def __len__(self) -> int:
        return len(self.row)

    @property
    def level(self) -> int:
        """The term that is one for every contact."""
        return 0

    def name(self, index: int) -> str:
        """Returns e.g. 'employment:shift x evening'."""
        return f"{FEATURE_NAMES[self.row[index]]} x {BASIS_NAMES[self.column[index]]}"

    def design(self, features: Matrix, slot: NDArray[np.int64]) -> Matrix:
        """Returns the term values float64 [n, len(self)] of contacts made in `slot` (0..SLOTS-1)."""
        return np.take(features, self.row, axis=1) * np.take(BASIS[slot], self.column, axis=1)

    def weights(self, coefficients: Matrix) -> Matrix:
        """Spreads coefficients into weights [FEATURES, SLOTS], the matrix that features are multiplied with."""
        spread = np.zeros((len(FEATURE_NAMES), len(BASIS_NAMES)))
        np.add.at(spread, (self.row, self.column), coefficients)
        return spread @ BASIS.T


def _term_rows() -> list[tuple[str, str, float, float]]:
    """Lists (feature, slot property, prior mean, prior sd)."""
    channels = [c.name.lower() for c in Channel]
    hours = list(BASIS_NAMES[1 + CHANNELS : 1 + CHANNELS + HOUR_SPLINES])
    rows = [("base", "always", PRIOR_BASE_LOG_ODDS, SD_CHANNEL)]
    rows += [("base", c, 0.0, SD_CHANNEL) for c in channels]
    rows += [("base", h, 0.0, SD_HOUR) for h in hours]
    rows += [("base", day, 0.0, SD_WEEKDAY) for day in WEEKDAYS]
    rows += [("base", f"{c}*{h}", 0.0, SD_HOUR) for c in channels for h in hours]
    rows += [("base", f"{c}*{day}", 0.0, SD_WEEKDAY) for c in channels for day in WEEKDAYS]
    rows += [(f"prefers:{c}", c, PRIOR_PREFERENCE, SD_BORROWER) for c in channels]
    rows += [(f"{fact}:{c}", c, 0.0, SD_BORROWER) for fact in ("attempts", "recent", "last_outcome") for c in channels]
    rows += [(f"habit:{c}", c, PRIOR_HABIT, SD_HABIT) for c in channels]
    rows += [(f"habit:{part}", part, PRIOR_HABIT, SD_HABIT) for part in DAY_PARTS]
    shared = [name for name in FEATURE_NAMES if name.startswith("days_past_due")]
    shared += ["ability", "willingness", "other_language", "region_unemployment"]
    kinds = [f"employment:{kind.name.lower()}" for kind in Employment]
    rows += [(name, "always", 0.0, SD_BORROWER) for name in shared + kinds]
    rows += [(name, c, 0.0, SD_INTERACTION) for name in shared + kinds for c in channels]
    rows += [(kind, h, 0.0, SD_HOUR) for kind in kinds for h in hours]
    rows += [(one, "weekend", 0.0, SD_WEEKDAY) for one in ("base", *kinds)]
    rows += [("base", f"{c}*weekend", 0.0, SD_WEEKDAY) for c in channels]
    rows += [(kind, f"{c}*{h}", 0.0, SD_INTERACTION) for kind in kinds for c in channels for h in hours]
    return rows


def _families(rows: list[tuple[str, str, float, float]]) -> NDArray[np.int64]:
    """Numbers the families: what everybody, or the way of earning, does to channels, hours, days and their products."""
    found: dict[tuple[str, ...], int] = {}
    numbers = []
    for feature, prop, _, _ in rows:
        of_whom = feature.partition(":")[0]
        if of_whom not in ("base", "employment") or (feature, prop) == ("base", "always"):
            numbers.append(NO_FAMILY)
        else:
            kinds = (_kind_of(part) for part in prop.split("*"))
            numbers.append(found.setdefault((of_whom, *kinds), len(found)))
    return np.array(numbers)


def _kind_of(prop: str) -> str:
    if prop in WEEKDAYS:
        return "day"
    return "hour" if prop.startswith("hour") else "channel" if prop in BASIS_NAMES[1 : 1 + CHANNELS] else prop


def standard_terms() -> Terms:
    """Returns the terms every tenant's model starts with."""
    rows = _term_rows()
    return Terms(
        row=np.array([FEATURE_NAMES.index(feature) for feature, _, _, _ in rows]),
        column=np.array([BASIS_NAMES.index(prop) for _, prop, _, _ in rows]),
        prior_mean=np.array([mean for _, _, mean, _ in rows]),
        prior_sd=np.array([sd for _, _, _, sd in rows]),
        family=_families(rows),
    )


TERMS: Final = standard_terms()
