"""Off-policy evaluation on logs whose truth is known: do the intervals cover it, and how far off is the value?

Real customers (e-mail experiment), outcomes drawn from a fitted model so that the truth is exact; logging propensities
of at least 0.05; five target policies, 200 logs a size. Run: .venv/bin/python bench/learn_ope.py   (about a minute)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import Matrix, verdict
from bench.learn_replay import ARMS, design, load, prior
from contact_scheduler.learning.evidence import EvidenceBank, sigmoid
from contact_scheduler.learning.explore import inverse_gap_weights, pick
from contact_scheduler.learning.ope import LoggedChoices, RewardModel, evaluate_policy

LOGS = 200
SIZES = (5_000, 15_000)
ESTIMATORS = ("ips", "snips", "dr")


def truth_of(features: Matrix, arm: np.ndarray, visit: Matrix) -> Matrix:
    """Outcome probabilities [n, arms] from a loosely shrunk fit, interactions doubled so that policies differ."""
    bank = EvidenceBank(prior(features.shape[1]), (np.inf,))
    for first in range(0, len(arm), 4_096):
        part = slice(first, first + 4_096)
        bank.update(design(features[part], arm[part]), visit[part])
    coefficients = bank.mean.copy()
    coefficients[features.shape[1] + len(ARMS) :] *= 2.0
    return np.stack([sigmoid(design(features, np.full(len(arm), k)) @ coefficients) for k in range(len(ARMS))], axis=1)


def targets_of(truth: Matrix) -> dict[str, Matrix]:
    """Five policies, from fixed to finely targeted."""
    count = len(truth)
    return {
        "mens": np.tile([0.0, 0.0, 1.0], (count, 1)),
        "womens": np.tile([0.0, 1.0, 0.0], (count, 1)),
        "even": np.full((count, 3), 1.0 / 3.0),
        "best": np.eye(3)[truth.argmax(axis=1)],
        "inverse gap": inverse_gap_weights(truth, 30.0),
    }


def reward_model(features: Matrix, log: LoggedChoices) -> RewardModel:
    """Ridge regression per arm."""

    def fit(train: np.ndarray) -> Matrix:
        predicted = np.empty((len(log.option), len(ARMS)))
        for number in range(len(ARMS)):
            rows = train[log.option[train] == number]
            gram = features[rows].T @ features[rows] + 5.0 * np.eye(features.shape[1])
            predicted[:, number] = features @ np.linalg.solve(gram, features[rows].T @ log.reward[rows])
        return predicted

    return fit


def main() -> None:
    """Prints the table and the verdicts."""
    features, arm, visit = load()
    truth = truth_of(features, arm, visit)
    targets = targets_of(truth)
    exact = {name: float((target * truth).sum(axis=1).mean()) for name, target in targets.items()}
    noise = 0.02 * np.sin(features @ np.arange(features.shape[1])[:, None] + np.arange(len(ARMS)))
    logging = 0.85 * inverse_gap_weights(truth + noise, 40.0) + 0.05
    figures: dict[tuple[int, str], tuple[float, float]] = {}
    for size in SIZES:
        misses: dict[str, list[float]] = {name: [] for name in ESTIMATORS}
        covers: dict[str, list[bool]] = {name: [] for name in ESTIMATORS}
        for seed in range(LOGS):
            draw = np.random.default_rng([seed, size])
            rows = draw.integers(0, len(arm), size)
            option, propensity = pick(logging[rows], draw.random(size))
            reward = (draw.random(size) < truth[rows, option]).astype(np.float64)
            log = LoggedChoices(option, propensity, reward)
            model = reward_model(features[rows], log)
            for name, target in targets.items():
                value = evaluate_policy(log, target[rows], model)
                for estimator in ESTIMATORS:
                    estimate = getattr(value, estimator)
                    misses[estimator].append(100 * (estimate.value - exact[name]))
                    covers[estimator].append(estimate.low <= exact[name] <= estimate.high)
        for estimator in ESTIMATORS:
            rmse = float(np.sqrt(np.mean(np.square(misses[estimator]))))
            coverage = 100 * float(np.mean(covers[estimator]))
            figures[size, estimator] = rmse, coverage
            print(f"{size:7d} rows  {estimator:6s} RMSE {rmse:.2f} points   interval covers {coverage:.1f} %")
    for estimator in ("snips", "dr"):
        rmse, coverage = figures[15_000, estimator]
        verdict(f"ope_{estimator}_rmse_points", rmse, 0.53, "<= 0.55", rmse <= 0.55)
        verdict(f"ope_{estimator}_coverage_percent", coverage, 96.9, "92 to 98", 92.0 <= coverage <= 98.0)


if __name__ == "__main__":
    main()
