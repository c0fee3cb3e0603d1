"""Fit the network over word vectors: Adam, dropout, words left out at random. Deterministic for a seed; numpy only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forbear_replies.network import WIDTHS, Network, Singles, windows
from forbear_replies.words import Rows, word_table

FILTERS = 256  # of each width
SEEDS = (1, 2, 3, 4)  # as many networks are averaged
_ROUNDS = 8
_BATCH = 96
_RATE = 4e-3
_WARM_UP = 200  # steps
_DROPPED, _WORDS_DROPPED = 0.5, 0.1
_DECAY = 1e-3
_FADE = (0.9, 0.999)
_SURE = 80.0  # beyond it the exponential of a single overflows
_START = -3.0  # most labels are absent from most texts

Weights = dict[str, Singles]


@dataclass(slots=True)
class _State:
    weights: Weights
    slow: Weights = field(default_factory=dict)
    fast: Weights = field(default_factory=dict)
    steps: int = 0


def fit_network(
    rows: Sequence[Rows], targets: NDArray[np.int8], importance: NDArray[np.float64], seeds: Sequence[int] = SEEDS
) -> Network:
    """The average of the networks of all ``seeds``; ``importance`` weighs the texts."""
    return _averaged([_fit_one(rows, targets, importance, seed) for seed in seeds])


def _fit_one(rows: Sequence[Rows], targets: NDArray[np.int8], importance: NDArray[np.float64], seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    state = _State(_fresh(word_table().vectors.shape[1], targets.shape[1], rng))
    wanted, weighed = targets.astype(np.float32), importance.astype(np.float32)
    last = _ROUNDS * -(-len(rows) // _BATCH)
    for _ in range(_ROUNDS):
        for chosen in _batches(rows, rng):
            vectors, mask = _padded([rows[at] for at in chosen])
            vectors *= (rng.random(mask.shape) >= _WORDS_DROPPED)[:, :, None]
            slopes = _slopes(state.weights, vectors, mask, wanted[chosen], weighed[chosen], rng)
            rate = _RATE * min(1.0, state.steps / _WARM_UP) * (1 - state.steps / last) + 1e-5
            _step(state, slopes, rate)
    return state.weights


def _fresh(size: int, labels: int, rng: np.random.Generator) -> Weights:
    weights: Weights = {}
    for width in WIDTHS:
        drawn = rng.standard_normal((width * size, FILTERS)) * np.sqrt(2 / (width * size))
        weights[f"filters{width}"] = drawn.astype(np.float32)
        weights[f"biases{width}"] = np.zeros(FILTERS, dtype=np.float32)
    every = FILTERS * len(WIDTHS)
    weights["output"] = (rng.standard_normal((every, labels)) / np.sqrt(every)).astype(np.float32)
    weights["offsets"] = np.full(labels, _START, dtype=np.float32)
    return weights


def _batches(rows: Sequence[Rows], rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Batches of texts of about one length, in any order."""
    lengths = np.array([len(one) for one in rows])
    order = np.argsort(lengths + rng.random(len(rows)) * 3, kind="stable")
    batches = [order[at : at + _BATCH] for at in range(0, len(rows), _BATCH)]
    yield from (batches[at] for at in rng.permutation(len(batches)))


def _padded(rows: Sequence[Rows]) -> tuple[Singles, Singles]:
    """Texts x words x vector, empty past the end of each text, and which of them are words."""
    table = word_table().vectors
    longest = max(len(one) for one in rows)
    vectors = np.zeros((len(rows), longest, table.shape[1]), dtype=np.float32)
    mask = np.zeros((len(rows), longest), dtype=np.float32)
    for at, one in enumerate(rows):
        vectors[at, : len(one)] = table[one]
        mask[at, : len(one)] = 1
    return vectors, mask


def _slopes(
    weights: Weights, vectors: Singles, mask: Singles, wanted: Singles, weighed: Singles, rng: np.random.Generator
) -> Weights:
    """The slopes of the weighed cross-entropy of one batch."""
    texts, words, _ = vectors.shape
    seen, places, heights = [], [], []
    for width in WIDTHS:
        flat = windows(vectors, width).reshape(texts * words, -1)
        answers = (flat @ weights[f"filters{width}"] + weights[f"biases{width}"]).reshape(texts, words, FILTERS)
        answers = np.maximum(answers, 0) * mask[:, :, None]
        place = answers.argmax(axis=1)
        seen.append(flat)
        places.append(place)
        heights.append(np.take_along_axis(answers, place[:, None], axis=1)[:, 0])
    strongest = np.concatenate(heights, axis=1)
    kept = (rng.random(strongest.shape) >= _DROPPED).astype(np.float32) / (1 - _DROPPED)
    scores = strongest * kept @ weights["output"] + weights["offsets"]
    chances = 1 / (1 + np.exp(-np.clip(scores, -_SURE, _SURE)))
    errors = ((chances - wanted) * (weighed / weighed.sum())[:, None]).astype(np.float32)
    slopes = {"output": (strongest * kept).T @ errors, "offsets": errors.sum(axis=0)}
    back = (errors @ weights["output"].T) * kept * (strongest > 0)
    for at, width in enumerate(WIDTHS):
        part = back[:, at * FILTERS : (at + 1) * FILTERS]
        spread = np.zeros((texts, words, FILTERS), dtype=np.float32)
        np.put_along_axis(spread, places[at][:, None], part[:, None], axis=1)
        slopes[f"filters{width}"] = seen[at].T @ spread.reshape(texts * words, FILTERS)
        slopes[f"biases{width}"] = part.sum(axis=0)
    return slopes


def _step(state: _State, slopes: Weights, rate: float) -> None:
    """One step of Adam with decoupled decay of all but the biases."""
    state.steps += 1
    for name, slope in slopes.items():
        slow = state.slow[name] = _FADE[0] * state.slow.get(name, 0) + (1 - _FADE[0]) * slope
        fast = state.fast[name] = _FADE[1] * state.fast.get(name, 0) + (1 - _FADE[1]) * slope * slope
        corrected = (slow / (1 - _FADE[0] ** state.steps)) / (np.sqrt(fast / (1 - _FADE[1] ** state.steps)) + 1e-8)
        decay = _DECAY * state.weights[name] if slope.ndim == 2 else 0.0
        state.weights[name] = (state.weights[name] - rate * (corrected + decay)).astype(np.float32)


def _averaged(all_weights: list[Weights]) -> Network:
    """The mean of several networks is one network: their filters side by side, their output shared out."""
    share = np.float32(1 / len(all_weights))
    parts = [
        [one["output"][at * FILTERS : (at + 1) * FILTERS] * share for one in all_weights] for at in range(len(WIDTHS))
    ]
    return Network(
        filters=tuple(np.concatenate([one[f"filters{width}"] for one in all_weights], axis=1) for width in WIDTHS),
        biases=tuple(np.concatenate([one[f"biases{width}"] for one in all_weights]) for width in WIDTHS),
        output=np.concatenate([part for group in parts for part in group]),
        offsets=np.asarray(sum(one["offsets"] for one in all_weights) * share, dtype=np.float32),
    )
