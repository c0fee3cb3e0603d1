"""Trains the two score cards on a tenant's own outcomes, and says on a model card what they are worth and to whom."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.default_cards import ABILITY_CARD, WILLINGNESS_CARD
from contact_scheduler.learning.scorecard import Columns, Matrix, Scorecard
from contact_scheduler.learning.scores import PROTECTED, LoanFacts
from contact_scheduler.learning.training import ScoreReport, TreeScore, fit_scorecard, report
from contact_scheduler.score_cards import NAMES, CardsRefused

INPUTS = tuple(field.name for field in fields(LoanFacts))
ROWS_MIN = 500
CLASS_MIN = 50  # outcomes of each kind among the rows that teach, and a third of that among those that test
TEST_SHARE = 0.3
WORDS = {one.name: one.words for card in (ABILITY_CARD, WILLINGNESS_CARD) for one in card.attributes}


def train_scores(table: Path, out: Path, groups: tuple[str, ...], origin: str) -> str:
    """Train on the first rows, test on the last, write both cards and the model card; return the model card.

    Raises CardsRefused, and writes nothing, when the table cannot teach.
    """
    rows = _read(table, groups)
    columns = {
        name: _numbers(rows, name, table) for name in INPUTS if name in rows[0] and any(row[name] for row in rows)
    }
    if not columns:
        raise CardsRefused(f"{table}: none of the columns {', '.join(INPUTS)} holds a value")
    first_test = int(len(rows) * (1.0 - TEST_SHARE))
    told = [_section(name, origin, columns, _labels(rows, name, table), rows, groups, first_test) for name in NAMES]
    out.mkdir(parents=True, exist_ok=True)
    tested = len(rows) - first_test
    page = f"# Score cards\n\nTrained on {first_test:,} loans, tested on the {tested:,} after them: {origin}.\n"
    for (card, section), name in zip(told, NAMES, strict=True):
        (out / f"{name}.json").write_text(card.to_json() + "\n", encoding="utf-8")
        page += "\n" + section
    (out / "model-card.md").write_text(page, encoding="utf-8")
    return page


def _read(table: Path, groups: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CardsRefused(f"{table}: it cannot be read as CSV in UTF-8: {error}") from None
    if len(rows) < ROWS_MIN:
        raise CardsRefused(f"{table}: {len(rows)} rows cannot teach a card; give at least {ROWS_MIN}")
    missing = [name for name in (*NAMES, *groups) if name not in rows[0]]
    if missing:
        raise CardsRefused(f"{table}: add the columns {', '.join(missing)}")
    used = PROTECTED.intersection(rows[0]).difference(groups)
    if used:
        names = ", ".join(sorted(used))
        raise CardsRefused(
            f"{table}: {names}: protected attributes are no input; name them with --group or leave them out"
        )
    return rows


def _numbers(rows: list[dict[str, str]], name: str, table: Path) -> Matrix:
    result = np.full(len(rows), np.nan)
    for number, row in enumerate(rows):
        text = (row[name] or "").strip()
        if not text:
            continue
        try:
            result[number] = float(text)
        except ValueError:
            raise CardsRefused(
                f"{table}, line {number + 2}, {name}: write a number, or nothing where unknown"
            ) from None
        if not np.isfinite(result[number]):
            raise CardsRefused(f"{table}, line {number + 2}, {name}: write a finite number, or nothing where unknown")
    return result


def _labels(rows: list[dict[str, str]], name: str, table: Path) -> Matrix:
    for number, row in enumerate(rows):
        if (row[name] or "").strip() not in ("0", "1"):
            raise CardsRefused(f"{table}, line {number + 2}, {name}: write 0 or 1")
    label = np.array([float(row[name]) for row in rows])
    first_test = int(len(rows) * (1.0 - TEST_SHARE))
    for part, least in ((label[:first_test], CLASS_MIN), (label[first_test:], CLASS_MIN // 3)):
        if min(part.sum(), len(part) - part.sum()) < least:
            raise CardsRefused(
                f"{table}, {name}: give more loans of both outcomes; {least} of each are needed in each part"
            )
    return label


def _section(
    name: str, origin: str, columns: Columns, label: Matrix, rows: list[dict[str, str]], groups: tuple[str, ...],
    first_test: int,
) -> tuple[Scorecard, str]:  # fmt: skip
    inside = {key: values[:first_test] for key, values in columns.items()}
    outside = {key: values[first_test:] for key, values in columns.items()}
    card = fit_scorecard(name, inside, label[:first_test], version="trained-1", origin=origin, words=WORDS)
    score, truth = card.score(outside), label[first_test:]
    challenger = report(truth, TreeScore(1).fit(inside, label[:first_test]).score(outside))
    lines = [
        f"## {name}\n", "| tested on later loans | AUC | Brier | ECE |", "|---|---|---|---|",
        _figures("the card", report(truth, score)), _figures("trees, for comparison", challenger), "",
        f"Inputs: {', '.join(columns)}. No protected attribute is among them.\n",
    ]  # fmt: skip
    for group in groups:
        lines += _fairness(group, truth, score, np.array([row[group] for row in rows[first_test:]]))
    return card, "\n".join(lines)


def _figures(who: str, found: ScoreReport) -> str:
    return f"| {who} | {found.auc:.3f} | {found.brier:.4f} | {found.ece:.4f} |"


def _fairness(group: str, truth: Matrix, score: Matrix, members: NDArray[np.str_]) -> list[str]:
    fair = report(truth, score, members).fairness
    assert fair is not None
    lines = [
        f"| {group} | loans | share above a half | came true | mean score | AUC | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.group} | {one.rows:,} | {one.selected_share:.1%} | {one.observed_rate:.1%} | {one.mean_score:.3f} "
        f"| {one.auc:.3f} | {one.ece:.4f} |"
        for one in fair.groups
    ]
    verdict = "as it should be" if fair.selection_ratio >= 0.8 else "below 0.8: this deserves an answer before use"
    left_out = f" Too few to tell: {', '.join(fair.left_out)}." if fair.left_out else ""
    return [
        *lines,
        "",
        f"Smallest share above a half as a part of the largest: {fair.selection_ratio:.2f}, {verdict}.{left_out}\n",
    ]
