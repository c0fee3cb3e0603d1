"""Local dates and midnights, business days, and the public holidays that rules name."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
SATURDAY, SUNDAY = 5, 6
ALWAYS = datetime.min.replace(tzinfo=UTC)  # before every instant
NEVER = datetime.max.replace(tzinfo=UTC)  # after every instant


@lru_cache(maxsize=65_536)
def day_start(zone: ZoneInfo, day: date) -> datetime:
    """The first instant, in UTC, of a local calendar day."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The calendar day it is in `zone`."""
    return at.astimezone(zone).date()


@lru_cache(maxsize=65_536)
def instant_of(day: date, second_of_day: int, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local wall-clock time; in a gap, the instant the clocks jump to."""
    wall = datetime.combine(day, time(0)) + timedelta(seconds=second_of_day)
    return wall.replace(tzinfo=zone).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it is shorter."""
    years, month0 = divmod(day.month - 1 + months, 12)
    year = day.year + years
    _, last = monthrange(year, month0 + 1)
    return date(year, month0 + 1, min(day.day, last))


def add_business_days(day: date, count: int, holidays: Iterable[date] = ()) -> date:
    """The `count`-th day after `day` that is neither a weekend day nor a holiday."""
    closed = set(holidays)
    while count:
        day += ONE_DAY
        if day.weekday() < SATURDAY and day not in closed:
            count -= 1
    return day


@lru_cache(maxsize=256)
def easter_sunday(year: int) -> date:
    """Western Easter by the anonymous Gregorian computus."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    lunar = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - lunar - of_century % 4) % 7
    shift = lunar + weekday - 7 * ((golden + 11 * lunar + 22 * weekday) // 451) + 114
    return date(year, shift // 31, shift % 31 + 1)


@lru_cache(maxsize=256)
def us_federal_holidays(year: int) -> frozenset[date]:
    """The legal public holidays of 5 U.S.C. 6103(a), with the weekday on which they are observed."""
    fixed = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
    floating = [(1, 0, 3), (2, 0, 3), (9, 0, 1), (10, 0, 2), (11, 3, 4)]
    days = {date(year, month, day) for month, day in fixed}
    days |= {_nth_weekday(year, month, weekday, nth) for month, weekday, nth in floating}
    days.add(_last_monday_of_may(year))
    observed = {_observed_on_weekday(day) for day in days}
    return frozenset(days | observed | {_observed_on_weekday(date(year + 1, 1, 1))})


@lru_cache(maxsize=256)
def au_national_holidays(year: int) -> frozenset[date]:
    """Holidays kept in every Australian state and territory, with their substitute days."""
    easter = easter_sunday(year)
    fixed = [date(year, 1, 1), date(year, 1, 26), date(year, 12, 25), date(year, 12, 26)]
    days = {*fixed, date(year, 4, 25), easter - 2 * ONE_DAY, easter + ONE_DAY}
    for day in fixed:
        while day.weekday() >= SATURDAY or (day not in fixed and day in days):
            day += ONE_DAY
        days.add(day)
    return frozenset(days)


OBSERVED_AFTER = {SATURDAY: -ONE_DAY, SUNDAY: ONE_DAY}
HOLIDAYS = {"AU": au_national_holidays, "US": us_federal_holidays}


def is_holiday(calendar: str, day: date) -> bool:
    """Whether `day` is a public holiday of the named calendar."""
    return day in HOLIDAYS[calendar](day.year)


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


def _observed_on_weekday(day: date) -> date:
    return day + OBSERVED_AFTER.get(day.weekday(), timedelta(0))
