"""Groups of borrowers are compared fairly: nothing is lost, nobody is shown bare, chance alone rarely cries wolf."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from contact_scheduler.learning.disparity import CONTACTS_MIN, OTHER, Apart, Tally, compare_groups, summarize
from contact_scheduler.learning.features import FEATURE_NAMES
from contact_scheduler.learning.terms import BASIS_NAMES, TERMS


def tally_of(contacts: NDArray[np.int64], answers: NDArray[np.int64]) -> Tally:
    """Count borrowers with so many contacts and answers each."""
    return Tally(
        len(contacts), int(contacts.sum()), int(answers.sum()), 0, int((contacts**2).sum()), int((answers**2).sum()),
        int((contacts * answers).sum()), {"remind_gently": int(contacts.sum())},
    )  # fmt: skip


def draw_group(draw: np.random.Generator, size: int, chance: float, contacts: float) -> Tally:
    """Draw borrowers who differ among themselves: one answers often, another hardly ever."""
    counts = 1 + draw.poisson(contacts - 1, size)
    return tally_of(counts, draw.binomial(counts, draw.beta(chance, 1 - chance, size)))


def is_clear(apart: Apart | None) -> bool | None:
    """Say whether something is apart beyond chance; None without a verdict."""
    return None if apart is None else apart.is_clear


people = st.lists(st.integers(1, 6).flatmap(lambda sent: st.tuples(st.just(sent), st.integers(0, sent))), min_size=1)
crowds = st.lists(st.tuples(st.sampled_from(["en", "es", "zh-Hans", "unknown", OTHER]), people), max_size=12)


@given(crowds)
def test_totals_add_up_and_no_small_group_stands_bare(crowd: list[tuple[str, list[tuple[int, int]]]]) -> None:
    """Merged or not, every borrower is in exactly one group, each group has 30 contacts, and others are the rest."""
    tallies = [(name, tally_of(*np.array(members).T)) for name, members in crowd]
    whole = sum((tally for _, tally in tallies), Tally())

    groups = compare_groups(tallies)

    if whole.contacts < CONTACTS_MIN:
        assert groups == []
        return
    assert sum((group.tally for group in groups), Tally()) == whole
    assert all(group.tally + group.others == whole for group in groups)
    assert all(group.tally.contacts >= CONTACTS_MIN for group in groups)
    assert len({group.name for group in groups}) == len(groups)


def test_a_small_rest_takes_the_smallest_large_group_with_it() -> None:
    """Two contacts of one language alone would be bare under any name, so the next smallest group joins them."""
    sizes = {"en": 100, "es": 40, "zh-Hans": 2}
    tallies = [(name, tally_of(np.ones(size, np.int64), np.zeros(size, np.int64))) for name, size in sizes.items()]

    found = compare_groups(tallies)

    assert [("en", 100), (OTHER, 42)] == [(group.name, group.tally.contacts) for group in found]


@pytest.mark.parametrize("sizes", [(400, 100), (300, 60, 60, 40)])
def test_equal_groups_are_flagged_no_more_often_than_chance_allows(sizes: tuple[int, ...]) -> None:
    """600 worlds without any difference, each borrower with habits: at most about one report of twenty is flagged."""
    draw = np.random.default_rng(7)
    flagged = 0
    for _ in range(600):
        groups = compare_groups((str(number), draw_group(draw, size, 0.15, 4.0)) for number, size in enumerate(sizes))
        flagged += any(group.is_flagged for group in groups)

    assert flagged <= 46, flagged  # 30 expected at most; three standard deviations more


@pytest.mark.parametrize(("chance", "contacts", "flags"), [(0.30, 4.0, (True, False)), (0.15, 5.0, (False, True))])
def test_a_real_difference_is_flagged_and_said(chance: float, contacts: float, flags: tuple[bool, bool]) -> None:
    """A group that answers twice as often, or gets a contact more each, is found; the line names both figures."""
    draw = np.random.default_rng(3)

    groups = compare_groups(
        [("en", draw_group(draw, 1500, 0.15, 4.0)), ("es", draw_group(draw, 500, chance, contacts))]
    )

    assert [flags, flags] == [
        tuple(is_clear(apart) for apart in (one.answers_apart, one.contacts_apart)) for one in groups
    ]
    assert summarize(groups) == "Of 2 groups that can be judged, 2 fare otherwise: en, es."
    assert all(one.words.startswith("Beyond chance: ") for one in groups)
    assert all(("of 100 contacts" in one.words, "contacts a borrower" in one.words) == flags for one in groups)


@pytest.mark.parametrize("answered", [0, 1])
def test_where_all_fare_alike_to_the_last_nothing_is_flagged(answered: int) -> None:
    """Everybody silent, or everybody answering, with one contact each: no division by nothing, no flag."""
    ones = np.ones(50, np.int64)

    groups = compare_groups([("en", tally_of(ones, answered * ones)), ("es", tally_of(ones, answered * ones))])

    assert ["No difference beyond chance. Of answers too little is known for a verdict."] * 2 == [
        group.words for group in groups
    ]
    assert not any(group.is_flagged for group in groups)


def test_a_group_alone_is_compared_with_nobody() -> None:
    """One language only: its figures are shown and no verdict is given."""
    ones = np.ones(50, np.int64)

    (group,) = compare_groups([("en", tally_of(ones, ones))])

    assert (None, None) == (group.answers_apart, group.contacts_apart)
    assert group.words == "No other group to compare with."
    assert summarize([group]) == "There is only one group; nothing can be compared."


def test_few_borrowers_get_no_verdict_however_far_apart_they_are() -> None:
    """Nineteen who always answer beside a thousand who seldom do: shown, not judged; with one more they are flagged."""
    many = tally_of(np.full(1_000, 4), np.where(np.arange(1_000) % 4 == 0, 1, 0))
    told = []
    for few in (19, 20):
        groups = compare_groups([("en", many), ("es", tally_of(np.full(few, 4), np.full(few, 4))), ("zh-Hans", many)])
        told.append((next(one.words for one in groups if one.name == "es"), summarize(groups)))

    assert told[0][0] == "Too few borrowers for a verdict (20 needed)."
    assert told[0][1].endswith("Of 1 too little is known for a verdict.")
    assert told[1][0] == "Beyond chance: answers 100.0 of 100 contacts, the others 6.2."
    assert told[1][1].startswith("Of 3 groups that can be judged, 3 fare otherwise")


def test_a_verdict_on_answers_needs_five_of_them_to_be_expected() -> None:
    """Of 100 contacts with an answer to 4 in 100 overall, 30 of the smaller group let 1.2 be expected: too few."""
    silent = tally_of(np.ones(70, np.int64), np.zeros(70, np.int64))
    heard = tally_of(np.ones(30, np.int64), np.repeat([1, 0], [4, 26]))

    groups = compare_groups([("en", silent), ("es", heard)])

    assert [None, None] == [one.answers_apart for one in groups]
    assert all(one.words.endswith("Of answers too little is known for a verdict.") for one in groups)


def test_intervals_of_what_is_apart_cover_the_truth() -> None:
    """300 worlds in which one group answers five points more: both intervals of a report cover it in 93 of 100."""
    draw = np.random.default_rng(11)
    covered = 0
    for _ in range(300):
        groups = compare_groups([("en", draw_group(draw, 600, 0.15, 4.0)), ("es", draw_group(draw, 300, 0.20, 4.0))])
        covered += all(
            one.answers_apart is not None and one.answers_apart.low <= sign * 0.05 <= one.answers_apart.high
            for one, sign in zip(groups, (-1, 1), strict=True)
        )

    assert covered >= 279, covered


def test_language_meets_the_channel_and_never_the_hour() -> None:
    """The response model weighs another language by itself and with each channel; no hour or day knows of it."""
    rows = TERMS.row == FEATURE_NAMES.index("other_language")

    assert ["always", "sms", "email", "voice"] == [BASIS_NAMES[column] for column in TERMS.column[rows]]
