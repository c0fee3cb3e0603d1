"""The response model: tenants apart, bad input, late answers, state as bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.learn_world import facts_of
from contact_scheduler.learning import (
    AlarmKind,
    DelayCounts,
    Feedback,
    ResponseModel,
    StateError,
    column_health,
    encode,
    from_bytes,
    to_bytes,
)
from contact_scheduler.learning.features import FEATURE_NAMES, FEATURES, BorrowerFacts
from contact_scheduler.learning.monitor import watch_facts
from tests.unit.learning.learning_cases import random_feedback, taught


def typical(model: ResponseModel, tenant: str) -> np.ndarray:
    features = np.zeros((504, FEATURES), dtype=np.float32)
    features[:, 0] = 1.0
    return model.for_tenant(tenant).probability(features, np.arange(504))


def test_one_tenants_feedback_leaves_the_others_untouched() -> None:
    """An update of one tenant changes not a bit of another."""
    model = taught(tenant="acme")
    before = typical(model, "acme")

    model.update("poison", replace(random_feedback(5_000, 9), label=np.ones(5_000, dtype=np.float32)))

    np.testing.assert_array_equal(before, typical(model, "acme"))


def test_a_poisoned_tenant_moves_the_shared_prior_by_a_bounded_hair() -> None:
    """Five honest tenants, one that reports a yes for everything: after the nightly refresh a new tenant's forecast and
    an old one's stay close to what they would be without it."""
    honest, poisoned = ResponseModel(), ResponseModel()
    for number in range(5):
        for model in (honest, poisoned):
            model.update(f"t{number}", random_feedback(4_000, 20 + number))
    poisoned.update("bad", replace(random_feedback(20_000, 9), label=np.ones(20_000, dtype=np.float32)))

    honest.refresh_pool()
    poisoned.refresh_pool()

    assert np.abs(typical(honest, "t0") - typical(poisoned, "t0")).max() < 0.02
    assert np.abs(typical(honest, "new") - typical(poisoned, "new")).mean() < 0.1
    assert typical(poisoned, "bad").mean() > 0.9


def test_a_new_tenant_starts_from_what_the_others_share() -> None:
    """Cold start: with the pool, the forecast for a tenant without data is nearer to the truth than the bare prior."""
    model = ResponseModel()
    for number in range(4):
        model.update(f"t{number}", random_feedback(6_000, 30 + number, shift=1.0))
    other = random_feedback(6_000, 50, shift=1.0)
    bare = model.for_tenant("new").probability(other.features, other.slot)

    model.refresh_pool()

    pooled = model.for_tenant("new").probability(other.features, other.slot)
    assert np.square(other.label - pooled).mean() < np.square(other.label - bare).mean() - 0.003


def test_a_column_of_nonsense_falls_to_its_prior_and_raises_an_alarm() -> None:
    """NaN in the ability column: learning goes on, its coefficients stay at the prior, the alarm names the column."""
    model, feedback = ResponseModel(), random_feedback(3_000, 4)
    column = FEATURE_NAMES.index("ability")
    feedback.features[:, column] = np.nan

    report = model.update("acme", feedback)

    assert report.learned == 3_000
    assert [one.subject for one in report.alarms if one.kind is AlarmKind.COLUMN_UNKNOWN] == ["ability"]
    assert np.isfinite(typical(model, "acme")).all()


def test_a_column_that_stops_varying_raises_an_alarm() -> None:
    """Willingness arrives as a constant after it had varied."""
    model = taught()
    column = FEATURE_NAMES.index("willingness")
    stuck = random_feedback(4_000, 5)
    stuck.features[:, column] = 0.5
    for _ in range(40):
        report = model.update("acme", stuck)

    assert (AlarmKind.COLUMN_CONSTANT, "willingness") in [(one.kind, one.subject) for one in report.alarms]


def test_impossible_rows_are_refused_and_counted() -> None:
    """Slot 504, a negative slot, a label of 2 and NaN: refused one by one, the rest is learned."""
    feedback = random_feedback(100, 6)
    feedback.slot[:2] = (504, -1)
    feedback.label[2:4] = (2.0, np.nan)

    report = ResponseModel().update("acme", feedback)

    assert (report.learned, report.refused) == (96, 4)


def test_a_drift_of_the_level_is_noticed_and_followed() -> None:
    """Response doubles overnight: the alarm names it, and the forecast follows within 4,000 outcomes."""
    model = taught(outcomes=20_000)
    reports = [model.update("acme", random_feedback(500, 60 + k, shift=1.5)) for k in range(8)]

    fresh = random_feedback(6_000, 80, shift=1.5)
    predicted = model.for_tenant("acme").probability(fresh.features, fresh.slot)
    assert any(alarm.kind is AlarmKind.LEVEL_DRIFT for report in reports for alarm in report.alarms)
    assert predicted.mean() == pytest.approx(fresh.label.mean(), abs=0.04)


def test_an_alarm_about_the_level_ends_when_forecasts_hold_again() -> None:
    """Answers multiply and stay there: the alarm says so while it is news, and 16,000 outcomes later it is none."""
    model = taught(outcomes=20_000)
    for number in range(4):
        report = model.update("acme", random_feedback(500, 60 + number, shift=2.5))
    told = [alarm for alarm in report.alarms if alarm.kind is AlarmKind.LEVEL_DRIFT]
    assert told
    assert all(alarm.value > 10.0 and alarm.words.startswith("more answers by ") for alarm in told)

    for number in range(32):
        report = model.update("acme", random_feedback(500, 90 + number, shift=2.5))
    assert not [alarm for alarm in report.alarms if alarm.kind is AlarmKind.LEVEL_DRIFT]


@pytest.mark.parametrize(("missing", "is_told"), [(15, False), (25, True), (100, True)])
def test_a_fact_that_many_lack_is_told_and_one_that_few_lack_is_not(missing: int, is_told: bool) -> None:
    """Employment of so many in a hundred is unknown; of 99 borrowers nothing is said yet."""
    facts = facts_of(200, 7)
    facts.employment[:] = np.arange(200) % 5
    facts.employment[: 2 * missing] = -1

    told = [(alarm.kind, alarm.subject) for alarm in watch_facts(facts)]

    assert is_told == ((AlarmKind.COLUMN_UNKNOWN, "employment") in told)
    assert () == watch_facts(BorrowerFacts.unknown(99))


def test_the_state_survives_as_bytes_and_learning_goes_on_to_the_same_bits() -> None:
    """Round trip, then the same feedback on both: equal bytes again."""
    model = taught()
    copy = from_bytes(to_bytes(model))
    more = random_feedback(1_000, 7)

    model.update("acme", more)
    copy.update("acme", more)

    assert to_bytes(copy) == to_bytes(model)


@pytest.mark.parametrize("damage", [b"", b"nothing", "flip", "cut"])
def test_damaged_state_is_refused(damage: bytes | str) -> None:
    """Empty, foreign, one flipped bit, cut off: an error, never a half model."""
    blob = to_bytes(taught(500))
    broken = {"flip": blob[:-9] + bytes([blob[-9] ^ 1]) + blob[-8:], "cut": blob[:-8]}.get(str(damage), damage)

    with pytest.raises(StateError):
        from_bytes(broken if isinstance(broken, bytes) else b"")


def test_silence_inside_the_window_is_no_refusal() -> None:
    """Contacts of an hour ago, answers usually take a day: the forecast hardly falls; as plain "no" it does."""
    open_rows = random_feedback(2_000, 8)
    open_rows = replace(open_rows, label=np.zeros(2_000, np.float32), silent_chance=np.full(2_000, 0.97, np.float32))
    patient, hasty = taught(), taught()
    before = typical(patient, "acme").mean()

    patient.provisional("acme", open_rows)
    hasty.update("acme", replace(open_rows, silent_chance=None))

    assert typical(patient, "acme").mean() == pytest.approx(before, rel=0.05)
    assert typical(hasty, "acme").mean() < 0.8 * before


def test_taking_provisional_rows_back_leaves_no_trace() -> None:
    """Amend, never delete: an empty call restores the forecast."""
    model = taught()
    before = typical(model, "acme")
    rows = random_feedback(500, 8)
    empty = Feedback(rows.features[:0], rows.slot[:0], rows.label[:0])

    model.provisional("acme", replace(rows, silent_chance=np.full(500, 0.5, np.float32)))
    model.provisional("acme", empty)

    np.testing.assert_allclose(typical(model, "acme"), before, atol=1e-9)


def test_the_delay_curve_is_learned_from_unfinished_contacts() -> None:
    """Lognormal answers, half of the contacts still open: the curve lies within 0.05 of the truth everywhere."""
    draw = np.random.default_rng(1)
    delay, age = draw.lognormal(np.log(10.0), 1.0, 40_000), draw.uniform(0.0, 168.0, 40_000)
    answers = draw.random(40_000) < 0.3
    heard = answers & (delay <= age)
    counts = DelayCounts(window_h=168.0)

    counts.add(np.where(heard, delay, age), heard)

    grid = np.array([1.0, 5.0, 10.0, 30.0, 100.0])
    inside = np.sort(delay[delay <= 168.0])
    truth = 1.0 - np.searchsorted(inside, grid) / len(inside)
    np.testing.assert_allclose(counts.curve().survival(grid), truth, atol=0.05)
    assert counts.curve().survival(np.array([-1.0, 500.0])).tolist() == [1.0, 0.0]


def test_ages_that_nobody_has_reached_are_as_the_prior_says() -> None:
    """Contacts of the last five hours only: answers after them are still to come, as many as nobody knows better."""
    draw = np.random.default_rng(2)
    delay, age = draw.lognormal(np.log(4.8), 1.5, 20_000), draw.uniform(0.0, 5.0, 20_000)
    will = draw.random(20_000) < 0.2
    counts = DelayCounts(48.0)
    counts.add(np.where(will & (delay < age), delay, age), will & (delay < age))

    silent = counts.curve().survival(np.array([5.0, 20.0]))
    bare = DelayCounts(48.0).curve().survival(np.array([5.0, 20.0]))

    np.testing.assert_allclose(silent, bare, atol=0.03)


def test_unknown_facts_encode_to_zero_and_are_reported() -> None:
    """Nothing known: only the base is set; column_health says what is missing and what is constant."""
    facts = BorrowerFacts.unknown(10)
    facts.days_past_due[:] = 45.0

    features, health = encode(facts), column_health(facts)

    assert np.flatnonzero(features[0]).tolist() == [0, FEATURE_NAMES.index("days_past_due:30+")]
    assert health.unknown_share["ability"] == 1.0
    assert "days_past_due" in health.constant
