"""Retraining the scores on a tenant's own outcomes. Needs scikit-learn; nothing in the planning path imports this.

The card is what gets deployed: it can be read, argued with and stored as JSON. The trees are the challenger that says
what the card leaves on the table; both come with calibration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from contact_scheduler.learning.quality import auc, brier, reliability
from contact_scheduler.learning.scorecard import Attribute, Columns, Matrix, Scorecard
from contact_scheduler.learning.scores import PROTECTED

CARD_BINS: Final = 8
CARD_PENALTY: Final = 1.0  # inverse strength of the ridge on points
FOLDS: Final = 5
SMALL_BOOK_ROWS: Final = 10_000
BAGS: Final = 10
# Leaves, fewest rows in one, and rounds of the boosted trees of large books: half of the bags each. Chosen on folds of
# training rows (docs/LEARNING.md): the two err differently, so that their mean does better than twice as many of one.
SHAPES: Final = ((12, 60, 250), (20, 40, 170))


def fit_scorecard(
    name: str, columns: Columns, label: Matrix, *, version: str, origin: str, words: dict[str, str]
) -> Scorecard:
    """Fits points per quantile bin by ridge logistic regression; refuses protected attributes.

    `words` says each column in plain language; a column without an entry is called by its name.
    """
    forbidden = PROTECTED.intersection(columns)
    if forbidden:
        raise ValueError(f"protected attributes are never inputs: {', '.join(sorted(forbidden))}")
    edges = {column: _edges(values) for column, values in columns.items()}
    design = np.concatenate([_one_hot(columns[column], edges[column]) for column in columns], axis=1)
    model = LogisticRegression(C=CARD_PENALTY, max_iter=2_000).fit(design, label)
    base, attributes, at = float(model.intercept_[0]), [], 0
    for column, cuts in edges.items():
        width = len(cuts) + 2
        block = slice(at, at + width)
        share = design[:, block].mean(axis=0)
        points = model.coef_[0][block]
        centre = float(share @ points)
        base, at = base + centre, at + width
        levels = np.where(share > 0, points - centre, 0.0).round(4).tolist()
        attributes.append(Attribute(column, words.get(column, column), cuts, tuple(levels[:-1]), levels[-1]))
    return Scorecard(name, version, origin, base, tuple(attributes))


def _edges(values: Matrix) -> tuple[float, ...]:
    known = values[np.isfinite(values)]
    if not len(known):
        return ()
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, CARD_BINS + 1)[1:-1]))
    return tuple(float(cut) for cut in cuts if cut > known.min())


def _one_hot(values: Matrix, edges: tuple[float, ...]) -> Matrix:
    cell = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(edges) + 1)
    result: Matrix = (cell[:, None] == np.arange(len(edges) + 2)).astype(np.float64)
    return result


class TreeScore:
    """The challenger. Large books: boosted trees, each split seeing a quarter of the columns, several averaged, which
    leaves them calibrated. Small books: boosted and extremely random trees, calibrated inside the training rows."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._models: list[Any] = []
        self._middle: Matrix = np.zeros(0)
        self._may_lack: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

    def _new_models(self, rows: int) -> list[Any]:
        seed = self._seed
        if rows >= SMALL_BOOK_ROWS:
            return [
                HistGradientBoostingClassifier(
                    learning_rate=0.03, max_iter=rounds, max_leaf_nodes=leaves, min_samples_leaf=fewest,
                    l2_regularization=5.0, max_features=0.25, random_state=seed * BAGS + number,
                )
                for number in range(BAGS)
                for leaves, fewest, rounds in [SHAPES[number % len(SHAPES)]]
            ]  # fmt: skip
        boosted = HistGradientBoostingClassifier(
            learning_rate=0.06, max_iter=250, max_leaf_nodes=15, l2_regularization=1.0, random_state=seed
        )
        forest = ExtraTreesClassifier(150, min_samples_leaf=2, max_features=None, random_state=seed)
        return [CalibratedClassifierCV(model, method="isotonic", cv=FOLDS) for model in (boosted, forest)]

    def fit(self, columns: Columns, label: Matrix) -> TreeScore:
        """Learns; unknown values get the column's median and, where there are any, a flag of their own."""
        table = np.stack(list(columns.values()), axis=1)
        self._middle = np.nanmedian(table, axis=0)
        self._may_lack = np.asarray((~np.isfinite(table)).any(axis=0))
        self._models = self._new_models(len(label))
        for model in self._models:
            model.fit(self._design(columns), label)
        return self

    def score(self, columns: Columns) -> Matrix:
        """Returns the probability per row."""
        design = self._design(columns)
        result: Matrix = np.mean([model.predict_proba(design)[:, 1] for model in self._models], axis=0)
        return result

    def _design(self, columns: Columns) -> Matrix:
        table = np.stack(list(columns.values()), axis=1)
        unknown = ~np.isfinite(table)
        filled = np.where(unknown, self._middle, table)
        result: Matrix = np.concatenate((filled, unknown[:, self._may_lack]), axis=1)
        return result


@dataclass(frozen=True, slots=True)
class ScoreReport:
    """How a score does on rows it has not seen."""

    auc: float
    brier: float
    ece: float
    rows: int


def report(label: Matrix, score: Matrix) -> ScoreReport:
    """Measures a score: probabilities [n] against `label` (0 or 1) [n], none of which it was trained on."""
    return ScoreReport(auc(label, score), brier(label, score), reliability(label, score).ece, len(label))
