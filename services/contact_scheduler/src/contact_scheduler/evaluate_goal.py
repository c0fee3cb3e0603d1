"""Did more borrowers reach the campaign's goal where learning chose than where a lot did?

Told per borrower as the lot fell (intention to treat). Both sides are contacted, for nobody is left alone by lot: it
compares learned with random choice of channel and hour, not contact with no contact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contact_scheduler.learning.lift import Lift, lift, rate
from contact_scheduler.store.worth import GOAL_WINDOW
from forbear_domain.messages.plain import money

WORDS: Final = {"payment": "paid", "promise": "promised or paid", "contact": "answered"}


@dataclass(frozen=True, slots=True)
class GoalReached:
    """Borrowers of both sides who reached the goal within GOAL_WINDOW of their first contact, and what they paid.

    `paid_minor` is learned, then control; `currency` is empty where nobody paid or where currencies differ.
    """

    goal: str
    lift: Lift
    paid_minor: tuple[int, int]
    currency: str

    @property
    def summary(self) -> str:
        """Return the answer in plain sentences."""
        found, verb, days = self.lift, WORDS[self.goal], GOAL_WINDOW.days
        if not found.learned.rows or not found.control.rows:
            return (
                f"Who {verb} cannot be compared yet: borrowers of both the learned plan and the control group are "
                f"needed whose first contact lies {days} days back."
            )
        is_clear = found.low > 0.0 or found.high < 0.0
        verdict = "chance alone hardly explains it" if is_clear else "chance alone may explain it"
        return (
            f"Of 100 borrowers {100 * found.learned.value:.1f} {verb} within {days} days of their first contact where "
            f"the learned plan chose, {100 * found.control.value:.1f} where a lot did: {100 * found.difference:+.1f} "
            f"({100 * found.low:+.1f} to {100 * found.high:+.1f}); {verdict}.{self._money()} Nobody is left alone by "
            "lot, so this compares learned with random choice, not contact with no contact."
        )

    def _money(self) -> str:
        if not self.currency:
            return ""
        learned, control = (
            money(round(minor / side.rows), self.currency, "en")
            for minor, side in zip(self.paid_minor, (self.lift.learned, self.lift.control), strict=True)
        )
        return f" They paid {learned} a borrower there and {control} here, told without an interval."


def compare_goal(goal: str, rows: Sequence[Mapping[str, Any]]) -> GoalReached:
    """Compare the sides; `rows` as `read_goal` returns them."""
    sides = {bool(row["is_control"]): row for row in rows}
    counts = {side: (row["reached"], row["borrowers"]) for side, row in sides.items()}
    named = {row[name] for row in rows for name in ("currency", "other_currency") if row[name] is not None}
    return GoalReached(
        goal,
        lift(rate(*counts.get(False, (0, 0))), rate(*counts.get(True, (0, 0)))),
        (sides[False]["minor"] if False in sides else 0, sides[True]["minor"] if True in sides else 0),
        named.pop() if len(named) == 1 else "",
    )
