"""Limits by the clock on the consumer's wall: daily windows, and times or places called inconvenient."""

from datetime import date, datetime, time, timedelta
from typing import ClassVar, Self
from zoneinfo import ZoneInfo

from forbear_domain.policy.calendar import HOLIDAYS, ONE_DAY, SATURDAY, day_start, instant_of, is_holiday
from forbear_domain.policy.checks.check import (
    Check,
    Clock,
    ParameterError,
    Parameters,
    Situation,
    clocks_of,
    day_text,
    second_of_day,
)
from forbear_domain.policy.facts import AddressKind, Channel, Inconvenience
from forbear_domain.policy.rules import Rule
from forbear_domain.policy.verdict import Finding

SEARCH_DAYS = 15  # longer than any run of closed days a calendar holds
WHOLE_DAY_S = 24 * 3600
NO_HOLIDAYS: frozenset[date] = frozenset()
Hours = tuple[int, int]  # seconds of the day: first lawful one, first unlawful one after it


class ClockWindow(Check):
    """Contact only between two wall-clock times, in every zone the consumer may be in.

    Times are compared by the whole second. With `edges = "open"` both named times are already outside.
    """

    kind: ClassVar[str] = "clock_window"
    facts_used: ClassVar[tuple[str, ...]] = ("place", "holidays")

    def __init__(self, rule: Rule, hours: tuple[Hours, Hours], zone: ZoneInfo | None, calendar: str) -> None:
        super().__init__(rule)
        self.weekday_hours, self.weekend_hours = hours
        self.zone = zone
        self.calendar = calendar

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `opens`, `closes`, `weekend_opens`, `weekend_closes`, `edges`, `zone`, `closed_on_holidays_of`."""
        edges = parameters.take("edges", "half_open")
        if edges not in ("open", "half_open"):
            raise ParameterError(f"edges must be 'open' or 'half_open', not {edges!r}")
        inset = 1 if edges == "open" else 0
        opens, closes = parameters.need("opens"), parameters.need("closes")
        weekday = (second_of_day(opens) + inset, second_of_day(closes))
        weekend_opens = parameters.second_of_day("weekend_opens", opens)
        weekend = (weekend_opens + inset, parameters.second_of_day("weekend_closes", closes))
        calendar = parameters.take("closed_on_holidays_of", "")
        if calendar and calendar not in HOLIDAYS:
            raise ParameterError(f"no holiday calendar {calendar!r}")
        return cls(rule, (weekday, weekend), parameters.zone(), calendar)

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects while it is outside the window in any of the zones."""
        clocks = clocks_of((self.zone,) if self.zone else situation.zones, at)
        closed = [clock for clock in clocks if not self._is_open(situation.facts.holidays, clock[1])]
        if not closed or self.lifted(situation, at):
            return None
        until = max(self._next_opening(situation.facts.holidays, at, clock) for clock in closed)
        return self.finding(situation, self._why(closed[0]), until)

    def is_open(self, zones: tuple[ZoneInfo, ...], at: datetime) -> bool:
        """Whether it is inside the window in all zones, and no holiday can close it."""
        clocks = clocks_of((self.zone,) if self.zone else zones, at)
        return not self.calendar and all(self._is_open(NO_HOLIDAYS, local) for _, local in clocks)

    def closes_on(self, day: date) -> int:
        """Return the second of a day that is no holiday from which on it is outside the window again."""
        return (self.weekday_hours if day.weekday() < SATURDAY else self.weekend_hours)[1]

    def _is_open(self, holidays: frozenset[date], local: datetime) -> bool:
        opens, closes = self._hours_on(holidays, local.date())
        return opens <= local.hour * 3600 + local.minute * 60 + local.second < closes

    def _hours_on(self, holidays: frozenset[date], day: date) -> Hours:
        if self.calendar and (is_holiday(self.calendar, day) or day in holidays):
            return (WHOLE_DAY_S, 0)
        return self.weekday_hours if day.weekday() < SATURDAY else self.weekend_hours

    def _next_opening(self, holidays: frozenset[date], at: datetime, clock: Clock) -> datetime:
        zone, local = clock
        day = local.date()
        for _ in range(SEARCH_DAYS):
            opens, closes = self._hours_on(holidays, day)
            if opens < closes:
                opening = instant_of(day, opens, zone)
                if opening > at:
                    return opening
            day += ONE_DAY
        return day_start(zone, day)

    def _why(self, clock: Clock) -> str:
        zone, local = clock
        opens, closes = self.rule.parameters["opens"], self.rule.parameters["closes"]
        return (
            f"It is {local.time().isoformat('seconds')} on {day_text(local.date())} in {zone.key}, "
            f"outside the hours of contact {opens} to {closes}."
        )


class StatedInconvenience(Check):
    """Times and places the consumer has called inconvenient."""

    kind: ClassVar[str] = "stated_inconvenience"
    facts_used: ClassVar[tuple[str, ...]] = ("inconvenient", "known_at", "address", "place")
    needs = "inconvenient"

    def __init__(self, rule: Rule, about: str) -> None:
        super().__init__(rule)
        self.about = about

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `about`: "time" or "place"."""
        about = parameters.need("about")
        if about not in ("time", "place"):
            raise ParameterError(f"about must be 'time' or 'place', not {about!r}")
        return cls(rule, about)

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects inside a stated time, or by a medium tied to a stated place."""
        for stated in situation.facts.inconvenient:
            finding = self._judge_one(stated, situation, at)
            if finding is not None and not self.lifted(situation, at):
                return finding
        return None

    def _judge_one(self, stated: Inconvenience, situation: Situation, at: datetime) -> Finding | None:
        if stated.channel not in (None, situation.facts.channel):
            return None
        if (stated.place is not None) != (self.about == "place"):
            return None
        if stated.place is not None:
            return self._judge_place(stated, stated.place, situation, at)
        ends = [end for zone in situation.zones if (end := _stated_end(stated, at, zone)) is not None]
        if not ends:
            return None
        local = at.astimezone(situation.zones[0])
        return self.finding(
            situation, f"The consumer called {local:%H:%M} on a {local:%A} an inconvenient time.", max(ends)
        )

    def _judge_place(self, stated: Inconvenience, place: str, situation: Situation, at: datetime) -> Finding | None:
        facts = situation.facts
        if stated.until_on is not None and all(
            at.astimezone(zone).date() > stated.until_on for zone in situation.zones
        ):
            return None
        is_tied = facts.address.kind in TIED_ADDRESSES.get(place, ()) or facts.channel in TIED_CHANNELS.get(place, ())
        if is_tied or facts.known_at == place:
            return self.finding(situation, f"The consumer called contact at the place {place!r} inconvenient.")
        return None


TIED_ADDRESSES = {
    "home": {AddressKind.LANDLINE, AddressKind.HOME_ADDRESS},
    "work": {AddressKind.WORK_PHONE, AddressKind.WORK_EMAIL},
}
TIED_CHANNELS = {"work": {Channel.WORKPLACE}}


def _stated_end(stated: Inconvenience, at: datetime, zone: ZoneInfo) -> datetime | None:
    """When the stated time that holds at `at` ends on this zone's clock; None when none holds."""
    local = at.astimezone(zone)
    day = local.date()
    if day.weekday() not in stated.weekdays or (stated.until_on is not None and day > stated.until_on):
        return None
    clock = local.time()
    if clock < stated.starts or (stated.ends is not None and clock >= stated.ends):
        return None
    if stated.ends is None:
        return day_start(zone, day + ONE_DAY)
    return _wall_instant(day, stated.ends, zone, after=at)


def _wall_instant(day: date, clock: time, zone: ZoneInfo, after: datetime) -> datetime:
    """The first instant after `after` at which the zone's clock shows `clock`."""
    first = instant_of(day, clock.hour * 3600 + clock.minute * 60 + clock.second, zone)
    return first if first > after else first + timedelta(hours=1)
