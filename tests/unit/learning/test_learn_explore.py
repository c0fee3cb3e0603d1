"""Exploration: closed-form probabilities that are true, and the trivial case that every learner must pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.learning import SLOTS, Feedback, Posterior, ResponseModel, control_group, decide_one, uniform
from contact_scheduler.learning.evidence import EvidenceBank, Prior, sigmoid
from contact_scheduler.learning.explore import inverse_gap_weights, pick
from contact_scheduler.learning.features import FEATURES
from tests.unit.learning.learning_cases import posterior

VALUES = st.lists(st.one_of(st.just(-np.inf), st.floats(0, 1)), min_size=1, max_size=13)


@given(VALUES, st.floats(0, 5_000))
def test_weights_are_a_distribution_over_the_open_options(values: list[float], gamma: float) -> None:
    """They add up to one, closed options get nothing, open ones never nothing, the best the most."""
    row = np.array([values])
    weight = inverse_gap_weights(row, gamma)[0]
    is_open = np.isfinite(row[0])

    assert weight.sum() == pytest.approx(1.0 if is_open.any() else 0.0)
    assert (weight[~is_open] == 0.0).all()
    assert (weight[is_open] > 0.0).all()
    assert not is_open.any() or weight[row[0].argmax()] >= weight.max() - 1e-12


def test_options_are_drawn_as_often_as_the_weights_say() -> None:
    """Frequencies of 200,000 draws lie within three standard errors of the logged propensities."""
    weight = inverse_gap_weights(np.array([[0.3, 0.2, -np.inf, 0.25]]), 40.0)
    lots = np.random.default_rng(1).random(200_000)

    choice, propensity = pick(np.repeat(weight, len(lots), axis=0), lots)

    share = np.bincount(choice, minlength=4) / len(lots)
    assert (np.abs(share - weight[0]) <= 3 * np.sqrt(weight[0] * (1 - weight[0]) / len(lots))).all()
    np.testing.assert_array_equal(propensity, weight[0][choice])


def test_one_decision_agrees_with_its_logged_propensity_and_stays_lawful() -> None:
    """Over many lots the slot is always lawful and each slot turns up as often as its propensity says."""
    known = posterior()
    lawful = np.zeros(SLOTS, dtype=np.bool_)
    lawful[[10, 15, 20, 180, 350, 355]] = True
    features = np.zeros(FEATURES, dtype=np.float32)
    features[0] = 1.0
    lots = (np.arange(5_000) + 0.5) / 5_000

    drawn = [decide_one(known.weights, features, lawful, gamma=30.0, lot=float(lot)) for lot in lots]

    assert all(lawful[one.slot] for one in drawn)
    propensity = {one.slot: one.propensity for one in drawn}
    for slot, chance in propensity.items():
        assert sum(one.slot == slot for one in drawn) / len(drawn) == pytest.approx(chance, abs=0.002)
    assert sum(propensity.values()) == pytest.approx(1.0)


def test_protected_files_are_never_experimented_on_and_nothing_lawful_means_no_contact() -> None:
    """A protected borrower gets the best slot with certainty whatever the lot; an empty mask gives no slot."""
    known = posterior()
    features = np.zeros(FEATURES, dtype=np.float32)
    everywhere = np.ones(SLOTS, dtype=np.bool_)

    protected = [
        decide_one(known.weights, features, everywhere, gamma=1.0, lot=lot, is_protected=True) for lot in (0.0, 0.999)
    ]
    nothing = decide_one(known.weights, features, ~everywhere, gamma=1.0, lot=0.5)

    assert {(one.slot, one.propensity) for one in protected} == {(protected[0].best_slot, 1.0)}
    assert nothing.slot == -1


def test_the_hold_out_is_the_same_borrowers_every_time_and_the_right_share() -> None:
    """Membership depends on id and seed alone."""
    ids = np.arange(100_000, dtype=np.uint64)
    whole = control_group(ids, 0.03, seed=7)

    np.testing.assert_array_equal(whole[50_000:], control_group(ids[50_000:], 0.03, seed=7))
    assert whole.mean() == pytest.approx(0.03, abs=0.002)
    assert (whole & control_group(ids, 0.03, seed=8)).mean() == pytest.approx(0.0009, abs=0.0005)


def test_lots_are_even_and_independent_between_purposes() -> None:
    """Uniform in mean and spread, uncorrelated between keys and between neighbours."""
    ids = np.arange(200_000, dtype=np.uint64)
    one, other = uniform(ids, 11), uniform(ids, 12)

    assert one.mean() == pytest.approx(0.5, abs=0.003)
    assert one.var() == pytest.approx(1 / 12, abs=0.001)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.01
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.01


def two_arm_play(choose: object, batches: int = 50, rows: int = 100) -> float:
    """Plays two arms of 10 % and 90 % through a two-coefficient bank; returns the late share of the good arm."""
    draw = np.random.default_rng(5)
    bank = EvidenceBank(Prior.normal(np.array([-1.0, -1.0]), np.array([1.5, 1.5])))
    good = 0
    for number in range(batches):
        arm = choose(bank, draw, rows)  # type: ignore[operator]
        label = (draw.random(rows) < np.where(arm == 1, 0.9, 0.1)).astype(np.float64)
        bank.update(np.eye(2)[arm], label)
        good += int((arm == 1).sum()) if number >= batches // 2 else 0
    return good / (rows * (batches - batches // 2))


def test_two_arms_thompson_draws_find_the_good_one() -> None:
    """A library's default sampler still picked evenly here after 5,000 rows: the case that guards every learner."""

    def thompson(bank: EvidenceBank, draw: np.random.Generator, rows: int) -> np.ndarray:
        result: np.ndarray = bank.draw(draw.standard_normal((rows, 2))).argmax(axis=1)
        return result

    assert two_arm_play(thompson) > 0.98


def test_two_arms_inverse_gap_weights_find_the_good_one() -> None:
    """The slice's rule, with its sharpness growing by the root of what was learned."""

    def weights(bank: EvidenceBank, draw: np.random.Generator, rows: int) -> np.ndarray:
        gamma = 10.0 * np.sqrt(max(bank.outcomes, 1.0))
        value = np.repeat(sigmoid(bank.mean)[None, :], rows, axis=0)
        return pick(inverse_gap_weights(value, gamma), draw.random(rows))[0]

    assert two_arm_play(weights) > 0.97


def test_two_channels_the_whole_model_finds_the_good_one() -> None:
    """The same case through ResponseModel: e-mail 90 %, text 10 %; the choice among lawful slots is e-mail."""
    draw, model = np.random.default_rng(6), ResponseModel()
    features = np.zeros((2_000, FEATURES), dtype=np.float32)
    features[:, 0] = 1.0
    slot = np.where(draw.random(2_000) < 0.5, 42, 168 + 42)
    label = (draw.random(2_000) < np.where(slot >= 168, 0.9, 0.1)).astype(np.float32)
    model.update("acme", Feedback(features, slot, label))
    known: Posterior = model.for_tenant("acme")
    lawful = np.zeros(SLOTS, dtype=np.bool_)
    lawful[[42, 168 + 42]] = True

    chosen = [
        decide_one(known.weights, features[0], lawful, gamma=500.0, lot=lot).slot for lot in np.arange(0.005, 1, 0.01)
    ]

    assert chosen.count(168 + 42) >= 97
    assert float(known.probability(features[:1], np.array([168 + 42]))[0]) == pytest.approx(0.9, abs=0.03)
