"""A day's money: never more than the budget, used for what brings most, and priced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_scheduler.learning import Plan, PlanOptions, make_plan
from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning.spending import plan_within
from tests.unit.learning.learning_cases import crowd, even_capacity, posterior

MONEY = (0.004, 0.0005, 0.02)
PEOPLE, LAWFUL, HORIZON = crowd(300, control=0.2)
CAPACITY = even_capacity(LAWFUL, 300)
KNOWN = posterior()
WORTH = Worth((1.0, 1.0, 1.5), (0.01, 0.002, 0.03))  # complaints count in the cost, and are not paid in money
LOTS = np.random.default_rng(3).random(len(PEOPLE))


def make(worth: Worth) -> Plan:
    return make_plan(KNOWN, PEOPLE, LAWFUL, HORIZON, CAPACITY, PlanOptions(1, 1, worth=worth, draw_spread=0.0))


def spent(plan: Plan, arm: Arm | None = None) -> float:
    rows = (plan.channel >= 0) & ((plan.arm == arm) if arm is not None else True)
    return float(np.asarray(MONEY)[plan.channel[rows]].sum())


def value(plan: Plan) -> float:
    """What the planned rows bring less their cost, told without any price on money."""
    rows = plan.arm == Arm.PLANNED
    channel = plan.channel[rows]
    worth = np.asarray(WORTH.of_answer)[channel] * PEOPLE.worth[rows] * plan.probability[rows]
    return float((worth - np.asarray(WORTH.cost)[channel]).sum())


FREE = make(WORTH)


@settings(max_examples=6, deadline=None)
@given(share=st.floats(0.0, 1.3))
def test_no_budget_is_ever_exceeded_and_the_hold_out_keeps_its_share_of_it(share: float) -> None:
    """From nothing to more than is needed; with room for all, nothing is changed and money has no price."""
    budget = share * spent(FREE)
    plan, price = plan_within(make, WORTH, MONEY, budget, LOTS)

    assert spent(plan) <= budget
    assert spent(plan) >= min(budget, spent(FREE)) - 3 * max(MONEY)
    assert (price > 0.0) == (budget < spent(FREE))
    drawn = spent(plan, Arm.CONTROL) + spent(plan, Arm.EXPLORED)
    free_share = (spent(FREE, Arm.CONTROL) + spent(FREE, Arm.EXPLORED)) / spent(FREE)
    assert drawn <= free_share * budget + 1e-9


def test_half_the_money_is_put_to_nearly_the_best_use_there_is() -> None:
    """Against the dual bound at the price found: no plan of that money can be worth more."""
    budget = spent(FREE) / 2
    plan, price = plan_within(make, WORTH, MONEY, budget, LOTS)
    priced = make(Worth(WORTH.of_answer, tuple(c + price * m for c, m in zip(WORTH.cost, MONEY, strict=True))))  # type: ignore[arg-type]
    bound = priced.bound + price * spent(plan, Arm.PLANNED)

    assert value(plan) == pytest.approx(bound, rel=0.05)
    assert value(plan) > 0.55 * value(FREE)


def test_less_money_makes_the_next_of_it_worth_more() -> None:
    """The price of money falls as there is more of it."""
    prices = [plan_within(make, WORTH, MONEY, part * spent(FREE), LOTS)[1] for part in (0.3, 0.7, 1.0)]

    assert prices == sorted(prices, reverse=True)
    assert 0.0 == prices[-1] < prices[-2]
