"""Word vectors and the network over them: near in meaning is near in number, and what is learned is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forbear_replies.model import Model
from forbear_replies.network import WIDTHS, Network
from forbear_replies.network_training import FILTERS, fit_network
from forbear_replies.words import WORDS_MAX, word_rows, word_table


def likeness(one: str, other: str) -> float:
    """The cosine of two words."""
    table = word_table()
    first, second = (table.vectors[table.rows[word]] for word in (one, other))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


@pytest.mark.parametrize(
    ("word", "alike", "apart"),
    [
        ("lawyer", "abogado", "bathroom"),
        ("lawyer", "律师", "bathroom"),
        ("suicide", "自杀", "window"),
        ("tomorrow", "manana", "burden"),
    ],
)
def test_words_that_mean_alike_lie_near_in_any_language(word: str, alike: str, apart: str) -> None:
    """What one language teaches serves the others."""
    assert likeness(word, alike) > likeness(word, apart) + 0.2


def test_a_slip_of_the_hand_is_read_as_the_word_that_was_meant() -> None:
    """One letter more, less, changed or swapped."""
    meant = word_rows("payment").tolist()

    assert [word_rows(slip).tolist() for slip in ("paymnet", "paymment", "paymen", "paynent")] == [meant] * 4


def test_chinese_is_cut_into_the_longest_words_known() -> None:
    """No blanks tell where a word ends."""
    rows = word_table().rows

    assert word_rows("不要打电话").tolist() == [rows["不要"], rows["打电话"]]


def test_one_sum_reads_like_another() -> None:
    """The network learns from what a figure is, not from its digits."""
    assert word_rows("i pay $20 on friday").tolist() == word_rows("i pay $1,450 on tuesday").tolist()


@pytest.mark.parametrize("text", ["", "~~~", "stop " * 2_000, "xqzw" * 900])
def test_any_text_has_at_least_one_word_and_no_more_than_the_bound(text: str) -> None:
    """Empty, without a letter, endless, and of nothing but unknown words."""
    assert 1 <= len(word_rows(text)) <= WORDS_MAX


TEXTS = ["please call my lawyer", "my attorney has it", "i pay tomorrow", "you get the money on friday"] * 6
ROWS = [word_rows(text) for text in TEXTS]
TARGETS = np.array([[1, 0], [1, 0], [0, 1], [0, 1]] * 6, dtype=np.int8)
ALIKE = np.ones(len(TEXTS))


def test_the_network_of_two_seeds_is_the_mean_of_both() -> None:
    """Averaging costs no second pass: filters stand side by side, the output is shared out."""
    both = fit_network(ROWS, TARGETS, ALIKE, (1, 2))
    each = [fit_network(ROWS, TARGETS, ALIKE, (seed,)) for seed in (1, 2)]

    mean = np.mean([one.scores(ROWS[0]) for one in each], axis=0)

    assert mean == pytest.approx(both.scores(ROWS[0]), abs=1e-4)


def test_training_twice_gives_the_same_network() -> None:
    """The artefact can be made again from the files."""
    first, second = (fit_network(ROWS, TARGETS, ALIKE, (1,)).arrays() for _ in range(2))

    assert all((first[name] == second[name]).all() for name in first)


def test_a_network_that_is_stored_and_read_again_says_the_same() -> None:
    """Half a word a weight is enough."""
    rng = np.random.default_rng(0)
    size = word_table().vectors.shape[1]
    drawn = Network(
        filters=tuple(rng.normal(0, 0.05, (width * size, FILTERS)).astype(np.float32) for width in WIDTHS),
        biases=tuple(rng.normal(0, 0.05, FILTERS).astype(np.float32) for _ in WIDTHS),
        output=rng.normal(0, 0.05, (FILTERS * len(WIDTHS), 3)).astype(np.float32),
        offsets=np.zeros(3, dtype=np.float32),
    )

    again = Network.of_arrays(dict(drawn.arrays()))

    assert drawn.scores(ROWS[0]) == pytest.approx(again.scores(ROWS[0]), abs=0.02)


def test_a_model_is_refused_with_word_vectors_that_it_was_not_trained_on(tmp_path: Path) -> None:
    """A table made anew turns all meanings; the model must be trained again."""
    path = tmp_path / "model.npz"
    replace(Model.load(), table_hash="00" * 32).save(path)

    with pytest.raises(ValueError, match="another table of word vectors"):
        Model.load(path)
