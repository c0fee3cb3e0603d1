"""What other policies would have brought, estimated from drawn contacts of a world whose truth is known."""

from __future__ import annotations

import numpy as np

from contact_scheduler.compare_rules import compare_rules
from contact_scheduler.evaluate_campaign import Evaluation
from contact_scheduler.evaluate_goal import compare_goal
from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.explore import OPTIONS, inverse_gap_weights
from contact_scheduler.learning.lift import lift, rate
from contact_scheduler.value_policies import Drawn, value_policies

# Chance of an answer by channel x part of the day; the model knows it, the control group does not.
TRUTH = np.array([0.05, 0.10, 0.10, 0.30, 0.15, 0.05, 0.05, 0.10, 0.02, 0.04, 0.12, 0.02])
CELLS = np.array([3, 4, 3, 3] * 3)
EVEN = float((TRUTH * CELLS).sum() / CELLS.sum())
EMAIL = float((TRUTH * CELLS)[4:8].sum() / CELLS[4:8].sum())


def draw_rows(count: int, seed: int, *, is_email_open: bool = True) -> list[Drawn]:
    """Draw contacts: four of five by the control group's even draw, one by inverse-gap weights."""
    draw = np.random.default_rng(seed)
    cells = CELLS.copy()
    if not is_email_open:
        cells[4:8] = 0
    weights = inverse_gap_weights(np.where(cells > 0, TRUTH, -np.inf)[None, :], 30.0)[0]
    best = int(np.where(cells > 0, TRUTH, 0.0).argmax())
    rows = []
    for number in range(count):
        is_control = number % 5 > 0
        chance = cells / cells.sum() if is_control else weights
        option = int(draw.choice(OPTIONS, p=chance))
        propensity = 1.0 / cells.sum() if is_control else weights[option]
        answered = bool(draw.random() < TRUTH[option])
        arm = Arm.CONTROL if is_control else Arm.EXPLORED
        rows.append(Drawn(arm, option, float(propensity), cells.tolist(), best, answered, number))
    return rows


def test_every_policy_is_valued_at_its_truth_with_honest_intervals() -> None:
    """60 logs: the doubly robust interval covers even choice, a channel and the model's choice in 91 to 99 of 100."""
    truths = {"even": EVEN, "email": EMAIL, "model": 0.30}
    covered = dict.fromkeys(truths, 0)
    for seed in range(60):
        for policy in value_policies(draw_rows(2_000, seed)):
            if policy.name in truths:
                assert policy.value is not None
                covered[policy.name] += policy.value.dr.low <= truths[policy.name] <= policy.value.dr.high

    assert all(53 <= count for count in covered.values()), covered


def test_the_three_estimators_agree_on_many_rows() -> None:
    """With 20,000 drawn contacts all three lie within two points of the truth, and the model's choice is found best."""
    found = {policy.name: policy for policy in value_policies(draw_rows(20_000, 1))}

    for name, truth in {"even": EVEN, "email": EMAIL, "model": 0.30}.items():
        value = found[name].value
        assert value is not None
        for estimate in (value.ips, value.snips, value.dr):
            assert abs(estimate.value - truth) < 0.02
    assert found["even"].is_telling
    assert (16_000, 20_000) == (found["even"].rows, found["model"].rows)


def test_a_channel_that_is_not_lawful_falls_back_to_even_choice() -> None:
    """Where nobody may get mail, "always email" is even choice, to the digit."""
    found = {policy.name: policy for policy in value_policies(draw_rows(500, 2, is_email_open=False))}

    assert found["even"].value == found["email"].value


def test_nothing_is_claimed_without_rows() -> None:
    """No drawn contact: no value; no contact at all: the summary says so."""
    policies = value_policies([])

    assert [None] * 5 == [policy.value for policy in policies]
    assert not any(policy.is_telling for policy in policies)
    assert (
        "Nothing can be said yet"
        in Evaluation(
            lift(rate(0, 0), rate(0, 0)), compare_goal("payment", []), policies, compare_rules([], rate(0, 0)), []
        ).summary
    )


def test_the_summary_says_in_words_whether_chance_explains_it() -> None:
    """A clear difference and one that may be luck."""
    goal, rules = compare_goal("payment", []), compare_rules([], rate(0, 0))
    sure = Evaluation(lift(rate(200, 1_000), rate(80, 1_000)), goal, [], rules, []).summary
    unsure = Evaluation(lift(rate(11, 100), rate(10, 100)), goal, [], rules, []).summary

    assert "20.0 were answered under the learned plan and 8.0 in the control group: +12.0" in sure
    assert sure.endswith("chance alone hardly explains it.")
    assert unsure.endswith("chance alone may explain it.")
