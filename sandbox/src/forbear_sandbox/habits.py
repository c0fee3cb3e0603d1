"""The hidden habits of a borrower: when and where somebody answers, and in what situation they are.

A service sees employment, product, arrears and language; it never sees this file. Habits follow from the seed, the
borrower's reference and those columns. Chance to engage (answer a call, reply to or click in a message) by the
borrower's local time, at the top of each pattern; outside the windows it is the floor:

| pattern       | sms                              | email                            | voice                       |
|---------------|----------------------------------|----------------------------------|-----------------------------|
| day shift     | 17-20 Mon-Fri .32, 12-13 .17,    | 19-21 Mon-Fri .15, 8-9 .10,      | 17-20 Mon-Fri .12,          |
|               | 9-12 weekend .24, floor .06      | floor .05                        | 10-13 weekend .13, floor .03|
| night shift   | 11-14 daily .32, 14-17 .20,      | 13-17 daily .13, floor .04       | 12-15 daily .16, floor .02  |
|               | floor .05                        |                                  |                             |
| self employed | 12-14 Mon-Fri .15, floor .07     | 8-10 Mon-Fri .30, 10-12 .21,     | 15-17 Mon-Fri .09, floor .04|
|               |                                  | 9-11 weekend .21, floor .06      |                             |
| retired       | 10-12 daily .08, floor .04       | 9-12 daily .13, floor .05        | 9-12 Mon-Fri .34, 14-17 .20,|
|               |                                  |                                  | floor .07                   |
| unemployed    | 10-13 daily .27, 13-18 .20,      | 10-13 daily .21, floor .06       | 14-17 daily .08, floor .03  |
|               | floor .07                        |                                  |                             |

Each borrower has a clock of their own (shifted by -1, 0 or +1 hours), a general readiness (log-normal, deviation 0.3)
and a liking for each channel (log-normal, deviation 0.25). Employment "unknown" hides one of the five patterns. Over
all lawful slots, served uniformly, about 9 % engage; at each borrower's best slot about 33 %.

Situation, by employment and arrears: *able* (can pay), *strained* (a way out in parts), *unable* (no income). Rare
ones: wrong person 1.5 %, disputes 2 %, dead mailbox 1.5 %, unreachable or landline number 2 %, mail scanner 6 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from forbear_sandbox.lots import Lots

CHANNELS = ("sms", "email", "voice")
WEEK = tuple(range(7))
WORKDAYS, WEEKEND = WEEK[:5], WEEK[5:]

# Pattern -> channel -> windows (days, from hour, to hour, chance); the first entry is the floor. Later ones win.
Windows = tuple[tuple[tuple[int, ...], int, int, float], ...]
PATTERNS: Mapping[str, Mapping[str, Windows]] = {
    "day_shift": {
        "sms": ((WEEK, 0, 24, 0.06), (WORKDAYS, 12, 13, 0.17), (WORKDAYS, 17, 20, 0.32), (WEEKEND, 9, 12, 0.24)),
        "email": ((WEEK, 0, 24, 0.05), (WORKDAYS, 8, 9, 0.10), (WORKDAYS, 19, 21, 0.15)),
        "voice": ((WEEK, 0, 24, 0.03), (WORKDAYS, 17, 20, 0.12), (WEEKEND, 10, 13, 0.13)),
    },
    "night_shift": {
        "sms": ((WEEK, 0, 24, 0.05), (WEEK, 14, 17, 0.20), (WEEK, 11, 14, 0.32)),
        "email": ((WEEK, 0, 24, 0.04), (WEEK, 13, 17, 0.13)),
        "voice": ((WEEK, 0, 24, 0.02), (WEEK, 12, 15, 0.16)),
    },
    "self_employed": {
        "sms": ((WEEK, 0, 24, 0.07), (WORKDAYS, 12, 14, 0.15)),
        "email": ((WEEK, 0, 24, 0.06), (WORKDAYS, 10, 12, 0.21), (WORKDAYS, 8, 10, 0.30), (WEEKEND, 9, 11, 0.21)),
        "voice": ((WEEK, 0, 24, 0.04), (WORKDAYS, 15, 17, 0.09)),
    },
    "retired": {
        "sms": ((WEEK, 0, 24, 0.04), (WEEK, 10, 12, 0.08)),
        "email": ((WEEK, 0, 24, 0.05), (WEEK, 9, 12, 0.13)),
        "voice": ((WEEK, 0, 24, 0.07), (WORKDAYS, 14, 17, 0.20), (WORKDAYS, 9, 12, 0.34)),
    },
    "unemployed": {
        "sms": ((WEEK, 0, 24, 0.07), (WEEK, 13, 18, 0.20), (WEEK, 10, 13, 0.27)),
        "email": ((WEEK, 0, 24, 0.06), (WEEK, 10, 13, 0.21)),
        "voice": ((WEEK, 0, 24, 0.03), (WEEK, 14, 17, 0.08)),
    },
}
CHANCE_MAX = 0.85
# Contacts beyond this many in recent days annoy; each one more takes a quarter of the readiness.
PATIENCE = 2.0
ANNOYANCE = 0.25
MEMORY_DAYS = 3.0


@dataclass(frozen=True, slots=True)
class Habits:
    """What the world knows about one borrower and nobody else does."""

    pattern: str
    zone: str
    shift_h: int
    readiness: Mapping[str, float]
    situation: str  # able, strained or unable
    keeps_word: float  # chance that a promise or an arrangement is kept
    opts_out: float  # chance that an engaged borrower says stop
    is_wrong_person: bool
    disputes: bool
    has_dead_mailbox: bool
    carrier_code: int | None  # what the carrier says to every text, where it takes none
    is_scanned: bool  # a gateway opens every link of a mail before the reader does
    opens_images: bool
    pays_by_itself_after_days: float

    def chance(self, channel: str, at: datetime, load: float) -> float:
        """Return the chance to engage with a contact now; `load` is how many came lately, fading over days."""
        local = at.astimezone(ZoneInfo(self.zone))
        slot = (local.weekday() * 24 + local.hour - self.shift_h) % 168
        patience = math.exp(-ANNOYANCE * max(0.0, load - PATIENCE))
        return min(CHANCE_MAX, weekly_chances(self.pattern, channel)[slot] * self.readiness[channel] * patience)


def make_habits(lots: Lots, zone: str, columns: Mapping[str, str]) -> Habits:
    """Derive the habits of one borrower; `lots` are the borrower's own."""
    employment = columns.get("employment") or "unknown"
    pattern = employment if employment in PATTERNS else lots.pick(sorted(PATTERNS), "pattern")
    general = math.exp(lots.normal(0.0, 0.3, "readiness"))
    situation = _situation(lots, pattern, columns)
    return Habits(
        pattern=pattern,
        zone=zone,
        shift_h=int(lots.between(-1, 2, "shift") // 1),
        readiness={c: general * math.exp(lots.normal(0.0, 0.25, "liking", c)) for c in CHANNELS},
        situation=situation,
        keeps_word={"able": 0.82, "strained": 0.7, "unable": 0.55}[situation],
        opts_out=0.012 + 0.03 * lots.uniform("temper") ** 4,
        is_wrong_person=lots.happens(0.015, "wrong person"),
        disputes=lots.happens(0.02, "disputes"),
        has_dead_mailbox=lots.happens(0.015, "dead mailbox"),
        carrier_code=lots.weighted({None: 0.98, 30003: 0.006, 30005: 0.006, 30006: 0.004, 21614: 0.004}, "carrier"),
        is_scanned=lots.happens(0.06, "scanned"),
        opens_images=lots.happens(0.5, "images"),
        pays_by_itself_after_days=-150.0 * math.log(1.0 - lots.uniform("pays")) if situation == "able" else math.inf,
    )


def uniform_chance(habits: Habits, *, from_hour: int = 8, to_hour: int = 21) -> float:
    """Return the mean chance over all channels and lawful hours of a week, for a rested borrower."""
    chances = [
        weekly_chances(habits.pattern, channel)[(day * 24 + hour - habits.shift_h) % 168] * habits.readiness[channel]
        for channel in CHANNELS
        for day in WEEK
        for hour in range(from_hour, to_hour)
    ]
    return sum(min(CHANCE_MAX, chance) for chance in chances) / len(chances)


def best_chance(habits: Habits) -> float:
    """Return the chance at the best lawful slot."""
    tops = (max(weekly_chances(habits.pattern, channel)) * habits.readiness[channel] for channel in CHANNELS)
    return min(CHANCE_MAX, max(tops))


@cache
def weekly_chances(pattern: str, channel: str) -> tuple[float, ...]:
    """Return the chances of a pattern for the 168 hours of a week from Monday 0:00."""
    week = [0.0] * 168
    for days, start, end, chance in PATTERNS[pattern][channel]:
        for day in days:
            week[day * 24 + start : day * 24 + end] = [chance] * (end - start)
    return tuple(week)


def _situation(lots: Lots, pattern: str, columns: Mapping[str, str]) -> str:
    days = float(columns.get("past_due_days") or 0)
    income, instalment = float(columns.get("monthly_income") or 0), float(columns.get("instalment") or 0)
    strain = 0.18 + 0.002 * days + (0.25 if income and income < 2.5 * instalment else 0.0)
    if pattern == "unemployed":
        return lots.weighted({"unable": 0.7, "strained": 0.2, "able": 0.1}, "situation")
    return lots.weighted({"unable": 0.06, "strained": strain, "able": max(0.1, 1.0 - strain)}, "situation")
