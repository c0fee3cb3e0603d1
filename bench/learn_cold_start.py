"""Few contacts: additive model with priors against separate cells, on real calls (channel, weekday, attempts,
occupation).

Trained on N calls, measured on 12,000 others, 20 draws. Run: .venv/bin/python bench/learn_cold_start.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import Matrix, column, one_hot, read_rows, verdict
from contact_scheduler.learning.evidence import EvidenceBank, Prior, log_loss, sigmoid
from contact_scheduler.learning.quality import auc

SIZES = (100, 300, 1_000, 10_000)
DOCUMENTED = {100: (0.353, 0.598), 300: (0.346, 0.629), 1_000: (0.337, 0.658), 10_000: (0.331, 0.676)}
TEST_ROWS = 12_000
SEEDS = range(20)
GROUPS = ("contact", "day_of_week", "job")


def load() -> tuple[Matrix, np.ndarray, Matrix]:
    """Returns the additive design, the number of each row's cell, and the answers."""
    rows = read_rows("bank_additional_15col.csv.gz")
    attempts = np.minimum(column(rows, "campaign"), 5).astype(int)
    parts = [one_hot(rows, name) for name in GROUPS] + [np.eye(6)[attempts][:, 1:]]
    cell = np.zeros(len(rows), dtype=np.int64)
    for part in parts:
        cell = cell * part.shape[1] + part.argmax(axis=1)
    label = np.array([float(row["output"] == "yes") for row in rows])
    return np.concatenate([np.ones((len(rows), 1)), *parts], axis=1), cell, label


def additive(design: Matrix, label: Matrix, train: np.ndarray, test: np.ndarray) -> Matrix:
    """Our model, priors as in learning/terms.py: one base, main effects with a standard deviation of a half."""
    sd, mean = np.full(design.shape[1], 0.5), np.zeros(design.shape[1])
    sd[0], mean[0] = 1.0, -2.2
    bank = EvidenceBank(Prior.normal(mean, sd), (np.inf,))
    bank.update(design[train], label[train])
    return sigmoid(design[test] @ bank.mean)


def cells_alone(cell: np.ndarray, label: Matrix, train: np.ndarray, test: np.ndarray) -> Matrix:
    """A Beta(1, 1) arm per cell, what a plain bandit library keeps."""
    size = int(cell.max()) + 1
    yes = np.bincount(cell[train], weights=label[train], minlength=size) + 1.0
    result: Matrix = (yes / (np.bincount(cell[train], minlength=size) + 2.0))[cell[test]]
    return result


def main() -> None:
    """Prints the table and the verdicts."""
    design, cell, label = load()
    ours = {}
    print("trained on   cells alone         Forbear              documented additive   (log loss / AUC)")
    for size in SIZES:
        runs = []
        for seed in SEEDS:
            order = np.random.default_rng(seed).permutation(len(label))
            test, train = order[:TEST_ROWS], order[TEST_ROWS : TEST_ROWS + size]
            runs.append(
                [
                    measure
                    for predicted in (cells_alone(cell, label, train, test), additive(design, label, train, test))
                    for measure in (log_loss(label[test], predicted).mean(), auc(label[test], predicted))
                ]
            )
        cells_loss, cells_auc, loss, area = np.mean(runs, axis=0)
        ours[size] = float(loss), float(area)
        print(f"{size:10d}   {cells_loss:.4f} / {cells_auc:.3f}   {loss:.4f} / {area:.3f}       {DOCUMENTED[size]}")
    loss, area = ours[300]
    verdict("cold_start_300_log_loss", loss, 0.346, "as good: <= 0.3465", loss <= 0.3465)
    verdict("cold_start_300_auc", area, 0.629, "as good: >= 0.6285", area >= 0.6285)


if __name__ == "__main__":
    main()
