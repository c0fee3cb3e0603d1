"""One rule at a time: made by hand, asked about one contact."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from forbear_domain.policy import (
    CallResult,
    Channel,
    Facts,
    Finding,
    Outcome,
    PastContact,
    Rule,
    RuleSet,
    Scope,
    decide,
)
from forbear_domain.policy.checks import Situation, check_of
from tests.unit.policy.policy_facts import NOW, ORDINARY

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NEW_YORK, DENVER = ZoneInfo("America/New_York"), ZoneInfo("America/Denver")
CALL = replace(ORDINARY, channel=Channel.VOICE, consents=())
TALK = CallResult.CONVERSATION
CAP: dict[str, Any] = {"limit": 1, "window": {"days": 7}}
NINE: dict[str, Any] = {"opens": "09:00", "closes": "21:00"}


def utc(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """An instant of June 2026."""
    return datetime(2026, 6, day, hour, minute, second, tzinfo=UTC)


def rule(kind: str, outcome: Outcome = Outcome.NOT_BEFORE, scope: Scope | None = None, **parameters: Any) -> Rule:
    """A rule of that kind."""
    return Rule("R", kind, outcome, "The summary.", "the source", "policy", "P", parameters, scope or Scope())


def judged(one: Rule, facts: Facts, at: datetime = NOW, *zones: ZoneInfo) -> Finding | None:
    """What one rule alone says; in New York, unless zones are given."""
    check = check_of(one)
    assert check is not None
    return check.judge(Situation(facts, zones or (NEW_YORK,)), at)


def past(ago: timedelta, **fields: Any) -> PastContact:
    """A call about D1, so long before NOW."""
    known: dict[str, Any] = {"at": NOW - ago, "channel": Channel.VOICE, "debts": ("D1",)}
    return PastContact(**(known | fields))


def called(*ones: PastContact, **fields: Any) -> Facts:
    """A call proposed after these."""
    return replace(CALL, past=ones, **fields)


def alone(one: Rule, facts: Facts, at: datetime = NOW) -> Any:
    """The verdict of one rule, as `decide` gives it."""
    return decide(facts, RuleSet(frozenset({"US"}), (one,), ("P@1",)), at)
