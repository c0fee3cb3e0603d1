"""Did more borrowers reach the campaign's goal where learning chose than where a lot did?

Told per borrower as the lot fell (intention to treat). Both sides are contacted, for nobody is left alone by lot: it
compares learned with random choice of channel and hour, not contact with no contact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from contact_scheduler.learning.lift import Z_95, Lift, lift, rate
from contact_scheduler.store.worth import GOAL_WINDOW
from forbear_domain.messages.plain import money

WORDS: Final = {"payment": "paid", "promise": "promised or paid", "contact": "answered"}


@dataclass(frozen=True, slots=True)
class Paid:
    """What the borrowers of one side paid, in minor units; `squared` sums the squares over borrowers."""

    minor: int
    squared: float
    borrowers: int

    @property
    def mean(self) -> float:
        """Money a borrower."""
        return self.minor / self.borrowers

    @property
    def variance_of_mean(self) -> float:
        """The square of its standard error; at least two borrowers are needed."""
        spread = max(self.squared - self.minor * self.mean, 0.0)
        return spread / (self.borrowers - 1) / self.borrowers


@dataclass(frozen=True, slots=True)
class GoalReached:
    """Borrowers of both sides who reached the goal within GOAL_WINDOW of their first contact, and what they paid.

    `paid` is learned, then control; `currency` is empty where nobody paid or where currencies differ.
    """

    goal: str
    lift: Lift
    paid: tuple[Paid, Paid]
    currency: str

    @property
    def paid_difference(self) -> tuple[float, float, float] | None:
        """Money a borrower in minor units, learned less control, with the ends of its 95 % interval (Welch 1947).

        None where a side has under two borrowers, or where there is not one currency.
        """
        learned, control = self.paid
        if not self.currency or min(learned.borrowers, control.borrowers) < 2:
            return None
        reach = Z_95 * sqrt(learned.variance_of_mean + control.variance_of_mean)
        difference = learned.mean - control.mean
        return difference, difference - reach, difference + reach

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
        if self.paid_difference is None:
            return ""
        learned, control = (money(round(side.mean), self.currency, "en") for side in self.paid)
        more, low, high = (self._signed(minor) for minor in self.paid_difference)
        return f" They paid {learned} a borrower there and {control} here: {more} ({low} to {high})."

    def _signed(self, minor: float) -> str:
        return ("+" if round(minor) > 0 else "") + money(round(minor), self.currency, "en")


NOBODY: Final = Paid(0, 0.0, 0)


def compare_goal(goal: str, rows: Sequence[Mapping[str, Any]]) -> GoalReached:
    """Compare the sides; `rows` as `read_goal` returns them."""
    sides = {bool(row["is_control"]): row for row in rows}
    counts = {side: (row["reached"], row["borrowers"]) for side, row in sides.items()}
    paid = {side: Paid(row["minor"], row["minor_squared"], row["borrowers"]) for side, row in sides.items()}
    named = {row[name] for row in rows for name in ("currency", "other_currency") if row[name] is not None}
    return GoalReached(
        goal,
        lift(rate(*counts.get(False, (0, 0))), rate(*counts.get(True, (0, 0)))),
        (paid.get(False, NOBODY), paid.get(True, NOBODY)),
        named.pop() if len(named) == 1 else "",
    )
