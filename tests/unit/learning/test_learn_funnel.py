"""The steps of a contact: probabilities that nest, honest about what is open or unreported, and bounded by bad data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.funnel import (
    FITTED_MAX,
    PRIOR_CHANCE,
    REPORTS_MIN,
    UNTOLD,
    Courses,
    Funnel,
    Given,
    Step,
    fit_funnel,
)
from contact_scheduler.learning.slots import HOURS_PER_WEEK, SLOTS, Channel

STEPS = ("delivered", "answered", "right_party", "promise", "payment", "anyway")


def make_courses(count: int, seed: int, **changes: Any) -> Courses:
    """Make contacts up: a fifth is answered, most by the right person, a third of these promise."""
    lots = np.random.default_rng(seed)

    def flags(chance: float) -> Any:
        return (lots.random(count) < chance).astype(np.int8)

    def hours(chance: float) -> Any:
        return np.where(lots.random(count) < chance, 5.0, np.inf)

    features = np.zeros((count, FEATURES), dtype=np.float32)
    features[:, 0] = 1.0
    answered = flags(0.2)
    made = {
        "features": features, "slot": lots.integers(0, SLOTS, count), "age_h": np.full(count, 500.0),
        "delivered": flags(0.9), "answered": answered, "right_party_h": hours(0.8), "promise_h": hours(0.3),
        "payment_h": np.where(answered == 1, hours(0.4), hours(0.1)),
    }  # fmt: skip
    return Courses(**(made | changes))


flag = st.sampled_from([np.int8(UNTOLD), np.int8(0), np.int8(1)])
anything = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    count=st.integers(0, 40),
    asked=arrays(np.float32, (7, FEATURES), elements=anything),
    slot=arrays(np.int64, 7, elements=st.integers(0, SLOTS - 1)),
    answered=arrays(np.float32, 7, elements=st.floats(0, 1, width=32)),
)
def test_whatever_is_learned_chances_are_chances_and_nest(
    data: st.DataObject, count: int, asked: Any, slot: Any, answered: Any
) -> None:
    """Any flags and features, missing, infinite or contradicting: promise <= right party <= answered <= delivered."""
    hours = st.floats(-50.0, 500.0) | st.sampled_from([np.inf, np.nan])
    told = {
        name: data.draw(arrays(np.float64, count, elements=hours))
        for name in ("age_h", "right_party_h", "promise_h", "payment_h")
    }
    courses = Courses(
        features=data.draw(arrays(np.float32, (count, FEATURES), elements=anything)),
        slot=data.draw(arrays(np.int64, count, elements=st.integers(-3, SLOTS + 3))),
        answered=data.draw(arrays(np.int8, count, elements=st.sampled_from([np.int8(0), np.int8(1)]))),
        delivered=data.draw(arrays(np.int8, count, elements=flag)), **told,
    )  # fmt: skip
    chances = fit_funnel(courses).chances(asked, slot, answered)

    reported = np.isfinite(chances.delivered)
    for name in STEPS[1:]:
        assert ((getattr(chances, name) >= 0.0) & (getattr(chances, name) <= 1.0)).all()
    assert (chances.delivered[reported] <= 1.0).all()
    assert (chances.answered[reported] <= chances.delivered[reported] + 1e-12).all()
    assert (chances.right_party <= chances.answered).all()
    assert (chances.promise <= chances.right_party).all()
    assert (chances.payment >= (1.0 - chances.answered) * chances.anyway - 1e-12).all()


def test_a_tenant_that_begins_gets_the_priors() -> None:
    """Without a contact every chance is the one that is written down, whatever the slot."""
    features = np.zeros((SLOTS, FEATURES), dtype=np.float32)
    features[:, 0] = 1.0
    chances = Funnel.before_any_contact().chances(features, np.arange(SLOTS), np.full(SLOTS, 0.2))

    right = 0.2 * PRIOR_CHANCE[Given.RIGHT_IF_ANSWERED]
    assert chances.right_party == pytest.approx(np.full(SLOTS, right))
    assert chances.promise == pytest.approx(np.full(SLOTS, right * PRIOR_CHANCE[Given.PROMISE_IF_RIGHT]))
    assert chances.anyway == pytest.approx(np.full(SLOTS, PRIOR_CHANCE[Given.PAID_IF_SILENT]))


def test_each_step_learns_its_own_rate() -> None:
    """Of 6,000 contacts the rates are found again to a point, and paid differs between answered and silent."""
    courses = make_courses(6_000, 1)
    funnel = fit_funnel(courses)
    chances = funnel.chances(courses.features, courses.slot, np.full(len(courses), 0.2))

    assert 0.92 == pytest.approx(float(chances.delivered.mean()), abs=0.015)
    assert 0.16 == pytest.approx(float(chances.right_party.mean()), abs=0.01)
    assert 0.048 == pytest.approx(float(chances.promise.mean()), abs=0.008)
    assert 0.16 == pytest.approx(float(chances.payment.mean()), abs=0.015)
    assert 0.1 == pytest.approx(float(chances.anyway.mean()), abs=0.015)
    assert 6_000 == funnel.outcomes[Given.PAID_IF_ANSWERED] + funnel.outcomes[Given.PAID_IF_SILENT]


def test_a_payment_after_an_answer_is_learned_when_its_two_weeks_are_over() -> None:
    """Contacts whose window is open leave payments where they were, though nothing came of them until now."""
    closed, none = make_courses(500, 2), np.full(5_000, np.inf)
    fresh = make_courses(5_000, 3, age_h=np.full(5_000, 335.0), payment_h=none)
    both = Courses(*(np.concatenate((getattr(closed, n), getattr(fresh, n))) for n in Courses.__slots__))
    after_an_answer = Given.PAID_IF_ANSWERED

    assert (fit_funnel(closed).coefficients[after_an_answer] == fit_funnel(both).coefficients[after_an_answer]).all()


def test_payments_of_the_silent_are_known_before_any_two_weeks_are_over() -> None:
    """Contacts of the last two weeks, of whose borrowers three in ten pay by themselves: learned while all are open."""
    lots, count = np.random.default_rng(2), 20_000
    age_h = np.sort(lots.uniform(48.0, 335.0, count))[::-1]
    late_h = np.where(lots.random(count) < 0.3, lots.uniform(0.0, 336.0, count), np.inf)
    payment_h = np.where(late_h <= age_h, late_h, np.inf)
    courses = make_courses(count, 3, age_h=age_h, payment_h=payment_h, answered=np.zeros(count, dtype=np.int8))
    chances = fit_funnel(courses).chances(courses.features, courses.slot, np.zeros(count))

    assert float(np.isfinite(payment_h).mean()) < 0.2
    assert 0.3 == pytest.approx(float(chances.anyway.mean()), abs=0.02)


def test_a_promise_that_may_still_come_is_no_promise_that_did_not() -> None:
    """Contacts of the last eight days, of which four in ten promise within a week: learned so while most are open."""
    lots, count = np.random.default_rng(1), 20_000
    age_h = np.sort(lots.uniform(48.0, 192.0, count))[::-1]
    late_h = np.where(lots.random(count) < 0.4, lots.uniform(0.0, 168.0, count), np.inf)
    promise_h = np.where(late_h <= age_h, late_h, np.inf)
    right = np.full(count, 1.0)
    courses = make_courses(count, 4, age_h=age_h, promise_h=promise_h, right_party_h=right)
    chances = fit_funnel(courses).chances(courses.features, courses.slot, np.ones(count))

    so_far = float(np.isfinite(promise_h).mean())
    found = float((chances.promise / chances.right_party).mean())
    assert so_far < 0.3
    assert 0.4 == pytest.approx(found, abs=0.03)


def test_a_channel_that_tells_only_of_failures_says_nothing_of_what_arrived() -> None:
    """Mail that bounces is heard of, mail that arrives is not: its delivery is unknown, that of the others is not."""
    courses = make_courses(3_000, 4)
    is_mail = courses.slot // HOURS_PER_WEEK == Channel.EMAIL
    courses.delivered[is_mail] = np.where(np.arange(is_mail.sum()) % 50 == 0, 0, UNTOLD)
    chances = fit_funnel(courses).chances(courses.features, courses.slot, np.full(3_000, 0.2))

    assert np.isnan(chances.delivered[is_mail]).all()
    assert np.isfinite(chances.delivered[~is_mail]).all()
    assert chances.document(int(np.flatnonzero(is_mail)[0]))["delivered"] is None


def test_a_channel_that_vanishes_keeps_what_it_was_and_one_that_is_new_gets_the_prior() -> None:
    """After voice has not been used among the latest contacts it is as the level and the priors say: no chance is 0."""
    courses = make_courses(4_000, 5)
    gone = courses.slot // HOURS_PER_WEEK == Channel.VOICE
    kept = Courses(*(getattr(courses, name)[~gone] for name in Courses.__slots__))
    chances = fit_funnel(kept).chances(courses.features[gone], courses.slot[gone], np.full(int(gone.sum()), 0.2))

    assert np.isfinite(chances.delivered).all()
    assert 0.16 == pytest.approx(float(chances.right_party.mean()), abs=0.05)
    assert 0.1 == pytest.approx(float(chances.anyway.mean()), abs=0.05)


def test_a_channel_is_believed_to_report_until_enough_silence() -> None:
    """The first contacts of a channel, before any receipt, do not yet make its delivery unknown."""
    slot = np.full(REPORTS_MIN - 1, 20)
    untold, silent = np.full(len(slot), UNTOLD, dtype=np.int8), np.zeros(len(slot), dtype=np.int8)
    few = make_courses(len(slot), 6, slot=slot, delivered=untold, answered=silent)
    many = Courses(*(np.concatenate((getattr(few, name),) * 2) for name in Courses.__slots__))

    assert fit_funnel(few).reports_delivery.all()
    assert [False, True, True] == fit_funnel(many).reports_delivery.tolist()


def test_constant_and_missing_columns_change_nothing() -> None:
    """A column of NaN, and one of nothing but ones, leave every chance between 0 and 1 and near its rate."""
    courses = make_courses(2_000, 7)
    courses.features[:, 5] = np.nan
    courses.features[:, 20:] = 1.0
    chances = fit_funnel(courses).chances(courses.features, courses.slot, np.full(2_000, 0.2))

    assert 0.1 == pytest.approx(float(chances.anyway.mean()), abs=0.02)


def test_the_fit_is_deterministic_and_bounded() -> None:
    """The same contacts give the same bits; beyond the latest 20,000 of a step nothing is read."""
    courses = make_courses(FITTED_MAX + 10_000, 8)
    first, second = fit_funnel(courses), fit_funnel(courses)

    assert all((first.coefficients[one] == second.coefficients[one]).all() for one in Given)
    assert FITTED_MAX == first.outcomes[Given.PAID_IF_SILENT]


def test_a_promise_without_an_answer_is_no_promise_of_the_contact() -> None:
    """What is compared with the forecast nests as the forecast does; what is open stays open."""
    answered = np.array([1, 0, 1, 0], dtype=np.int8)
    delivered = np.array([UNTOLD, UNTOLD, 0, 0], dtype=np.int8)
    courses = make_courses(
        4, 9, answered=answered, delivered=delivered, age_h=np.array([200.0, 200.0, 100.0, 100.0]),
        promise_h=np.full(4, 3.0), right_party_h=np.full(4, 2.0),
    )  # fmt: skip

    assert [1, 0, UNTOLD, UNTOLD] == courses.happened(Step.PROMISE).tolist()
    assert [1, UNTOLD, 1, 0] == courses.happened(Step.DELIVERED).tolist()
