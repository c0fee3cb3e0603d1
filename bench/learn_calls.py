"""Real outbound calls in time order (Bank Marketing): prequential quality of the streaming model, overall and inside
blocks.

Every call is predicted before it is learned; learning follows in batches of 50 calls, starting from the prior. Measured
from call 6,000 on, as the reference was. The reference refits scikit-learn every 500 calls on all the past. What is
deployed is the line "every 50" or "every 500"; the memory of 1,000 outcomes is not (docs/LEARNING.md says why).
Run: .venv/bin/python bench/learn_calls.py
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import Matrix, column, one_hot, read_rows, verdict
from contact_scheduler.learning.evidence import HALF_LIVES, EvidenceBank, Prior, sigmoid
from contact_scheduler.learning.quality import auc, brier, reliability

FROM_CALL = 6_000
BLOCK = 2_000
PIECE = 125  # calls
GROUPS = ("job", "marital", "education", "default", "housing", "loan", "contact", "month", "day_of_week")


def load() -> tuple[Matrix, Matrix]:
    """Returns the design (fixed scales) and the answers; `duration` is left out: it is known too late."""
    rows = read_rows("bank_additional_15col.csv.gz")
    age = column(rows, "age")
    numbers = [
        np.ones(len(rows)),
        (age - 40.0) / 10.0,
        (age < 25).astype(float),
        (age > 60).astype(float),
        np.log(column(rows, "campaign")),
        np.minimum(column(rows, "previous"), 3.0),
        (column(rows, "pdays") < 999).astype(float),
    ]
    label = np.array([float(row["output"] == "yes") for row in rows])
    return np.concatenate([np.stack(numbers, axis=1), *(one_hot(rows, name) for name in GROUPS)], axis=1), label


def prequential(
    design: Matrix, label: Matrix, batch: int, *, piece: int | None = None, half_lives: tuple[float, ...] = HALF_LIVES
) -> Matrix:
    """Predicts each batch, then learns it, at once or in pieces of so many calls."""
    sd, mean = np.ones(design.shape[1]), np.zeros(design.shape[1])
    sd[0], mean[0] = 2.0, -2.0
    bank = EvidenceBank(Prior.normal(mean, sd), half_lives, level_column=0)
    predicted = np.empty(len(label))
    for first in range(0, len(label), batch):
        part = slice(first, first + batch)
        predicted[part] = sigmoid(design[part] @ bank.mean)
        for start in range(first, min(first + batch, len(label)), piece or batch):
            bit = slice(start, min(start + (piece or batch), first + batch))
            bank.update(design[bit], label[bit])
    return predicted


def reference(design: Matrix, label: Matrix) -> Matrix:
    """scikit-learn, weights halving every 1,000 calls, refitted every 500 on all the past."""
    predicted = np.zeros(len(label))
    for first in range(FROM_CALL, len(label), 500):
        weight = 0.5 ** ((first - np.arange(first)) / 1_000.0)
        model = LogisticRegression(max_iter=300).fit(design[:first], label[:first], weight)
        predicted[first : first + 500] = model.predict_proba(design[first : first + 500])[:, 1]
    return predicted


def figures(label: Matrix, predicted: Matrix) -> dict[str, float]:
    """All measures of one run."""
    label, predicted = label[FROM_CALL:], predicted[FROM_CALL:]
    top = np.argsort(-predicted, kind="stable")[: len(label) // 5]
    starts = range(0, len(label) - BLOCK + 1, BLOCK)
    inside = np.mean([auc(label[k : k + BLOCK], predicted[k : k + BLOCK]) for k in starts])
    return {
        "auc": auc(label, predicted),
        "brier": brier(label, predicted),
        "ece": reliability(label, predicted).ece,
        "top_fifth_percent": 100 * float(label[top].sum() / label.sum()),
        "auc_inside_blocks": float(inside),
    }


def main() -> None:
    """Prints the table and the verdicts."""
    design, label = load()
    runs = {}
    steps: dict[str, Callable[[], Matrix]] = {
        "scikit-learn, half-life 1,000, every 500": partial(reference, design, label),
        "Forbear, every 500": partial(prequential, design, label, 500),
        "the same in pieces, and a memory of 1,000": partial(
            prequential, design, label, 500, piece=PIECE, half_lives=(1_000.0, *HALF_LIVES)
        ),
        "Forbear, every 50": partial(prequential, design, label, 50),
    }
    for name, run in steps.items():
        start = time.process_time()
        runs[name] = figures(label, run())
        text = "  ".join(f"{key} {value:.4f}" for key, value in runs[name].items())
        print(f"{name:42s} {text}  {time.process_time() - start:.1f} s CPU")
    ours = runs["Forbear, every 50"]
    verdict("calls_auc", ours["auc"], 0.766, ">= 0.766", ours["auc"] >= 0.766)
    verdict("calls_brier", ours["brier"], 0.0926, "<= 0.0926", ours["brier"] <= 0.0926)
    verdict("calls_ece", ours["ece"], 0.014, "<= 0.015", ours["ece"] <= 0.015)
    verdict("calls_top_fifth_percent", ours["top_fifth_percent"], 57.4, ">= 57", ours["top_fifth_percent"] >= 57)
    inside = ours["auc_inside_blocks"]
    verdict("calls_auc_inside_blocks", inside, 0.578, ">= 0.578", inside >= 0.578)


if __name__ == "__main__":
    main()
