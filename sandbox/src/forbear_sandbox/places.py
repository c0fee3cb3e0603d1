"""Where made-up borrowers live: real ZIP codes with their state, zone and area codes, and numbers that ring nobody.

The places come from the `zipcodes` package. The numbers are those that the North American plan keeps for fiction:
555-0100 to 555-0199 in every area code, so at most one hundred per area code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import phonenumbers
import zipcodes

RESERVED_PER_AREA = 100
_STATES_AND_DC = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA"
    " RI SC SD TN TX UT VT VA WA WV WI WY DC"
)
STATES = frozenset(_STATES_AND_DC.split())


@dataclass(frozen=True, slots=True)
class Place:
    """One ZIP code."""

    postal_code: str
    region: str
    time_zone: str
    area_codes: tuple[str, ...]


@cache
def places() -> tuple[Place, ...]:
    """Return every inhabited ZIP code of the fifty states and the District of Columbia that has an area code."""
    return tuple(
        Place(row["zip_code"], row["state"], row["timezone"], areas)
        for row in zipcodes.list_all()
        if (areas := _areas(row)) and row["zip_code_type"] == "STANDARD" and row["active"] and row["state"] in STATES
    )


@cache
def places_by_area() -> dict[str, tuple[Place, ...]]:
    """Return the places of each area code, area codes in order."""
    found: dict[str, list[Place]] = {}
    for place in places():
        for area in place.area_codes:
            found.setdefault(area, []).append(place)
    return {area: tuple(found[area]) for area in sorted(found)}


def zone_of(postal_code: str, mobile: str) -> str | None:
    """Return the zone where somebody really lives: by the ZIP code, else by the area code's first place, else None."""
    zone = _zones_by_zip().get(postal_code[:5])
    if zone is None and mobile.startswith("+1"):
        area = places_by_area().get(mobile[2:5])
        zone = area[0].time_zone if area else None
    return zone


def reserved_number(area: str, serial: int) -> str:
    """Return the `serial`-th number for fiction of an area code, in E.164."""
    return f"+1{area}55501{serial % RESERVED_PER_AREA:02d}"


def nobodys_number(area: str, serial: int) -> str:
    """Return a number of its own for every serial below 5,100: those for fiction first, then further lines of 555.

    That exchange has no ordinary phones. Only files of more than 30,700 borrowers come so far: they are made to measure
    an import with, and nothing is sent to them.
    """
    if serial < RESERVED_PER_AREA:
        return reserved_number(area, serial)
    return f"+1{area}555{5_000 + serial - RESERVED_PER_AREA:04d}"


@cache
def _zones_by_zip() -> dict[str, str]:
    return {place.postal_code: place.time_zone for place in places()}


@cache
def _is_known_area(area: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(reserved_number(area, 0)))


def _areas(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(area for area in row["area_codes"] if area.isdigit() and _is_known_area(area))
