"""What would another policy have brought? Answers from our own logs, with intervals, and a gate for releases.

Only rows whose choice was drawn with a known probability take part (explored slice and hold-out). Three estimators:
inverse propensity (IPS), self-normalised (SNIPS), and doubly robust (DR) with the reward model cross-fitted. Intervals
come from influence functions. A value predicted by a model alone is never reported: its interval covered the truth in
20 of 100 cases where these cover it in 93 to 97 (docs/LEARNING.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

Z_95: Final = 1.959964
FOLDS: Final = 5
ROWS_MIN: Final = 500  # contacts whose choice the two policies share, in effective number, for a release


@dataclass(frozen=True, slots=True)
class LoggedChoices:
    """n logged draws among K options: which option, with which probability, and what came of it."""

    option: NDArray[np.int64]
    propensity: Matrix
    reward: Matrix

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
    effective = float(weight.sum() ** 2 / max(np.square(weight).sum(), 1e-300))
    weighted = weight * log.reward
    total = max(float(weight.mean()), 1e-300)
    ratio = float(weighted.mean()) / total
    predicted = _cross_fit(log, target.shape[1], reward_model)
    direct = (target * predicted).sum(axis=1)
    robust = direct + weight * (log.reward - predicted[rows, log.option])
    return PolicyValue(
        ips=_estimate(weighted, effective),
        snips=_estimate(ratio + weight * (log.reward - ratio) / total, effective),
        dr=_estimate(robust, effective),
    )


def _estimate(influence: Matrix, effective: float) -> Estimate:
    value = float(influence.mean())
    reach = Z_95 * float(influence.std(ddof=1)) / np.sqrt(len(influence)) if len(influence) > 1 else np.inf
    return Estimate(value, value - float(reach), value + float(reach), effective)


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
class Release:
    """The gate's answer and its reason in words."""

    is_allowed: bool
    reason: str


def release_gate(
    new: PolicyValue, current: PolicyValue, complaints_high: float, complaints_limit: float, tolerance: float = 0.0
) -> Release:
    """Allows a release when DR's lower bound is above the current value less `tolerance` and complaints stay low.

    `complaints_high` is the upper 95 % bound of the new policy's complaint rate.
    """
    if new.dr.effective_rows < ROWS_MIN:
        return Release(False, f"only {new.dr.effective_rows:.0f} effective rows; {ROWS_MIN} are needed")
    if complaints_high > complaints_limit:
        return Release(False, f"complaints may reach {complaints_high:.3%}, above the limit of {complaints_limit:.3%}")
    if new.dr.low <= current.dr.value - tolerance:
        return Release(False, f"its value may be as low as {new.dr.low:.4f}; now it is {current.dr.value:.4f}")
    return Release(True, f"even its lower bound {new.dr.low:.4f} is above the present {current.dr.value:.4f}")
