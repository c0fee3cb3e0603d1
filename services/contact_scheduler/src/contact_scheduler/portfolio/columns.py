"""The columns of a portfolio file, and the check of each cell.

A check takes the text of a cell, stripped and not empty, and returns its value or a `Bad` with the way to mend it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from zoneinfo import available_timezones

from contact_scheduler.circumstances import NONE, WORDS, Circumstance
from contact_scheduler.portfolio.phones import Bad, parse_phone

REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
AMOUNT = re.compile(r"\d{1,12}(?:\.\d{1,2})?")
WHOLE = re.compile(r"\d{1,6}")
PERCENT = re.compile(r"\d{1,2}(?:\.\d{1,3})?|100(?:\.0{1,3})?")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
POSTAL_CODE = re.compile(r"(\d{5})(?:-?\d{4})?")
CURRENCY = re.compile(r"[A-Z]{3}")
MAIL_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
MAIL_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
LANGUAGES = ("en", "es", "zh-Hans", "zh-Hant")
PRODUCTS = ("mortgage", "loan", "card")
EMPLOYMENTS = ("day_shift", "night_shift", "self_employed", "retired", "unemployed", "unknown")
WHOSE = ("own", "work")
CHANNELS = {"sms": 1, "email": 2, "voice": 3}
STATES = frozenset(
    [
        "AK",
        "AL",
        "AR",
        "AS",
        "AZ",
        "CA",
        "CO",
        "CT",
        "DC",
        "DE",
        "FL",
        "GA",
        "GU",
        "HI",
        "IA",
        "ID",
        "IL",
        "IN",
        "KS",
        "KY",
        "LA",
        "MA",
        "MD",
        "ME",
        "MI",
        "MN",
        "MO",
        "MP",
        "MS",
        "MT",
        "NC",
        "ND",
        "NE",
        "NH",
        "NJ",
        "NM",
        "NV",
        "NY",
        "OH",
        "OK",
        "OR",
        "PA",
        "PR",
        "RI",
        "SC",
        "SD",
        "TN",
        "TX",
        "UT",
        "VA",
        "VI",
        "VT",
        "WA",
        "WI",
        "WV",
        "WY",
    ]
)
MARKUP = re.compile(r"[<>{}/\\]")
GIVEN_NAME_CHARS_MAX = 80
MAIL_CHARS_MAX = 254
MAIL_LOCAL_CHARS_MAX = 64

Value = str | int | float | date | tuple[Circumstance, ...] | None
Check = Callable[[str], "Value | Bad"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `is_cached` where few distinct values are met many times."""

    name: str
    check: Check
    is_required: bool = False
    is_cached: bool = False


class Fault(NamedTuple):
    """One thing that is wrong with one row, and how to mend it; never with the value itself."""

    line: int
    field: str
    mend: str


def _matching(pattern: re.Pattern[str], mend: str) -> Check:
    def check(text: str) -> Value | Bad:
        return text if pattern.fullmatch(text) else Bad(mend)

    return check


def _one_of(values: tuple[str, ...] | frozenset[str]) -> Check:
    listed = ", ".join(sorted(values)) if len(values) < 20 else "a two-letter code such as NY"

    def check(text: str) -> Value | Bad:
        return text if text in values else Bad(f"use one of: {listed}" if len(values) < 20 else f"use {listed}")

    return check


def _whole(limit: int) -> Check:
    def check(text: str) -> Value | Bad:
        good = WHOLE.fullmatch(text) and int(text) <= limit
        return int(text) if good else Bad(f"write a whole number from 0 to {limit}")

    return check


def _amount(text: str) -> Value | Bad:
    if AMOUNT.fullmatch(text):
        return text
    return Bad("write an amount of 0 or more such as 1234.50, without currency signs and thousands separators")


def _iso_date(text: str) -> Value | Bad:
    if ISO_DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    return Bad("write a date of the calendar as YYYY-MM-DD")


def _percent(text: str) -> Value | Bad:
    return float(text) if PERCENT.fullmatch(text) else Bad("write a percentage from 0 to 100, such as 4.2")


def _postal_code(text: str) -> Value | Bad:
    match = POSTAL_CODE.fullmatch(text)
    return match[1] if match else Bad("write a ZIP code of five digits, leading zeros included")


def _email(text: str) -> Value | Bad:
    local, _, domain = text.rpartition("@")
    is_short = len(text) <= MAIL_CHARS_MAX and len(local) <= MAIL_LOCAL_CHARS_MAX
    if is_short and MAIL_LOCAL.fullmatch(local) and MAIL_DOMAIN.fullmatch(domain):
        return f"{local}@{domain.lower()}"
    return Bad("write one mail address such as name@example.com")


def _given_name(text: str) -> Value | Bad:
    if len(text) <= GIVEN_NAME_CHARS_MAX and text.isprintable() and not MARKUP.search(text):
        return text
    return Bad(f"write a name of at most {GIVEN_NAME_CHARS_MAX} printable characters, without markup")


def _zone(text: str) -> Value | Bad:
    return text if text in available_timezones() else Bad("use an IANA time zone such as America/New_York")


def _channel(text: str) -> Value | Bad:
    return CHANNELS.get(text) or Bad("use one of: email, sms, voice")


def _yes_or_no(text: str) -> Value | Bad:
    return text == "yes" if text in ("yes", "no") else Bad("write yes or no, or leave the cell empty, which is no")


def _employment(text: str) -> Value | Bad:
    return text if text in EMPLOYMENTS else Bad(f"use one of: {', '.join(EMPLOYMENTS)}")


def _circumstances(text: str) -> Value | Bad:
    words = [word.strip().lower() for word in text.split(";")]
    if words == [NONE]:
        return ()
    if set(words) <= WORDS.keys() and len(set(words)) == len(words):
        return tuple(WORDS[word] for word in words)
    return Bad(f"write some of these words, each once, with ; between them: {', '.join(WORDS)}; or {NONE} alone")


_ref = _matching(REF, "use 1 to 64 letters, digits and . _ : / - beginning with a letter or digit")

COLUMNS: tuple[Column, ...] = (
    Column("borrower_ref", _ref, is_required=True),
    Column("given_name", _given_name, is_cached=True),
    Column("language", _one_of(LANGUAGES), is_required=True, is_cached=True),
    Column("country", _one_of(("US",)), is_required=True, is_cached=True),
    Column("region", _one_of(STATES), is_cached=True),
    Column("postal_code", _postal_code, is_cached=True),
    Column("time_zone", _zone, is_cached=True),
    Column("mobile", parse_phone),
    Column("landline", parse_phone),
    Column("email", _email),
    Column("landline_kind", _one_of(WHOSE), is_cached=True),
    Column("email_kind", _one_of(WHOSE), is_cached=True),
    Column("sms_consent_on", _iso_date, is_cached=True),
    Column("voice_consent_on", _iso_date, is_cached=True),
    Column("email_consent_on", _iso_date, is_cached=True),
    Column("phone_checked_on", _iso_date, is_cached=True),
    Column("monthly_income", _amount),
    Column("employment", _employment, is_cached=True),
    Column("regional_unemployment", _percent, is_cached=True),
    Column("preferred_channel", _channel, is_cached=True),
    Column("reminder_promised", _yes_or_no, is_cached=True),
    Column("circumstances", _circumstances, is_cached=True),
    Column("loan_ref", _ref, is_required=True),
    Column("product", _one_of(PRODUCTS), is_required=True, is_cached=True),
    Column("currency", _matching(CURRENCY, "use an ISO 4217 code such as USD"), is_required=True, is_cached=True),
    Column("balance", _amount, is_required=True),
    Column("past_due", _amount, is_required=True),
    Column("instalment", _amount),
    Column("past_due_days", _whole(36_500), is_required=True, is_cached=True),
    Column("due_on", _iso_date, is_cached=True),
    Column("missed_payments_12m", _whole(12), is_cached=True),
    Column("kept_promises", _whole(10_000), is_cached=True),
    Column("broken_promises", _whole(10_000), is_cached=True),
)
NAMES = tuple(column.name for column in COLUMNS)
REQUIRED = tuple(column.name for column in COLUMNS if column.is_required)
BORROWER_COLUMNS = NAMES[: NAMES.index("loan_ref")]
CONSENTS = ("sms_consent_on", "voice_consent_on", "email_consent_on")
