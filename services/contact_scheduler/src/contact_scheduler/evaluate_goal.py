"""Did more borrowers reach the campaign's goal where learning chose than where a lot did, and did contact help at all?

Told per borrower as the lot fell (intention to treat): whoever the lot left alone and a duty reached counts as left
alone all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from contact_scheduler.learning.lift import Lift, lift, rate
from contact_scheduler.planning.left_alone import LEFT_ALONE_FOR
from contact_scheduler.store.worth import GOAL_WINDOW
from forbear_domain.messages.plain import money
from forbear_domain.rates import Z_95

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
        return (
            f"Of 100 borrowers {100 * found.learned.value:.1f} {verb} within {days} days of their first contact where "
            f"the learned plan chose, {100 * found.control.value:.1f} where a lot did: {self._difference()} "
            "Both sides are contacted: this compares learned with random choice, not contact with no contact."
        )

    def _difference(self) -> str:
        found = self.lift
        is_clear = found.low > 0.0 or found.high < 0.0
        verdict = "chance alone hardly explains it" if is_clear else "chance alone may explain it"
        return (
            f"{100 * found.difference:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f}); {verdict}."
            f"{self._money()}"
        )

    def _money(self) -> str:
        if self.paid_difference is None:
            return ""
        learned, control = (money(round(side.mean), self.currency, "en") for side in self.paid)
        more, low, high = (self._signed(minor) for minor in self.paid_difference)
        return f" They paid {learned} a borrower there and {control} here: {more} ({low} to {high})."

    def _signed(self, minor: float) -> str:
        return ("+" if round(minor) > 0 else "") + money(round(minor), self.currency, "en")


@dataclass(frozen=True, slots=True)
class ContactEffect(GoalReached):
    """The same for borrowers who could be contacted and those whom a lot left alone, from the day of the lot on.

    "Learned" are the former, however their contacts were chosen; "control" are the latter.
    """

    @property
    def summary(self) -> str:
        """Return the answer in plain sentences."""
        found, verb, days = self.lift, WORDS[self.goal], LEFT_ALONE_FOR.days
        if not found.learned.rows or not found.control.rows:
            return (
                f"What contact itself brings cannot be told yet: borrowers of both sides are needed whose lot was cast "
                f"{days} days ago."
            )
        return (
            f"Of 100 borrowers who could be contacted {100 * found.learned.value:.1f} {verb} within {days} days, of "
            f"100 whom a lot left alone {100 * found.control.value:.1f}: {self._difference()}"
        )


NOBODY: Final = Paid(0, 0.0, 0)
Sides = tuple[Lift, tuple[Paid, Paid], str]


def compare_goal(goal: str, rows: Sequence[Mapping[str, Any]]) -> GoalReached:
    """Compare learned with random choice; `rows` as `read_goal` returns them."""
    return GoalReached(goal, *_sides(rows))


def compare_contact(goal: str, rows: Sequence[Mapping[str, Any]]) -> ContactEffect:
    """Compare contact with none; `rows` as `read_contact_effect` returns them."""
    return ContactEffect(goal, *_sides(rows))


def _sides(rows: Sequence[Mapping[str, Any]]) -> Sides:
    sides = {bool(row["is_control"]): row for row in rows}
    counts = {side: (row["reached"], row["borrowers"]) for side, row in sides.items()}
    paid = {side: Paid(row["minor"], row["minor_squared"], row["borrowers"]) for side, row in sides.items()}
    named = {row[name] for row in rows for name in ("currency", "other_currency") if row[name] is not None}
    return (
        lift(rate(*counts.get(False, (0, 0))), rate(*counts.get(True, (0, 0)))),
        (paid.get(False, NOBODY), paid.get(True, NOBODY)),
        named.pop() if len(named) == 1 else "",
    )
