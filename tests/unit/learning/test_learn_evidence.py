"""The streaming Bayesian regression: against a full fit, against drift, against silence."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from contact_scheduler.learning.evidence import NO_FAMILY, EvidenceBank, OpenContacts, Prior, sigmoid


def stream(count: int, seed: int, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    design = np.concatenate((np.ones((count, 1)), draw.normal(size=(count, len(coefficients) - 1))), axis=1)
    return design, (draw.random(count) < sigmoid(design @ coefficients)).astype(np.float64)


def bank(size: int, half_lives: tuple[float, ...]) -> EvidenceBank:
    return EvidenceBank(Prior.normal(np.zeros(size), np.ones(size)), half_lives)


def test_learning_in_small_batches_ends_where_a_full_fit_ends() -> None:
    """With no forgetting, 8,000 outcomes in batches of 64 equal scikit-learn's ridge logistic within a hundredth."""
    truth = np.array([-1.0, 0.8, -0.5, 0.0])
    design, label = stream(8_000, 1, truth)
    ours = bank(4, (np.inf,))
    for first in range(0, len(label), 64):
        ours.update(design[first : first + 64], label[first : first + 64])

    full = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-8).fit(design, label)

    np.testing.assert_allclose(ours.mean, full.coef_[0], atol=0.02)


def test_the_posterior_spread_is_that_of_the_curvature_at_the_mode() -> None:
    """Draws have the covariance of the exact Laplace approximation."""
    design, label = stream(4_000, 2, np.array([-1.0, 0.8]))
    ours = bank(2, (np.inf,))
    ours.update(design, label)
    p = sigmoid(design @ ours.mean)
    exact = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design + np.eye(2))

    drawn = ours.draw(np.random.default_rng(3).standard_normal((40_000, 2)))

    np.testing.assert_allclose(np.cov(drawn.T), exact, rtol=0.05, atol=2e-5)


def test_a_steady_stream_earns_a_long_memory_and_a_broken_one_a_short_memory() -> None:
    """The half-life follows the prequential loss: infinite at first, short after habits turn around."""
    ours = bank(3, (500.0, 4_000.0, np.inf))
    before = stream(20_000, 4, np.array([-1.0, 1.0, 0.0]))
    after = stream(4_000, 5, np.array([0.5, -1.0, 0.0]))

    for first in range(0, 20_000, 200):
        ours.update(before[0][first : first + 200], before[1][first : first + 200])
    steady = ours.half_life
    for first in range(0, 4_000, 200):
        ours.update(after[0][first : first + 200], after[1][first : first + 200])

    assert steady >= 4_000.0
    assert ours.half_life == 500.0
    np.testing.assert_allclose(ours.mean, [0.5, -1.0, 0.0], atol=0.3)


def test_the_same_stream_gives_the_same_bits() -> None:
    """No hidden randomness, no dependence on anything but the calls."""
    design, label = stream(3_000, 6, np.array([-1.0, 0.5]))
    states = []
    for _ in range(2):
        ours = bank(2, (500.0, np.inf))
        for first in range(0, 3_000, 100):
            ours.update(design[first : first + 100], label[first : first + 100])
        states.append((ours.gram.tobytes(), ours.pull.tobytes(), ours.means.tobytes()))

    assert states[0] == states[1]


def test_a_batch_of_one_answer_only_never_runs_away() -> None:
    """A first batch without a single yes, then one without a single no, leaves finite, ordered coefficients."""
    ours = bank(2, (500.0, np.inf))
    design = np.stack((np.ones(50), np.linspace(-1, 1, 50)), axis=1)

    ours.update(design, np.zeros(50))
    low = ours.mean.copy()
    ours.update(design, np.ones(50))

    assert np.isfinite(ours.mean).all()
    assert low[0] < ours.mean[0]
    assert np.abs(ours.mean).max() < 10.0


@pytest.mark.parametrize("silent_chance", [1.0, 0.5, 0.0])
def test_silence_weighs_as_much_as_it_can_mean(silent_chance: float) -> None:
    """Just sent (1.0) means nothing; window closed (0.0) means a plain no; between lies between."""
    design, label = stream(2_000, 7, np.array([-1.0, 0.5]))
    ours = bank(2, (np.inf,))
    ours.update(design, label)
    before = ours.mean.copy()
    still_open = OpenContacts(design, np.zeros(2_000), np.full(2_000, silent_chance), np.ones(2_000))
    ours.learn_provisional(lambda: [still_open])
    moved = before[0] - ours.mean[0]

    ours.clear_provisional()

    expected = {1.0: (-1e-9, 1e-9), 0.5: (0.1, 0.5), 0.0: (0.5, 2.0)}[silent_chance]
    assert expected[0] <= moved <= expected[1]
    np.testing.assert_allclose(ours.mean, before, atol=1e-12)


def test_contacts_whose_window_is_all_but_closed_say_provisionally_what_they_will_say_for_good() -> None:
    """Nobody is silent any more who will answer: open rows, in two pieces, lead where learning them would lead."""
    truth = np.array([-2.0, 1.0, -0.5])
    known, news = stream(1_000, 8, truth), stream(3_000, 9, truth + 0.7)
    for_good, provisional = bank(3, (np.inf,)), bank(3, (np.inf,))
    for one in (for_good, provisional):
        one.update(*known)
    for_good.update(*news)
    pieces = [
        OpenContacts(news[0][part], news[1][part], np.zeros(1_500), np.ones(1_500))
        for part in (slice(0, 1_500), slice(1_500, 3_000))
    ]

    provisional.learn_provisional(lambda: pieces)

    np.testing.assert_allclose(provisional.mean, for_good.mean, atol=0.02)


def test_open_contacts_do_not_learn_the_level_of_late_again() -> None:
    """Answers have halved and the level has followed; open contacts that answer just so often change nothing."""
    (design, _), draw = stream(20_000, 10, np.array([-2.0, 0.5])), np.random.default_rng(11)
    ours = EvidenceBank(Prior.normal(np.zeros(2), np.ones(2)), (np.inf,), level_column=0)
    for first, coefficients in [(0, [-1.0, 0.5])] * 8 + [(k, [-2.0, 0.5]) for k in range(8)]:
        part = design[first * 500 : (first + 1) * 500]
        ours.update(part, (draw.random(500) < sigmoid(part @ np.array(coefficients))).astype(np.float64))
    before = ours.mean.copy()
    assert ours.level_of_late < -0.2

    label = (draw.random(20_000) < sigmoid(design @ before)).astype(np.float64)
    still_open = OpenContacts(design, label, np.zeros(20_000), np.ones(20_000))
    ours.learn_provisional(lambda: [still_open])

    np.testing.assert_allclose(ours.mean, before, atol=0.06)


def test_a_level_of_its_own_follows_a_sudden_change_and_keeps_the_tastes() -> None:
    """After 20,000 outcomes everybody answers a third as often; 5,000 later the level is there, the order stays."""
    plain = bank(3, (np.inf,))
    ours = EvidenceBank(plain.prior, (np.inf,), level_column=0)
    taste, fall = np.array([0.0, 0.8, -0.5]), np.array([-1.2, 0.0, 0.0])
    before, after = stream(20_000, 4, taste), stream(5_000, 5, taste + fall)
    after[0][:, 0] = before[0][:, 0] = 1.0
    draw = np.random.default_rng(6)
    for part, truth in ((before, taste), (after, taste + fall)):
        part[1][:] = draw.random(len(part[1])) < 1.0 / (1.0 + np.exp(-part[0] @ truth))
        for first in range(0, len(part[1]), 100):
            for one in (plain, ours):
                one.update(part[0][first : first + 100], part[1][first : first + 100])

    assert abs(ours.mean[0] + 1.2) < 0.3 < abs(plain.mean[0] + 1.2)
    np.testing.assert_allclose(ours.mean[1:], taste[1:], atol=0.1)


def test_a_family_that_says_nothing_shrinks_and_one_that_speaks_keeps_its_spread() -> None:
    """Two families of twelve coefficients with one prior: the silent one ends well inside it, the other does not."""
    draw = np.random.default_rng(31)
    truth = np.concatenate(([-1.0], draw.normal(0.0, 0.8, 12), np.zeros(12)))
    family = np.repeat([NO_FAMILY, 0, 1], [1, 12, 12])
    ours = EvidenceBank(Prior.normal(np.zeros(25), np.full(25, 0.5)), (np.inf,), family=family)
    plain = bank_with_sd(25, 0.5)
    for number in range(12):
        design, label = stream(60, 40 + number, truth)
        ours.update(design, label)
        plain.update(design, label)

    speaking, silent = float(ours.stretch[1]), float(ours.stretch[-1])
    assert 1.0 == ours.stretch[0]
    assert silent < 0.35 < 1.2 < speaking
    assert np.abs(ours.mean[13:]).mean() < np.abs(plain.mean[13:]).mean()


def test_a_family_of_which_nothing_is_known_keeps_the_given_spread() -> None:
    """Outcomes that do not touch a family leave its prior as it was."""
    ours = EvidenceBank(Prior.normal(np.zeros(3), np.ones(3)), (np.inf,), family=np.array([NO_FAMILY, 0, 0]))
    design, label = stream(400, 3, np.array([-1.0, 0.0, 0.0]))
    design[:, 1:] = 0.0

    ours.update(design, label)

    np.testing.assert_allclose(ours.stretch, 1.0)
    np.testing.assert_allclose(ours.mean[1:], 0.0)


def bank_with_sd(size: int, sd: float) -> EvidenceBank:
    return EvidenceBank(Prior.normal(np.zeros(size), np.full(size, sd)), (np.inf,))
