"""Ability to pay on public loan data: the card and the challenger of `learning.training` on 70/30 splits.

Home-equity loans (HMEQ): also without the debt ratio, whose absence gives the answer away, and with near-equal rows
kept on one side of the split. Card clients: without sex, as the reference, and also without age and marriage, as we
train. One thread: more of them fight for a busy machine.
Groups are used for the fairness report only.
Run: .venv/bin/python bench/learn_scores.py [splits, by default 3] [hmeq or cards, by default both]
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.neighbors import radius_neighbors_graph

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import Matrix, column, mean_reach, one_hot, read_rows, verdict
from contact_scheduler.learning.quality import fairness_report
from contact_scheduler.learning.scorecard import Columns
from contact_scheduler.learning.scores import PROTECTED
from contact_scheduler.learning.training import ScoreReport, TreeScore, fit_scorecard, report

SPLITS = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 3
TWIN_REACH = 0.3  # standard deviations over all columns: nearer rows are taken for the same household


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


def cards(*, with_age: bool) -> tuple[Columns, Matrix, np.ndarray]:
    """Card clients; sex apart. The reference keeps age and marriage, which are protected and no input of ours."""
    rows = read_rows("uci_credit_card.csv.gz")
    by_name = {name.strip().upper(): name for name in rows[0]}
    left_out = {"ID", "SEX", "FRAUD"} | (set() if with_age else {"AGE", "MARRIAGE"})
    columns = {name.lower(): column(rows, raw) for name, raw in by_name.items() if name not in left_out}
    sex = np.array([row[by_name["SEX"]] for row in rows])
    return with_behaviour(columns), column(rows, by_name["FRAUD"]), sex


def with_behaviour(columns: Columns) -> Columns:
    """Adds what six months of payment status, bills and payments say together: lateness, use of the limit, payments.

    Month 0 is the latest; a payment of month k settles the bill of month k + 1. A status of -1 is paid in full, -2 not
    used, 0 the minimum paid, above 0 the months in arrears.
    """
    months = range(6)
    status = np.stack([columns[f"pay_{0 if k == 0 else k + 1}"] for k in months], axis=1)
    bill, paid = (np.stack([columns[f"{name}{k + 1}"] for k in months], axis=1) for name in ("bill_amt", "pay_amt"))
    limit = columns["limit_bal"][:, None]
    is_late, lateness, use = status > 0, np.maximum(status, 0.0), bill / limit
    share = np.where(bill[:, 1:] > 0, np.clip(paid[:, :-1] / np.maximum(bill[:, 1:], 1.0), 0.0, 2.0), 1.5)
    added = {
        "late:worst": lateness.max(axis=1), "late:sum": lateness.sum(axis=1), "late:months": is_late.sum(axis=1),
        "late:fading": (lateness * 0.7 ** np.arange(6)).sum(axis=1),
        "late:since": np.where(is_late.any(axis=1), is_late.argmax(axis=1), 9),
        "late:streak": np.cumprod(is_late, axis=1).sum(axis=1),
        "late:trend": status[:, :3].mean(axis=1) - status[:, 3:].mean(axis=1),
        "paid in full:months": (status == -1).sum(axis=1), "not used:months": (status == -2).sum(axis=1),
        "use:mean": use.mean(axis=1), "use:most": use.max(axis=1), "use:trend": use[:, 0] - use[:, -1],
        "use:spread": use.std(axis=1), "share paid:mean": share.mean(axis=1), "share paid:least": share.min(axis=1),
        "paid:sum of limit": paid.sum(axis=1) / limit[:, 0], "paid:mean": paid.mean(axis=1),
        "paid:least": paid.min(axis=1), "paid:most": paid.max(axis=1), "paid nothing:months": (paid == 0).sum(axis=1),
        "owed after payments": (bill[:, 0] - paid.sum(axis=1)) / limit[:, 0],
        "spent of late": (bill[:, 0] - bill[:, 1] + paid[:, 0]) / limit[:, 0],
    }  # fmt: skip
    for name, table in (("use", use), ("share paid", share), ("paid of limit", paid / limit)):
        added |= {f"{name}:{k}": table[:, k] for k in range(table.shape[1])}
    return columns | {name: values.astype(np.float64) for name, values in added.items()}


def twins_of(columns: Columns) -> Matrix:
    """Numbers rows so that near-equal ones, directly or through others, share a number."""
    table = np.nan_to_num(np.stack(list(columns.values()), axis=1), nan=-1.0)
    scaled = (table - table.mean(axis=0)) / (table.std(axis=0) + 1e-9)
    number: Matrix = connected_components(radius_neighbors_graph(scaled, TWIN_REACH))[1]
    return number


def split(label: Matrix, seed: int, twins: Matrix | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows to train and to test on: stratified, or with twins kept together."""
    rows = np.arange(len(label))
    if twins is None:
        train, test = train_test_split(rows, test_size=0.3, stratify=label, random_state=seed)
        return train, test
    train, test = next(GroupShuffleSplit(1, test_size=0.3, random_state=seed).split(rows, groups=twins))
    return train, test


def run(
    name: str, columns: Columns, label: Matrix, group: np.ndarray | None = None, twins: Matrix | None = None
) -> dict[str, tuple[float, float]]:
    """Measures card and challenger; returns mean AUC and ECE of each."""
    found: dict[str, list[ScoreReport]] = defaultdict(list)
    start = time.process_time()
    for seed in range(SPLITS):
        train, test = split(label, seed, twins)
        inside = {key: values[train] for key, values in columns.items()}
        outside = {key: values[test] for key, values in columns.items()}
        scores = {"challenger": TreeScore(seed).fit(inside, label[train]).score(outside)}
        if not PROTECTED.intersection(columns):  # a card with protected attributes is refused
            card = fit_scorecard(name, inside, label[train], version="bench", origin="bench", words={})
            scores["card"] = card.score(outside)
        for key, score in scores.items():
            found[key].append(report(label[test], score))
    for key, runs in found.items():
        (area, reach), (ece, _) = mean_reach([one.auc for one in runs]), mean_reach([one.ece for one in runs])
        brier = mean_reach([one.brier for one in runs])[0]
        print(f"{name:24s} {key:11s} AUC {area:.4f} +-{reach:.4f}  Brier {brier:.4f}  ECE {ece:.4f}")
    if group is not None and "card" in scores:
        fair = fairness_report(1 - label[test], 1 - scores["card"], group[test], 0.5)
        print(f"{'':24s} fairness of the card by sex (report only): selection ratio {fair.selection_ratio:.3f}")
    print(f"{'':24s} {time.process_time() - start:.0f} s CPU")
    return {
        key: (float(np.mean([r.auc for r in runs])), float(np.mean([r.ece for r in runs])))
        for key, runs in found.items()
    }


def measure_home_equity() -> None:
    """Prints table and verdicts of the home-equity loans."""
    columns, label = home_equity(with_debt_ratio=True)
    bare, _ = home_equity(with_debt_ratio=False)
    twins = twins_of(bare)
    full = run("HMEQ", columns, label)["challenger"]
    without = run("HMEQ, no debt ratio", bare, label)["challenger"]
    run("HMEQ, twins together", columns, label, twins=twins)
    run("  and no debt ratio", bare, label, twins=twins)
    verdict("hmeq_auc", full[0], 0.954, "as good: >= 0.954", full[0] >= 0.954)
    verdict("hmeq_ece", full[1], 0.0145, "<= 0.02", full[1] <= 0.02)
    verdict("hmeq_without_debt_ratio_auc", without[0], 0.930, "as good: >= 0.930", without[0] >= 0.930)


def measure_cards() -> None:
    """Prints table and verdicts of the card clients."""
    like_reference = run("cards without sex", *cards(with_age=True))["challenger"]
    client = run("cards as trained", *cards(with_age=False))["challenger"]
    verdict("cards_auc_without_sex", like_reference[0], 0.787, "as good: >= 0.787", like_reference[0] >= 0.787)
    verdict("cards_auc_as_trained", client[0], 0.787, ">= 0.787, and without age and marriage", client[0] >= 0.787)
    verdict("cards_ece", client[1], 0.009, "<= 0.02", client[1] <= 0.02)


def main() -> None:
    """Prints what was asked for."""
    asked = sys.argv[-1] if sys.argv[-1] in ("hmeq", "cards") else ""
    if asked != "cards":
        measure_home_equity()
    if asked != "hmeq":
        measure_cards()


if __name__ == "__main__":
    main()
