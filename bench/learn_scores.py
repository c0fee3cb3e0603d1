"""Ability to pay on public loan data: the card and the challenger of `learning.training`, 10 stratified 70/30 splits.

Home-equity loans (HMEQ; also without the debt ratio, whose absence gives the answer away) and card clients. Sex is left
out of every input and used for the fairness report only. Takes about 20 minutes: .venv/bin/python bench/learn_scores.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import Matrix, column, mean_reach, one_hot, read_rows, verdict
from contact_scheduler.learning.quality import fairness_report
from contact_scheduler.learning.scorecard import Columns
from contact_scheduler.learning.training import ScoreReport, TreeScore, fit_scorecard, report

SEEDS = range(10)


def home_equity(*, with_debt_ratio: bool) -> tuple[Columns, Matrix]:
    """HMEQ: numbers as they are, two text columns as 0/1."""
    rows = read_rows("hmeq.csv.gz")
    texts = [name for name in rows[0] if any(row[name] and not _number(row[name]) for row in rows)]
    names = [name for name in rows[0] if name not in texts and name != "Default"]
    columns = {name: column(rows, name) for name in names}
    for name in texts:
        columns |= {f"{name}:{k}": values for k, values in enumerate(one_hot(rows, name).T)}
    if not with_debt_ratio:
        columns = {name: values for name, values in columns.items() if name.lower() not in ("debtinc", "debt_income")}
    return columns, column(rows, "Default")


def _number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).replace("e", "", 1).isdigit()


def cards() -> tuple[Columns, Matrix, np.ndarray]:
    """Card clients with sums and ratios a lender would use; sex apart, age and marriage left out as protected."""
    rows = read_rows("uci_credit_card.csv.gz")
    by_name = {name.strip().upper(): name for name in rows[0]}
    left_out = {"ID", "SEX", "AGE", "MARRIAGE", "FRAUD"}
    columns = {name.lower(): column(rows, raw) for name, raw in by_name.items() if name not in left_out}
    sex = np.array([row[by_name["SEX"]] for row in rows])
    return columns, column(rows, by_name["FRAUD"]), sex


def run(name: str, columns: Columns, label: Matrix, group: np.ndarray | None = None) -> dict[str, tuple[float, float]]:
    """Measures card and challenger; returns mean AUC and ECE of each."""
    found: dict[str, list[ScoreReport]] = {"card": [], "challenger": []}
    start = time.process_time()
    for seed in SEEDS:
        train, test = train_test_split(np.arange(len(label)), test_size=0.3, stratify=label, random_state=seed)
        inside = {key: values[train] for key, values in columns.items()}
        outside = {key: values[test] for key, values in columns.items()}
        card = fit_scorecard(name, inside, label[train], version="bench", origin="bench", words={})
        trees = TreeScore(seed).fit(inside, label[train])
        scores = {"card": card.score(outside), "challenger": trees.score(outside)}
        for key, score in scores.items():
            found[key].append(report(label[test], score))
    for key, runs in found.items():
        (area, reach), (ece, _) = mean_reach([one.auc for one in runs]), mean_reach([one.ece for one in runs])
        brier = mean_reach([one.brier for one in runs])[0]
        print(f"{name:24s} {key:11s} AUC {area:.4f} +-{reach:.4f}  Brier {brier:.4f}  ECE {ece:.4f}")
    if group is not None:
        fair = fairness_report(1 - label[test], 1 - scores["card"], group[test], 0.5)
        print(f"{'':24s} fairness of the card by sex (report only): selection ratio {fair.selection_ratio:.3f}")
    print(f"{'':24s} {time.process_time() - start:.0f} s CPU")
    return {
        key: (float(np.mean([r.auc for r in runs])), float(np.mean([r.ece for r in runs])))
        for key, runs in found.items()
    }


def main() -> None:
    """Prints the table and the verdicts."""
    full = run("HMEQ", *home_equity(with_debt_ratio=True))["challenger"]
    without = run("HMEQ without debt ratio", *home_equity(with_debt_ratio=False))["challenger"]
    client = run("cards", *cards())["challenger"]
    verdict("hmeq_auc", full[0], 0.954, "as good: >= 0.954", full[0] >= 0.954)
    verdict("hmeq_ece", full[1], 0.0145, "<= 0.02", full[1] <= 0.02)
    verdict("hmeq_without_debt_ratio_auc", without[0], 0.930, "as good: >= 0.930", without[0] >= 0.930)
    verdict("cards_auc", client[0], 0.787, "as good: >= 0.787", client[0] >= 0.787)
    verdict("cards_ece", client[1], 0.009, "<= 0.02", client[1] <= 0.02)


if __name__ == "__main__":
    main()
