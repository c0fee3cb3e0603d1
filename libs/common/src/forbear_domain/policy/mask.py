"""The vectorised twin of `decide`: for many borrowers at once, in which hours of the next week contact is lawful.

    groups = [Group(facts_by_channel, rules), ...]        # what borrowers share: place, role, states
    tables = group_tables(groups, start)                  # (groups, 3, 168) of bool
    opens = releases(groups, group_of, past, start)       # (borrowers, 3): when caps and cooling-offs have room again
    lawful = mask(tables, group_of, opens, start)         # (borrowers, 3, 168) of bool

An hour counts as lawful when `decide` allows contact at its first and last second and in its middle. Whoever has
something of his own that changes during the week (a stated time, a pause, consent to more calls) gets a group of
his own, with the past in the group's facts. In a week in which a counting rule comes into force or ends, the mask is
stricter: it counts by that rule all week. The gate decides again at the moment of sending in any case.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forbear_domain.policy.calendar import ALWAYS, NEVER, day_start, local_date
from forbear_domain.policy.checks import Check, Situation
from forbear_domain.policy.checks.check import CALLS
from forbear_domain.policy.checks.clock import ClockWindow
from forbear_domain.policy.checks.content import Basis
from forbear_domain.policy.checks.counts import Cap, CoolingOff, Per, Window
from forbear_domain.policy.checks.rest import RestDays
from forbear_domain.policy.decide import UNKNOWN_PLACE, DatedCheck, checks_for, decide, judge, scope_key, zones_of
from forbear_domain.policy.facts import (
    Actor,
    AddressKind,
    CallResult,
    Channel,
    ConsentKind,
    Direction,
    Facts,
    Place,
    Purpose,
)
from forbear_domain.policy.rules import RuleSet

CHANNELS = (Channel.SMS, Channel.EMAIL, Channel.VOICE)
HOURS = 168
HOUR_S = 3600
PROBES_S = (1, HOUR_S // 2, HOUR_S - 1)  # the seconds of an hour at which it is judged

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]

_CHANNEL_CODES = {channel: code for code, channel in enumerate(Channel)}
_RESULT_CODES = {result: code for code, result in enumerate(CallResult)}
_PURPOSE_CODES = {purpose: code for code, purpose in enumerate(Purpose)}
_KIND_CODES = {kind: code for code, kind in enumerate(AddressKind)}


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Borrowers alike in everything but their past: their facts for each of the three channels, and their rules."""

    facts: tuple[Facts, Facts, Facts]
    rules: RuleSet


@dataclass(frozen=True, slots=True, eq=False)
class PastColumns:
    """Past contacts with consumers as columns; `unit` says to which borrower (row of the mask) each belongs."""

    unit: IntArray
    at_s: FloatArray  # seconds since 1970
    channel: IntArray  # position in `Channel`
    result: IntArray  # position in `CallResult`
    purpose: IntArray  # position in `Purpose`
    inbound: BoolArray
    same_debt: BoolArray  # counted against the debt that is planned
    same_address: BoolArray
    by_us: BoolArray
    address_kind: IntArray | None = None  # position in `AddressKind`, -1 for one that every count takes; None: all such

    @classmethod
    def from_facts(cls, facts: Sequence[Facts]) -> "PastColumns":
        """The columns of many facts, one unit each."""
        rows = [(unit, one, own) for unit, own in enumerate(facts) for one in own.past]
        keys = [{debt.key for debt in own.debts} for own in facts]
        return cls(
            unit=np.array([unit for unit, _, _ in rows], np.int32),
            at_s=np.array([one.at.timestamp() for _, one, _ in rows], np.float64),
            channel=np.array([_CHANNEL_CODES[one.channel] for _, one, _ in rows], np.int32),
            result=np.array([_RESULT_CODES[one.result] for _, one, _ in rows], np.int32),
            purpose=np.array([_PURPOSE_CODES[one.purpose] for _, one, _ in rows], np.int32),
            inbound=np.array([one.direction is Direction.IN for _, one, _ in rows], np.bool_),
            same_debt=np.array([not one.debts or bool(keys[unit] & set(one.debts)) for unit, one, _ in rows], np.bool_),
            same_address=np.array([one.address == own.address.key for _, one, own in rows], np.bool_),
            by_us=np.array([one.by_us for _, one, _ in rows], np.bool_),
            address_kind=np.array([_KIND_CODES[one.address_kind] for _, one, _ in rows], np.int32),
        )


def group_tables(groups: Sequence[Group], start: datetime, hours: int = HOURS) -> BoolArray:
    """For each group, channel and hour (`hours` of them, from `start` on): lawful, as far as the group's facts say."""
    tables = np.empty((len(groups), len(CHANNELS), hours), np.bool_)
    for index, group in enumerate(groups):
        for column, facts in enumerate(group.facts):
            tables[index, column] = _hours(facts, group.rules, start, hours)
    return tables


def mask(
    tables: BoolArray, group_of: IntArray, opens_s: FloatArray, start: datetime, out: BoolArray | None = None
) -> BoolArray:
    """The lawful hours of every borrower: the group's, from the borrower's own release on."""
    first = np.ceil((opens_s - (start.timestamp() + PROBES_S[0])) / HOUR_S).clip(0, HOURS).astype(np.int32)
    row = group_of[:, None] * len(CHANNELS) + np.arange(len(CHANNELS), dtype=np.int32)
    key = (row * (HOURS + 1) + first).ravel()
    used = np.zeros(tables.shape[0] * len(CHANNELS) * (HOURS + 1), np.bool_)
    used[key] = True
    combinations = np.flatnonzero(used)
    rows = tables.reshape(-1, HOURS)[combinations // (HOURS + 1)] & _from_hour()[combinations % (HOURS + 1)]
    position = np.zeros(used.shape, np.int32)
    position[combinations] = np.arange(len(combinations), dtype=np.int32)
    if out is None:
        out = np.empty((len(group_of), len(CHANNELS), HOURS), np.bool_)
    np.take(rows, position[key], axis=0, out=out.reshape(-1, HOURS), mode="clip")
    return out


def releases(groups: Sequence[Group], group_of: IntArray, past: PastColumns, start: datetime) -> FloatArray:
    """For each borrower and channel: seconds since 1970 from which no count stands against a contact."""
    opens = np.full((len(group_of), len(CHANNELS)), -np.inf)
    if not len(past.unit):
        return opens
    order = np.lexsort((-past.at_s, past.unit))
    limits = _limits(groups, start)
    place_of_group, places = _places(groups)
    for check, held in limits.items():
        for column in range(len(CHANNELS)):
            if held[:, column].any():
                rows = order[held[group_of[past.unit[order]], column]]
                _raise_opens(opens[:, column], check, past, rows, place_of_group[group_of], places)
    return opens


def _raise_opens(
    opens: FloatArray, check: Cap | CoolingOff, past: PastColumns, rows: NDArray[np.intp], place: IntArray,
    places: list[tuple[ZoneInfo, ...]],
) -> None:  # fmt: skip
    """Moves each unit's opening to where the limit-th latest contact that the check counts leaves the window."""
    rows = rows[_counted(check, past, rows)]
    if not len(rows):
        return
    units = past.unit[rows]
    first_of_unit = np.flatnonzero(np.r_[True, units[1:] != units[:-1]])
    rank = np.arange(len(rows)) - np.repeat(first_of_unit, np.diff(np.r_[first_of_unit, len(rows)]))
    deciding = rows[rank == (check.limit if isinstance(check, Cap) else 1) - 1]
    where = place[past.unit[deciding]]
    for index in np.unique(where):
        chosen = deciding[where == index]
        released = _release(check.window, past.at_s[chosen], places[index])
        np.maximum.at(opens, past.unit[chosen], released)


def _counted(check: Cap | CoolingOff, past: PastColumns, rows: NDArray[np.intp]) -> BoolArray:
    """Which of the rows the check counts at all."""
    if isinstance(check, CoolingOff):
        talked = past.result[rows] == _RESULT_CODES[CallResult.CONVERSATION]
        direction = np.array([Direction.OUT in check.directions, Direction.IN in check.directions])
        called = _flags(Channel, CALLS)[past.channel[rows]]
        both: BoolArray = talked & called & direction[past.inbound[rows].astype(np.intp)] & past.same_debt[rows]
        return both
    counter = check.counter
    direction = np.array([Direction.OUT in counter.directions, Direction.IN in counter.directions])
    kept = _flags(CallResult, counter.results)[past.result[rows]] & direction[past.inbound[rows].astype(np.intp)]
    kept &= _flags(Purpose, counter.purposes)[past.purpose[rows]]
    kept &= _flags(Channel, counter.channels)[past.channel[rows]]
    if past.address_kind is not None:
        of_kind = np.append(_flags(AddressKind, counter.address_kinds), True)  # the last one is that of -1
        kept &= of_kind[past.address_kind[rows]]
    if not counter.other_senders:
        kept &= past.by_us[rows]
    if counter.per is Per.ADDRESS:
        kept &= past.same_address[rows]
    elif counter.per is not Per.BORROWER:
        kept &= past.same_debt[rows]
    result: BoolArray = kept
    return result


def _flags(enum: Iterable[object], members: AbstractSet[object]) -> BoolArray:
    return np.array([member in members for member in enum])


def _release(window: Window, at_s: FloatArray, zones: tuple[ZoneInfo, ...]) -> FloatArray:
    """`Window.release` for many instants: the last zone's midnight decides."""
    if window.duration:
        return at_s + window.duration.total_seconds()
    released = np.full(at_s.shape, -np.inf)
    for zone in zones:
        first = local_date(datetime.fromtimestamp(float(at_s.min()), zone), zone)
        last = local_date(datetime.fromtimestamp(float(at_s.max()), zone), zone)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        starts = np.array([_start_s(zone, day) for day in days])
        ends = np.array([_start_s(zone, window.day_after(day)) for day in days])
        np.maximum(released, ends[np.searchsorted(starts, at_s, side="right") - 1], out=released)
    return released


@lru_cache(maxsize=65_536)
def _start_s(zone: ZoneInfo, day: date) -> float:
    return day_start(zone, day).timestamp()


@lru_cache(maxsize=1)
def _from_hour() -> BoolArray:
    """Row k is true from hour k on."""
    hours: BoolArray = np.arange(HOURS)[None, :] >= np.arange(HOURS + 1)[:, None]
    return hours


def _hours(facts: Facts, rules: RuleSet, start: datetime, hours: int) -> BoolArray:
    """One group's hours in one channel."""
    if not is_steady(facts):
        return np.array([all(decide(facts, rules, at).allowed for at in _probes(start, hour)) for hour in range(hours)])
    if decide(facts, rules, start).rule == UNKNOWN_PLACE:
        return np.zeros(hours, np.bool_)
    situation = Situation(facts, zones_of(facts.place.zones))
    lawful = np.ones(hours, np.bool_)
    for dated in checks_for(rules, scope_key(facts), facts.place.zones):
        lawful &= _hours_of_check(dated, situation, start, hours)
    return lawful


def is_steady(facts: Facts) -> bool:
    """Whether nothing of the facts' own begins, ends or counts during a week, so that only clocks and dates matter."""
    own = facts.past or facts.inconvenient or facts.suppressions or facts.replies_due or facts.holidays
    return not own and not any(one.until or one.kind in PASSING_CONSENTS for one in facts.consents)


PASSING_CONSENTS = frozenset({ConsentKind.THIS_TIME, ConsentKind.ADDITIONAL_CALLS})


def _hours_of_check(dated: DatedCheck, situation: Situation, start: datetime, hours: int) -> BoolArray:
    """The hours in which one check is silent about steady facts."""
    if isinstance(dated.check, (Cap, CoolingOff)):
        return np.ones(hours, np.bool_)
    if isinstance(dated.check, ClockWindow):
        return _clock_hours(dated.check, (dated.starts_at, dated.ends_at), situation.zones, start, hours)
    edges = [0, *_changes(dated, situation, start, hours), hours]
    lawful = np.empty(hours, np.bool_)
    for begin, end in pairwise(edges):
        lawful[begin:end] = all(not judge((dated,), situation, at) for at in _probes(start, begin))
    return lawful


@lru_cache(maxsize=16_384)
def _clock_hours(
    check: ClockWindow, in_force: tuple[datetime, datetime], zones: tuple[ZoneInfo, ...], start: datetime, hours: int
) -> BoolArray:
    """The hours a clock window leaves open; the same for everybody in these zones."""
    dated = DatedCheck(check, *in_force)
    nobody = Situation(Facts(Actor.CREDITOR, Channel.SMS, Place(frozenset(), frozenset()), ()), zones)
    return np.array([not any(judge((dated,), nobody, at) for at in _probes(start, hour)) for hour in range(hours)])


def _changes(dated: DatedCheck, situation: Situation, start: datetime, hours: int) -> list[int]:
    """Hours at which a check that does not go by the clock may change its mind: its own dates, and midnights."""
    instants = [dated.starts_at, dated.ends_at]
    if isinstance(dated.check, Basis):
        instants += [one.at for one in situation.facts.consents]
    if isinstance(dated.check, (Basis, RestDays)):
        for zone in situation.zones:
            today = local_date(start, zone)
            instants += [day_start(zone, today + timedelta(days=number)) for number in range(9)]
    at = {int((instant - start) // timedelta(hours=1)) for instant in instants if instant not in (ALWAYS, NEVER)}
    return sorted({hour + offset for hour in at for offset in (0, 1) if 0 < hour + offset < hours})


def _probes(start: datetime, hour: int) -> Iterator[datetime]:
    return (start + timedelta(seconds=hour * HOUR_S + second) for second in PROBES_S)


def _limits(groups: Sequence[Group], start: datetime) -> dict[Cap | CoolingOff, BoolArray]:
    """Every count that binds some group within the week, with the groups and channels it binds."""
    held: dict[Cap | CoolingOff, BoolArray] = {}
    end = start + timedelta(hours=HOURS)
    for index, group in enumerate(groups):
        for column, facts in enumerate(group.facts):
            if not facts.place.zones:
                continue
            for dated in checks_for(group.rules, scope_key(facts), facts.place.zones):
                check = dated.check
                if not isinstance(check, (Cap, CoolingOff)) or _never_binds(check, facts):
                    continue
                if dated.starts_at < end and dated.ends_at > start:
                    table = held.setdefault(check, np.zeros((len(groups), len(CHANNELS)), np.bool_))
                    table[index, column] = True
    return held


def _never_binds(check: Check, facts: Facts) -> bool:
    """Whether a check speaks only about messages of another sort."""
    return bool(check.when) and not any(getattr(facts.message, mark) for mark in check.when)


def _places(groups: Sequence[Group]) -> tuple[IntArray, list[tuple[ZoneInfo, ...]]]:
    """Which set of zones each group is in, and the sets."""
    names = [group.facts[0].place.zones for group in groups]
    distinct = {zones: index for index, zones in enumerate(dict.fromkeys(names))}
    return np.array([distinct[zones] for zones in names], np.int32), [zones_of(zones) for zones in distinct]
