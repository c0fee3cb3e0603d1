"""Answers that come late: what silence is taken for, on real calls with delays made here.

Delays are lognormal with a median of 1,000 calls, so at any time many who will say yes are still silent. Unlike the
reference, which was told the delay curve, the curve is learned here from the stream itself. Calls 2,500 to 28,000,
where the true rate is that of the reference (5.5 percent). Run: .venv/bin/python bench/learn_delay.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_calls import load
from bench.learn_data import Matrix, mean_reach, verdict
from contact_scheduler.learning.delay import DelayCounts
from contact_scheduler.learning.evidence import EvidenceBank, OpenContacts, Prior, log_loss, sigmoid
from contact_scheduler.learning.quality import auc, reliability

FIRST, LAST = 2_500, 28_000
WINDOW = 10_000  # calls
STEP = 500
SEEDS = range(10)


def new_bank(width: int) -> EvidenceBank:
    """The prior of `learn_calls.py`, which has the same columns."""
    sd, mean = np.ones(width), np.zeros(width)
    sd[0], mean[0] = 2.0, -2.0
    return EvidenceBank(Prior.normal(mean, sd))


def curve_at(now: int, label: Matrix, delay: Matrix) -> DelayCounts:
    """Ages known at `now`: of answers that have come, and of silence so far."""
    age = np.minimum(now - np.arange(now, dtype=np.float64), WINDOW)
    answered = (label[:now] > 0) & (delay[:now] <= age)
    counts = DelayCounts(WINDOW)
    counts.add(np.where(answered, delay[:now], age), answered)
    return counts


def run(design: Matrix, label: Matrix, delay: Matrix, treatment: str) -> Matrix:
    """Predicts and learns in steps; returns the predictions."""
    bank, predicted = new_bank(design.shape[1]), np.zeros(LAST)
    for first in range(0, LAST, STEP):
        now = first + STEP
        predicted[first:now] = sigmoid(design[first:now] @ bank.mean)
        if treatment == "known at once":
            bank.update(design[first:now], label[first:now])
        elif treatment == "silence is a no":
            heard = label[first:now] * (np.arange(first, now) + delay[first:now] <= now)
            bank.update(design[first:now], heard)
        else:
            _learn_elapsed(bank, design, label, delay, now)
    return predicted


def _learn_elapsed(bank: EvidenceBank, design: Matrix, label: Matrix, delay: Matrix, now: int) -> None:
    closed, before = max(0, now - WINDOW), max(0, now - STEP - WINDOW)
    if closed > before:
        part = slice(before, closed)
        bank.clear_provisional()
        bank.update(design[part], label[part] * (delay[part] <= WINDOW))
    rows = np.arange(closed, now)
    age = (now - rows).astype(np.float64)
    heard = label[rows] * (delay[rows] <= age)
    silent = curve_at(now, label, delay).curve().survival(age)
    still_open = OpenContacts(design[rows], heard, silent, np.ones(len(rows)))
    bank.learn_provisional(lambda: [still_open])


def main() -> None:
    """Prints the table and the verdicts."""
    design, label = load()
    part = slice(FIRST, LAST)
    found: dict[str, list[dict[str, float]]] = {}
    for treatment in ("known at once", "silence is a no", "elapsed-time likelihood, curve learned"):
        found[treatment] = []
        for seed in SEEDS if "elapsed" in treatment else [0]:
            delay = np.random.default_rng(seed).lognormal(np.log(1_000.0), 1.0, len(label))
            predicted = run(design, label, delay, treatment)
            found[treatment].append(
                {
                    "mean_percent": 100 * float(predicted[part].mean()),
                    "log_loss": float(log_loss(label[part], predicted[part]).mean()),
                    "ece": reliability(label[part], predicted[part]).ece,
                    "auc": auc(label[part], predicted[part]),
                }
            )
    print(f"true rate {100 * label[part].mean():.2f} percent")
    for treatment, runs in found.items():
        print(f"{treatment:40s}", "  ".join(f"{key} {np.mean([one[key] for one in runs]):.4f}" for key in runs[0]))
    ours = found["elapsed-time likelihood, curve learned"]
    mean, reach = mean_reach([one["mean_percent"] for one in ours])
    loss, _ = mean_reach([one["log_loss"] for one in ours])
    truth = 100 * float(label[part].mean())
    print(f"mean predicted over 10 seeds {mean:.3f} +-{reach:.3f}")
    verdict("delay_mean_percent", mean, round(truth, 3), "within 5 % of the truth", abs(mean / truth - 1) <= 0.05)
    verdict("delay_log_loss", loss, 0.2159, "<= 0.2165", loss <= 0.2165)


if __name__ == "__main__":
    main()
