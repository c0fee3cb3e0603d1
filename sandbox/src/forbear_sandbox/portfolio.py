"""A seeded portfolio: borrowers who do not exist, with contact points that reach nobody.

Distributions (chosen by us to resemble a US servicer's early arrears, not measured on anybody):

- language: en 62 %, es 20 %, zh-Hans 12 %, zh-Hant 6 %
- place: a ZIP code of a random area code (so places are spread by area code, about by population); state, zone and area
  code agree with it, but 8 % kept a mobile number of another place, 1 % have neither ZIP code, state nor zone
- product: mortgage 70 %, loan 18 %, card 12 %; balance log-normal with median 180,000 / 14,000 / 5,000 dollars
- past due: 1 to 120 days, two thirds of them under 45; past due amount = instalments missed (1 per 30 days begun)
- employment: day_shift 46 %, night_shift 14 %, self_employed 13 %, retired 12 %, unemployed 8 %, unknown 7 %
- monthly income: log-normal around 2.9 to 3.6 instalments by employment, missing for 15 %
- consent: sms 92 %, voice 85 %, email 90 %, given or checked within the last month by 82 %, 3 to 50 months ago by the
  others, whose numbers may have changed hands since; landline for 35 % (70 % of the retired)
- regional unemployment: normal around 4.3 % with deviation 0.9, one draw per state
- circumstances: see `circumstances`
- history: missed payments in 12 months Poisson-like 0 to 6, promises kept and broken before 0 to 3
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

from forbear_sandbox.circumstances import spans_of, words_on
from forbear_sandbox.lots import Lots
from forbear_sandbox.places import RESERVED_PER_AREA, Place, nobodys_number, places_by_area, reserved_number

LANGUAGES = {"en": 0.62, "es": 0.20, "zh-Hans": 0.12, "zh-Hant": 0.06}
EMPLOYMENTS = {
    "day_shift": 0.46, "night_shift": 0.14, "self_employed": 0.13, "retired": 0.12, "unemployed": 0.08, "unknown": 0.07,
}  # fmt: skip
PRODUCTS = {"mortgage": 0.70, "loan": 0.18, "card": 0.12}
BALANCE_MEDIAN = {"mortgage": 180_000, "loan": 14_000, "card": 5_000}
INSTALMENT_SHARE = {"mortgage": 0.0075, "loan": 0.028, "card": 0.035}
INCOME_INSTALMENTS = {
    "day_shift": 3.6, "night_shift": 3.3, "self_employed": 3.5, "retired": 3.1, "unemployed": 1.1, "unknown": 2.9,
}  # fmt: skip
CONSENT = {"sms": 0.92, "voice": 0.85, "email": 0.90}
RECENT_CONSENT = 0.82
LANDLINES_PER_AREA = 20
MOVED = 0.08
NOWHERE = 0.01
MAIL_DOMAINS = ("example.com", "example.org", "example.net")

_NAMES = {
    "en": "James Mary Robert Linda Michael Susan David Karen Joseph Nancy Thomas Lisa Daniel Betty Paul Sandra",
    "es": "José María Luis Carmen Carlos Ana Jorge Rosa Miguel Elena Pedro Lucía Javier Sofía Diego Isabel",
    "zh-Hans": "伟 芳 娜 敏 静 强 磊 洋 艳 勇 军 杰 娟 涛 明 超",
    "zh-Hant": "志明 淑芬 家豪 美玲 建宏 雅婷 俊傑 怡君 文雄 麗華",
}
GIVEN_NAMES = {language: names.split() for language, names in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One loan of one borrower, in the columns that the import takes; empty means not known."""

    borrower_ref: str
    loan_ref: str
    given_name: str
    language: str
    country: str
    region: str
    postal_code: str
    time_zone: str
    mobile: str
    landline: str
    email: str
    sms_consent_on: str
    voice_consent_on: str
    email_consent_on: str
    product: str
    currency: str
    balance: str
    past_due: str
    instalment: str
    past_due_days: str
    due_on: str
    monthly_income: str
    employment: str
    missed_payments_12m: str
    kept_promises: str
    broken_promises: str
    regional_unemployment: str
    preferred_channel: str
    circumstances: str


COLUMNS = tuple(field.name for field in fields(Row))


def generate(count: int, seed: int, as_of: date) -> Iterator[Row]:
    """Yield `count` rows, the same for the same arguments.

    The numbering plan keeps no more than a hundred numbers per area code for fiction, so only the first 7,600 borrowers
    can have a landline, and only the first 30,700 have such a mobile. No two share a number or a mail address.
    """
    lots = lots_of(seed)
    for number in range(count):
        yield make_row(number, lots.under(number), lots, as_of)


def lots_of(seed: int) -> Lots:
    """Return the lots of a portfolio; a borrower's own are those under the number."""
    return Lots("portfolio", seed)


def make_row(number: int, own: Lots, shared: Lots, as_of: date) -> Row:
    """Make one borrower with one loan; `shared` holds what is common to all, such as a state's unemployment."""
    language = own.weighted(LANGUAGES, "language")
    employment = own.weighted(EMPLOYMENTS, "employment")
    product = own.weighted(PRODUCTS, "product")
    balance = BALANCE_MEDIAN[product] * math.exp(own.normal(0.0, 0.5, "balance"))
    instalment = balance * INSTALMENT_SHARE[product]
    days = past_due_days(own)
    income = instalment * INCOME_INSTALMENTS[employment] * math.exp(own.normal(0.0, 0.3, "income"))
    return Row(
        borrower_ref=f"B{number + 1:06d}",
        loan_ref=f"L{number + 1:06d}",
        given_name=own.pick(GIVEN_NAMES[language], "name"),
        language=language,
        **contact_points(number, own, as_of, has_landline=0.7 if employment == "retired" else 0.35),
        product=product,
        currency="USD",
        balance=f"{balance:.2f}",
        past_due=f"{instalment * math.ceil(days / 30):.2f}",
        instalment=f"{instalment:.2f}",
        past_due_days=str(days),
        due_on=(as_of - timedelta(days=days)).isoformat(),
        monthly_income="" if own.happens(0.15, "income unknown") else f"{income:.2f}",
        employment=employment,
        missed_payments_12m=str(min(6, int(-1.4 * math.log(1.0 - own.uniform("missed"))))),
        kept_promises=str(int(own.uniform("kept") ** 2 * 4)),
        broken_promises=str(int(own.uniform("broken") ** 3 * 4)),
        regional_unemployment=_unemployment(number, own, shared),
        preferred_channel=own.weighted({"": 0.85, "sms": 0.07, "email": 0.05, "voice": 0.03}, "preferred"),
        circumstances=";".join(words_on(spans_of(own), 0.0)),
    )


def past_due_days(own: Lots) -> int:
    """Draw how long the oldest instalment has been unpaid: 1 to 120 days, mostly short."""
    return 1 + int(119 * own.uniform("days") ** 2.4)


def contact_points(number: int, own: Lots, as_of: date, *, has_landline: float) -> dict[str, str]:
    """Make the columns of place, numbers, address and consent, unique by `number`."""
    place, area = _home(number, own)
    is_nowhere = own.happens(NOWHERE, "nowhere")
    youngest, oldest = (1, 30) if own.happens(RECENT_CONSENT, "consent is recent") else (90, 1500)
    consent_on = (as_of - timedelta(days=int(own.between(youngest, oldest, "consent day")))).isoformat()
    columns = {
        "country": "US",
        "region": "" if is_nowhere else place.region,
        "postal_code": "" if is_nowhere else place.postal_code,
        "time_zone": place.time_zone if own.happens(0.7, "zone known") and not is_nowhere else "",
        "mobile": nobodys_number(area, number // len(places_by_area())),
        "landline": _landline(number, area) if own.happens(has_landline, "landline") else "",
        "email": f"borrower{number + 1:06d}@{own.pick(MAIL_DOMAINS, 'domain')}",
    }
    for channel, share in CONSENT.items():
        columns[f"{channel}_consent_on"] = consent_on if own.happens(share, "consent", channel) else ""
    return columns


def write_csv(rows: Iterable[Row], path: Path) -> int:
    """Write rows with a head line and return how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([getattr(row, column) for column in COLUMNS])
            count += 1
    return count


def bad_rows(seed: int, as_of: date) -> list[dict[str, str]]:
    """Return rows with one fault each, under the name of the faulty column, for tests of the import."""
    lots = Lots("bad", seed)
    faults = {
        "language": "xx", "mobile": "555-0100", "email": "nobody.example.com", "time_zone": "Mars/Olympus",
        "balance": "12,5", "due_on": "03/02/2026", "product": "boat", "past_due_days": "-4", "borrower_ref": "",
    }  # fmt: skip
    rows = []
    for number, (column, value) in enumerate(faults.items(), start=900_000):
        row = make_row(number, lots.under(number), lots, as_of)
        rows.append({**{name: getattr(row, name) for name in COLUMNS}, column: value})
    return rows


def _home(number: int, own: Lots) -> tuple[Place, str]:
    by_area = places_by_area()
    area = list(by_area)[number % len(by_area)]
    if own.happens(MOVED, "moved"):
        return own.pick(by_area[own.pick(list(by_area), "new home")], "place"), area
    return own.pick(by_area[area], "place"), area


def _unemployment(number: int, own: Lots, shared: Lots) -> str:
    place, _ = _home(number, own)
    return f"{max(1.5, shared.normal(4.3, 0.9, 'unemployment', place.region)):.1f}"


def _landline(number: int, area: str) -> str:
    # Mobiles count up, landlines down; where they would meet there is none, so that nobody shares a number.
    serial = number // len(places_by_area())
    return reserved_number(area, RESERVED_PER_AREA - 1 - serial) if serial < LANDLINES_PER_AREA else ""
