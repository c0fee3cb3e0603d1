"""The trained model at run time: linear scores and a small network say what a text means. Numpy only, no pickle.

The linear part sees hashed words, characters and concepts, one label against the rest, one byte a weight; the network
sees words as vectors. The chance of a label is calibrated on all of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forbear_replies.features import DIMENSIONS, Evidence
from forbear_replies.labels import Label
from forbear_replies.network import Network
from forbear_replies.words import Rows, word_table

ARTEFACT = "data/model.npz"
_LABELS = tuple(Label)

Floats = NDArray[np.float64]
Vector = tuple[NDArray[np.int64], Floats]


@dataclass(frozen=True, slots=True)
class Model:
    """Calibrated chances of each label; ``data_hash`` names the training files it was fitted on."""

    weights: NDArray[np.int8]  # DIMENSIONS x labels
    scales: Floats
    biases: Floats
    idf: NDArray[np.float32]
    slopes: Floats  # 3 x labels: what the score of the whole text, of its best clause and of the network count
    offsets: Floats
    network: Network
    thresholds: Mapping[Label, float]
    data_hash: str
    table_hash: str  # of the word vectors that the network was trained on
    confidence_min: float = 0.5

    @classmethod
    def pack(
        cls,
        weights: Floats,
        *,
        biases: Floats,
        idf: Floats,
        network: Network,
        calibration: tuple[Floats, Floats],
        thresholds: Floats,
        data_hash: str,
    ) -> "Model":
        """A model from fitted weights, rounded to one byte each by label."""
        scales = np.abs(weights).max(axis=0) / 127
        return cls(
            weights=np.round(weights / scales).astype(np.int8),
            scales=np.round(scales, 9),
            biases=np.round(biases, 5),
            idf=np.round(idf, 3).astype(np.float32),
            slopes=np.round(calibration[0], 4),
            offsets=np.round(calibration[1], 4),
            network=network,
            thresholds=dict(zip(_LABELS, map(float, np.round(thresholds, 2)), strict=True)),
            data_hash=data_hash,
            table_hash=word_table().digest,
        )

    def save(self, path: Path) -> None:
        """Write the artefact; the same model gives the same bytes."""
        network: dict[str, Any] = {f"network_{name}": one for name, one in self.network.arrays().items()}
        np.savez_compressed(
            path,
            weights=self.weights,
            scales=self.scales,
            biases=self.biases,
            idf=self.idf.astype(np.float16),
            slopes=self.slopes,
            offsets=self.offsets,
            **network,
            thresholds=np.array([self.thresholds[label] for label in _LABELS]),
            data_hash=np.frombuffer(bytes.fromhex(self.data_hash), dtype=np.uint8),
            table_hash=np.frombuffer(bytes.fromhex(self.table_hash), dtype=np.uint8),
        )

    @classmethod
    def load(cls, path: Path | None = None) -> "Model":
        """The model at ``path``, or the one of the package; refuses pickled content."""
        with (path or Path(str(files("forbear_replies").joinpath(ARTEFACT)))).open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            found = {name: stored[name] for name in stored.files}
        if found["weights"].shape != (DIMENSIONS, len(_LABELS)):
            raise ValueError(f"the model is for other features or labels: {found['weights'].shape}")
        if found["table_hash"].tobytes().hex() != word_table().digest:
            raise ValueError("the model is for another table of word vectors; train it again")
        return cls(
            weights=found["weights"],
            scales=found["scales"],
            biases=found["biases"],
            idf=found["idf"].astype(np.float32),
            slopes=found["slopes"],
            offsets=found["offsets"],
            network=Network.of_arrays(
                {name.removeprefix("network_"): one for name, one in found.items() if name.startswith("network_")}
            ),
            thresholds=dict(zip(_LABELS, map(float, found["thresholds"]), strict=True)),
            data_hash=found["data_hash"].tobytes().hex(),
            table_hash=found["table_hash"].tobytes().hex(),
        )

    def chances(self, found: Evidence, clauses: Sequence[Evidence], rows: Rows) -> dict[Label, float]:
        """The calibrated chance of each label, by a text and its clauses (if it has several) and by its words."""
        whole = self._scores(found)
        best = np.max([self._scores(clause) for clause in clauses], axis=0) if clauses else whole
        scores = np.stack([whole, best, self.network.scores(rows)])
        chances = 1 / (1 + np.exp(-((scores * self.slopes).sum(axis=0) + self.offsets)))
        return dict(zip(_LABELS, chances.tolist(), strict=True))

    def _scores(self, found: Evidence) -> Floats:
        indices, values = vector_of(found, self.idf)
        scores: Floats = (values @ self.weights[indices]) * self.scales + self.biases
        return scores

    def confidence(self, labels: frozenset[Label], chances: Mapping[Label, float], keywords: frozenset[Label]) -> float:
        """The chance that ``labels`` is exactly right: every label right, and none of the others missing."""
        if keywords:
            return 0.99
        doubt = 0.0
        for label, chance in chances.items():
            right = chance if label in labels else 1 - chance
            doubt += math.log(min(max(right, 0.01), 1.0)) if right < 0.95 else 0.0
        return math.exp(doubt)


def vector_of(found: Evidence, idf: NDArray[np.floating]) -> Vector:
    """Sublinear TF-IDF, words, characters and concepts each scaled to length one."""
    blocks = [_block(counts, idf) for counts in found.blocks]
    return np.concatenate([block[0] for block in blocks]), np.concatenate([block[1] for block in blocks])


def _block(counts: Mapping[int, int], idf: NDArray[np.floating]) -> Vector:
    indices = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
    tallies = np.fromiter(counts.values(), dtype=np.float64, count=len(counts))
    values = (1 + np.log(tallies)) * idf[indices]
    length = math.sqrt(float(values @ values))
    return indices, values / length if length else values
