"""The judge of care: what a file said, since when it binds, and which contacts break it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from forbear_sandbox.care import ALLOWED, CRISIS_LINE, OPT_OUT_CONFIRMATION, REPLY, YEAR, Log, Told, look
from forbear_sandbox.census import Contact
from forbear_sandbox.judgement import REMINDER

MONDAY = datetime(2026, 3, 2, 17, tzinfo=UTC)
DAY = timedelta(days=1)
REF = "B000001"


def told(*cells: str) -> Told:
    """One file a day from Monday on, with these cells for the borrower."""
    made = Told()
    for day, cell in enumerate(cells):
        made.hear([{"borrower_ref": REF, "circumstances": cell}], MONDAY + day * DAY)
    return made


def contact(days: float, attempt: str = "a1") -> Contact:
    """A text to the borrower so many days after the first file."""
    return Contact(MONDAY + days * DAY, "sms", "SM1", attempt, "", "", REF, "America/New_York", "")


def log(purpose: int = REMINDER, *, by_lot: bool = False, rested_days: float | None = None) -> Log:
    """What the services noted of that text."""
    rests = {} if rested_days is None else {REF: MONDAY + rested_days * DAY}
    return Log({"a1": ("c1", purpose)}, {"c1"} if by_lot else set(), rests)


@pytest.mark.parametrize("word", ALLOWED)
def test_whoever_is_left_alone_is_reached_by_nothing_but_what_is_allowed(word: str) -> None:
    """A reminder is a violation; the crisis line never is; an answer is where the debt is only in dispute."""
    reminded = look([contact(1)], told(word), log())
    cared = look([contact(1)], told(word), log(CRISIS_LINE))
    answered = look([contact(1)], told(word), log(REPLY))

    assert [contact(1)] == reminded.barred
    assert ([], 1) == (cared.barred, cared.answered)
    assert (word in ("disputed", "litigated")) == (answered.barred == [])


def test_of_two_words_the_stricter_one_counts() -> None:
    """An answer may reach somebody in dispute, and not somebody with an attorney."""
    assert [contact(1)] == look([contact(1)], told("disputed; Represented"), log(REPLY)).barred
    assert [] == look([contact(1)], told("disputed; represented"), log(OPT_OUT_CONFIRMATION)).barred


def test_an_attempt_that_nobody_noted_is_allowed_to_nobody() -> None:
    """A contact that the dispatcher does not know cannot be an answer."""
    assert 1 == len(look([contact(1, "a2")], told("deceased"), log(REPLY)).barred)


@pytest.mark.parametrize(
    ("cells", "days", "is_barred"),
    [
        (("represented",), 0, False),
        (("represented",), 0.01, True),
        (("represented", ""), 1.5, True),
        (("represented", "none"), 0.5, True),
        (("represented", "none"), 1.5, False),
        (("represented", "vulnerable"), 1.5, False),
        (("", "bankrupt"), 0.5, False),
        (("", "bankrupt"), 1.5, True),
    ],
)
def test_a_word_binds_from_its_file_to_the_one_that_says_otherwise(
    cells: tuple[str, ...], days: float, is_barred: bool
) -> None:
    """What comes at the very instant of the file may have been on its way; an empty cell ends nothing."""
    assert is_barred == bool(look([contact(days)], told(*cells), log()).barred)


@pytest.mark.parametrize(
    ("cells", "days", "is_wrong"),
    [
        (("vulnerable",), 0.5, True),
        (("hardship", "none"), 100, True),
        (("hardship", "none"), YEAR / DAY + 2, False),
        (("hardship",), YEAR / DAY + 2, True),
        (("none",), 0.5, False),
        (("", "vulnerable"), 0.5, False),
    ],
)
def test_no_lot_may_choose_for_somebody_who_asks_for_care_or_did_within_a_year(
    cells: tuple[str, ...], days: float, is_wrong: bool
) -> None:
    """The plan's own choice may reach them at any time."""
    drawn = look([contact(days)], told(*cells), log(by_lot=True))
    chosen = look([contact(days)], told(*cells), log())

    assert is_wrong == bool(drawn.by_lot)
    assert [] == chosen.by_lot
    assert drawn.cared_for == chosen.cared_for == int(is_wrong)


def test_words_of_hardship_in_a_reply_ask_for_care_too() -> None:
    """From the rest that they began on, whatever any file says."""
    assert 1 == len(look([contact(2)], Told(), log(by_lot=True, rested_days=1)).by_lot)
    assert [] == look([contact(0.5)], Told(), log(by_lot=True, rested_days=1)).by_lot
