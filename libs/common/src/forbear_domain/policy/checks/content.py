"""Limits that look at the medium, the person, the basis and the message instead of at time and number."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from forbear_domain.policy.calendar import local_date
from forbear_domain.policy.checks.check import Check, Parameters, Situation, clocks_of, enum_members, marks
from forbear_domain.policy.facts import Consent, ConsentKind, MessageMarks, Purpose, Route, SuppressionKind
from forbear_domain.policy.rules import Rule
from forbear_domain.policy.verdict import Finding

FRESH_DAYS_MAX = 3_660
CLOCKS_MOVE = timedelta(days=1)  # at most: Samoa crossed the date line in 2011


class Bar(Check):
    """Never, within the rule's scope."""

    kind: ClassVar[str] = "bar"
    facts_used: ClassVar[tuple[str, ...]] = ("channel", "recipient", "address")
    settles: ClassVar[bool] = True

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Takes no parameters of its own: the scope says it all."""
        return cls(rule)

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects always."""
        return None if self.lifted(situation, at) else self.finding(situation, self.rule.summary)


class Basis(Check):
    """Needs a consent or a documented basis for this medium and address, fresh enough where the rule says so."""

    kind: ClassVar[str] = "basis"
    facts_used: ClassVar[tuple[str, ...]] = ("consents", "address", "place")

    def __init__(self, rule: Rule, kinds: frozenset[ConsentKind], routes: frozenset[Route], fresh_days: int) -> None:
        super().__init__(rule)
        self.kinds = kinds
        self.routes = routes
        self.fresh_days = fresh_days
        self.fresh_everywhere = timedelta(days=fresh_days) - CLOCKS_MOVE  # an age at which no calendar needs be asked

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `consents`, `routes` and `fresh_days`."""
        return cls(
            rule,
            enum_members(ConsentKind, parameters.need("consents")),
            enum_members(Route, parameters.need("routes")),
            parameters.count("fresh_days", FRESH_DAYS_MAX),
        )

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects unless one of the consents carries this contact."""
        for consent in situation.facts.consents:
            if self._carries(consent, situation, at):
                return None
        if self.lifted(situation, at):
            return None
        fresh = f" no older than {self.fresh_days} days" if self.fresh_days else ""
        return self.finding(situation, f"No basis{fresh} for this medium and address: {self.rule.summary}")

    def _carries(self, consent: Consent, situation: Situation, at: datetime) -> bool:
        return (
            consent.kind in self.kinds
            and consent.route in self.routes
            and consent.at <= at
            and (consent.until is None or at < consent.until)
            and consent.address in ("", situation.facts.address.key)
            and (not self.fresh_days or self._is_fresh(consent, situation, at))
        )

    def _is_fresh(self, consent: Consent, situation: Situation, at: datetime) -> bool:
        since = consent.at if consent.fresh_at is None or consent.fresh_at < consent.at else consent.fresh_at
        if at - since <= self.fresh_everywhere:
            return True
        limit = timedelta(days=self.fresh_days)
        return all(now.date() - local_date(since, zone) <= limit for zone, now in clocks_of(situation.zones, at))


class MessageContent(Check):
    """What the message must carry, must not carry, or was found by the linter to break."""

    kind: ClassVar[str] = "message"
    facts_used: ClassVar[tuple[str, ...]] = ("message",)
    settles: ClassVar[bool] = True

    def __init__(self, rule: Rule, requires: frozenset[str], forbids: frozenset[str]) -> None:
        super().__init__(rule)
        self.requires = requires
        self.forbids = forbids

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `requires` and `forbids`, names of marks; a fault under the rule's own id always counts."""
        return cls(rule, marks(parameters.take("requires", [])), marks(parameters.take("forbids", [])))

    def accepts(self, message: MessageMarks) -> bool:
        """Whether nothing is wrong with the message."""
        return not self._wrong(message)

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects to what is missing, what is forbidden, and what the linter reported under this rule."""
        wrong = self._wrong(situation.facts.message)
        if not wrong or self.lifted(situation, at):
            return None
        return self.finding(
            situation, f"The message {' and '.join(sorted(wrong)).replace('_', ' ')}: {self.rule.summary}"
        )

    def _wrong(self, message: MessageMarks) -> list[str]:
        wrong = [f"lacks {mark}" for mark in self.requires if not getattr(message, mark)]
        wrong += [f"has {mark}" for mark in self.forbids if getattr(message, mark)]
        if self.rule.id in message.faults:
            wrong.append("was found to break it")
        return wrong


class ThirdParty(Check):
    """Persons who do not owe: out of bounds while the debtor can be reached, and once they have refused."""

    kind: ClassVar[str] = "third_party"
    facts_used: ClassVar[tuple[str, ...]] = ("recipient", "reachable", "suppressions", "message", "purpose")

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Takes no parameters of its own: the scope names the persons."""
        return cls(rule)

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects unless the debtor is out of reach, nobody refused, and only the whereabouts are asked for."""
        facts = situation.facts
        if any(one.kind is SuppressionKind.PERSON_REFUSED and one.since <= at for one in facts.suppressions):
            return self.finding(situation, "This person has asked not to be contacted.")
        if facts.reachable:
            return self.finding(situation, "The debtor can be reached, so nobody else may be asked.")
        if facts.purpose is not Purpose.LOCATION or facts.message.reveals_debt:
            return self.finding(situation, "Another person may only be asked to relay a message, without the debt.")
        return None


class PriorNotice(Check):
    """A written notice must have been given before the first contact of this sort."""

    kind: ClassVar[str] = "prior_notice"
    facts_used: ClassVar[tuple[str, ...]] = ("notices", "told_of_agency")
    settles: ClassVar[bool] = True

    def __init__(self, rule: Rule, notice: str) -> None:
        super().__init__(rule)
        self.notice = notice

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `notice`: "agency", or the name of a notice as recorded in `Facts.notices`."""
        return cls(rule, parameters.need("notice"))

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """Objects while the notice is missing."""
        facts = situation.facts
        given = facts.told_of_agency if self.notice == "agency" else self.notice in facts.notices
        if given or self.lifted(situation, at):
            return None
        return self.finding(situation, f"The notice that must come first was not given: {self.rule.summary}")
