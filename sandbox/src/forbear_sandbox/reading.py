"""How a borrower understands what we write: whether two ways out are offered, and which sum is due on which day."""

from __future__ import annotations

import re
from datetime import date

from forbear_sandbox.replies_text import MONTHS

OFFERS_ONE = re.compile(r"(?<![\d$.,/:-])1(?![\d.,/:]\d|\d)")
OFFERS_TWO = re.compile(r"(?<![\d$.,/:-])2(?![\d.,/:]\d|\d)")
AMOUNT = re.compile(r"(?:\$|US\$|USD\s?)\s?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{2}))?")
DAY_ZH = re.compile(r"(?:(\d{4})年)?\s?(\d{1,2})\s?月\s?(\d{1,2})\s?[日号號]")
DAY_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_ENGLISH = {name.lower(): number for number, name in enumerate(MONTHS["en"], start=1)}
_SPANISH = {name.lower(): number for number, name in enumerate(MONTHS["es"], start=1)}
DAY_EN = re.compile(rf"\b({'|'.join(_ENGLISH)})\s+(\d{{1,2}})\b", re.IGNORECASE)
DAY_ES = re.compile(rf"\b(\d{{1,2}})\s+de\s+({'|'.join(_SPANISH)})\b", re.IGNORECASE)
LINK = re.compile(r"https?://[^\s<>\"')]+")


def offers_two_ways(text: str) -> bool:
    """Return whether a text asks to choose 1 or 2."""
    plain = LINK.sub("", text)
    return bool(OFFERS_ONE.search(plain)) and bool(OFFERS_TWO.search(plain))


def amounts(text: str) -> list[int]:
    """Return the sums in a text, in cents, in order."""
    return [int(whole.replace(",", "")) * 100 + int(cents or 0) for whole, cents in AMOUNT.findall(text)]


def days(text: str, today: date) -> list[date]:
    """Return the days in a text that are still to come, soonest first; a day without a year is the next one."""
    named: set[tuple[int | None, int, int]] = set()
    named.update((int(y), int(m), int(d)) for y, m, d in DAY_ISO.findall(text))
    named.update((int(y) if y else None, int(m), int(d)) for y, m, d in DAY_ZH.findall(text))
    named.update((None, _ENGLISH[month.lower()], int(d)) for month, d in DAY_EN.findall(text))
    named.update((None, _SPANISH[month.lower()], int(d)) for d, month in DAY_ES.findall(text))
    found = {day for year, month, number in named if (day := _day(year, month, number, today)) is not None}
    return sorted(day for day in found if day >= today)


def _day(year: int | None, month: int, number: int, today: date) -> date | None:
    try:
        if year is not None:
            return date(year, month, number)
        this_year = date(today.year, month, number)
        return this_year if this_year >= today else date(today.year + 1, month, number)
    except ValueError:
        return None
