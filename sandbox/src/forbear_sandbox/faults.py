"""What goes wrong on purpose: rules that make the providers fail for a share of the requests.

Set with `POST /faults` at the control API. Whether a request is hit depends on the request itself and the seed, not on
the order of arrival.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forbear_sandbox.lots import Lots

KINDS = {
    "error_500": "answer 500; nothing was taken",
    "too_many": "answer 429 with Retry-After; nothing was taken",
    "hang": "never answer; nothing was taken",
    "slow": "take it, and answer after `seconds` of real time",
    "cut_before": "close the connection before anything was taken",
    "cut_after": "take it, then close the connection without an answer",
    "garbage": "take it, and answer 201 with a body that is not JSON",
    "stall": "take it, and deliver it only `seconds` later by the clock of the world",
    "callback_lost": "never call back",
    "callback_twice": "call back twice",
    "callback_late": "call back `seconds` later by the clock of the world",
    "callback_reversed": "call back in the wrong order",
}
CHANNELS = ("sms", "voice", "email", "gateway")


class FaultError(ValueError):
    """A rule that says something we do not know."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule: which requests are hit (a share, at most `count` of them), and how."""

    kind: str
    channel: str = ""  # empty: every channel
    share: float = 1.0
    count: int = 1_000_000_000
    seconds: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is not in the lists."""
        if self.kind not in KINDS:
            raise FaultError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")
        if self.channel and self.channel not in CHANNELS:
            raise FaultError(f"unknown channel {self.channel!r}; one of {', '.join(CHANNELS)}")
        if not 0.0 <= self.share <= 1.0 or self.count < 0 or self.seconds < 0:
            raise FaultError("share must lie between 0 and 1; count and seconds must not be negative")


class Faults:
    """The rules in force."""

    def __init__(self, lots: Lots) -> None:
        self._lots = lots.under("faults")
        self._rules: list[Fault] = []

    def set(self, rules: Sequence[Mapping[str, object]]) -> None:
        """Put these rules in force in place of all others. Raises FaultError, and changes nothing then."""
        try:
            self._rules = [Fault(**rule) for rule in rules]  # type: ignore[arg-type]  # checked by Fault itself
        except TypeError as error:
            raise FaultError(str(error)) from None

    def rules(self) -> tuple[Fault, ...]:
        """Return the rules in force, with what is left of their counts."""
        return tuple(self._rules)

    def hit(self, channel: str, kinds: Sequence[str], *key: object) -> Fault | None:
        """Return the first rule of these kinds that hits a request, and count it, or None."""
        for index, rule in enumerate(self._rules):
            fits = rule.kind in kinds and rule.channel in ("", channel) and rule.count > 0
            if fits and self._lots.happens(rule.share, rule.kind, *key):
                self._rules[index] = replace(rule, count=rule.count - 1)
                return rule
        return None
