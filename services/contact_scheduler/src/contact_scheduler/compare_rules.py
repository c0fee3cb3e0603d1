"""Is learning worth it beside a simple rule such as "SMS in the evening"? Differences, told on the same contacts.

Each drawn contact of the control group says what learned choice and rule would have done with it; the differences are
averaged (doubly robust). Two values with an interval each would overlap although one is surely better: what both do
alike is noise in each, and cancels in the difference. The control group's hours are even within a part of the day, and
so are those of both sides here: this compares channel and part of the day. Lines and costs are left out on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.explore import OPTIONS
from contact_scheduler.learning.lift import Rate
from contact_scheduler.learning.ope import Comparison, Estimate, compare_with_each, z_together
from contact_scheduler.learning.slots import DAY_PARTS
from contact_scheduler.value_policies import (
    EFFECTIVE_ROWS_MIN,
    Drawn,
    Matrix,
    even_among_open,
    liked_best,
    log_of,
    options_of,
    prefer,
)
from forbear_domain.model import Channel

NEEDED_MAX: Final = 1_000_000  # contacts; whoever needs more will not have them
WHEN: Final = dict(zip(DAY_PARTS, ("in the morning", "at midday", "in the afternoon", "in the evening"), strict=True))


class RuleVerdict(StrEnum):
    """What the log says of learned choice beside one rule."""

    LEARNED_BETTER = "learned_better"
    RULE_BETTER = "rule_better"
    NOT_TOLD_APART = "not_told_apart"
    TOO_FEW = "too_few"


SAID_OF_BEST: Final = {
    RuleVerdict.LEARNED_BETTER: "learned choice is surely better",
    RuleVerdict.RULE_BETTER: "the rule is surely better",
    RuleVerdict.NOT_TOLD_APART: "the log cannot tell them apart",
}


class Rule(NamedTuple):
    """One fixed rule, as probabilities [n, options] of the contacts."""

    name: str
    words: str
    target: Matrix


@dataclass(frozen=True, slots=True)
class RuleCompared:
    """Learned choice less one rule, in answers per contact; `value` is the rule's own."""

    name: str
    words: str
    value: Estimate
    difference: Estimate

    @property
    def verdict(self) -> RuleVerdict:
        """Say which is better, if the log can tell."""
        if self.difference.effective_rows < EFFECTIVE_ROWS_MIN:
            return RuleVerdict.TOO_FEW
        if self.difference.low > 0.0:
            return RuleVerdict.LEARNED_BETTER
        return RuleVerdict.RULE_BETTER if self.difference.high < 0.0 else RuleVerdict.NOT_TOLD_APART


@dataclass(frozen=True, slots=True)
class RulesCompared:
    """All rules, the best by estimate first and those of which too little is known last.

    Without a drawn contact `learned` is None and no rule is there.
    """

    contacts: int
    learned: Estimate | None
    rules: list[RuleCompared]
    made: Rate  # contacts of the learned plan as they were made, with its own hours and the lines there were

    @property
    def summary(self) -> str:
        """Return the answer in plain sentences."""
        told = [one for one in self.rules if one.verdict is not RuleVerdict.TOO_FEW]
        if not told:
            return (
                "Fixed rules cannot be compared yet: too few contacts of the control group lie two days back "
                f"({self.contacts:,} do)."
            )
        best, gain = told[0], told[0].difference
        return (
            f"{_tally(told)} The best of them by estimate, {best.words}, would have been answered "
            f"{100 * best.value.value:.1f} times in 100 contacts, learned choice of channel and part of the day "
            f"{100 * (best.value.value + gain.value):.1f}: {_points(gain)}; {SAID_OF_BEST[best.verdict]}."
            f"{self._needed(best)}{self._as_made(best)}"
        )

    def _needed(self, best: RuleCompared) -> str:
        """Say how many contacts would tell the two apart, were the difference as estimated."""
        gain = best.difference
        if best.verdict is not RuleVerdict.NOT_TOLD_APART or not gain.value:
            return ""
        needed = self.contacts * ((gain.high - gain.value) / gain.value) ** 2
        if needed > NEEDED_MAX:
            return ""
        return (
            f" To tell a difference of this size takes about {float(f'{needed:.2g}'):,.0f} contacts of the control "
            f"group; there are {self.contacts:,}."
        )

    def _as_made(self, best: RuleCompared) -> str:
        """Set the learned plan as it was made beside the rule: other borrowers, by lot, so the two are independent."""
        if not self.made.rows:
            return ""
        share, value = self.made.value, best.value
        reach = z_together(len(self.rules)) * np.sqrt(share * (1.0 - share) / self.made.rows)
        found = share - value.value
        apart = float(np.hypot(reach, value.high - value.value))
        return (
            f" The learned plan as it was made, with its own hours and the lines there were, was answered "
            f"{100 * share:.1f} times in 100: {_points(Estimate(found, found - apart, found + apart, 0.0))} beside "
            "that rule."
        )


def compare_rules(drawn: Sequence[Drawn], made: Rate) -> RulesCompared:
    """Compare what the model liked best, before it knew the answers, with each fixed rule.

    `made` counts the contacts of the learned plan and their answers.
    """
    control = [one for one in drawn if one.arm is Arm.CONTROL]
    if not control:
        return RulesCompared(0, None, [], made)
    rules = list(_rules(control))
    found = compare_with_each(log_of(control), liked_best(control), [rule.target for rule in rules])
    compared = [_compared(rule, one) for rule, one in zip(rules, found, strict=True)]
    compared.sort(key=lambda one: (one.verdict is RuleVerdict.TOO_FEW, -one.value.value))
    return RulesCompared(len(control), found[0].new, compared, made)


def _tally(told: Sequence[RuleCompared]) -> str:
    """Say beside how many rules learned choice surely wins or loses."""
    count = Counter(one.verdict for one in told)
    won, lost = count[RuleVerdict.LEARNED_BETTER], count[RuleVerdict.RULE_BETTER]
    if not won and not lost:
        return f"The log cannot tell learned choice apart from any of {len(told)} fixed rules."
    return (
        f"Of {len(told)} fixed rules, learned choice surely brings more answers than {won} and fewer than {lost}; from "
        f"{len(told) - won - lost} the log cannot tell it apart."
    )


def _points(gain: Estimate) -> str:
    return f"{100 * gain.value:+.1f} ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"


def _compared(rule: Rule, found: Comparison) -> RuleCompared:
    return RuleCompared(rule.name, rule.words, found.present, found.difference)


def _rules(control: Sequence[Drawn]) -> Iterator[Rule]:
    """Give even choice, each channel, and each channel at each part of the day; what is not lawful falls back."""
    even = even_among_open(control)
    yield Rule("even", "channel and hour drawn evenly", even)
    part_of_option = np.arange(OPTIONS) % len(DAY_PARTS)
    for channel in Channel:
        is_channel = options_of(channel)
        at_any_hour = prefer(even, is_channel, even)
        yield Rule(channel.label, f"always {channel.label}", at_any_hour)
        for number, part in enumerate(DAY_PARTS):
            target = prefer(at_any_hour, is_channel & np.isin(part_of_option, number), even)
            yield Rule(f"{channel.label} {part}", f"always {channel.label} {WHEN[part]}", target)
