"""Words as vectors that lie near one another where the words mean alike, whatever the language. Pure.

The table (``data/vectors.npz``) holds common English, Spanish and Chinese words in folded spelling, a row of bytes
each; ``tools/word_vectors.py`` makes it and says from what. A word that is not in it is read as the commonest known
word one slip of the hand away; Chinese is cut into the longest known words.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from forbear_replies.features import CHARS_MAX, mask_figures

WORDS_MAX = 120  # a text is read by its first so many words
_TOKEN = re.compile(r"_[a-z]+|[a-z]+|[\u3400-\u9fff]+|[?!.,;。]")
_HAN_WORD_MAX = 4
_SHORTEST_MENDED, _LONGEST_MENDED = 4, 14
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What stands for figures and days once they are masked, and the marks that carry meaning.
MASKS = {
    "_hour": "3 pm",
    "_money": "$500",
    "_date": "March 15th",
    "_weekday": "Friday",
    "_month": "March",
    "_num": "number",
}
MARKS = ("?", "!", ".", ",")

Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class WordTable:
    """Which row a word has (commoner words first within a language), and the vectors, rows x width.

    ``digest`` tells tables apart: a network reads only the table that it was trained on.
    """

    rows: dict[str, int]
    vectors: NDArray[np.float32]
    digest: str


@cache
def word_table() -> WordTable:
    """The table that ships in the package, read once (some 40 MB in memory)."""
    with files("forbear_replies").joinpath("data/vectors.npz").open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        words = stored["words"].tobytes().decode().split("\n")
        vectors = stored["vectors"].astype(np.float32) * stored["scale"].astype(np.float32)
    return WordTable({word: row for row, word in enumerate(words)}, vectors, sha256(vectors.tobytes()).hexdigest())


def word_rows(folded: str) -> Rows:
    """The rows of the words of a folded text, in order; at least one."""
    rows = word_table().rows
    found: list[int] = []
    for token in _TOKEN.findall(mask_figures(folded[:CHARS_MAX])):
        if token[0] > "\u3400":
            found.extend(_han_rows(token, rows))
        elif (row := rows.get("," if token in ";。" else token)) is not None:
            found.append(row)
        elif (mended := _mended(token)) is not None:
            found.append(mended)
        if len(found) >= WORDS_MAX:
            break
    return np.array(found[:WORDS_MAX] or [rows["."]], dtype=np.int32)


def _han_rows(run: str, rows: dict[str, int]) -> list[int]:
    """The longest known words of a run of Han characters, from left to right."""
    found, at = [], 0
    while at < len(run):
        for size in range(min(_HAN_WORD_MAX, len(run) - at), 0, -1):
            row = rows.get(run[at : at + size])
            if row is not None:
                found.append(row)
                break
        at += size
    return found


@lru_cache(maxsize=4096)
def _mended(word: str) -> int | None:
    """The row of the commonest known word one letter more, less, changed or swapped away."""
    if not _SHORTEST_MENDED <= len(word) <= _LONGEST_MENDED or word[0] == "_":
        return None
    rows = word_table().rows
    return min((row for slip in _slips(word) if (row := rows.get(slip)) is not None), default=None)


def _slips(word: str) -> set[str]:
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    fewer = {head + tail[1:] for head, tail in halves if tail}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in halves if len(tail) > 1}
    changed = {head + letter + tail[1:] for head, tail in halves if tail for letter in _LETTERS}
    more = {head + letter + tail for head, tail in halves for letter in _LETTERS}
    return fewer | swapped | changed | more
