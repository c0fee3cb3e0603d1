"""From candidates and their history to what the decision core reads: scores, features, habits.

The number of a channel on the wire is its column in the arrays plus one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from contact_scheduler.learning.features import BorrowerFacts
from contact_scheduler.learning.habits import HabitSums
from contact_scheduler.learning.scores import SHIPPED, Cards, LoanFacts, LoanScores, score_loans
from contact_scheduler.learning.slots import HOURS_PER_WEEK, FloatArray
from contact_scheduler.planning.candidates import HOUR, Candidate, History

LOOK_BACK = timedelta(days=30)
MAIN_LANGUAGE = "en"


def score_candidates(candidates: list[Candidate], history: History, cards: Cards = SHIPPED) -> LoanScores:
    """Score ability and willingness to pay of each candidate's loan."""
    return score_loans(loan_facts(candidates, history), *cards)


def loan_facts(candidates: list[Candidate], history: History) -> LoanFacts:
    """Return what is known of each loan, for plans and explanations alike: the inputs `IN_USE`, no other."""
    facts = LoanFacts.unknown(len(candidates))
    for row, one in enumerate(candidates):
        if one.monthly_income:
            facts.payment_to_income[row] = one.instalment / one.monthly_income
        if one.unemployment_pct is not None:
            facts.unemployment_pct[row] = one.unemployment_pct
        if one.unemployment_change is not None:
            facts.unemployment_change[row] = one.unemployment_change
        facts.days_past_due[row] = one.past_due_days
        facts.missed_12m[row] = one.missed_payments_12m
        facts.promises_kept[row] = one.kept_promises - one.broken_promises
        settled = [touch.has_answered for touch in history.get(one.borrower_id, []) if touch.is_settled]
        if settled:
            facts.reply_share[row] = sum(settled) / len(settled)
    return facts


def describe(
    candidates: list[Candidate], history: History, scores: tuple[FloatArray, FloatArray], tick_at: datetime
) -> BorrowerFacts:
    """Put together what is known of each candidate at the tick; `scores` are ability and willingness."""
    facts = BorrowerFacts.unknown(len(candidates))
    for row, one in enumerate(candidates):
        facts.days_past_due[row] = one.past_due_days
        facts.employment[row] = one.employment
        facts.language[row] = one.language != MAIN_LANGUAGE
        if one.unemployment_pct is not None:
            facts.region_unemployment_pct[row] = one.unemployment_pct
        if one.asked_channel is not None:
            facts.preference[row] = one.asked_channel - 1
        for touch in history.get(one.borrower_id, []):
            column = touch.channel - 1
            facts.attempts[row, column] += touch.at > tick_at - LOOK_BACK
            facts.hours_since_attempt[row, column] = (tick_at - touch.at) / HOUR
            if touch.is_settled:
                facts.last_outcome[row, column] = touch.has_answered
    return replace(facts, ability=scores[0], willingness=scores[1], habits=_habits(candidates, history))


def _habits(candidates: list[Candidate], history: History) -> FloatArray:
    """Sum up where and when each borrower did better or worse than the model expected."""
    settled = [
        (row, touch)
        for row, one in enumerate(candidates)
        for touch in history.get(one.borrower_id, [])
        if touch.is_settled
    ]
    sums = HabitSums(len(candidates))
    sums.add(
        np.array([row for row, _ in settled], dtype=np.int64),
        np.array([(touch.channel - 1) * HOURS_PER_WEEK + touch.slot for _, touch in settled], dtype=np.int64),
        np.array([touch.has_answered for _, touch in settled], dtype=np.float32),
        np.array([touch.probability for _, touch in settled], dtype=np.float32),
    )
    return sums.features()
