"""The decision: strictest rule wins, and everything that fired is told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from zoneinfo import ZoneInfo

from forbear_domain.policy.calendar import ALWAYS, NEVER, ONE_DAY, day_start
from forbear_domain.policy.checks import OPTIONAL_FACTS, Check, ParameterError, Situation, check_of
from forbear_domain.policy.checks.check import zone_named
from forbear_domain.policy.facts import Actor, AddressKind, Channel, Facts, MessageMarks, Purpose, Recipient
from forbear_domain.policy.rules import Rule, RuleSet, Scope
from forbear_domain.policy.verdict import Finding, Outcome, Verdict

SEARCH = timedelta(days=60)
UNKNOWN_PLACE = "HOUSE-PLACE"

ScopeKey = tuple[Actor, Channel, Purpose, Recipient, AddressKind, frozenset[str]]
Sort = tuple[ScopeKey, frozenset[str], tuple[bool, ...], MessageMarks]
"""Of contacts: what decides the scope, the zones, which of `OPTIONAL_FACTS` there are, and the message."""


def decide(facts: Facts, rules: RuleSet, now: datetime) -> Verdict:
    """Whether the contact may be made at `now`: allow, not before an instant, flag for a person, or refuse.

    Pure: the same arguments give the same verdict. The instant of NOT_BEFORE is the earliest one within 60 days
    at which nothing objects if nothing else happens until then; without one the contact is refused.
    """
    if now.tzinfo is None:
        raise ValueError("`now` must be an aware datetime")
    trouble = _unusable_place(facts, rules)
    if trouble is not None:
        return _verdict((trouble,), rules)
    sort = (scope_key(facts), facts.place.zones, tuple(map(bool, _optional_facts(facts))), facts.message)
    situation, at = Situation(facts, zones_of(facts.place.zones)), now.astimezone(UTC)
    objections = [check.judge(situation, at) for check in _checks_at(rules, sort, at)]
    fired = _strictest_first([one for one in objections if one is not None])
    if not fired:
        return _allowed(rules.packs)
    if fired[0].outcome is Outcome.REFUSE or not any(one.outcome is Outcome.NOT_BEFORE for one in fired):
        return _verdict(fired, rules)
    return _wait(fired, _checks_needed(rules, sort), situation, rules, now)


@dataclass(frozen=True, slots=True)
class DatedCheck:
    """A check and the instants between which its rule is in force at the borrower's place."""

    check: Check
    starts_at: datetime
    ends_at: datetime

    def may_object_after(self, now: datetime, situation: Situation) -> bool:
        """Whether it may object again once it has been silent after `now`, if nothing else happens.

        One that settles may do so only if it is not in force yet, or if an exception that may lapse silences it now.
        """
        return not self.check.settles or self.starts_at > now or self.check.lifted(situation, now)


def judge(checks: tuple[DatedCheck, ...], situation: Situation, at: datetime) -> tuple[Finding, ...]:
    """All findings at one instant, the strictest first, among equals the one that lasts longest."""
    return _strictest_first(list(_objections(checks, situation, at)))


def scope_key(facts: Facts) -> ScopeKey:
    """What of the facts decides which rules apply at all."""
    kinds = frozenset([debt.kind for debt in facts.debts])
    return (facts.actor, facts.channel, facts.purpose, facts.recipient, facts.address.kind, kinds)


@lru_cache(maxsize=16_384)
def checks_for(rules: RuleSet, key: ScopeKey, zone_names: frozenset[str]) -> tuple[DatedCheck, ...]:
    """The checks of all rules whose scope holds, made ready once per kind of question, in an order of their own."""
    zones = zones_of(zone_names)
    dated = []
    for rule in sorted(rules.rules, key=_order):
        check = _check(rule) if in_scope(rule.scope, key) else None
        if check is not None:
            dated.append(_dated(check, zones))
    return tuple(dated)


@lru_cache(maxsize=16_384)
def _checks_needed(rules: RuleSet, sort: Sort) -> tuple[DatedCheck, ...]:
    """The checks that can find anything to object to in a contact of that sort, at some time."""
    key, zone_names, present, message = sort
    missing = [name for name, is_present in zip(OPTIONAL_FACTS, present, strict=True) if not is_present]
    return tuple(
        dated
        for dated in checks_for(rules, key, zone_names)
        if dated.check.needs not in missing and not dated.check.accepts(message)
    )


@lru_cache(maxsize=4_096)
def _checks_at(rules: RuleSet, sort: Sort, at: datetime) -> tuple[Check, ...]:
    """The checks that may object at one instant: a batch is decided at one, so the clock is read once for each sort."""
    zones = zones_of(sort[1])
    return tuple(
        dated.check
        for dated in _checks_needed(rules, sort)
        if dated.starts_at <= at < dated.ends_at and not dated.check.is_open(zones, at)
    )


_optional_facts = attrgetter(*OPTIONAL_FACTS)


@lru_cache(maxsize=4_096)
def zones_of(names: frozenset[str]) -> tuple[ZoneInfo, ...]:
    """The zones of that name, in a fixed order."""
    return tuple(zone_named(name) for name in sorted(names))


def in_scope(scope: Scope, key: ScopeKey) -> bool:
    """Whether a rule of that scope speaks about such contacts."""
    actor, channel, purpose, recipient, address_kind, debt_kinds = key
    return (
        (not scope.actors or actor in scope.actors)
        and (not scope.channels or channel in scope.channels)
        and (not scope.recipients or recipient in scope.recipients)
        and (not scope.address_kinds or address_kind in scope.address_kinds)
        and (not scope.purposes or purpose in scope.purposes)
        and purpose not in scope.except_purposes
        and (not scope.debt_kinds or bool(debt_kinds & scope.debt_kinds))
        and not (debt_kinds and debt_kinds <= scope.except_debt_kinds)
    )


def _wait(
    fired: tuple[Finding, ...],
    checks: tuple[DatedCheck, ...],
    situation: Situation,
    rules: RuleSet,
    now: datetime,
) -> Verdict:
    """The verdict where time may heal some objections: jump from release to release until none of those is left.

    Each finding names the first instant at which its own rule is silent, so no lawful instant is jumped over. A flag
    that no time heals is kept for the end: a person may decide only about what would be lawful otherwise.
    """
    at = now.astimezone(UTC)
    watched = [one for one in checks if one.may_object_after(at, situation)]
    flagged = next((one for one in fired if one.outcome is Outcome.FLAG), None)
    waits = [one for one in fired if one.until is not None]
    while waits:
        at = max(one.until for one in waits if one.until is not None)
        if at > now + SEARCH:
            return _verdict((_too_long(waits[0]), *fired), rules)
        waits = []
        for finding in _objections(watched, situation, at):
            if finding.until is not None:
                waits = [finding]
                break
            if finding.outcome is not Outcome.FLAG:
                return _verdict((finding, *fired), rules)
            flagged = flagged or finding
    if flagged is not None:
        return _verdict(fired if flagged is fired[0] else (flagged, *fired), rules)
    return _verdict(fired, rules, not_before=at)


def _objections(checks: Iterable[DatedCheck], situation: Situation, at: datetime) -> Iterator[Finding]:
    """What is objected at one instant, in no order that matters; whoever has heard enough asks no further."""
    for dated in checks:
        if dated.starts_at <= at < dated.ends_at:
            finding = dated.check.judge(situation, at)
            if finding is not None:
                yield finding


def _strictest_first(fired: list[Finding]) -> tuple[Finding, ...]:
    if len(fired) > 1:
        fired.sort(key=_strictness, reverse=True)
    return tuple(fired)


@lru_cache(maxsize=4_096)
def _allowed(packs: tuple[str, ...]) -> Verdict:
    return Verdict(Outcome.ALLOW, "No rule objects.", packs=packs)


def _too_long(wait: Finding) -> Finding:
    why = f"{wait.why} No lawful instant was found within {SEARCH.days} days."
    return Finding(wait.rule, Outcome.REFUSE, why, wait.source, wait.until, wait.counted, wait.facts_used)


def _verdict(fired: tuple[Finding, ...], rules: RuleSet, not_before: datetime | None = None) -> Verdict:
    first = fired[0]
    return Verdict(first.outcome, first.why, first.rule, first.source, not_before, fired, rules.packs)


def _strictness(finding: Finding) -> tuple[int, datetime, str]:
    return (finding.outcome, finding.until or NEVER, finding.rule)


def _order(rule: Rule) -> tuple[bool, str, str, str]:
    """Clocks first, because they object most often; else by name, so that the order of rules never matters."""
    return (rule.kind != "clock_window", rule.id, rule.variant, rule.pack)


@lru_cache(maxsize=16_384)
def _check(rule: Rule) -> Check | None:
    return check_of(rule)


def _dated(check: Check, zones: tuple[ZoneInfo, ...]) -> DatedCheck:
    """In force from the first midnight of any zone to the last one: the stricter reading of a date."""
    first, last = check.rule.effective_from, check.rule.effective_to
    starts_at = ALWAYS if first.year == 1 else min(day_start(zone, first) for zone in zones)
    ends_at = NEVER if last.year == 9999 else max(day_start(zone, last + ONE_DAY) for zone in zones)
    return DatedCheck(check, starts_at, ends_at)


def _unusable_place(facts: Facts, rules: RuleSet) -> Finding | None:
    """Without a known zone and known law there is no lawful instant."""
    missing = ""
    if not facts.place.zones:
        missing = "no time zone is known for the borrower"
    elif not facts.place.jurisdictions or not rules.known:
        missing = "no pack of rules covers every place where the borrower may be"
    elif not facts.place.jurisdictions <= rules.jurisdictions:
        missing = "the rules were chosen for other places"
    else:
        try:
            zones_of(facts.place.zones)
        except ParameterError as error:
            missing = str(error)
    if not missing:
        return None
    why = f"Nobody may be contacted while {missing}."
    return Finding(UNKNOWN_PLACE, Outcome.REFUSE, why, "house policy: fail closed", facts_used=("place",))
