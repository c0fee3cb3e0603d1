"""What chaos is judged by: a count of contacts in any seven days, and violations that carry their proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from forbear_sandbox.judgement import EVIDENCE_MAX, WEEK, Promise, Violation, too_close

MONDAY = datetime(2026, 3, 2, 17, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], []),
        ([0, 1], []),
        ([0, 1, 6.9], [6.9]),
        ([0, 1, 7], []),
        ([6.9, 0, 1], [6.9]),
        ([0, 0, 0, 0], [0, 0]),
        ([0, 3, 8, 9.5, 14.9], [9.5, 14.9]),
    ],
)
def test_contacts_beyond_the_cap_are_found_in_any_seven_days(days: list[float], expected: list[float]) -> None:
    """Two are allowed; exactly seven days later there is room again, and order of arrival does not matter."""
    found = too_close([MONDAY + day * DAY for day in days], 2, WEEK)

    assert [MONDAY + day * DAY for day in expected] == found


def test_a_violation_counts_all_and_shows_the_first() -> None:
    """So that a report of thousands stays readable."""
    found = Violation.of(Promise.CAPS, "contacts", (str(number) for number in range(50)))

    assert found is not None
    assert 50 == found.count
    assert tuple(map(str, range(EVIDENCE_MAX))) == found.evidence


def test_nothing_found_is_no_violation() -> None:
    """An empty proof proves nothing."""
    assert Violation.of(Promise.CAPS, "contacts", []) is None
