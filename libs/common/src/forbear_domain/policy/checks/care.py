"""The door for a message of care: the one thing that may be said to somebody in despair, whatever else bars contact."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from forbear_domain.policy.checks.check import Check, ParameterError, Parameters, Situation, instant_text
from forbear_domain.policy.checks.counts import Window
from forbear_domain.policy.checks.states import holds
from forbear_domain.policy.facts import Direction, Purpose, Recipient, SuppressionKind
from forbear_domain.policy.rules import Rule
from forbear_domain.policy.verdict import Finding

WITHIN_MINUTES_MAX = 24 * 60
# By these somebody asks for silence, or says that they are another: what they say last holds, despair or not.
_SILENCE = frozenset({
    SuppressionKind.ADDRESS_OPT_OUT, SuppressionKind.MEDIUM_STOP, SuppressionKind.CEASE, SuppressionKind.WRONG_PARTY,
})  # fmt: skip


class Care(Check):
    """Objects to everything but the approved words, once, to whoever just wrote of despair, where they wrote it."""

    kind: ClassVar[str] = "care"
    facts_used: ClassVar[tuple[str, ...]] = (
        "message", "recipient", "channel", "address", "despair_heard", "suppressions", "past",
    )  # fmt: skip

    def __init__(self, rule: Rule, within: timedelta, once_in: Window) -> None:
        super().__init__(rule)
        self.within = within
        self.once_in = once_in

    @classmethod
    def from_rule(cls, rule: Rule, parameters: Parameters) -> Self:
        """Reads `within_minutes`, how soon the answer must go, and `once_in`, the window that holds one of them."""
        minutes = parameters.count("within_minutes", WITHIN_MINUTES_MAX)
        if not minutes:
            raise ParameterError("within_minutes is missing: say how soon the answer must go", "within_minutes")
        return cls(rule, timedelta(minutes=minutes), Window.parse(parameters.need("once_in")))

    def judge(self, situation: Situation, at: datetime) -> Finding | None:
        """The first condition of the door that does not hold."""
        facts = situation.facts
        if not facts.message.cares_only or facts.recipient is not Recipient.CONSUMER:
            return self.finding(situation, "Only the approved message of care may go, to the person who wrote.")
        heard_at = self._last_heard(situation, at)
        if heard_at is None:
            why = f"Nobody wrote of despair on this channel from this address in the {self.within} before."
            return self.finding(situation, why)
        silenced = [one for one in facts.suppressions if one.kind in _SILENCE and one.since > heard_at]
        if any(holds(one, situation, at) for one in silenced):
            why = f"Silence was asked for after the words of despair of {instant_text(heard_at)}."
            return self.finding(situation, why)
        sent = tuple(
            index
            for index, one in situation.since(self.once_in.start(at, situation.zones))
            if one.purpose is Purpose.CARE and one.direction is Direction.OUT
        )
        if sent:
            return self.finding(situation, f"One such message went out in {self.once_in.text()}.", None, sent)
        return None

    def _last_heard(self, situation: Situation, at: datetime) -> datetime | None:
        facts = situation.facts
        heard = [
            one.received_at
            for one in facts.despair_heard
            if one.channel is facts.channel
            and one.address == facts.address.key != ""
            and at - self.within < one.received_at <= at
        ]
        return max(heard, default=None)
