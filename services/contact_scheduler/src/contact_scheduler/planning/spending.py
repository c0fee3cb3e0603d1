"""A plan within the day's money: a price on money, found by halving, and a hard ceiling behind it.

Money couples all cells, which prices of places cannot do. So each contact pays its cost once more at a price, the plan
is made again, and the price rises until the plan costs about the budget; what is still above it goes, the least gain
for its money first. The hold-out and the explored slice get their share of the budget, by lots: how much is learned
must not depend on how much there is to spend, and nobody's answer decides who stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np

from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.plan import Plan
from contact_scheduler.learning.slots import BoolArray
from contact_scheduler.learning.worth import Matrix, PerChannel, Worth

DOUBLINGS_MAX: Final = 12
HALVINGS: Final = 6  # the price is then known to a few hundredths, and the ceiling cuts the rest exactly

MakePlan = Callable[[Worth], Plan]


def plan_within(
    make: MakePlan, worth: Worth, money: PerChannel, budget: float | None, lots: Matrix
) -> tuple[Plan, float]:
    """Return a plan that costs at most `budget`, and what one more unit of money would bring in average answers.

    `money` is what a contact costs by channel; `lots` has one even draw in [0, 1) per borrower.
    """
    plan = make(worth)
    spent = _costs(plan, money)
    total = float(spent.sum())
    if budget is None or total <= budget:
        return plan, 0.0
    for_drawn = budget * float(spent[_is_drawn(plan)].sum()) / total
    low, high = 0.0, max(float(plan.value[plan.channel >= 0].sum()), 1e-6) / total
    for _ in range(DOUBLINGS_MAX):
        if _planned_cost(found := make(_priced(worth, money, high)), money) <= budget - for_drawn:
            break
        plan, low, high = found, high, 2.0 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        if _planned_cost(found := make(_priced(worth, money, middle)), money) <= budget - for_drawn:
            high = middle
        else:
            plan, low = found, middle
    return _cut(plan, money, budget, for_drawn, lots), high


def _priced(worth: Worth, money: PerChannel, price: float) -> Worth:
    """Return the worth of contacts that pay for their money."""
    first, second, third = (cost + price * paid for cost, paid in zip(worth.cost, money, strict=True))
    return replace(worth, cost=(first, second, third))


def _costs(plan: Plan, money: PerChannel) -> Matrix:
    """Return what each row costs, 0 without a contact."""
    result: Matrix = np.where(plan.channel >= 0, np.asarray(money)[np.maximum(plan.channel, 0)], 0.0)
    return result


def _is_drawn(plan: Plan) -> BoolArray:
    result: BoolArray = (plan.arm == Arm.CONTROL) | (plan.arm == Arm.EXPLORED)
    return result


def _planned_cost(plan: Plan, money: PerChannel) -> float:
    return float(_costs(plan, money)[~_is_drawn(plan)].sum())


def _cut(plan: Plan, money: PerChannel, budget: float, for_drawn: float, lots: Matrix) -> Plan:
    """Keep drawn rows by lot and planned rows by gain for their money, up to the ceiling."""
    cost = _costs(plan, money)
    has_contact, is_drawn = plan.channel >= 0, _is_drawn(plan)
    gain = np.divide(plan.value, cost, out=np.full(len(cost), np.inf), where=cost > 0.0)
    kept = np.zeros(len(cost), dtype=np.bool_)
    left = budget
    for members, rank, most in ((has_contact & is_drawn, lots, for_drawn), (has_contact & ~is_drawn, -gain, np.inf)):
        rows = np.flatnonzero(members)
        rows = rows[np.argsort(rank[rows], kind="stable")]
        fitting = rows[np.cumsum(cost[rows]) <= min(left, most)]
        kept[fitting] = True
        left -= float(cost[fitting].sum())
    gone = has_contact & ~kept
    return replace(
        plan,
        channel=np.where(gone, np.int8(-1), plan.channel),
        hour=np.where(gone, np.int16(-1), plan.hour),
        arm=np.where(gone, np.int8(Arm.NONE), plan.arm),
        turned_away=plan.turned_away + int((gone & is_drawn).sum()),
    )
