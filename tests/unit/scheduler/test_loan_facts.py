"""What the service knows of a loan when it scores: the same inputs that `train-scores` trains with."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np

from contact_scheduler.learning.scores import IN_USE, LoanFacts
from contact_scheduler.planning.candidates import Candidate, Touch
from contact_scheduler.planning.facts import loan_facts, score_candidates
from contact_scheduler.planning.treating import treatments_of
from forbear_chassis.postgres import UUID

KNOWN = Candidate(
    borrower_id=UUID(bytes(16)), place_id=1, language="en", employment=0, monthly_income=400_000, unemployment_pct=4.5,
    preferred_channel=None, wished_channel=None, wished_hours=None, loan_id=UUID(bytes(16)), product="loan",
    instalment=100_000, past_due=100_000, past_due_days=20, missed_payments_12m=1, kept_promises=3, broken_promises=1,
    consented=2, fresh=2, kinds=(0, 2, 0), is_paused=False, unemployment_change=0.5,
)  # fmt: skip
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
TOUCHES = [Touch(1, AT, 15, 0.2, False, answered, True) for answered in (True, False, False, False)]


def test_what_is_known_in_use_is_what_cards_are_trained_with() -> None:
    """Of a borrower of whom all is known exactly these inputs hold a value, each the right one."""
    facts = loan_facts([KNOWN], {KNOWN.borrower_id: TOUCHES})
    known = {field.name: getattr(facts, field.name)[0] for field in fields(LoanFacts)}

    assert {name for name, value in known.items() if not np.isnan(value)} == IN_USE
    assert {
        "payment_to_income": 0.25, "unemployment_pct": 4.5, "unemployment_change": 0.5, "days_past_due": 20.0,
        "missed_12m": 1.0, "promises_kept": 2.0, "reply_share": 0.25,
    } == {name: value for name, value in known.items() if name in IN_USE}  # fmt: skip


def test_what_a_file_does_not_say_stays_unknown() -> None:
    """No income, no unemployment, no contact yet: not known, and not nought."""
    facts = loan_facts([replace(KNOWN, monthly_income=None, unemployment_pct=None, unemployment_change=None)], {})

    for name in ("payment_to_income", "unemployment_pct", "unemployment_change", "reply_share"):
        assert np.isnan(getattr(facts, name)[0])


def test_language_and_way_of_earning_change_no_treatment() -> None:
    """Of two hundred loans with all else equal, written in any language and earned in any way, scores are the same."""
    draw = np.random.default_rng(5)
    loans = [
        replace(
            KNOWN, monthly_income=int(draw.integers(150_000, 900_000)), past_due_days=int(draw.integers(1, 150)),
            missed_payments_12m=int(draw.integers(0, 9)), broken_promises=int(draw.integers(0, 5)),
        )
        for _ in range(200)
    ]  # fmt: skip
    scores = score_candidates(loans, {})
    treatments = treatments_of(loans, scores).tolist()

    assert len(set(treatments)) > 1
    for language, employment in (("es", 1), ("zh-Hans", 3), ("zh-Hant", -1)):
        others = [replace(one, language=language, employment=employment) for one in loans]
        rescored = score_candidates(others, {})
        assert scores.ability.tolist() == rescored.ability.tolist()
        assert scores.willingness.tolist() == rescored.willingness.tolist()
        assert treatments == treatments_of(others, rescored).tolist()
