"""When the lawful hours end in which a contact is allowed now, so that the end can go with the message. Pure.

Only rules by the clock are looked at: daily windows, days of rest, and times that the consumer called inconvenient.
What else may bar a contact (a cap, a stop) bars the next one, not the one that is on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from forbear_domain.policy.calendar import ONE_DAY, day_start, instant_of
from forbear_domain.policy.checks.clock import ClockWindow
from forbear_domain.policy.checks.rest import RestDays
from forbear_domain.policy.decide import ScopeKey, checks_for, scope_key, zones_of
from forbear_domain.policy.facts import Facts
from forbear_domain.policy.rules import RuleSet

LOOK_AHEAD = timedelta(days=2)


def closes_at(facts: Facts, rules: RuleSet, now: datetime) -> datetime:
    """Return the first instant after `now` at which a rule by the clock objects, at most two days away.

    `now` must be an instant at which the contact is allowed: a window that is closed then has been lifted for it, and
    counts from its next end.
    """
    soonest = _rules_close(rules, scope_key(facts), facts.place.zones, facts.place.jurisdictions, now)
    return min([soonest, *_inconvenient_starts(facts, now)]) if facts.inconvenient else soonest


@lru_cache(maxsize=4_096)
def _rules_close(
    rules: RuleSet, key: ScopeKey, zone_names: frozenset[str], jurisdictions: frozenset[str], now: datetime
) -> datetime:
    """Return when the first window ends or day of rest begins; the contacts of a batch ask at one instant."""
    ends = _window_ends(rules, key, zone_names, now.toordinal())
    soonest = next((end for end in ends if end > now), now + LOOK_AHEAD)
    rests = [check for check in _rests(rules, key, zone_names) if check.binds(jurisdictions)]
    return min([soonest, *_rest_starts(rests, zone_names, now)])


@lru_cache(maxsize=16_384)
def _window_ends(rules: RuleSet, key: ScopeKey, zone_names: frozenset[str], on_ordinal: int) -> tuple[datetime, ...]:
    """Return the ends of all windows on the days around a date, in order."""
    zones = zones_of(zone_names)
    around = datetime.fromordinal(on_ordinal).date()
    ends = {
        instant_of(day, check.closes_on(day), zone).astimezone(UTC)
        for dated in checks_for(rules, key, zone_names)
        if isinstance(check := dated.check, ClockWindow)
        for zone in ((check.zone,) if check.zone else zones)
        for day in (around - ONE_DAY, around, around + ONE_DAY, around + 2 * ONE_DAY)
    }
    return tuple(sorted(ends))


@lru_cache(maxsize=16_384)
def _rests(rules: RuleSet, key: ScopeKey, zone_names: frozenset[str]) -> tuple[RestDays, ...]:
    return tuple(dated.check for dated in checks_for(rules, key, zone_names) if isinstance(dated.check, RestDays))


def _rest_starts(rests: Sequence[RestDays], zone_names: frozenset[str], now: datetime) -> list[datetime]:
    """Return the midnights, on the next two days, at which a day of rest begins."""
    starts: list[datetime] = []
    for check in rests:
        for zone in zones_of(zone_names):
            today = now.astimezone(zone).date()
            days = (today + ONE_DAY, today + 2 * ONE_DAY)
            starts += [day_start(zone, day) for day in days if check.rests_on(day)]
    return starts


def _inconvenient_starts(facts: Facts, now: datetime) -> list[datetime]:
    """Return when the times begin, on the next two days, that the consumer called inconvenient."""
    starts = []
    for stated in facts.inconvenient:
        if stated.place is not None or stated.channel not in (None, facts.channel):
            continue
        for zone in zones_of(facts.place.zones):
            today = now.astimezone(zone).date()
            for day in (today, today + ONE_DAY):
                if day.weekday() in stated.weekdays and (stated.until_on is None or day <= stated.until_on):
                    clock = stated.starts
                    starts.append(instant_of(day, clock.hour * 3600 + clock.minute * 60 + clock.second, zone))
    return [start for start in starts if start > now]
