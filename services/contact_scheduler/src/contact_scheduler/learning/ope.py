"""What would another policy have brought? Answers from our own logs, with intervals, and a gate for releases.

Only rows whose choice was drawn with a known probability take part (explored slice and hold-out). Three estimators:
inverse propensity (IPS), self-normalised (SNIPS), and doubly robust (DR) with the reward model cross-fitted. Intervals
come from influence functions. A value predicted by a model alone is never reported: its interval covered the truth in
20 of 100 cases where these cover it in 93 to 97 (docs/LEARNING.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forbear_domain.rates import Z_95

Matrix = NDArray[np.float64]

Z_DAILY: Final = 3.0  # for a question that is asked every day: a 95 % interval would be fooled sooner or later
FOLDS: Final = 5
ROWS_MIN: Final = 500  # logged contacts that follow the new policy, in effective number, for a release
HARM_ROWS_MIN: Final = 50  # the same to refuse one, or to take it back: harm is believed sooner than good


@dataclass(frozen=True, slots=True)
class LoggedChoices:
    """n logged draws among K options: which option, with which probability, and what came of it.

    `borrower` numbers whose draws they are, from 0. Where it is given, intervals are as wide as the likeness of one
    borrower's draws asks for (cluster-robust, Liang and Zeger 1986), and never narrower than without.
    """

    option: NDArray[np.int64]
    propensity: Matrix
    reward: Matrix
    borrower: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if not len(self.option) == len(self.propensity) == len(self.reward):
            raise ValueError("options, propensities and rewards must have the same length")
        if len(self.option) and not (0.0 < float(self.propensity.min()) <= float(self.propensity.max()) <= 1.0):
            raise ValueError("a propensity lies outside (0, 1]: the log is unusable")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval and the effective number of rows behind it."""

    value: float
    low: float
    high: float
    effective_rows: float


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """The same policy by three estimators; DR is the one to act on, the others are there to disagree."""

    ips: Estimate
    snips: Estimate
    dr: Estimate


# Fits on rows and returns predicted rewards [n, K] for every row: (train_rows) -> predictions.
RewardModel = Callable[[NDArray[np.int64]], Matrix]


def evaluate_policy(log: LoggedChoices, target: Matrix, reward_model: RewardModel | None = None) -> PolicyValue:
    """Values a policy given as probabilities [n, K]; without a reward model DR uses each option's mean reward."""
    rows = np.arange(len(log.option))
    weight = target[rows, log.option] / log.propensity
    effective = _effective_rows(log, target)
    weighted = weight * log.reward
    total = max(float(weight.mean()), 1e-300)
    ratio = float(weighted.mean()) / total
    robust = _robust(log, target, _cross_fit(log, target.shape[1], reward_model))
    return PolicyValue(
        ips=_estimate(log, weighted, effective),
        snips=_estimate(log, ratio + weight * (log.reward - ratio) / total, effective),
        dr=_estimate(log, robust, effective),
    )


def _estimate(
    log: LoggedChoices, influence: Matrix, effective: float, z: float = Z_95, deviation_min: float = 0.0
) -> Estimate:
    value = float(influence.mean())
    rows = len(influence)
    deviation = max(float(influence.std(ddof=1)), deviation_min) if rows > 1 else np.inf
    reach = z * max(float(deviation / np.sqrt(rows)), _error_by_borrower(log, influence))
    return Estimate(value, value - reach, value + reach, effective)


def _error_by_borrower(log: LoggedChoices, influence: Matrix) -> float:
    """Standard error of the mean when only different borrowers are independent; 0 where they are not told."""
    if log.borrower is None:
        return 0.0
    sums = np.bincount(log.borrower, weights=influence - influence.mean())
    borrowers = len(sums)
    return float(np.sqrt(borrowers / max(borrowers - 1, 1) * np.square(sums).sum())) / len(influence)


def _cross_fit(log: LoggedChoices, options: int, reward_model: RewardModel | None) -> Matrix:
    """Predicts every row's rewards from the other folds only; folds go round by row number."""
    model = reward_model or _mean_rewards(log, options)
    fold = np.arange(len(log.option)) % FOLDS
    predicted = np.empty((len(log.option), options))
    for number in range(FOLDS):
        outside = np.flatnonzero(fold != number)
        inside = fold == number
        predicted[inside] = model(outside)[inside]
    return predicted


def _mean_rewards(log: LoggedChoices, options: int) -> RewardModel:
    def fit(train: NDArray[np.int64]) -> Matrix:
        count = np.bincount(log.option[train], minlength=options)
        total = np.bincount(log.option[train], weights=log.reward[train], minlength=options)
        overall = float(log.reward[train].mean()) if len(train) else 0.0
        return np.repeat(((total + 5.0 * overall) / (count + 5.0))[None, :], len(log.option), axis=0)

    return fit


@dataclass(frozen=True, slots=True)
class Comparison:
    """One policy beside another on the same rows: the difference of their values, and what stands behind it."""

    difference: Estimate  # value of the new policy less that of the present one, doubly robust, row by row
    new: Estimate
    present: Estimate


def compare_policies(
    log: LoggedChoices, new: Matrix, present: Matrix, reward_model: RewardModel | None = None
) -> Comparison:
    """Compares two policies given as probabilities [n, K]. What both do alike cancels, so the interval is narrow.

    Answers are rare: where by chance none of the few rows that follow the new policy has one, their own spread is next
    to nothing, and the interval would exclude every gain. It is therefore never narrower than if both policies were
    alike and the rewards as spread as those of all rows, which is the variance of a score test.
    """
    predicted = _cross_fit(log, new.shape[1], reward_model)
    return _compare(log, predicted, (new, present), Z_DAILY, _effective_rows(log, new))


def z_together(count: int, error: float = 0.05) -> float:
    """Returns how many standard errors `count` intervals must reach to miss together in at most `error` of the logs.

    Bonferroni's bound: it holds however the intervals depend on each other.
    """
    return NormalDist().inv_cdf(1.0 - error / max(count, 1) / 2.0)


def compare_with_each(
    log: LoggedChoices, new: Matrix, rivals: Sequence[Matrix], error: float = 0.05
) -> list[Comparison]:
    """Compares one policy with several on the same rows; all intervals together miss in at most `error` of the logs.

    They are so much wider than one alone (Bonferroni) that the rival with the best estimate may be picked out
    afterwards. `effective_rows` of a difference is that of the policy which fewer rows follow.
    """
    predicted = _cross_fit(log, new.shape[1], None)
    z = z_together(len(rivals), error)
    own = _effective_rows(log, new)
    return [_compare(log, predicted, (new, one), z, min(own, _effective_rows(log, one))) for one in rivals]


def _compare(
    log: LoggedChoices, predicted: Matrix, targets: tuple[Matrix, Matrix], z: float, effective: float
) -> Comparison:
    new, present = targets
    values = [_robust(log, target, predicted) for target in targets]
    weight = (new - present)[np.arange(len(log.option)), log.option] / log.propensity
    alike = float(np.sqrt(np.square(weight).mean()) * log.reward.std())
    return Comparison(
        _estimate(log, values[0] - values[1], effective, z, alike),
        *(_estimate(log, one, effective, z) for one in values),
    )


def value_daily(log: LoggedChoices, target: Matrix) -> Estimate:
    """Values a policy doubly robust, in rewards per contact, with the wide interval of a question asked every day.

    `target` holds the policy's probabilities [contacts, options].
    """
    influence = _robust(log, target, _cross_fit(log, target.shape[1], None))
    return _estimate(log, influence, _effective_rows(log, target), Z_DAILY)


def _robust(log: LoggedChoices, target: Matrix, predicted: Matrix) -> Matrix:
    """Influence of each row on the doubly robust value."""
    rows = np.arange(len(log.option))
    weight = target[rows, log.option] / log.propensity
    result: Matrix = (target * predicted).sum(axis=1) + weight * (log.reward - predicted[rows, log.option])
    return result


def _effective_rows(log: LoggedChoices, target: Matrix) -> float:
    weight = target[np.arange(len(log.option)), log.option] / log.propensity
    return float(weight.sum() ** 2 / max(np.square(weight).sum(), 1e-300))


class Verdict(StrEnum):
    """What the gate says of a policy that asks to take another's place."""

    RELEASE = "release"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Release:
    """The gate's answer and its reason in words."""

    verdict: Verdict
    reason: str


def release_gate(found: Comparison, complaints: Estimate, complaints_limit: float) -> Release:
    """Releases a policy when the lower bound of what it gains is above nothing and complaints stay low.

    `complaints` is the new policy's rate of complaints. A policy whose *upper* bound shows a loss, or whose complaints
    are surely too many, is refused for good; one that has not shown enough waits for more contacts.
    """
    gain = found.difference
    if complaints.low > complaints_limit:
        return Release(Verdict.REFUSE, f"complaints are at least {complaints.low:.2%}, above {complaints_limit:.2%}")
    if gain.high < 0.0 and gain.effective_rows >= HARM_ROWS_MIN:
        return Release(Verdict.REFUSE, f"it loses {-gain.value:.4f} a contact, at least {-gain.high:.4f}")
    if gain.effective_rows < ROWS_MIN:
        return Release(Verdict.WAIT, f"only {gain.effective_rows:.0f} effective contacts; {ROWS_MIN} are needed")
    if complaints.high > complaints_limit:
        return Release(Verdict.WAIT, f"complaints may reach {complaints.high:.2%}, above {complaints_limit:.2%}")
    if gain.low <= 0.0:
        return Release(Verdict.WAIT, f"its gain of {gain.value:+.4f} a contact may be as low as {gain.low:+.4f}")
    return Release(Verdict.RELEASE, f"it gains {gain.value:.4f} a contact, at least {gain.low:.4f}")
