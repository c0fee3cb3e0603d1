"""Days of rest that a rule lists by date, such as those of a tenant's own on top of the public holidays of packs."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from forbear_domain.policy.calendar import ONE_DAY, day_start
from forbear_domain.policy.checks.check import Check, ParameterError, Parameters, Situation, clocks_of, day_text
from forbear_domain.policy.rules import Rule
from forbear_domain.policy.verdict import Finding

DAYS_MAX = 400
RUN_DAYS_MAX = 90  # beyond what `decide` looks ahead: longer runs of days of rest refuse the contact
REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,5})*")
_DAY_OF_YEAR = re.compile(r"(\d\d)-(\d\d)")
DayOfYear = tuple[int, int]


class RestDays(Check):
    """No contact on the listed days, from midnight to midnight, wherever it is that day for the consumer."""

    kind: ClassVar[str] = "rest_days"
    facts_used: ClassVar[tuple[str, ...]] = ("place",)

    def __init__(
        self, rule: Rule, days: frozenset[date], every_year: frozenset[DayOfYear], regions: tuple[str, ...]
    ) -> None:
        super().__init__(rule)
        self.days = days
        self.every_year = every_year
        self.regions = regions

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `days` (dates), `every_year` (texts such as "12-24") and `regions` (none: everywhere)."""
        days = frozenset(_list_of(parameters, "days", date))
        every_year = frozenset(_day_of_year(text) for text in _list_of(parameters, "every_year", str))
        if not days and not every_year:
            raise ParameterError('name days = [2026-12-24] or every_year = ["12-24"]', "days")
        regions = tuple(_list_of(parameters, "regions", str))
        for region in regions:
            if not REGION.fullmatch(region):
                raise ParameterError(f'not a region: {region!r}; write it like "US" or "US-NY"', "regions")
        return cls(rule, days, every_year, regions)

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects while it is such a day in any of the zones, if the consumer may be in one of the regions."""
        if not self.binds(situation.facts.place.jurisdictions):
            return None
        resting = [(zone, local) for zone, local in clocks_of(situation.zones, at) if self.rests_on(local.date())]
        if not resting or self.lifted(situation, at):
            return None
        until = max(day_start(zone, self._next_working_day(local.date())) for zone, local in resting)
        zone, local = resting[0]
        why = f"It is {day_text(local.date())} in {zone.key}, a day of rest: {self.rule.summary}"
        return self.finding(situation, why, until)

    def is_open(self, zones: tuple[ZoneInfo, ...], at: datetime) -> bool:
        """Whether it is no such day in any of the zones."""
        return not any(self.rests_on(local.date()) for _, local in clocks_of(zones, at))

    def binds(self, jurisdictions: Iterable[str]) -> bool:
        """Whether one of the places lies in a region of the rule; a name begins with that of what it lies in."""
        return not self.regions or any(one.startswith(self.regions) for one in jurisdictions)

    def rests_on(self, day: date) -> bool:
        """Whether a date is listed."""
        return day in self.days or (day.month, day.day) in self.every_year

    def _next_working_day(self, day: date) -> date:
        for _ in range(RUN_DAYS_MAX):
            if not self.rests_on(day):
                break
            day += ONE_DAY
        return day


def _list_of(parameters: Parameters, name: str, kind: type) -> list[Any]:
    values: list[Any] = parameters.take(name, [])
    if len(values) > DAYS_MAX:
        raise ParameterError(f"{name}: at most {DAYS_MAX} are taken", name)
    for value in values:
        if type(value) is not kind:
            wanted = "dates such as 2026-12-24" if kind is date else "texts"
            raise ParameterError(f"{name} lists {wanted}, not {value!r}", name)
    return values


def _day_of_year(text: str) -> DayOfYear:
    """Month and day of a text such as "12-24"."""
    found = _DAY_OF_YEAR.fullmatch(text)
    try:
        day = date(2000, int(found[1]), int(found[2])) if found else None  # a leap year
    except ValueError:
        day = None
    if day is None:
        raise ParameterError(f'every_year: {text!r} is no day; write it like "12-24"', "every_year")
    return day.month, day.day
