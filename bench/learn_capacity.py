"""Scarce channels on the e-mail experiment: at most 30 % get "mens" and 30 % "womens"; who should?

Learned on one half, assigned on the other by auction, valued by SNIPS, 10 random halves. Without the caps the same
model brings nothing over the best fixed arm, and the bench prints that too. Run: .venv/bin/python
bench/learn_capacity.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import Matrix, mean_reach, verdict
from bench.learn_replay import ARMS, design, load, prior
from contact_scheduler.learning.auction import Auction
from contact_scheduler.learning.evidence import EvidenceBank, sigmoid
from contact_scheduler.learning.ope import LoggedChoices, evaluate_policy

SEEDS = range(10)
CAP_SHARE = 0.3


def learned(features: Matrix, arm: np.ndarray, visit: Matrix, train: np.ndarray, test: np.ndarray) -> Matrix:
    """Predicted visit rates [test rows, arms]."""
    bank = EvidenceBank(prior(features.shape[1]), (np.inf,))
    for first in range(0, len(train), 4_096):
        part = train[first : first + 4_096]
        bank.update(design(features[part], arm[part]), visit[part])
    return np.stack(
        [sigmoid(design(features[test], np.full(len(test), k)) @ bank.mean) for k in range(len(ARMS))], axis=1
    )


def assign(rates: Matrix) -> np.ndarray:
    """Best use of the two capped arms by their gain over no e-mail."""
    gain = (rates[:, 1:] - rates[:, [0]]).astype(np.float32)
    places = np.full(2, int(CAP_SHARE * len(rates)))
    nothing = np.zeros(2, dtype=np.float32)
    auction = Auction.over(gain, places, nothing, nothing, 1e-5)
    auction.run()
    return np.where(auction.cell >= 0, auction.cell + 1, 0)


def value_percent(arm: np.ndarray, visit: Matrix, test: np.ndarray, choice: np.ndarray | None) -> float:
    """SNIPS of a deterministic choice; None: random use of the same capacity."""
    log = LoggedChoices(arm[test], np.full(len(test), 1.0 / 3.0), visit[test])
    random_use = np.tile([1.0 - 2 * CAP_SHARE, CAP_SHARE, CAP_SHARE], (len(test), 1))
    target = random_use if choice is None else np.eye(3)[choice]
    return 100 * evaluate_policy(log, target).snips.value


def main() -> None:
    """Prints the table and the verdicts."""
    features, arm, visit = load()
    names = ("random inside the caps", "Forbear", "no caps: Forbear", "no caps: mens")
    runs: dict[str, list[float]] = {name: [] for name in names}
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(arm))
        train, test = order[: len(order) // 2], order[len(order) // 2 :]
        rates = learned(features, arm, visit, train, test)
        runs["random inside the caps"].append(value_percent(arm, visit, test, None))
        runs["Forbear"].append(value_percent(arm, visit, test, assign(rates)))
        runs["no caps: Forbear"].append(value_percent(arm, visit, test, rates.argmax(axis=1)))
        runs["no caps: mens"].append(value_percent(arm, visit, test, np.full(len(test), 2)))
    for name, values in runs.items():
        print(f"{name:26s} {mean_reach(values)[0]:6.2f} +-{mean_reach(values)[1]:.2f} percent visits")
    gain = np.array(runs["no caps: Forbear"]) - np.array(runs["no caps: mens"])
    reach = mean_reach(gain.tolist())[1]
    print(f"without caps, learning over the best fixed arm: {gain.mean():+.2f} +-{reach:.2f} points")
    ours = mean_reach(runs["Forbear"])[0]
    verdict("capacity_snips_percent", ours, 15.41, ">= 15.35", ours >= 15.35)


if __name__ == "__main__":
    main()
