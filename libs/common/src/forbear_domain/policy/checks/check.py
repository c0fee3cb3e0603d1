"""What all kinds of limit share: the situation they judge, and how they read their parameters."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Self, TypeVar
from zoneinfo import ZoneInfo

from forbear_domain.policy.calendar import ALWAYS, day_start, local_date
from forbear_domain.policy.facts import (
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Facts,
    MessageMarks,
    PastContact,
    Purpose,
    Route,
    SuppressionKind,
)
from forbear_domain.policy.rules import Rule
from forbear_domain.policy.verdict import Finding, Outcome

T = TypeVar("T")
E = TypeVar("E")

Clock = tuple[ZoneInfo, datetime]  # a zone and an instant in its local time
CALLS = frozenset({Channel.VOICE, Channel.RINGLESS_VOICEMAIL})
MARKS = frozenset(MessageMarks.__dataclass_fields__) - {"faults"}
DAY_S = 24 * 3600
EXTRA_CALLS_DAYS = 7  # 1006.14(b)(3)(i): consent to more calls lasts seven days, the day of receipt being the first


class ParameterError(ValueError):
    """A rule whose parameters cannot be understood; `field` names the parameter, where one is to blame."""

    def __init__(self, what: str, field: str = "") -> None:
        super().__init__(what)
        self.field = field


class Situation:
    """The facts of one question, with what several rules need from them computed at most once."""

    def __init__(self, facts: Facts, zones: tuple[ZoneInfo, ...]) -> None:
        self.facts = facts
        self.zones = zones
        self._latest = max([one.at for one in facts.past]) if facts.past else ALWAYS
        self._since: dict[datetime, list[tuple[int, PastContact]]] = {}

    def since(self, start: datetime) -> list[tuple[int, PastContact]]:
        """The earlier contacts from `start` on, with their positions; many counts look equally far back."""
        if self._latest < start:
            return []
        recent = self._since.get(start)
        if recent is None:
            recent = [(index, one) for index, one in enumerate(self.facts.past) if one.at >= start]
            self._since[start] = recent
        return recent

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What the proposed contact counts against."""
        return tuple(dict.fromkeys([debt.key for debt in self.facts.debts]))

    @cached_property
    def extra_calls(self) -> list[tuple[datetime, datetime]]:
        """From when to when (exclusive) the consumer agreed to more calls."""
        given = [one for one in self.facts.consents if one.kind is ConsentKind.ADDITIONAL_CALLS]
        return [(one.at, self._extra_calls_end(one)) for one in given if one.route is not Route.TO_ANOTHER]

    def _extra_calls_end(self, consent: Consent) -> datetime:
        last = [day_start(zone, local_date(consent.at, zone) + timedelta(EXTRA_CALLS_DAYS)) for zone in self.zones]
        end = min(last)  # the stricter clock where zones conflict
        if consent.until is not None:
            end = min(end, consent.until)
        talks = [one.at for one in self.facts.past if one.result is CallResult.CONVERSATION and one.at > consent.at]
        return min([end, *(at + timedelta(microseconds=1) for at in talks)])

    def agreed_to_call(self, at: datetime) -> bool:
        """Whether a call at `at` is one of the additional calls the consumer agreed to."""
        agreed = self.extra_calls
        return bool(agreed) and any(start <= at < end for start, end in agreed)

    @cached_property
    def misdirected(self) -> frozenset[str]:
        """Addresses known not to reach the consumer."""
        wrong = SuppressionKind.WRONG_PARTY
        return frozenset(one.address for one in self.facts.suppressions if one.kind is wrong and one.address)

    def replies(self, at: datetime) -> bool:
        """Whether this is the one answer that a message of the consumer in this medium entitles us to."""
        facts = self.facts
        if facts.purpose is not Purpose.REPLY:
            return False
        return any(
            token.channel is facts.channel and token.received_at <= at and token.address in ("", facts.address.key)
            for token in facts.replies_due
        )

    def has_consent(self, kind: ConsentKind, at: datetime) -> bool:
        """Whether the consumer agreed, directly to us, and the agreement is still running."""
        return any(
            one.kind is kind
            and one.route is not Route.TO_ANOTHER
            and one.at <= at
            and (one.until is None or at < one.until)
            and one.address in ("", self.facts.address.key)
            for one in self.facts.consents
        )

    def same_person(self, past: PastContact) -> bool:
        """Whether an earlier contact was with the person now proposed."""
        return past.recipient is self.facts.recipient and past.person == self.facts.person


@lru_cache(maxsize=4_096)
def clocks_of(zones: tuple[ZoneInfo, ...], at: datetime) -> tuple[Clock, ...]:
    """Every zone with its local time; the questions of one batch ask about the same few instants."""
    return tuple((zone, at.astimezone(zone)) for zone in zones)


LIFTS: dict[str, Callable[[Situation, datetime], bool]] = {
    "reply": Situation.replies,
    "time_consent": lambda situation, at: situation.has_consent(ConsentKind.THIS_TIME, at),
    "more_calls_consent": Situation.agreed_to_call,
}


OPTIONAL_FACTS = ("inconvenient", "past", "suppressions")  # of most contacts one or more of them are empty
COMMON_PARAMETERS = frozenset({"lifted_by", "rebutted_by", "when"})  # every kind of limit understands these


class Check(ABC):
    """One rule made ready to judge."""

    kind: ClassVar[str]
    facts_used: ClassVar[tuple[str, ...]]
    needs: str = ""  # the fact, of `OPTIONAL_FACTS`, without which it never objects
    settles: ClassVar[bool] = False  # once silent, it stays silent for as long as nothing else happens

    def __init__(self, rule: Rule) -> None:
        if rule.outcome is Outcome.ALLOW:
            raise ParameterError("outcome cannot be 'allow': a rule objects or says nothing", "outcome")
        self.rule = rule
        lifts = enum_members(str, rule.parameters.get("lifted_by", ()))
        self.lifts = tuple(known(LIFTS, name, "lifted_by") for name in sorted(lifts))
        self.rebutted_by = enum_members(Purpose, rule.parameters.get("rebutted_by", ()))
        self.when = marks(rule.parameters.get("when", ()))  # of the message; one must be set, if any is named

    @classmethod
    @abstractmethod
    def from_rule(cls, rule: Rule, parameters: "Parameters") -> Self:
        """The check that a rule's parameters describe."""

    def accepts(self, message: MessageMarks) -> bool:
        """Whether it never objects to such a message, whatever else is known."""
        return False

    def is_open(self, zones: tuple[ZoneInfo, ...], at: datetime) -> bool:
        """Whether it objects to nothing in those zones at `at`, whatever else is known."""
        return False

    @abstractmethod
    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """What the rule has against a contact at `at`; None when nothing."""

    def lifted(self, situation: Situation, at: datetime) -> bool:
        """Whether one of the rule's own exceptions holds, or the message is not of the sort it speaks about."""
        if self.when and not any(getattr(situation.facts.message, mark) for mark in self.when):
            return True
        return bool(self.lifts) and any(lift(situation, at) for lift in self.lifts)

    def finding(
        self, situation: Situation, why: str, until: datetime | None = None, counted: tuple[int, ...] = ()
    ) -> Finding:
        """An objection: wait where time heals it, and a person decides where the purpose may rebut it."""
        outcome = self.rule.outcome
        if outcome is Outcome.NOT_BEFORE and until is None:
            outcome = Outcome.REFUSE
        if situation.facts.purpose in self.rebutted_by:
            outcome = Outcome.FLAG
            why += " The purpose of this contact may rebut that, so a person decides."
        return Finding(self.rule.id, outcome, why, self.rule.source, until, counted, self.facts_used)


class Parameters:
    """A rule's parameters, taken one by one; on leaving, whatever nobody asked for is an error."""

    def __init__(self, rule: Rule) -> None:
        self._left = {name: value for name, value in rule.parameters.items() if name not in COMMON_PARAMETERS}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None and self._left:
            raise ParameterError(f"unknown parameters: {', '.join(sorted(self._left))}", min(self._left))

    def take(self, name: str, default: T) -> T:
        """An optional parameter of the default's type."""
        value = self._left.pop(name, default)
        if type(value) is not type(default):
            raise ParameterError(f"parameter {name!r} must be like {default!r}, not {value!r}", name)
        return value

    def count(self, name: str, most: int) -> int:
        """An optional whole number from 0, which stands for none, to `most`."""
        value = self.take(name, 0)
        if not 0 <= value <= most:
            raise ParameterError(f"parameter {name!r} must be a whole number from 0 to {most}, not {value}", name)
        return value

    def need(self, name: str) -> Any:
        """A parameter without which the rule means nothing."""
        if name not in self._left:
            raise ParameterError(f"parameter {name!r} is missing")
        return self._left.pop(name)

    def second_of_day(self, name: str, default: str | None = None) -> int:
        """A wall-clock time written HH:MM, as seconds since local midnight."""
        return second_of_day(self.need(name) if default is None else self.take(name, default))

    def zone(self, name: str = "zone") -> ZoneInfo | None:
        """A fixed zone whose clock the rule goes by, instead of the consumer's."""
        text = self.take(name, "")
        return zone_named(text) if text else None


def second_of_day(text: str) -> int:
    """The seconds since local midnight of a wall-clock time written HH:MM; 24:00 ends the day."""
    if not isinstance(text, str):
        raise ParameterError(f'not a time of day: {text!r}; write it like "08:00"')
    hours, colon, minutes = text.partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60:
        second = int(hours) * 3600 + int(minutes) * 60
        if second <= DAY_S:
            return second
    raise ParameterError(f'not a time of day: {text!r}; write it like "08:00", at most "24:00"')


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name; an unknown one is an error of whoever wrote it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ParameterError(f"unknown time zone {name!r}") from error


def known(table: dict[str, T], name: str, what: str) -> T:
    """The entry of a table that a pack names; an unknown name is an error."""
    if name not in table:
        raise ParameterError(f"{what}: {name!r} is none of {', '.join(sorted(table))}", what)
    return table[name]


def enum_members(enum: Callable[[str], E], names: Iterable[str]) -> frozenset[E]:
    """The members an array of a pack names; an unknown name is an error."""
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ParameterError(f"a list of names is wanted, not {names!r}")
    try:
        return frozenset(enum(name) for name in names)
    except ValueError as error:
        raise ParameterError(str(error)) from error


def marks(names: Iterable[str]) -> frozenset[str]:
    """Names of yes-or-no marks of a message; an unknown one is an error."""
    unknown = enum_members(str, names) - MARKS
    if unknown:
        raise ParameterError(f"unknown marks of a message: {', '.join(sorted(unknown))}")
    return frozenset(names)


def instant_text(at: datetime) -> str:
    """An instant of UTC as people write it in a sentence, to the minute."""
    return f"{at.isoformat(' ', 'minutes')[:16]} UTC"


@lru_cache(maxsize=4_096)
def day_text(day: date) -> str:
    """A date as people write it in a sentence."""
    return f"{day:%a} {day.day} {day:%b %Y}"
