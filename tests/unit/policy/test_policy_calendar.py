"""Holidays, months and business days, against the almanac."""

from datetime import date

import pytest

from forbear_domain.policy.calendar import (
    add_business_days,
    add_months,
    au_national_holidays,
    easter_sunday,
    us_federal_holidays,
)


def test_holidays_of_the_united_states_are_those_of_the_statute() -> None:
    """Shows 5 U.S.C. 6103(a) for 2026, and days that are observed in another week or year."""
    days = {(1, 1), (1, 19), (2, 16), (5, 25), (6, 19), (7, 3), (7, 4), (9, 7), (10, 12), (11, 11), (11, 26), (12, 25)}

    assert days == {(day.month, day.day) for day in us_federal_holidays(2026)}
    assert date(2025, 9, 1) in us_federal_holidays(2025)
    assert date(2021, 12, 31) in us_federal_holidays(2021)
    assert date(2023, 1, 2) in us_federal_holidays(2023)
    assert date(2022, 12, 26) in us_federal_holidays(2022)


def test_holidays_of_australia_move_to_the_next_working_day() -> None:
    """Shows 2026 and 2021, when Christmas and the day after fell on a weekend."""
    days = {(1, 1), (1, 26), (4, 3), (4, 6), (4, 25), (12, 25), (12, 26), (12, 28)}

    assert days == {(day.month, day.day) for day in au_national_holidays(2026)}
    assert {date(2021, 12, 27), date(2021, 12, 28)} <= au_national_holidays(2021)


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(1954, 4, 18), (1981, 4, 19), (2000, 4, 23), (2008, 3, 23), (2011, 4, 24), (2024, 3, 31), (2025, 4, 20),
     (2026, 4, 5), (2038, 4, 25), (2049, 4, 18), (2076, 4, 19), (2100, 3, 28), (2285, 3, 22)],
)  # fmt: skip
def test_easter_is_on_the_sunday_of_the_almanac(year: int, month: int, day: int) -> None:
    """Shows years with each correction of the computus."""
    assert date(year, month, day) == easter_sunday(year)


def test_months_and_business_days_are_added_by_the_calendar() -> None:
    """Shows short months, the turn of the year, weekends and holidays."""
    assert date(2026, 2, 28) == add_months(date(2026, 1, 31), 1)
    assert date(2027, 1, 15) == add_months(date(2026, 12, 15), 1)
    assert date(2026, 12, 31) == add_months(date(2026, 10, 31), 2)
    assert date(2025, 11, 30) == add_months(date(2026, 1, 30), -2)
    assert date(2026, 6, 15) == add_business_days(date(2026, 6, 12), 1)
    assert date(2026, 6, 16) == add_business_days(date(2026, 6, 12), 1, [date(2026, 6, 15)])
    assert date(2026, 6, 22) == add_business_days(date(2026, 6, 12), 6)
    assert date(2026, 6, 12) == add_business_days(date(2026, 6, 12), 0)
