"""The borrower's clock: which zone to speak of days and hours in, and instants on it. Pure.

These are for words ("on Friday") and for choosing a kind hour. Whether a contact is lawful at an instant is decided by
the dispatcher's gate alone, from all evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

KIND_HOUR = time(10, 0)  # follow-ups ask for this hour; late enough for shift workers, early enough to act the same day


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """Return a zone by its IANA name, or None where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def choose_zone(names: Sequence[str]) -> ZoneInfo:
    """Return the first zone that exists, best evidence first; UTC where none does."""
    return next((zone for name in names if name and (zone := find_zone(name))), ZoneInfo("UTC"))


def today(now: datetime, zone: ZoneInfo) -> date:
    """Return the borrower's date at an instant."""
    return now.astimezone(zone).date()


def day_starts(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day begins for the borrower."""
    return datetime.combine(day, time(0, 0), zone).astimezone(UTC)


def kind_hour(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant on a day at which a follow-up asks to be sent."""
    return datetime.combine(day, KIND_HOUR, zone).astimezone(UTC)


def next_kind_hour(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the first kind hour at or after an instant."""
    first = kind_hour(today(now, zone), zone)
    return first if first >= now else kind_hour(today(now, zone) + timedelta(days=1), zone)
