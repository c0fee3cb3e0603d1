"""Ability and willingness to pay: two scores from loan, payment and economic data, with reasons in words.

The cards that ship with the package are designed by hand from what lenders publish about the direction of each effect;
they were fitted to nobody's data and say so. Retrain them on your own book with `learning.training`. No protected
attribute is an input, and no score ever raises how often a borrower is contacted: scores choose the treatment only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.default_cards import ABILITY_CARD, WILLINGNESS_CARD
from contact_scheduler.learning.scorecard import Columns, Matrix, Scorecard

PROTECTED: Final = frozenset(
    {"sex", "gender", "age", "race", "ethnicity", "religion", "national_origin", "marital_status", "disability"}
)

IN_USE: Final = frozenset(
    {
        "payment_to_income", "unemployment_pct", "unemployment_change", "days_past_due", "missed_12m", "promises_kept",
        "reply_share",
    }
)  # fmt: skip
"""The inputs that the service can know of a loan; a card that leans on others meets "unknown" for every borrower."""


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """Facts of n loans as float64 arrays, NaN where unknown.

    payment_to_income      monthly payment / monthly income
    debt_to_income         all monthly debt service / monthly income
    loan_to_value          balance / value of the property
    unemployment_pct       unemployment rate of the borrower's region, latest month
    unemployment_change    the same, percentage points against a year ago
    income_change          income now / income at origination - 1
    days_past_due          days since the oldest unpaid instalment fell due
    missed_12m             instalments missed in the last twelve months
    partial_share_6m       share of what was due in six months that was paid
    promises_kept          kept promises - broken promises, last twelve months
    reply_share            share of our last contacts that got a reply
    """

    payment_to_income: Matrix
    debt_to_income: Matrix
    loan_to_value: Matrix
    unemployment_pct: Matrix
    unemployment_change: Matrix
    income_change: Matrix
    days_past_due: Matrix
    missed_12m: Matrix
    partial_share_6m: Matrix
    promises_kept: Matrix
    reply_share: Matrix

    def columns(self) -> Columns:
        """Returns the facts by name, as cards read them."""
        return {field.name: np.asarray(getattr(self, field.name), dtype=np.float64) for field in fields(self)}

    @classmethod
    def unknown(cls, count: int) -> LoanFacts:
        """Returns facts of loans of which nothing is known."""
        return cls(*(np.full(count, np.nan) for _ in fields(cls)))


@dataclass(frozen=True, slots=True)
class LoanScores:
    """Two probabilities per loan: can resume paying within three months; will, if able."""

    ability: NDArray[np.float32]
    willingness: NDArray[np.float32]
    _columns: Columns
    _cards: tuple[Scorecard, Scorecard]

    def reasons(self, row: int) -> tuple[str, ...]:
        """Says what moved the two scores of one loan most, ability first."""
        return tuple(reason for card in self._cards for reason in card.reasons(self._columns, row, count=2))


Cards = tuple[Scorecard, Scorecard]  # ability, willingness
SHIPPED: Final[Cards] = (ABILITY_CARD, WILLINGNESS_CARD)


def score_loans(
    facts: LoanFacts, ability_card: Scorecard = ABILITY_CARD, willingness_card: Scorecard = WILLINGNESS_CARD
) -> LoanScores:
    """Scores loans; refuses a card that reads a protected attribute."""
    for card in (ability_card, willingness_card):
        forbidden = PROTECTED.intersection(attribute.name for attribute in card.attributes)
        if forbidden:
            raise ValueError(f"card {card.name} reads protected attributes: {', '.join(sorted(forbidden))}")
    columns = facts.columns()
    return LoanScores(
        ability_card.score(columns).astype(np.float32),
        willingness_card.score(columns).astype(np.float32),
        columns,
        (ability_card, willingness_card),
    )
