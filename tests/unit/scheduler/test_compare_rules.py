"""Learned choice beside fixed rules, in a world whose truth is known: honest intervals, honest words."""

from __future__ import annotations

import numpy as np

from contact_scheduler.compare_rules import RuleCompared, RulesCompared, RuleVerdict, compare_rules
from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.explore import OPTIONS
from contact_scheduler.learning.lift import rate
from contact_scheduler.learning.ope import Estimate
from contact_scheduler.value_policies import Drawn

CELLS = np.array([3, 4, 3, 3] * 3)
# Of two kinds of borrowers one answers text messages in the evening, the other calls in the morning.
TRUTH = np.array([
    [0.05, 0.10, 0.10, 0.30, 0.15, 0.05, 0.05, 0.10, 0.02, 0.04, 0.12, 0.02],
    [0.05, 0.10, 0.10, 0.15, 0.15, 0.05, 0.05, 0.10, 0.25, 0.04, 0.12, 0.02],
])  # fmt: skip
BEST = TRUTH.argmax(axis=1)
GAINS = {"sms evening": (0.30 + 0.25) / 2 - 0.225, "voice morning": (0.30 + 0.25) / 2 - 0.135}


def draw_control(
    count: int, seed: int, *, best: np.ndarray = BEST, closed: tuple[int, ...] = (), each: int = 1, habit: float = 0.0
) -> list[Drawn]:
    """Draw contacts of the control group, `each` for a borrower; `habit` spreads how well borrowers answer at all."""
    draw = np.random.default_rng(seed)
    cells = CELLS.copy()
    cells[list(closed)] = 0
    rows = []
    for number in range(count // each):
        kind, bent = number % 2, float(draw.choice([1.0 - habit, 1.0 + habit]))
        for _ in range(each):
            option = int(draw.choice(OPTIONS, p=cells / cells.sum()))
            answered = bool(draw.random() < bent * TRUTH[kind, option])
            rows.append(
                Drawn(Arm.CONTROL, option, 1.0 / cells.sum(), cells.tolist(), int(best[kind]), answered, number)
            )
    return rows


def compare(drawn: list[Drawn]) -> RulesCompared:
    """Compare beside a plan that was answered 290 times in 1,000."""
    return compare_rules(drawn, rate(290, 1_000))


def test_the_intervals_of_all_rules_together_cover_the_truth_in_nineteen_of_twenty_logs() -> None:
    """Sixty logs of 1,500 contacts: at most six of them have one interval of sixteen that misses; 3 are expected."""
    truth = {"even": float((TRUTH.mean(axis=0) * CELLS).sum() / CELLS.sum())}
    for channel, name in enumerate(("sms", "email", "voice")):
        here = slice(4 * channel, 4 * channel + 4)
        truth[name] = float((TRUTH.mean(axis=0) * CELLS)[here].sum() / CELLS[here].sum())
        for part, word in enumerate(("morning", "midday", "afternoon", "evening")):
            truth[f"{name} {word}"] = float(TRUTH.mean(axis=0)[4 * channel + part])
    missed = 0
    for seed in range(60):
        rules = compare(draw_control(1_500, seed)).rules
        assert truth.keys() == {one.name for one in rules}
        missed += any(not one.difference.low <= 0.275 - truth[one.name] <= one.difference.high for one in rules)

    assert missed <= 6


def test_a_gain_over_the_best_rule_is_told_once_there_are_enough_contacts() -> None:
    """Five points over "SMS in the evening": not told apart by 1,000 contacts, clear by 40,000."""
    few, many = compare(draw_control(1_000, 3)), compare(draw_control(40_000, 3))
    verdicts = [{one.name: one.verdict for one in found.rules}["sms evening"] for found in (few, many)]

    assert [RuleVerdict.NOT_TOLD_APART, RuleVerdict.LEARNED_BETTER] == verdicts
    assert "sms evening" == many.rules[0].name
    for one in many.rules:
        if one.name in GAINS:
            assert abs(one.difference.value - GAINS[one.name]) < 0.02
    assert "surely brings more answers than 16 and fewer than 0; from 0 the log cannot" in many.summary
    assert "The best of them by estimate, always sms in the evening, would have been answered 2" in many.summary
    assert "; learned choice is surely better. The learned plan as it was made" in many.summary
    assert "; the log cannot tell them apart." in few.summary


def test_a_difference_that_cannot_be_told_says_how_many_contacts_it_would_take() -> None:
    """Of 1,000 contacts with an interval twice as wide as the difference, 4,000 are needed; then the plan itself."""
    rule = RuleCompared("sms", "always sms", Estimate(0.2, 0.11, 0.29, 500.0), Estimate(0.05, -0.05, 0.15, 300.0))
    found = RulesCompared(1_000, Estimate(0.25, 0.2, 0.3, 300.0), [rule], rate(290, 1_000))

    assert (
        "The log cannot tell learned choice apart from any of 1 fixed rules. The best of them by estimate, always sms, "
        "would have been answered 20.0 times in 100 contacts, learned choice of channel and part of the day 25.0: +5.0 "
        "(-5.0 to +15.0); the log cannot tell them apart. To tell a difference of this size takes about 4,000 contacts "
        "of the control group; there are 1,000. The learned plan as it was made, with its own hours and the lines "
        "there were, was answered 29.0 times in 100: +9.0 (-0.4 to +18.4) beside that rule."
    ) == found.summary


def test_a_model_that_likes_the_wrong_hour_is_said_to_lose_to_a_rule() -> None:
    """It likes mail at midday, which hardly anybody answers."""
    found = compare(draw_control(10_000, 4, best=np.array([5, 5])))

    assert RuleVerdict.RULE_BETTER == found.rules[0].verdict
    assert "; the rule is surely better. " in found.summary


def test_a_rule_that_does_what_the_model_does_differs_by_nothing() -> None:
    """Where the model always likes SMS in the evening, the difference is zero, and no chance is left in it."""
    found = {one.name: one for one in compare(draw_control(2_000, 5, best=np.array([3, 3]))).rules}
    same = found["sms evening"].difference

    assert (0.0, 0.0, 0.0) == (same.value, same.low, same.high)
    assert RuleVerdict.NOT_TOLD_APART == found["sms evening"].verdict


def test_a_closed_hour_falls_back_to_its_channel_and_a_closed_channel_to_even_choice() -> None:
    """To the digit."""
    no_evening = {one.name: one for one in compare(draw_control(2_000, 6, closed=(3,))).rules}
    no_sms = {one.name: one for one in compare(draw_control(2_000, 6, closed=(0, 1, 2, 3))).rules}

    assert no_evening["sms"].value == no_evening["sms evening"].value
    assert no_evening["sms"].value != no_evening["even"].value
    assert no_sms["even"].value == no_sms["sms evening"].value == no_sms["sms"].value


def test_several_contacts_of_one_borrower_count_as_less_than_as_many_borrowers() -> None:
    """Of borrowers who answer often or hardly ever, twenty contacts each: the interval is wider than taken singly."""
    rows = draw_control(2_000, 7, each=20, habit=0.9)
    singly = [one._replace(borrower=number) for number, one in enumerate(rows)]
    widths = [
        (one.difference.high - one.difference.low) / (other.difference.high - other.difference.low)
        for one, other in zip(compare(rows).rules, compare(singly).rules, strict=True)
    ]

    assert min(widths) > 0.999
    assert max(widths) > 1.15


def test_little_is_said_to_be_too_little() -> None:
    """No contact at all, and a hundred: no verdict."""
    none, few = compare([]), compare(draw_control(100, 8, best=np.array([5, 5])))

    assert [] == none.rules
    assert "cannot be compared yet: too few contacts of the control group lie two days back (0 do)" in none.summary
    assert {RuleVerdict.TOO_FEW} == {one.verdict for one in few.rules}
    assert "(100 do)" in few.summary
