"""Which hours a wish shuts: never one that it named as welcome."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_replies.weekdays import DAY_NAMES
from response_tracker.model import NO_WISH, WeeklyHours, Wish
from response_tracker.unwelcome import unwelcome_hours

WEEK = tuple(range(7))


@pytest.mark.parametrize(
    ("wish", "shut"),
    [
        (NO_WISH, ()),
        (Wish(hour_start=0, hour_end=24), ()),
        (Wish(hour_start=18), (WeeklyHours(WEEK, 0, 1080),)),
        (Wish(hour_end=12), (WeeklyHours(WEEK, 720, 1440),)),
        (Wish(days=("mon",)), ()),
        (Wish(days=("sat", "sun")), (WeeklyHours((0, 1, 2, 3, 4), 0, 1440),)),
        (Wish(days=DAY_NAMES), ()),
    ],
)
def test_a_wish_shuts_what_it_leaves_out(wish: Wish, shut: tuple[WeeklyHours, ...]) -> None:
    """One named day says when to speak next; more than one says when not to."""
    assert shut == unwelcome_hours(wish)


@pytest.mark.parametrize(
    ("days", "told"),
    [((), ()), (("mon",), ()), (("sun", "sat"), (5, 6)), (DAY_NAMES[:5], (0, 1, 2, 3, 4)), (DAY_NAMES, ())],
)
def test_the_plan_is_told_of_the_days_that_the_gate_leaves_open(days: tuple[str, ...], told: tuple[int, ...]) -> None:
    """Both keep to the same days: what the gate would refuse is not planned."""
    wish = Wish(days=days)

    assert told == wish.weekdays
    assert {day for shut in unwelcome_hours(wish) for day in shut.weekdays} == (
        set(WEEK) - set(told) if told else set()
    )


@given(st.integers(0, 23), st.integers(1, 24), st.sets(st.sampled_from(DAY_NAMES)))
def test_no_welcome_hour_is_shut(first: int, length: int, names: set[str]) -> None:
    """Whatever was asked for, the hours within it stay open on the days within it."""
    start, end = first, min(24, first + length)
    days = tuple(name for name in DAY_NAMES if name in names)
    shut = unwelcome_hours(Wish(hour_start=start, hour_end=end, days=days))

    for hour in range(start, end):
        for name in days:
            number = DAY_NAMES.index(name)
            assert not any(number in one.weekdays and one.start_minute <= hour * 60 < one.end_minute for one in shut)


@pytest.mark.parametrize(("start", "end"), [(18, 17), (22, 22), (None, 0), (24, None)])
def test_hours_that_leave_none_of_the_day_are_no_wish(start: int | None, end: int | None) -> None:
    """The scheduler refuses them, and whatever waits behind them would wait with them."""
    with pytest.raises(ValueError, match="no hour lies from"):
        Wish(hour_start=start, hour_end=end)
