"""Trains the two score cards on a tenant's own outcomes, and says on a model card what they are worth and to whom."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.default_cards import ABILITY_CARD, WILLINGNESS_CARD
from contact_scheduler.learning.quality import fairness_report
from contact_scheduler.learning.scorecard import Columns, Matrix, Scorecard
from contact_scheduler.learning.scores import IN_USE, PROTECTED, LoanFacts
from contact_scheduler.learning.training import ScoreReport, TreeScore, fit_scorecard, report
from contact_scheduler.learning.treatment import ABLE_FROM, WILLING_FROM, choose_treatment
from contact_scheduler.score_cards import NAMES, CardsRefused
from contact_scheduler.tell_offered import tell_offered
from forbear_domain.rates import Z_95

INPUTS = tuple(field.name for field in fields(LoanFacts))
ROWS_MIN = 500
CLASS_MIN = 50  # outcomes of each kind among the rows that teach, and a third of that among those that test
TEST_SHARE = 0.3
AUC_WORTH_A_WORD, ECE_WORTH_A_WORD = 0.01, 0.02
THRESHOLDS = {"ability": ("able", ABLE_FROM), "willingness": ("willing", WILLING_FROM)}
WORDS = {one.name: one.words for card in (ABILITY_CARD, WILLINGNESS_CARD) for one in card.attributes}


def train_scores(
    table: Path, out: Path, groups: tuple[str, ...], origin: str, tell: Callable[[str], None] = lambda _: None,
    *, with_all: bool = False,
) -> str:  # fmt: skip
    """Train on the first rows, test on the last, write both cards and the model card; return the model card.

    Inputs that the service never knows in use teach only `with_all`: a card that leans on them would meet "unknown" for
    every borrower. `tell` hears what is going on and what of the table is not used. Raises CardsRefused, and writes
    nothing, when the table cannot teach.
    """
    rows = _read(table, groups)
    taught = [name for name in INPUTS if with_all or name in IN_USE]
    given = [name for name in INPUTS if name in rows[0] and any(row[name] for row in rows)]
    columns = {name: _numbers(rows, name, table) for name in given if name in taught}
    if not columns:
        raise CardsRefused(f"{table}: none of the columns {', '.join(taught)} holds a value")
    for warning in _unused(rows[0], columns, given, groups):
        tell(warning)
    first_test = int(len(rows) * (1.0 - TEST_SHARE))
    labels = [_labels(rows, name, table) for name in NAMES]
    told = []
    for number, (name, label) in enumerate(zip(NAMES, labels, strict=True), start=1):
        tell(f"{number} of {len(NAMES)}: {name}, the card and the trees beside it, on {first_test:,} loans ...")
        told.append(_section(name, origin, columns, label, rows, groups, first_test))
    out.mkdir(parents=True, exist_ok=True)
    tested = len(rows) - first_test
    page = f"# Score cards\n\nTrained on {first_test:,} loans, tested on the {tested:,} after them: {origin}.\n"
    for (card, section), name in zip(told, NAMES, strict=True):
        (out / f"{name}.json").write_text(card.to_json() + "\n", encoding="utf-8")
        page += "\n" + section
    if groups:
        later = {key: values[first_test:] for key, values in columns.items()}
        ability, willingness = (card.score(later).astype(np.float32) for card, _ in told)
        treatment = choose_treatment(ability, willingness, np.zeros(tested, dtype=np.bool_))
        page += "\n" + tell_offered(treatment, {name: _members(rows, name, first_test) for name in groups})
    (out / "model-card.md").write_text(page, encoding="utf-8")
    return page


def _unused(header: dict[str, str], columns: Columns, given: list[str], groups: tuple[str, ...]) -> list[str]:
    """Say which columns teach nothing: a name that is misspelt is lost in silence otherwise."""
    known = {*INPUTS, *NAMES, *groups}
    unknown = [name for name in header if name and name not in known]
    empty = [name for name in INPUTS if name in header and name not in given]
    unmet = [name for name in given if name not in columns]
    alike = [name for name, values in columns.items() if np.nanmin(values) == np.nanmax(values)]
    found = [
        (unknown, "no input has this name; see --help for the names"),
        (empty, "no row has a value"),
        (unmet, "the service does not know it when it scores; --all-inputs trains with it all the same"),
        (alike, "every known value is the same, so it tells loans apart by nothing"),
    ]
    return [f"not used: {', '.join(names)}: {why}" for names, why in found if names]


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
    found = report(truth, score)
    lines = [
        f"## {name}\n", "| tested on later loans | AUC | its 95 % interval | Brier | ECE |", "|---|---|---|---|---|",
        _figures("the card", found, truth), _figures("trees, for comparison", challenger, truth), "",
        verdict(found, challenger, truth),
        f"Inputs: {', '.join(columns)}. No protected attribute is among them.\n", *_never_known(columns),
    ]  # fmt: skip
    for group in groups:
        lines += _fairness(group, truth, score, _members(rows, group, first_test), THRESHOLDS[name])
    return card, "\n".join(lines)


def _members(rows: list[dict[str, str]], group: str, first_test: int) -> NDArray[np.str_]:
    """Return which group each later loan belongs to."""
    return np.array([(row[group] or "").strip() or "not told" for row in rows[first_test:]])


def _never_known(columns: Columns) -> list[str]:
    names = ", ".join(name for name in columns if name not in IN_USE)
    return (
        [f"**Never known in use: {names}.** Expect less of the card there than these figures say.\n"] if names else []
    )


def _figures(who: str, found: ScoreReport, truth: Matrix) -> str:
    low, high = _interval(found.auc, truth)
    return f"| {who} | {found.auc:.3f} | {low:.3f} to {high:.3f} | {found.brier:.4f} | {found.ece:.4f} |"


def _interval(area: float, truth: Matrix) -> tuple[float, float]:
    """Return the 95 % interval of an AUC (Hanley, McNeil 1982)."""
    ones = float(truth.sum())
    zeros = len(truth) - ones
    of_ones = area / (2.0 - area) - area**2
    of_zeros = 2.0 * area**2 / (1.0 + area) - area**2
    variance = (area * (1.0 - area) + (ones - 1.0) * of_ones + (zeros - 1.0) * of_zeros) / (ones * zeros)
    reach = Z_95 * float(np.sqrt(variance))
    return max(0.0, area - reach), min(1.0, area + reach)


def verdict(card: ScoreReport, trees: ScoreReport, truth: Matrix) -> str:
    """Say in words what the figures mean for whoever is to use the card."""
    if _interval(card.auc, truth)[0] <= 0.5:
        return "**It does not tell these loans apart better than chance: do not use it.**\n"
    words = "It tells later loans apart."
    if card.ece > ECE_WORTH_A_WORD:
        words += (
            f" Its probabilities are off by {100 * card.ece:.0f} points on average: trust its order, not its level."
        )
    if trees.auc - card.auc > AUC_WORTH_A_WORD:
        words += f" Trees would do better by {trees.auc - card.auc:.3f}: the card leaves something on the table."
    return words + "\n"


def _fairness(
    group: str, truth: Matrix, score: Matrix, members: NDArray[np.str_], threshold: tuple[str, float]
) -> list[str]:
    word, least = threshold
    fair = fairness_report(truth, score, members, least)
    lines = [
        f"| {group} | loans | counted as {word}, from {least} | came true | mean score | AUC | ECE |",
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
        f"Smallest share counted as {word}, as part of the largest: {fair.selection_ratio:.2f}, {verdict}.{left_out}\n",
    ]
