"""Where somebody may be: time zones and states of a postal code, of a state and of an area code.

An area code says little about where a person is, because people take their numbers with them; so evidence is joined,
never chosen, and every contact must be lawful in all of it. The tables come from `zipcodes` (ZIP -> zone and state,
area code -> states) and from `phonenumbers` (area code -> zones), read once when first needed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache

import zipcodes
from phonenumbers.tzdata import TIMEZONE_DATA

STATE_SHARE_MIN = 0.02  # of the ZIP codes of an area code; below it lie strays of the table
NANP_PREFIX = "1"
AREA_CODE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Atlas:
    """The tables. Zones are IANA names, states two-letter codes."""

    zip_codes: dict[str, tuple[str, str]]  # ZIP -> (zone, state)
    states: dict[str, tuple[str, ...]]  # state -> zones
    area_zones: dict[str, tuple[str, ...]]  # area code -> zones
    area_states: dict[str, tuple[str, ...]]  # area code -> states

    def address(self, state: str, postal_code: str | None) -> tuple[tuple[str, str], ...]:
        """Return (zone, state) pairs of an address; where the ZIP is unknown, all zones of the state."""
        known = self.zip_codes.get(postal_code or "")
        if known is None:
            return tuple((zone, state) for zone in self.states.get(state, ()))
        if known[1] == state or not state:
            return (known,)
        return (known, *((zone, state) for zone in self.states.get(state, ())))

    def phone(self, number: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return zones and states of a number's area code; both empty where it belongs to no place."""
        code = number.removeprefix("+1")[:AREA_CODE_DIGITS]
        return self.area_zones.get(code, ()), self.area_states.get(code, ())


@cache
def load_atlas() -> Atlas:
    """Build the tables (about a second, once a process; call it off the event loop)."""
    zip_codes: dict[str, tuple[str, str]] = {}
    zones_of_state: dict[str, Counter[str]] = defaultdict(Counter)
    states_of_area: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in zipcodes.list_all():
        zone, state = entry["timezone"], entry["state"]
        if not zone or "/" not in zone or entry["country"] != "US":
            continue
        zip_codes[entry["zip_code"]] = (zone, state)
        zones_of_state[state][zone] += 1
        for code in entry["area_codes"]:
            states_of_area[code][state] += 1
    return Atlas(
        zip_codes=zip_codes,
        states={state: tuple(sorted(zones)) for state, zones in zones_of_state.items()},
        area_zones=_area_zones(),
        area_states={code: _weighty(states) for code, states in states_of_area.items()},
    )


def _weighty(states: Counter[str]) -> tuple[str, ...]:
    floor = STATE_SHARE_MIN * states.total()
    return tuple(sorted(state for state, count in states.items() if count >= floor))


def _area_zones() -> dict[str, tuple[str, ...]]:
    """Join the zones of all number prefixes within an area code."""
    zones: dict[str, set[str]] = defaultdict(set)
    for prefix, names in TIMEZONE_DATA.items():
        if prefix.startswith(NANP_PREFIX) and len(prefix) > AREA_CODE_DIGITS:
            zones[prefix[1 : 1 + AREA_CODE_DIGITS]].update(names)
    return {code: tuple(sorted(names)) for code, names in zones.items()}
