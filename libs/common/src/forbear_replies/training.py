"""Fit the model from the author files and write the artefact. Deterministic: the same files give the same bytes.

Chances are calibrated and thresholds set on authors the fitted model had not seen (left out in turn); the model that
ships is fitted on all training authors. Held-out authors take part in neither. Needs scikit-learn; reading does not.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from forbear_replies.corpus import Example, corpus_hash, mixed_examples, noisy_examples, plain_examples, read_lines
from forbear_replies.features import DIMENSIONS, Evidence, clause_evidence, evidence
from forbear_replies.labels import Label
from forbear_replies.model import Model, vector_of
from forbear_replies.network_training import SEEDS, fit_network
from forbear_replies.reader import ask_rules, prepare
from forbear_replies.wishes import channels_named
from forbear_replies.words import Rows, word_rows

SEED = 20260101
LABELS = tuple(Label)
_STRENGTH = 1.0  # inverse regularisation; chosen on unseen authors, as was the margin loss over the logistic one
_FOLDS = 3
_MIXED_SHARE = 0.3
_NOISY_SHARE = 0.3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Examples as the model sees them."""

    evidence: list[Evidence]
    clauses: list[list[Evidence]]
    rows: list[Rows]
    targets: NDArray[np.int8]
    weights: Floats
    authors: NDArray[np.str_]
    plain: NDArray[np.bool_]


def train(root: Path, say: Callable[[str], None]) -> Model:
    """The model fitted on the author files under ``root``; ``say`` hears of progress."""
    data_hash = corpus_hash(root)
    examples, plain = _draw(root)
    say(f"{len(examples)} texts of {len({one.author for one in examples})} authors")
    prepared = _prepare(examples, plain)
    idf = document_weights(prepared.evidence)
    matrix = matrix_of(prepared.evidence, idf)
    scores = _unseen_author_scores(matrix, _clause_matrix(prepared, idf), prepared, say)
    slopes, offsets = _calibrate(scores, prepared)
    weights, biases = _fit(matrix, prepared.targets, prepared.weights)
    network = fit_network(prepared.rows, prepared.targets, prepared.weights)
    say("final model fitted")
    thresholds = _thresholds(_chances(scores, slopes, offsets), prepared)
    return Model.pack(
        weights,
        biases=biases,
        idf=idf,
        network=network,
        calibration=(slopes, offsets),
        thresholds=thresholds,
        data_hash=data_hash,
    )


def _draw(root: Path) -> tuple[list[Example], int]:
    rng = np.random.default_rng(SEED)
    plain = plain_examples(read_lines(root), rng)
    mixed = mixed_examples(plain, int(len(plain) * _MIXED_SHARE), rng)
    return plain + mixed + noisy_examples(plain, _NOISY_SHARE, rng), len(plain)


def _prepare(examples: list[Example], plain: int) -> Prepared:
    found, clauses, rows = [], [], []
    for one in examples:
        text = prepare(one.text, one.lang)
        findings = ask_rules(text, offered_letters=False)
        found.append(evidence(text.folded, text.lang.family, findings, channels_named(text.folded), one.channel))
        clauses.append(clause_evidence(text.folded, text.lang.family))
        rows.append(word_rows(text.folded))
    targets = np.array([[label in one.labels for label in LABELS] for one in examples], dtype=np.int8)
    return Prepared(
        evidence=found,
        clauses=clauses,
        rows=rows,
        targets=targets,
        weights=np.array([one.weight for one in examples]),
        authors=np.array([one.author for one in examples]),
        plain=np.arange(len(examples)) < plain,
    )


def document_weights(found: list[Evidence]) -> Floats:
    """Smoothed inverse document frequency of every bucket; buckets seen only once count for nothing."""
    seen: Counter[int] = Counter()
    for one in found:
        for block in one.blocks:
            seen.update(block.keys())
    counts = np.zeros(DIMENSIONS)
    counts[list(seen.keys())] = list(seen.values())
    return np.where(counts >= 2, np.log((1 + len(found)) / (1 + counts)) + 1, 0.0)


def matrix_of(found: list[Evidence], idf: Floats) -> sparse.csr_matrix:
    columns, values, ends = [], [], [0]
    for one in found:
        indices, weights = vector_of(one, idf)
        columns.append(indices)
        values.append(weights)
        ends.append(ends[-1] + len(indices))
    return sparse.csr_matrix((np.concatenate(values), np.concatenate(columns), ends), shape=(len(found), DIMENSIONS))


def _fit(matrix: sparse.csr_matrix, targets: NDArray[np.int8], weights: Floats) -> tuple[Floats, Floats]:
    coefficients, biases = [], []
    for column in range(targets.shape[1]):
        fitted = LinearSVC(C=_STRENGTH, random_state=0, tol=1e-2, max_iter=300)
        fitted.fit(matrix, targets[:, column], sample_weight=weights)
        coefficients.append(fitted.coef_[0])
        biases.append(fitted.intercept_[0])
    return np.array(coefficients).T, np.array(biases)


@dataclass(frozen=True, slots=True)
class Clauses:
    """The clauses of all texts of several, and the text that each belongs to."""

    matrix: sparse.csr_matrix
    texts: NDArray[np.int64]


def _clause_matrix(prepared: Prepared, idf: Floats) -> Clauses:
    flat = [clause for clauses in prepared.clauses for clause in clauses]
    return Clauses(
        matrix_of(flat, idf), np.repeat(np.arange(len(prepared.clauses)), [len(one) for one in prepared.clauses])
    )


def _unseen_author_scores(
    matrix: sparse.csr_matrix, clauses: Clauses, prepared: Prepared, say: Callable[[str], None]
) -> Floats:
    """Texts x 3 x labels: scores of the text, of its best clause and of its words by models that never saw its author.

    Authors are left out in ``_FOLDS`` groups.
    """
    scores = np.zeros((len(prepared.evidence), 3, len(LABELS)))
    authors = sorted(set(prepared.authors))
    for fold in range(_FOLDS):
        left_out = authors[fold::_FOLDS]
        unseen = np.isin(prepared.authors, left_out)
        weights, biases = _fit(matrix[~unseen], prepared.targets[~unseen], prepared.weights[~unseen])
        scores[unseen, :2] = _both_scores(matrix, clauses, weights, biases)[unseen]
        known = np.flatnonzero(~unseen)
        network = fit_network(
            [prepared.rows[at] for at in known], prepared.targets[known], prepared.weights[known], SEEDS[:1]
        )
        for at in np.flatnonzero(unseen):
            scores[at, 2] = network.scores(prepared.rows[at])
        say(f"scored {', '.join(left_out)} unseen")
    return scores


def _both_scores(matrix: sparse.csr_matrix, clauses: Clauses, weights: Floats, biases: Floats) -> Floats:
    whole: Floats = matrix @ weights + biases
    best = np.full(whole.shape, -np.inf)
    np.maximum.at(best, clauses.texts, clauses.matrix @ weights + biases)
    both: Floats = np.stack([whole, np.where(np.isfinite(best), best, whole)], axis=1)
    return both


def _calibrate(scores: Floats, prepared: Prepared) -> tuple[Floats, Floats]:
    """Platt's offset and the slopes of all three scores for each label, from unseen-author scores."""
    slopes, offsets = [], []
    for column in range(scores.shape[2]):
        fitted = LogisticRegression(C=100.0, solver="liblinear", random_state=0)
        fitted.fit(scores[:, :, column], prepared.targets[:, column], sample_weight=prepared.weights)
        slopes.append(fitted.coef_[0])
        offsets.append(float(fitted.intercept_[0]))
    return np.array(slopes).T, np.array(offsets)


def _chances(scores: Floats, slopes: Floats, offsets: Floats) -> Floats:
    chances: Floats = 1 / (1 + np.exp(-((scores * slopes).sum(axis=1) + offsets)))
    return chances


def _thresholds(chances: Floats, prepared: Prepared) -> Floats:
    """Per label the threshold with the best F on unseen authors' unmixed texts, between its least and its most.

    A promise leans to precision, what must not be missed to recall.
    """
    found = []
    for at, label in enumerate(LABELS):
        lean_to_recall, least, most = _LEAN.get(label, (1.0, _THRESHOLD_MIN, _THRESHOLD_MAX))
        grid = np.arange(least, most + 0.01, 0.02)
        scores = [_f_score(chances[:, at] >= cut, prepared, at, lean_to_recall) for cut in grid]
        found.append(grid[int(np.argmax(scores))])
    return np.array(found)


_THRESHOLD_MIN, _THRESHOLD_MAX = 0.5, 0.8
# Label: how much more recall weighs than precision, and the least and the most threshold. What the rules find of
# despair is found without the model: below 0.3 it added ten false alarms to 220 true ones, and not one more true one.
_LEAN = {
    Label.PROMISE_TO_PAY: (0.35, 0.6, 0.7),
    Label.OPT_OUT: (1.5, 0.36, 0.8),
    Label.CEASE_ALL: (1.5, 0.36, 0.8),
    Label.DISTRESS: (3.0, 0.3, 0.8),
}


def _f_score(given: NDArray[np.bool_], prepared: Prepared, column: int, beta: float) -> float:
    wanted = prepared.targets[:, column] == 1
    weights = prepared.weights * prepared.plain
    hits = float(weights[given & wanted].sum())
    misses = float(weights[~given & wanted].sum())
    extras = float(weights[given & ~wanted].sum())
    return (1 + beta**2) * hits / max((1 + beta**2) * hits + beta**2 * misses + extras, 1e-9)
