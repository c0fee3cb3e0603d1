"""What the learner withstands: habits that turn round, channels that come and go, columns and clocks that lie."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.learn_outcomes import teach
from contact_scheduler.learning import DelayCounts, Feedback, ResponseModel, encode
from contact_scheduler.learning.features import FEATURES, BorrowerFacts
from contact_scheduler.learning.quality import auc
from contact_scheduler.learning.slots import SLOTS, Channel
from contact_scheduler.store.learning import Outcome
from tests.unit.learning.learning_cases import random_feedback, taught

TICK = datetime(2026, 3, 9, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SMS_SLOT, EMAIL_SLOT = 42, 168 + 42


def forecast(model: ResponseModel, slot: np.ndarray) -> np.ndarray:
    """The chance of somebody of whom nothing is known."""
    features = np.zeros((len(slot), FEATURES), dtype=np.float32)
    features[:, 0] = 1.0
    return model.for_tenant("acme").probability(features, slot)


def two_arms(count: int, seed: int, *, email: float, sms: float) -> Feedback:
    """Contacts of two slots, drawn evenly."""
    draw = np.random.default_rng([seed, 31])
    features = np.zeros((count, FEATURES), dtype=np.float32)
    features[:, 0] = 1.0
    slot = np.where(draw.random(count) < 0.5, SMS_SLOT, EMAIL_SLOT)
    label = (draw.random(count) < np.where(slot == EMAIL_SLOT, email, sms)).astype(np.float32)
    return Feedback(features, slot, label)


def only(feedback: Feedback, is_kept: np.ndarray) -> Feedback:
    return Feedback(feedback.features[is_kept], feedback.slot[is_kept], feedback.label[is_kept])


def outcome(sent_at: datetime, answered_at: datetime | None, *, is_closed: bool = False) -> Outcome:
    features = np.zeros(FEATURES, dtype=np.float32)
    features[0] = 1.0
    return Outcome(1, SMS_SLOT, features.tobytes(), sent_at, answered_at, is_closed)


def test_arms_that_change_places_are_told_apart_again() -> None:
    """E-mail 90 and text 10 of 100 for 6,000 outcomes, then the other way round: within 3,000 text is preferred."""
    model = ResponseModel()
    for number in range(12):
        model.update("acme", two_arms(500, number, email=0.9, sms=0.1))
    sms, email = forecast(model, np.array([SMS_SLOT, EMAIL_SLOT]))
    assert email > 0.8 > 0.2 > sms

    for number in range(6):
        model.update("acme", two_arms(500, 50 + number, email=0.1, sms=0.9))

    sms, email = forecast(model, np.array([SMS_SLOT, EMAIL_SLOT]))
    assert sms > email + 0.2


def test_where_nothing_matters_nothing_is_preferred() -> None:
    """Ten in a hundred answer whatever the slot and whoever it is: after 6,000 outcomes no slot that can be chosen
    promises twice as much, so that noise is hardly chased."""
    model = ResponseModel()
    for number in range(12):
        feedback = random_feedback(500, 100 + number)
        draw = np.random.default_rng([number, 32])
        day = np.where(feedback.slot % 24 < 8, feedback.slot + 8, feedback.slot)
        model.update("acme", Feedback(feedback.features, day, (draw.random(500) < 0.1).astype(np.float32)))

    slot = np.arange(SLOTS)
    chance = forecast(model, slot[(slot % 24 >= 8) & (slot % 24 < 21)])

    assert float(chance.mean()) == pytest.approx(0.1, abs=0.02)
    assert float(chance.max()) < 0.2


def test_a_channel_that_vanished_is_remembered_and_not_made_up() -> None:
    """No call for 8,000 outcomes: what was known of calls stays, but for what all channels share."""
    model = taught(8_000)
    voice = Channel.VOICE * 168 + np.arange(8, 21)
    before = forecast(model, voice)

    for number in range(16):
        feedback = random_feedback(500, 200 + number)
        model.update("acme", only(feedback, feedback.slot // 168 != Channel.VOICE))

    assert np.isfinite(forecast(model, voice)).all()
    assert np.abs(forecast(model, voice) - before).max() < 0.1


def test_a_new_channel_starts_from_what_other_tenants_know_of_it() -> None:
    """A tenant that never called anybody leans on four that did, and keeps what it knows of its own channels."""
    model, own = ResponseModel(), random_feedback(6_000, 40)
    for number in range(4):
        model.update(f"t{number}", random_feedback(6_000, 30 + number))
    model.update("acme", only(own, own.slot // 168 != Channel.VOICE))
    test = random_feedback(8_000, 60)
    calls = only(test, test.slot // 168 == Channel.VOICE)
    mail = Channel.EMAIL * 168 + np.arange(8, 21)
    bare, kept = model.for_tenant("acme").probability(calls.features, calls.slot), forecast(model, mail)

    model.refresh_pool()

    pooled = model.for_tenant("acme").probability(calls.features, calls.slot)
    assert auc(calls.label, pooled) > auc(calls.label, bare) + 0.02
    assert np.abs(forecast(model, mail) - kept).max() < 0.03


@given(
    days=st.floats(allow_nan=True, allow_infinity=True, width=32),
    percent=st.floats(allow_nan=True, allow_infinity=True, width=32),
    share=st.floats(allow_nan=True, allow_infinity=True, width=32),
)
def test_whatever_a_column_says_features_stay_small_numbers(days: float, percent: float, share: float) -> None:
    """Infinite, not a number, a million per cent unemployed: no feature leaves the range that its prior is made for."""
    facts = BorrowerFacts.unknown(1)
    facts.days_past_due[:], facts.region_unemployment_pct[:] = days, percent
    facts.ability[:], facts.willingness[:], facts.habits[:], facts.attempts[:] = share, share, share, days

    features = encode(facts)

    assert np.isfinite(features).all()
    assert np.abs(features).max() <= 5.0


def test_rows_of_nonsense_features_move_no_coefficient_but_the_common_ones() -> None:
    """Half of the rows arrive with every column unknown: forecasts stay within five points of what the rest says."""
    clean, dirty = ResponseModel(), ResponseModel()
    for number in range(8):
        feedback = random_feedback(1_000, 300 + number)
        clean.update("acme", feedback)
        features = feedback.features.copy()
        features[::2, 1:] = np.where(np.arange(FEATURES - 1) % 2, np.nan, np.inf)
        report = dirty.update("acme", replace(feedback, features=features))

    slot = np.arange(SLOTS)
    assert {alarm.kind.value for alarm in report.alarms} >= {"column_unknown"}
    assert float(np.abs(forecast(clean, slot) - forecast(dirty, slot)).mean()) < 0.05


def test_contacts_from_the_future_and_answers_before_the_question_teach_nothing() -> None:
    """A clock that is wrong: sent an hour after the tick says nothing yet; an answer older than its contact leaves the
    delay curve alone."""
    model = ResponseModel()
    known = forecast(model, np.array([SMS_SLOT]))

    teach(model, "acme", [outcome(TICK + HOUR, None) for _ in range(500)], TICK)

    np.testing.assert_allclose(forecast(model, np.array([SMS_SLOT])), known, atol=1e-6)
    counts = DelayCounts(48.0)
    before = counts.curve().silent
    counts.add(np.array([-3.0, np.nan, -0.1]), np.array([True, True, True]))
    np.testing.assert_array_equal(before, counts.curve().silent)


def test_the_same_outcomes_learned_late_count_once() -> None:
    """Provisional on three evenings, then closed: the same model as if only the last report had come."""
    answers = [TICK + (number + 1) * HOUR if number % 4 == 0 else None for number in range(40)]
    sent = [outcome(TICK + number * HOUR, answer) for number, answer in enumerate(answers)]
    closed = [one._replace(is_closed=True) for one in sent]
    patient, often = ResponseModel(), ResponseModel()
    for day in (2, 3):
        teach(often, "acme", sent, TICK + day * 24 * HOUR)

    for model in (patient, often):
        teach(model, "acme", closed, TICK + 5 * 24 * HOUR)

    np.testing.assert_allclose(forecast(often, np.arange(SLOTS)), forecast(patient, np.arange(SLOTS)), atol=1e-5)
