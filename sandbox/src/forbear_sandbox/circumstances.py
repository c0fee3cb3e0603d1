"""What a lender comes to know of borrowers that asks for care: words of the column `circumstances`, day by day.

Drawn by lots of their own, so that everything else about a borrower stays as it is. Shares and durations are ours,
except that hardship is set beside loans in forbearance (0.31 % of all mortgages, Mortgage Bankers Association, Loan
Monitoring Survey, September 2023, of some 4 % past due), and disputes and suits well below what people with debts in
collection told of a year (27 % and 15 %, CFPB, Consumer Experiences with Debt Collection, January 2017): most of these
borrowers owe a mortgage, not for long, to those they borrowed from. A word is as frequent at the end of a month as at
its beginning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from forbear_sandbox.lots import Lots


class Course(NamedTuple):
    """How common a word is at any time, and for how many days it holds on average."""

    share: float
    days: float
    is_for_good: bool = False


COURSES: Final[Mapping[str, Course]] = {
    "vulnerable": Course(0.03, 180),
    "hardship": Course(0.06, 90),
    "disputed": Course(0.015, 45),
    "litigated": Course(0.01, 180),
    "represented": Course(0.015, 180),
    "bankrupt": Course(0.01, 180),
    "deceased": Course(0.005, 180, is_for_good=True),
    "cease": Course(0.005, 180, is_for_good=True),
}

Span = tuple[float, float]  # days after the first file on which a word begins and ends to hold


def spans_of(own: Lots) -> dict[str, Span]:
    """Return when each word holds for a borrower; `own` are the borrower's lots."""
    return {word: _span(own.under("circumstance", word), course) for word, course in COURSES.items()}


def words_on(spans: Mapping[str, Span], day: float) -> tuple[str, ...]:
    """Return the words that hold on a day."""
    return tuple(word for word, (start, end) in spans.items() if start <= day < end)


def _span(lots: Lots, course: Course) -> Span:
    start = 0.0
    if not lots.happens(course.share, "at first"):
        start = _wait(course.days * (1.0 - course.share) / course.share, lots, "begins")
    return start, math.inf if course.is_for_good else start + _wait(course.days, lots, "ends")


def _wait(mean: float, lots: Lots, what: str) -> float:
    return -mean * math.log(1.0 - lots.uniform(what))
