"""Dates that rules fix."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from forbear_domain.policy import Delinquency
from forbear_domain.policy import deadlines as due
from forbear_domain.policy.calendar import (
    add_business_days,
    add_months,
    au_national_holidays,
    easter_sunday,
    us_federal_holidays,
)


def test_duties_name_day_36_and_day_45_the_most_urgent_first() -> None:
    """Shows the two clocks of one missed due date."""
    found = due.duties([Delinquency("L1", date(2026, 1, 1))], date(2026, 1, 10))

    assert [("REGX-39A-LIVE", date(2026, 2, 6)), ("REGX-39B-NOTICE", date(2026, 2, 15))] == [
        (one.rule, one.by) for one in found
    ]


def test_an_exempt_borrower_has_no_duties_and_a_live_contact_ends_one() -> None:
    """Shows what closes a duty."""
    done = Delinquency("L1", date(2026, 1, 1), live_contact_on=date(2026, 1, 20))

    assert () == due.duties([Delinquency("L1", date(2026, 1, 1), exempt=True)], date(2026, 1, 10))
    assert ["REGX-39B-NOTICE"] == [one.rule for one in due.duties([done], date(2026, 1, 25))]


def test_a_notice_is_repeated_after_180_days_if_the_delay_lasts() -> None:
    """Shows the official dates, and the shorter delay."""
    assert date(2026, 10, 12) == due.repeated_notice_on(date(2026, 4, 15), 60)
    assert date(2026, 10, 27) == due.repeated_notice_on(date(2026, 4, 15), 30)


def test_waiting_past_the_day_of_a_duty_collides() -> None:
    """Shows that the local day counts, in any zone."""
    duty = due.Duty("REGX-39A-LIVE", "L1", "live contact", date(2026, 2, 6))
    zones = [ZoneInfo("America/New_York")]

    assert not due.collides(duty, datetime(2026, 2, 7, 4, 59, tzinfo=UTC), zones)
    assert due.collides(duty, datetime(2026, 2, 7, 5, 0, tzinfo=UTC), zones)


def test_a_transferee_counts_from_the_first_due_date_after_the_transfer() -> None:
    """Shows the official example."""
    assert date(2026, 5, 1) == due.first_due_after(date(2026, 3, 1), date(2026, 4, 12))


def test_ten_business_days_pass_over_weekends_and_holidays() -> None:
    """Shows Independence Day observed on a Friday."""
    assert date(2026, 7, 14) == due.revocation_honoured_by(date(2026, 6, 29))
    assert date(2026, 7, 13) == add_business_days(date(2026, 6, 29), 10)


@pytest.mark.parametrize(
    ("year", "day"), [(2024, (3, 31)), (2025, (4, 20)), (2026, (4, 5)), (2027, (3, 28)), (2038, (4, 25))]
)
def test_easter_falls_where_it_does(year: int, day: tuple[int, int]) -> None:
    """Shows known Easters."""
    assert date(year, *day) == easter_sunday(year)


def test_holidays_move_off_the_weekend() -> None:
    """Shows observed and substitute days."""
    assert date(2026, 7, 3) in us_federal_holidays(2026)
    assert date(2026, 11, 26) in us_federal_holidays(2026)
    assert date(2021, 12, 31) in us_federal_holidays(2021)
    assert {date(2026, 12, 25), date(2026, 12, 28), date(2026, 4, 3), date(2026, 4, 6)} <= au_national_holidays(2026)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 5), 1, date(2027, 1, 5)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_months_end_where_the_shorter_month_ends(start: date, months: int, end: date) -> None:
    """Shows the last day of the month as a ceiling."""
    assert end == add_months(start, months)
