"""Limits by count: at most so many contacts in a window, and silence for some days after a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from forbear_domain.policy.calendar import ONE_DAY, add_months, day_start, local_date
from forbear_domain.policy.checks.check import (
    CALLS,
    Check,
    ParameterError,
    Parameters,
    Situation,
    clocks_of,
    day_text,
    enum_members,
    instant_text,
    known,
)
from forbear_domain.policy.facts import AddressKind, CallResult, Channel, Direction, PastContact, Purpose, Recipient
from forbear_domain.policy.rules import Rule
from forbear_domain.policy.verdict import Finding

_UNCONNECTED = frozenset({CallResult.BUSY, CallResult.NOT_IN_SERVICE, CallResult.NO_CONNECTION})
_MESSAGELESS = frozenset(
    {CallResult.NO_ANSWER, CallResult.VOICEMAIL_FULL, CallResult.VOICEMAIL_NO_RING, CallResult.UNDELIVERED}
)
# Which results each counter counts: attempts, contacts made, conversations and the rest are different things.
COUNTERS: dict[str, frozenset[CallResult]] = {
    "attempts": frozenset(CallResult),
    "connected": frozenset(CallResult) - _UNCONNECTED,
    "contacts_made": frozenset(CallResult) - _UNCONNECTED - _MESSAGELESS,
    "conversations": frozenset({CallResult.CONVERSATION}),
    "answered": frozenset({CallResult.CONVERSATION, CallResult.DROPPED, CallResult.UNKNOWN}),
    "unanswered": frozenset(CallResult) - {CallResult.CONVERSATION, CallResult.DROPPED, CallResult.DELIVERED},
}
TICK = timedelta(microseconds=1)
WINDOW_DAYS_MAX = 3_660
MINUTES = {"hours": 60, "minutes": 1}

# What a sentence calls one of them, where that is not what it calls many.
ONE_OF = {"attempts": "attempt", "contacts made": "contact made", "conversations": "conversation"}


class Per(StrEnum):
    """What a count belongs to."""

    DEBT = "debt"
    PERSON_AND_DEBT = "person_and_debt"
    ADDRESS = "address"
    BORROWER = "borrower"


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """How far back a count looks; exactly one field is set."""

    days: int = 0  # calendar days including today
    duration: timedelta = timedelta(0)  # rolling time
    calendar: str = ""  # "day", "week" (from Monday) or "month"

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Self:
        """Reads `{days = 7}`, `{hours = 24}`, `{minutes = 5}` or `{calendar = "week"}`."""
        if not isinstance(table, Mapping) or len(table) != 1:
            raise ParameterError(f"a window has exactly one length, such as {{ days = 7 }}, not {table!r}", "window")
        ((unit, amount),) = table.items()
        if unit == "calendar" and amount in ("day", "week", "month"):
            return cls(calendar=amount)
        if unit == "days" and type(amount) is int and 0 < amount <= WINDOW_DAYS_MAX:
            return cls(days=amount)
        if unit in MINUTES and type(amount) is int and 0 < amount * MINUTES[unit] <= WINDOW_DAYS_MAX * 24 * 60:
            return cls(duration=timedelta(**{unit: amount}))
        raise ParameterError(f"unknown window {dict(table)}; at most {WINDOW_DAYS_MAX} days", "window")

    def start(self, at: datetime, zones: tuple[ZoneInfo, ...]) -> datetime:
        """From which instant contacts are in the window that ends at `at`; the earliest of all zones."""
        return at - self.duration + TICK if self.duration else self._first_midnight(at, zones)

    def release(self, contact_at: datetime, zones: tuple[ZoneInfo, ...]) -> datetime:
        """When a contact has left the window in every zone."""
        if self.duration:
            return contact_at + self.duration
        return max(day_start(zone, self.day_after(local_date(contact_at, zone))) for zone in zones)

    @lru_cache(maxsize=4_096)  # noqa: B019 - windows live as long as their rules
    def _first_midnight(self, at: datetime, zones: tuple[ZoneInfo, ...]) -> datetime:
        return min(day_start(zone, self._first_day(local.date())) for zone, local in clocks_of(zones, at))

    def _first_day(self, today: date) -> date:
        if self.calendar == "week":
            return today - timedelta(days=today.weekday())
        if self.calendar == "month":
            return today.replace(day=1)
        return today - timedelta(days=max(self.days, 1) - 1)

    def day_after(self, day: date) -> date:
        """The first local day on which a contact of `day` no longer counts."""
        if self.calendar == "week":
            return day + timedelta(days=7 - day.weekday())
        if self.calendar == "month":
            return add_months(day.replace(day=1), 1)
        return day + timedelta(days=max(self.days, 1))

    def text(self) -> str:
        """The window in words."""
        if self.calendar:
            return f"this calendar {self.calendar}"
        if self.days:
            return f"the last {self.days} days"
        hours, minutes = divmod(self.duration // timedelta(minutes=1), 60)
        return f"the last {60 * hours + minutes} minutes" if minutes else f"the last {hours} hours"


class Cap(Check):
    """At most `limit` of something in a window; the proposed contact would be one more."""

    kind: ClassVar[str] = "cap"
    facts_used: ClassVar[tuple[str, ...]] = ("past", "consents", "debts", "place")
    needs = "past"
    settles: ClassVar[bool] = True

    def __init__(self, rule: Rule, limit: int, window: Window, counter: "Counter") -> None:
        super().__init__(rule)
        self.limit = limit
        self.window = window
        self.counter = counter

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `limit`, `window` and the counter's parameters."""
        limit = parameters.need("limit")
        if type(limit) is not int or limit < 1:
            raise ParameterError(f"limit must be a whole number above zero, not {limit!r}", "limit")
        return cls(rule, limit, Window.parse(parameters.need("window")), Counter.parse(rule, parameters))

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects when as many as allowed are already in the window."""
        start = self.window.start(at, situation.zones)
        if len(situation.since(start)) < self.limit:
            return None
        full = [counted for counted in self.counter.by_debt(situation, start) if len(counted) >= self.limit]
        if not full or self.lifted(situation, at):
            return None
        until = max(self._release(counted, situation) for counted in full)
        return self._objection(situation, max(full, key=len), until)

    def _release(self, counted: tuple[int, ...], situation: Situation) -> datetime:
        """When so many of the contacts have left the window that there is room for one more."""
        instants = sorted([situation.facts.past[index].at for index in counted])
        return self.window.release(instants[-self.limit], situation.zones)

    def _objection(self, situation: Situation, counted: tuple[int, ...], until: datetime) -> Finding:
        noun = ONE_OF.get(self.counter.noun, self.counter.noun) if len(counted) == 1 else self.counter.noun
        why = (
            f"{len(counted)} {noun} already counted in {self.window.text()}, and at most {self.limit} "
            f"{'is' if self.limit == 1 else 'are'} allowed; room again from {instant_text(until)}."
        )
        return self.finding(situation, why, until, counted)


@dataclass(frozen=True, slots=True, eq=False)
class Counter:
    """Which past contacts a rule counts, and against what."""

    per: Per
    noun: str
    channels: frozenset[Channel]
    results: frozenset[CallResult]
    directions: frozenset[Direction]
    purposes: frozenset[Purpose]
    address_kinds: frozenset[AddressKind]
    other_senders: bool
    skips_agreed_calls: bool

    @classmethod
    def parse(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `counts`, `per`, `channels`, `directions`, purposes, `address_kinds`, `other_senders`."""
        counts = parameters.take("counts", "attempts")
        channels = enum_members(Channel, parameters.take("counted_channels", [])) or rule.scope.channels
        purposes = enum_members(Purpose, parameters.take("counted_purposes", [])) or frozenset(Purpose)
        kinds = enum_members(AddressKind, parameters.take("counted_address_kinds", []))
        return cls(
            per=known({per.value: per for per in Per}, parameters.take("per", "debt"), "per"),
            noun=counts.replace("_", " "),
            channels=channels or frozenset(Channel),
            results=known(COUNTERS, counts, "counts"),
            directions=enum_members(Direction, parameters.take("directions", ["out"])),
            purposes=purposes - enum_members(Purpose, parameters.take("uncounted_purposes", [])),
            address_kinds=kinds or frozenset(AddressKind),
            other_senders=parameters.take("other_senders", True),
            skips_agreed_calls=parameters.take("skips_agreed_calls", False),
        )

    def by_debt(self, situation: Situation, start: datetime) -> list[tuple[int, ...]]:
        """Positions of the contacts since `start` for each debt, or one list where the debt is all the same."""
        channels = self.channels
        recent = [
            (index, one)
            for index, one in situation.since(start)
            if one.channel in channels and self.counts(one, situation)
        ]
        if self.per in (Per.BORROWER, Per.ADDRESS) or not situation.keys:
            return [tuple([index for index, _ in recent])]
        return [tuple([index for index, one in recent if not one.debts or key in one.debts]) for key in situation.keys]

    def counts(self, one: PastContact, situation: Situation) -> bool:
        """Whether the rule counts a contact in one of its channels, whatever its date and debt."""
        return (
            one.result in self.results
            and one.direction in self.directions
            and one.purpose in self.purposes
            and one.address_kind in self.address_kinds
            and (one.by_us or self.other_senders)
            and self._belongs(one, situation)
        )

    def _belongs(self, one: PastContact, situation: Situation) -> bool:
        """Whether a contact of the sort that is counted belongs to the count of the contact now proposed."""
        if self.per is Per.ADDRESS and one.address != situation.facts.address.key:
            return False
        if self.per is Per.PERSON_AND_DEBT and not situation.same_person(one):
            return False
        if one.address and one.address in situation.misdirected:
            return False
        skips = self.skips_agreed_calls and situation.extra_calls and one.channel in CALLS
        return not (skips and situation.agreed_to_call(one.at))


class CoolingOff(Check):
    """Silence for some days after a conversation about the debt; its own day is day one."""

    kind: ClassVar[str] = "cooling_off"
    facts_used: ClassVar[tuple[str, ...]] = ("past", "consents", "debts", "place")
    needs = "past"
    settles: ClassVar[bool] = True

    def __init__(self, rule: Rule, days: int, directions: frozenset[Direction]) -> None:
        super().__init__(rule)
        self.window = Window(days=days)
        self.directions = directions

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `days` and `directions`."""
        directions = enum_members(Direction, parameters.take("directions", ["in", "out"]))
        days = parameters.need("days")
        if type(days) is not int or not 0 < days <= WINDOW_DAYS_MAX:
            raise ParameterError(f"days must be a whole number from 1 to {WINDOW_DAYS_MAX}, not {days!r}", "days")
        return cls(rule, days, directions)

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects while a conversation lies within the days, unless more calls were agreed to."""
        recent = self._conversations(situation, self.window.start(at, situation.zones))
        if not recent or self.lifted(situation, at):
            return None
        last = max(situation.facts.past[index].at for index in recent)
        until = self.window.release(last, situation.zones)
        talked_on = local_date(last, situation.zones[0])
        why = (
            f"A conversation about this debt on {day_text(talked_on)} bars calls until "
            f"{day_text(local_date(until, situation.zones[0]) - ONE_DAY)}."
        )
        return self.finding(situation, why, until, recent)

    def _conversations(self, situation: Situation, start: datetime) -> tuple[int, ...]:
        keys = situation.keys
        talks = [
            index
            for index, one in situation.since(start)
            if one.result is CallResult.CONVERSATION
            and one.channel in CALLS
            and one.direction in self.directions
            and (not one.debts or not keys or any(key in one.debts for key in keys))
            and (situation.same_person(one) or one.recipient is Recipient.CONSUMER is situation.facts.recipient)
        ]
        return tuple(talks)
