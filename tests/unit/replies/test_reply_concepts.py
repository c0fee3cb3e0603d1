"""Wordings of three languages that mean the same become one concept."""

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_replies.concepts import clauses_of
from forbear_replies.features import clause_evidence

TABLES: dict[str, dict[str, str]] = tomllib.loads(
    files("forbear_replies").joinpath("data/concepts.toml").read_text("utf-8")
)


@pytest.mark.parametrize(
    ("family", "text"), [("en", "delete my number"), ("es", "borren mi numero"), ("zh", "把这个号码删了")]
)
def test_three_languages_speak_of_the_same(family: str, text: str) -> None:
    """What is learned from one wording serves the others, because all give these two concepts."""
    assert {"remove", "number"} <= {concept for clause in clauses_of(text, family) for concept in clause}


@pytest.mark.parametrize(("family", "text"), [("en", "the bus stop"), ("es", "a fin de mes"), ("zh", "停电")])
def test_the_longest_wording_wins(family: str, text: str) -> None:
    """A word of stopping inside a harmless phrase is not one of stopping."""
    assert [["guard_stop_words"]] == clauses_of(text, family)


def test_every_concept_has_wordings_in_all_three_families() -> None:
    """A concept known to one language only would teach the others nothing."""
    assert [] == [name for name, table in TABLES.items() if set(table) != {"en", "es", "zh"} or not all(table.values())]


@given(st.text(max_size=200), st.sampled_from(["en", "es", "zh"]))
def test_any_text_gives_known_concepts_and_no_empty_clause(text: str, family: str) -> None:
    """Masks such as ``_money`` count as concepts too."""
    for clause in clauses_of(text, family):
        assert clause
        assert all(concept in TABLES or concept.startswith("_") for concept in clause)


def test_a_text_of_one_clause_is_not_read_twice() -> None:
    """Clauses are read alone only where there are several; speech without a stop is read in windows."""
    assert [] == clause_evidence("please stop", "en")
    assert len(clause_evidence("i lost my job, can you lower it", "en")) == 2
    assert len(clause_evidence("well " * 40, "en")) > 2
