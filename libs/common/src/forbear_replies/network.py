"""A small convolutional network over word vectors: what few words in a row mean, wherever they stand. Pure; numpy only.

Filters look at one, two and three words in a row; the strongest answer of each over the text counts. It reads wordings
that no training text used, by the nearness of their words to those that were used.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forbear_replies.words import Rows, word_table

WIDTHS = (1, 2, 3)

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Network:
    """Trained weights: for each width its filters (width * vector x filters) and biases, then the output layer."""

    filters: tuple[Singles, ...]
    biases: tuple[Singles, ...]
    output: Singles  # all filters x labels
    offsets: Singles  # labels

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        """The score of each label for the words at ``rows``."""
        vectors = word_table().vectors[rows]
        strongest = [
            np.maximum((windows(vectors[None], width)[0] @ filters).max(axis=0) + bias, 0)
            for width, filters, bias in zip(WIDTHS, self.filters, self.biases, strict=True)
        ]
        scores: NDArray[np.float64] = (np.concatenate(strongest) @ self.output + self.offsets).astype(np.float64)
        return scores

    def arrays(self) -> dict[str, NDArray[np.float16]]:
        """The weights as they are stored, half a word each."""
        named = {f"filters{width}": one for width, one in zip(WIDTHS, self.filters, strict=True)}
        named |= {f"filter_biases{width}": one for width, one in zip(WIDTHS, self.biases, strict=True)}
        named |= {"output": self.output, "output_offsets": self.offsets}
        return {name: one.astype(np.float16) for name, one in named.items()}

    @classmethod
    def of_arrays(cls, stored: dict[str, NDArray[np.generic]]) -> "Network":
        """The network that was stored so."""
        whole = {name: one.astype(np.float32) for name, one in stored.items()}
        return cls(
            filters=tuple(whole[f"filters{width}"] for width in WIDTHS),
            biases=tuple(whole[f"filter_biases{width}"] for width in WIDTHS),
            output=whole["output"],
            offsets=whole["output_offsets"],
        )


def windows(vectors: Singles, width: int) -> Singles:
    """Texts x words x (width * vector): each word with its neighbours, empty beyond the ends."""
    if width == 1:
        return vectors
    texts, words, size = vectors.shape
    padded = np.zeros((texts, words + width - 1, size), dtype=vectors.dtype)
    before = (width - 1) // 2
    padded[:, before : before + words] = vectors
    return np.concatenate([padded[:, at : at + words] for at in range(width)], axis=2)
