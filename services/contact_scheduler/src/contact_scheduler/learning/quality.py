"""Measures of a probability forecast, and the fairness report: how the same forecast treats different groups.

Groups are passed in for the report only; they are no column of any model here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Matrix = NDArray[np.float64]

BINS: Final = 10
GROUP_ROWS_MIN: Final = 30  # smaller groups are left out: their figures would be noise, or would name people


def auc(label: Matrix, score: Matrix) -> float:
    """Returns the area under the ROC curve, 0 to 1, of `label` (0 or 1) [n]; 0.5 where only one class is present.

    Scores [n] may be on any scale; equal ones count half.
    """
    positives = float(label.sum())
    negatives = len(label) - positives
    if positives == 0 or negatives == 0:
        return 0.5
    return float((rankdata(score)[label > 0.5].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def brier(label: Matrix, probability: Matrix) -> float:
    """Returns the mean squared error of probabilities [n] against `label` (0 or 1) [n]: 0 is perfect."""
    return float(np.mean(np.square(label - probability)))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Predicted and observed rates in bins of equal width that hold any row."""

    predicted: Matrix
    observed: Matrix
    count: Matrix

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean distance between the two, weighted by rows."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.count))


def reliability(label: Matrix, probability: Matrix, bins: int = BINS) -> Reliability:
    """Compares probabilities [n] with `label` (0 or 1) [n] in `bins` of equal width from 0 to 1, without empty ones."""
    cell = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(cell, minlength=bins).astype(np.float64)
    full = count > 0
    predicted = np.bincount(cell, weights=probability, minlength=bins)[full] / count[full]
    observed = np.bincount(cell, weights=label, minlength=bins)[full] / count[full]
    return Reliability(predicted, observed, count[full])


@dataclass(frozen=True, slots=True)
class GroupReport:
    """How one group fares: rows, share above the threshold, observed rate, mean score, AUC and calibration error."""

    group: str
    rows: int
    selected_share: float
    observed_rate: float
    mean_score: float
    auc: float
    ece: float


@dataclass(frozen=True, slots=True)
class FairnessReport:
    """All groups, and the smallest selected share as a part of the largest (below 0.8 deserves an answer)."""

    groups: tuple[GroupReport, ...]
    selection_ratio: float
    left_out: tuple[str, ...]


def fairness_report(label: Matrix, score: Matrix, group: NDArray[np.str_], threshold: float) -> FairnessReport:
    """Reports a score by `group`, which is supplied for this report only and is no input of any score.

    All are [n]; `label` is 0 or 1, `score` a probability. Who reaches `threshold` counts as selected. Groups under
    GROUP_ROWS_MIN rows are named and left out.
    """
    found, left_out = [], []
    for name in np.unique(group):
        here = group == name
        if int(here.sum()) < GROUP_ROWS_MIN:
            left_out.append(str(name))
            continue
        found.append(
            GroupReport(
                str(name),
                int(here.sum()),
                float((score[here] >= threshold).mean()),
                float(label[here].mean()),
                float(score[here].mean()),
                auc(label[here], score[here]),
                reliability(label[here], score[here]).ece,
            )
        )
    shares = [entry.selected_share for entry in found]
    ratio = min(shares) / max(shares) if shares and max(shares) > 0 else 1.0
    return FairnessReport(tuple(found), ratio, tuple(left_out))


def population_shift(before: Matrix, now: Matrix, bins: int = BINS) -> float:
    """Returns the population stability index of a score [n], in nats, over `bins` that held equal shares before.

    By custom the population has changed above 0.25 and has not below 0.1.
    """
    edges = np.quantile(before, np.linspace(0, 1, bins + 1)[1:-1])
    shares = [
        (np.bincount(np.searchsorted(edges, part, side="right"), minlength=bins) + 0.5) / (len(part) + 0.5 * bins)
        for part in (before, now)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
