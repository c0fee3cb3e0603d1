"""Clocks of mortgages, by the dates of the rule (12 CFR 1024.39 and its comments)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.clocks import Arrears, ClockKind, ClockState, Effort, clocks_of, is_at_risk, missed_due_dates

LIVE, NOTICE = ClockKind.LIVE_CONTACT, ClockKind.NOTICE
DUE = date(2026, 1, 1)


def state_of(arrears: Arrears, today: date, kind: ClockKind = LIVE, due: date = DUE) -> ClockState:
    """Where one clock stands on a day."""
    [clock] = [one for one in clocks_of(arrears, today) if (one.kind, one.due_on) == (kind, due)]
    return clock.state


@pytest.mark.parametrize(
    ("today", "expected"),
    [(date(2026, 1, 2), ClockState.OPEN), (date(2026, 2, 6), ClockState.OPEN), (date(2026, 2, 7), ClockState.MISSED)],
)
def test_live_contact_is_in_time_until_the_thirty_sixth_day(today: date, expected: ClockState) -> None:
    """Comment 39(a)-1.i: due on 1 January, contact until 6 February."""
    assert expected == state_of(Arrears(DUE), today)


@pytest.mark.parametrize(
    ("today", "expected"),
    [(date(2026, 2, 15), ClockState.OPEN), (date(2026, 2, 16), ClockState.MISSED)],
)
def test_the_notice_is_in_time_until_the_forty_fifth_day(today: date, expected: ClockState) -> None:
    """12 CFR 1024.39(b)(1): due on 1 January, notice until 15 February."""
    assert expected == state_of(Arrears(DUE), today, NOTICE)


@pytest.mark.parametrize(
    ("label", "arrears", "expected"),
    [
        ("nothing", Arrears(DUE), ClockState.OPEN),
        ("a person spoke", Arrears(DUE, live_contacts=[date(2026, 1, 9)]), ClockState.MET),
        ("before it was due", Arrears(DUE, live_contacts=[DUE]), ClockState.OPEN),
        ("one writing", Arrears(DUE, efforts=[Effort(date(2026, 1, 20), is_call=False)]), ClockState.MET),
        ("a call, or its recording", Arrears(DUE, efforts=[Effort(date(2026, 1, 20), is_call=True)]), ClockState.OPEN),
        ("two calls on one day", Arrears(DUE, efforts=[Effort(date(2026, 1, 20), is_call=True)] * 2), ClockState.OPEN),
        ("calls on two days", Arrears(DUE, efforts=[Effort(date(2026, 1, day), is_call=True) for day in (20, 22)]),
         ClockState.MET),
        ("an arrangement is kept", Arrears(DUE, is_performing=True), ClockState.ENDED),
    ],
)  # fmt: skip
def test_what_counts_as_live_contact_or_effort(label: str, arrears: Arrears, expected: ClockState) -> None:
    """Comments 39(a)-2 and -3: a recording is no live contact; telephoning is an effort on more than one occasion."""
    assert expected == state_of(arrears, date(2026, 1, 31)), label


def test_a_deed_that_comes_late_does_not_meet_the_clock() -> None:
    """What was done on the thirty-seventh day is on record, and the clock was missed."""
    late = Arrears(DUE, live_contacts=[date(2026, 2, 7)])

    assert ClockState.MISSED == state_of(late, date(2026, 2, 8))


def test_every_missed_due_date_has_its_clock() -> None:
    """Comment 39(a)-1.ii: again by the 36th day after each due date that follows, while nothing is paid."""
    clocks = clocks_of(Arrears(DUE, live_contacts=[date(2026, 1, 20)]), date(2026, 3, 2))

    assert [(DUE, date(2026, 2, 6)), (date(2026, 2, 1), date(2026, 3, 9)), (date(2026, 3, 1), date(2026, 4, 6))] == [
        (one.due_on, one.by_on) for one in clocks if one.kind is LIVE
    ]
    assert [ClockState.MET, ClockState.OPEN, ClockState.OPEN] == [one.state for one in clocks if one.kind is LIVE]


def test_the_notice_is_due_again_after_half_a_year() -> None:
    """12 CFR 1024.39(b)(1): given on 15 April, the next one by 12 October, and none is asked for before."""
    arrears = Arrears(date(2026, 3, 1), notices=[date(2026, 4, 15)])
    before = [one for one in clocks_of(arrears, date(2026, 10, 11)) if one.kind is NOTICE]
    after = [one for one in clocks_of(arrears, date(2026, 10, 12)) if one.kind is NOTICE]

    assert [ClockState.MET] == [one.state for one in before]
    assert [(date(2026, 10, 12), ClockState.OPEN)] == [(one.by_on, one.state) for one in after]


def test_nothing_past_due_has_no_clock() -> None:
    """Who has paid is left out."""
    assert [] == clocks_of(Arrears(None), date(2026, 3, 1))


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(0, 500))
def test_due_dates_are_missed_the_day_after(oldest: date, days: int) -> None:
    """Monthly from the oldest on, in order, all before today, and none is left out."""
    today = oldest + timedelta(days=days)
    dates = missed_due_dates(oldest, today)

    assert sorted(set(dates)) == dates
    assert all(due < today for due in dates)
    assert (days > 0) == bool(dates)
    assert days > 31 * len(dates) or days <= 31 * len(dates) + 31


@given(st.integers(0, 60))
def test_a_clock_warns_before_it_runs_out(days: int) -> None:
    """Every open clock is at risk for days before it is missed, and no clock is missed unwarned."""
    today = DUE + timedelta(days=days)
    for clock in clocks_of(Arrears(DUE), today):
        left = (clock.by_on - today).days
        assert is_at_risk(clock, today) == (
            clock.state is ClockState.OPEN and left <= (9 if clock.kind is LIVE else 15)
        )
