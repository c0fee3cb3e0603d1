"""What the made-up lender knows of borrowers: in the shares it says, and sent once when it changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from forbear_sandbox.circumstances import COURSES, spans_of, words_on
from forbear_sandbox.daily_file import NONE, later_files
from forbear_sandbox.portfolio import generate, lots_of

AS_OF = date(2026, 3, 2)
COUNT = 2_000
DAYS = 28


def test_words_are_as_common_as_documented_now_and_after_four_weeks() -> None:
    """Within three standard errors of 20,000 borrowers; what holds for good grows more common."""
    lots = lots_of(1)
    spans = [spans_of(lots.under(number)) for number in range(20_000)]
    at_first = Counter(word for one in spans for word in words_on(one, 0))
    for day in (0, DAYS):
        counts = Counter(word for one in spans for word in words_on(one, day))
        for word, course in COURSES.items():
            if day and course.is_for_good:
                assert counts[word] > at_first[word]
            else:
                error = (course.share / len(spans)) ** 0.5
                assert course.share == pytest.approx(counts[word] / len(spans), abs=3 * error), (word, day)


def test_later_files_tell_each_change_once_and_change_nothing_else() -> None:
    """Applied to the first file they give what holds on the last day; a row differs in one column only."""
    first = {row.borrower_ref: row for row in generate(COUNT, 1, AS_OF)}
    latest = dict(first)
    for day, rows in later_files(COUNT, 1, AS_OF, DAYS).items():
        assert 1 <= day <= DAYS
        for row in rows:
            assert row.circumstances != (latest[row.borrower_ref].circumstances or NONE)
            assert first[row.borrower_ref] == replace(row, circumstances=first[row.borrower_ref].circumstances)
            latest[row.borrower_ref] = row
    lots = lots_of(1)
    for number, (before, after) in enumerate(zip(first.values(), latest.values(), strict=True)):
        held = ";".join(words_on(spans_of(lots.under(number)), DAYS))
        assert after.circumstances == held or (after.circumstances, held) == (NONE, ""), before.borrower_ref


def test_in_four_weeks_some_begin_some_end_and_every_word_is_met() -> None:
    """So that a demonstration shows them."""
    told = [row.circumstances for rows in later_files(COUNT, 1, AS_OF, DAYS).values() for row in rows]
    words = {word for row in generate(COUNT, 1, AS_OF) for word in row.circumstances.split(";")}

    assert set(COURSES) <= words
    assert told.count(NONE) > 10
    assert len(told) - told.count(NONE) > 10
