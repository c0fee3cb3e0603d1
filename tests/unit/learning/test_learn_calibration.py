"""Forecasts beside facts: an honest forecaster has a small error, a wrong one is seen, nothing is made of nothing."""

from __future__ import annotations

import numpy as np
import pytest

from contact_scheduler.learning.calibration import calibrate, calibrate_steps
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.funnel import Courses, Step


def test_an_honest_forecaster_is_told_from_one_that_doubles() -> None:
    """Of 20,000 contacts the honest error is below a hundredth; doubled forecasts are off by their mean."""
    lots = np.random.default_rng(1)
    truth = lots.beta(2, 12, 20_000)
    happened = (lots.random(20_000) < truth).astype(np.float64)
    honest, doubled = calibrate(Step.ANSWERED, truth, happened), calibrate(Step.ANSWERED, 2 * truth, happened)

    assert honest is not None
    assert honest.error < 0.01
    assert 5 == len(honest.fifths)
    assert doubled is not None
    assert float(truth.mean()) == pytest.approx(doubled.error, abs=0.01)


def test_two_contacts_make_two_parts_and_none_makes_no_answer() -> None:
    """Fewer contacts than fifths are no reason to fail."""
    few = calibrate(Step.PROMISE, np.array([0.2, 0.1]), np.array([1.0, 0.0]))

    assert few is not None
    assert [0.1, 0.2] == [part.predicted for part in few.fifths]
    assert calibrate(Step.PROMISE, np.zeros(0), np.zeros(0)) is None


def test_a_step_that_was_not_foreseen_or_is_not_told_leaves_its_contact_out() -> None:
    """Delivery foreseen as unknown, and a payment whose window is open, count for nothing."""
    no, never = np.zeros(3, dtype=np.int8), np.full(3, np.inf)
    courses = Courses(
        np.zeros((3, FEATURES), dtype=np.float32), np.zeros(3, dtype=np.int64), age_h=np.full(3, 200.0), delivered=no,
        answered=no, right_party_h=never, promise_h=never, payment_h=never,
    )  # fmt: skip
    foreseen = [
        {"delivered": None, "answered": 0.1, "right_party": 0.1, "promise": 0.1, "payment": 0.1},
        {"delivered": 0.9, "answered": 0.1, "payment": 0.2},
        {"answered": 0.3},
    ]
    found = {one.step: one.whole.contacts for one in calibrate_steps(courses, foreseen)}

    assert {Step.DELIVERED: 1, Step.ANSWERED: 3, Step.RIGHT_PARTY: 1, Step.PROMISE: 1} == found
