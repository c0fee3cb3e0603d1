"""States of a person, a debt or an address that bar contact until they are lifted."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Self

from forbear_domain.policy.calendar import NEVER
from forbear_domain.policy.checks.check import CALLS, Check, Parameters, Situation, enum_members, instant_text
from forbear_domain.policy.facts import Direction, Purpose, Suppression, SuppressionKind
from forbear_domain.policy.rules import Rule
from forbear_domain.policy.verdict import Finding, Outcome

CONFIRM_MINUTES_MAX = 7 * 24 * 60


class State(Check):
    """Objects while one of the named states holds for this person, debt, address or medium."""

    kind: ClassVar[str] = "state"
    facts_used: ClassVar[tuple[str, ...]] = ("suppressions", "address", "debts", "replies_due", "message")
    needs = "suppressions"

    def __init__(self, rule: Rule, states: frozenset[SuppressionKind], confirm_within: timedelta | None) -> None:
        super().__init__(rule)
        self.states = states
        self.confirm_within = confirm_within

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `states`, and `confirm_within_minutes` where one confirmation may follow the request."""
        minutes = parameters.count("confirm_within_minutes", CONFIRM_MINUTES_MAX)
        states = enum_members(SuppressionKind, parameters.need("states"))
        return cls(rule, states, timedelta(minutes=minutes) if minutes else None)

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """The strictest objection of all states that hold."""
        findings = [
            finding
            for one in situation.facts.suppressions
            if one.kind in self.states and holds(one, situation, at)
            if (finding := self._judge_one(one, situation, at)) is not None
        ]
        return max(findings, key=lambda finding: (finding.outcome, finding.until or NEVER), default=None)

    def _judge_one(self, state: Suppression, situation: Situation, at: datetime) -> Finding | None:
        if self.lifted(situation, at):
            return None
        since = f"{state.kind.value.replace('_', ' ')} has been in force since {instant_text(state.since)}"
        if self.confirm_within is not None and situation.facts.purpose is Purpose.OPT_OUT_CONFIRMATION:
            is_prompt = at <= state.since + self.confirm_within
            return self._judge_confirmation(state, situation, is_prompt, since)
        return self.finding(situation, f"For this contact, {since}.", state.until)

    def _judge_confirmation(
        self, state: Suppression, situation: Situation, is_prompt: bool, since: str
    ) -> Finding | None:
        """One confirmation is free if it is prompt and confirms nothing but the request."""
        facts = situation.facts
        earlier = tuple(
            index
            for index, one in enumerate(facts.past)
            if one.purpose is Purpose.OPT_OUT_CONFIRMATION
            and one.direction is Direction.OUT
            and state.since <= one.at
            and one.channel is facts.channel
        )
        if earlier:
            return self.finding(situation, f"The request was confirmed already, and {since}.", None, earlier)
        if facts.message.promotional or not facts.message.confirms_only:
            return self.finding(situation, f"A confirmation may say nothing else, and {since}.")
        if not is_prompt:
            late = self.finding(situation, f"The confirmation comes late: {since}.")
            return replace(late, outcome=Outcome.FLAG)
        return None


def holds(state: Suppression, situation: Situation, at: datetime) -> bool:
    """Whether a state is in force at `at` for the person, debt, address and medium of the proposed contact."""
    facts = situation.facts
    if at < state.since or (state.until is not None and at >= state.until):
        return False
    if state.address and state.address != facts.address.key:
        return False
    if state.channel is not None and state.channel is not facts.channel and not {state.channel, facts.channel} <= CALLS:
        return False
    return not state.debt or state.debt in situation.keys
