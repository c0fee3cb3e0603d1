"""Online replay on the randomised e-mail experiment (Hillstrom): does the learner reach the best arm, fast and always?

Run: .venv/bin/python bench/learn_replay.py      (about 20 s; library peers are measured where installed)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import Matrix, column, mean_reach, one_hot, read_rows, verdict
from contact_scheduler.learning.evidence import EvidenceBank, Prior, sigmoid
from contact_scheduler.learning.explore import gamma_for, inverse_gap_weights, pick

ARMS = ("No E-Mail", "Womens E-Mail", "Mens E-Mail")
BATCH = 256
SEEDS = range(10)


def load() -> tuple[Matrix, np.ndarray, Matrix]:
    """Returns features [n, d] with a leading one, arms and visits."""
    rows = read_rows("hillstrom.csv.gz")
    numbers = np.stack([column(rows, name) for name in ("mens", "womens", "newbie")], axis=1)
    scaled = np.stack([column(rows, "recency") / 12.0, np.log(column(rows, "history")) / 6.0], axis=1) - 0.7
    groups = [one_hot(rows, name) for name in ("zip_code", "channel")]
    features = np.concatenate([np.ones((len(rows), 1)), numbers - 0.5, scaled, *groups], axis=1)
    arm = np.array([ARMS.index(row["segment"]) for row in rows])
    return features, arm, column(rows, "visit")


def design(features: Matrix, arm: np.ndarray) -> Matrix:
    """Main effects, an effect per arm, and (tightly shrunk) arm x feature."""
    chosen = np.eye(len(ARMS))[arm]
    return np.concatenate([features, chosen, *(chosen[:, [k]] * features[:, 1:] for k in range(len(ARMS)))], axis=1)


def prior(width: int) -> Prior:
    """Base rate about 12 %, arms within a factor of two, interactions tighter."""
    sd = np.concatenate([np.full(width, 0.5), np.full(3, 0.5), np.full(3 * (width - 1), 0.15)])
    mean = np.zeros(len(sd))
    mean[0], sd[0] = -2.0, 1.0
    return Prior.normal(mean, sd)


def play(features: Matrix, arm: np.ndarray, visit: Matrix, seed: int) -> tuple[float, float]:
    """Replays one order; returns visit rates of the matched rows: all, last half."""
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(arm))
    bank = EvidenceBank(prior(features.shape[1]))
    matched: list[np.ndarray] = []
    for first in range(0, len(order), BATCH):
        rows = order[first : first + BATCH]
        value = np.stack(
            [sigmoid(design(features[rows], np.full(len(rows), k)) @ bank.mean) for k in range(len(ARMS))], axis=1
        )
        choice, _ = pick(inverse_gap_weights(value, gamma_for(bank.outcomes)), draw.random(len(rows)))
        hits = rows[choice == arm[rows]]
        matched.append(hits)
        if len(hits):
            bank.update(design(features[hits], arm[hits]), visit[hits])
    late = np.concatenate(matched[len(matched) // 2 :])
    return 100 * float(visit[np.concatenate(matched)].mean()), 100 * float(visit[late].mean())


def peer_mabwiser(features: Matrix, arm: np.ndarray, visit: Matrix, seed: int) -> tuple[float, float]:
    """MABWiser LinTS(0.1), the same replay."""
    from mabwiser.mab import MAB, LearningPolicy  # type: ignore[import-not-found]  # bench peer, own venv

    draw = np.random.default_rng(seed)
    order = draw.permutation(len(arm))
    bandit = MAB([0, 1, 2], LearningPolicy.LinTS(0.1), seed=seed)
    bandit.fit(arm[order[:3]], visit[order[:3]], features[order[:3]])
    matched = []
    for first in range(0, len(order), BATCH):
        rows = order[first : first + BATCH]
        hits = rows[np.array(bandit.predict(features[rows])) == arm[rows]]
        matched.append(hits)
        if len(hits):
            bandit.partial_fit(arm[hits], visit[hits], features[hits])
    late = np.concatenate(matched[len(matched) // 2 :])
    return 100 * float(visit[np.concatenate(matched)].mean()), 100 * float(visit[late].mean())


def line(name: str, results: list[tuple[float, float]], seconds: float) -> tuple[float, float, float, float]:
    """Prints one row of the table."""
    (whole, reach), (late, late_reach) = (mean_reach([one[k] for one in results]) for k in (0, 1))
    print(f"{name:42s} {whole:6.2f} +-{reach:.2f}   {late:6.2f} +-{late_reach:.2f}   {seconds:5.1f} s a run")
    return whole, reach, late, min(one[0] for one in results)


def timed(
    player: Callable[..., tuple[float, float]], data: tuple[Matrix, np.ndarray, Matrix]
) -> tuple[list[tuple[float, float]], float]:
    """Plays all seeds."""
    start = time.process_time()
    results = [player(*data, seed) for seed in SEEDS]
    return results, (time.process_time() - start) / len(results)


def main() -> None:
    """Prints the table and the verdicts."""
    data = load()
    _, arm, visit = data
    print(f"visit rate in percent, 10 orders, batches of {BATCH}      all             last half")
    for number, name in enumerate(ARMS):
        print(f"fixed: {name:35s} {100 * visit[arm == number].mean():6.2f}")
    print(f"{'uniform':42s} {100 * visit.mean():6.2f}")
    try:
        line("MABWiser LinTS(0.1)", *timed(peer_mabwiser, data))
    except ImportError:
        print("MABWiser LinTS(0.1), documented figure      18.06 +-0.14    18.25 +-0.12   (not installed here)")
    whole, reach, late, worst = line("Forbear: pooled logistic, inverse-gap", *timed(play, data))
    verdict("replay_all_percent", whole, 18.07, ">= 17.95", whole >= 17.95)
    verdict("replay_last_half_percent", late, 18.25, ">= 18.10", late >= 18.1)
    verdict("replay_spread", reach, 0.05, "<= 0.15", reach <= 0.15)
    verdict("replay_worst_seed_percent", worst, 17.0, ">= 17.0", worst >= 17.0)


if __name__ == "__main__":
    main()
