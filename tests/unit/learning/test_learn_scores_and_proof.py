"""Scores with reasons, treatments, off-policy evaluation, lift, explanations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contact_scheduler.learning import (
    Channel,
    LoanFacts,
    LoggedChoices,
    Scorecard,
    Treatment,
    choose_treatment,
    evaluate_policy,
    explain,
    lift,
    lift_by_week,
    rate,
    score_loans,
)
from contact_scheduler.learning.default_cards import ABILITY_CARD, WILLINGNESS_CARD
from contact_scheduler.learning.quality import auc, fairness_report, population_shift
from contact_scheduler.learning.scorecard import Attribute
from contact_scheduler.learning.scores import PROTECTED
from contact_scheduler.learning.training import fit_scorecard
from tests.unit.learning.learning_cases import crowd, posterior


def test_a_lost_income_lowers_ability_and_says_so() -> None:
    """One fact changed, the other score untouched, the reason in words."""
    facts = LoanFacts.unknown(2)
    facts.income_change[:] = (0.0, -0.6)

    scores = score_loans(facts)

    assert scores.ability[1] < scores.ability[0] - 0.2
    assert scores.willingness[1] == scores.willingness[0]
    assert "the change of income is below -0.4 (lowers the score)" in scores.reasons(1)


def test_regional_unemployment_is_an_input_and_protected_attributes_never_are() -> None:
    """The cards that ship name unemployment and none of the protected words; a card that does is refused."""
    names = {one.name for card in (ABILITY_CARD, WILLINGNESS_CARD) for one in card.attributes}
    by_age = replace(ABILITY_CARD, attributes=(Attribute("age", "age", (30.0,), (0.1, 0.2), 0.0),))

    assert "unemployment_pct" in names
    assert not names & PROTECTED
    with pytest.raises(ValueError, match="protected"):
        score_loans(LoanFacts.unknown(1), ability_card=by_age)
    with pytest.raises(ValueError, match="protected"):
        fit_scorecard("x", {"sex": np.zeros(9)}, np.zeros(9), version="1", origin="test", words={})


def test_a_card_is_read_back_as_it_was_written() -> None:
    """JSON for people and for the next start."""
    assert Scorecard.from_json(ABILITY_CARD.to_json()) == ABILITY_CARD


def test_a_retrained_card_finds_the_truth_and_is_calibrated() -> None:
    """Points fitted on a made-up book rank new loans nearly as well as the truth, and their mean is the true rate."""
    draw = np.random.default_rng(1)
    columns = {"income": draw.normal(size=8_000), "debt": draw.normal(size=8_000), "noise": draw.normal(size=8_000)}
    columns["debt"][::10] = np.nan
    truth = 1.0 / (1.0 + np.exp(-(columns["income"] - np.nan_to_num(columns["debt"]) - 0.5)))
    label = (draw.random(8_000) < truth).astype(np.float64)

    card = fit_scorecard(
        "ability", {k: v[:5_000] for k, v in columns.items()}, label[:5_000], version="1", origin="test", words={}
    )

    score = card.score({k: v[5_000:] for k, v in columns.items()})
    assert auc(label[5_000:], score) > auc(label[5_000:], truth[5_000:]) - 0.02
    assert score.mean() == pytest.approx(label[5_000:].mean(), abs=0.03)


@pytest.mark.parametrize(
    ("ability", "willingness", "needs_person", "expected"),
    [
        (0.8, 0.8, False, Treatment.REMIND_GENTLY),
        (0.8, 0.1, False, Treatment.HAND_TO_PERSON),
        (0.4, 0.8, False, Treatment.OFFER_INSTALMENTS),
        (0.1, 0.8, False, Treatment.OFFER_DEFERRAL),
        (0.1, 0.1, False, Treatment.LEAVE_IN_PEACE),
        (0.8, 0.8, True, Treatment.HAND_TO_PERSON),
        (np.nan, np.nan, False, Treatment.REMIND_GENTLY),
    ],
)
def test_the_scores_choose_the_treatment(
    ability: float, willingness: float, needs_person: bool, expected: Treatment
) -> None:
    """The two-by-two table, flags first, unknown scores read mildly."""
    able, willing = (np.array([value], dtype=np.float32) for value in (ability, willingness))
    chosen = choose_treatment(able, willing, np.array([needs_person]))

    assert Treatment(int(chosen[0])) is expected


def logged(count: int, seed: int) -> tuple[LoggedChoices, np.ndarray]:
    draw = np.random.default_rng(seed)
    chance = np.array([0.6, 0.3, 0.1])
    option = draw.choice(3, count, p=chance)
    reward = (draw.random(count) < np.array([0.1, 0.2, 0.3])[option]).astype(np.float64)
    return LoggedChoices(option, chance[option], reward), np.tile([0.0, 0.0, 1.0], (count, 1))


def test_off_policy_intervals_cover_the_truth() -> None:
    """300 logs of a known world: each estimator's 95 % interval covers in 91 to 98 of 100."""
    covered = {"ips": 0, "snips": 0, "dr": 0}
    for seed in range(300):
        log, target = logged(3_000, seed)
        value = evaluate_policy(log, target)
        for name in covered:
            covered[name] += getattr(value, name).low <= 0.3 <= getattr(value, name).high

    assert all(273 <= count <= 295 for count in covered.values()), covered


def test_a_propensity_of_nought_makes_a_log_unusable() -> None:
    """Refused, not divided by."""
    with pytest.raises(ValueError, match="propensity"):
        LoggedChoices(np.array([0]), np.array([0.0]), np.array([1.0]))


def test_lift_has_newcombes_interval() -> None:
    """Newcombe 1998, table II, 56/70 against 48/80: 0.2 with the interval 0.0524 to 0.3339."""
    found = lift(rate(56, 70), rate(48, 80))

    assert (found.difference, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert found.is_proven


def test_lift_by_week_counts_everybody_whether_contacted_or_not() -> None:
    """Two weeks, two groups; a group without rows gives an interval from nothing to all."""
    week, control = np.array([1, 1, 1, 2, 2]), np.array([True, False, False, False, False])

    found = lift_by_week(week, control, np.array([False, True, True, True, False]))

    assert (found[1].learned.rows, found[1].control.rows, found[1].difference) == (2, 1, 1.0)
    assert (found[2].control.low, found[2].control.high) == (0.0, 1.0)


def test_the_fairness_report_names_groups_and_hides_small_ones() -> None:
    """Half the share selected in one group shows as a ratio of a half; four people are left out."""
    group = np.array(["a"] * 100 + ["b"] * 100 + ["c"] * 4)
    score = np.concatenate((np.linspace(0, 1, 100), np.linspace(0, 0.75, 100), np.zeros(4)))

    found = fairness_report((score > 0.5).astype(float), score, group, 0.5)

    assert found.left_out == ("c",)
    assert found.selection_ratio == pytest.approx(34 / 50, abs=0.03)
    assert population_shift(score, score) == pytest.approx(0.0)


def test_an_explanation_names_choice_runner_up_and_reasons() -> None:
    """The choice is lawful and best, the runner-up of another kind, the words free of column names."""
    known = posterior()
    borrowers, lawful, horizon = crowd(50)
    row = int(np.flatnonzero(lawful.pattern_of % 7 == 6)[0])
    mask = lawful.dense(np.array([row]))[0]

    found = explain(known, borrowers, row, mask, horizon)
    nothing = explain(known, borrowers, row, mask & False, horizon)

    assert found.chosen is not None
    assert found.second is not None
    assert mask[found.chosen.channel, found.chosen.hour]
    assert found.chosen.value >= found.second.value
    assert isinstance(found.chosen.channel, Channel)
    assert found.reasons
    assert all(":" not in reason.text and "*" not in reason.text for reason in found.reasons)
    assert nothing.chosen is None
