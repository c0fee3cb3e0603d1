"""What chaos is judged by: a count of contacts in any seven days, and violations that carry their proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from forbear_sandbox.judgement import EVIDENCE_MAX, Promise, Violation, too_close

MONDAY = datetime(2026, 3, 2, 17, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], []),
        ([0, 1], []),
        ([0, 1, 6.2], [6.2]),
        ([0, 1, 6.7], []),
        ([0, 1, 7], []),
        ([6.2, 0, 1], [6.2]),
        ([0, 0, 0, 0], [0, 0]),
        ([0, 3, 8, 9.2, 14.2], [9.2, 14.2]),
    ],
)
def test_contacts_beyond_the_cap_are_found_in_any_seven_days(days: list[float], expected: list[float]) -> None:
    """Two are allowed; on the seventh day after there is room again, at any hour, and order does not matter."""
    found = too_close([MONDAY + day * DAY for day in days], 2)

    assert [MONDAY + day * DAY for day in expected] == found


def test_days_are_those_of_the_borrowers_clock() -> None:
    """Monday evening to Sunday evening in Honolulu is seven days, though the eighth has begun in London."""
    honolulu = timezone(timedelta(hours=-10))
    evening = datetime(2026, 3, 2, 19, tzinfo=honolulu)

    assert [evening + 6 * DAY] == too_close([evening, evening + DAY, evening + 6 * DAY], 2)
    assert [] == too_close([evening, evening + DAY, evening + 6 * DAY + timedelta(hours=13)], 2)


def test_a_violation_counts_all_and_shows_the_first() -> None:
    """So that a report of thousands stays readable."""
    found = Violation.of(Promise.CAPS, "contacts", (str(number) for number in range(50)))

    assert found is not None
    assert 50 == found.count
    assert tuple(map(str, range(EVIDENCE_MAX))) == found.evidence


def test_nothing_found_is_no_violation() -> None:
    """An empty proof proves nothing."""
    assert Violation.of(Promise.CAPS, "contacts", []) is None
