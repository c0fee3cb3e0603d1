"""A plan's money: never more than the budget, used for what brings most, priced, and drawn contacts by lot."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from contact_scheduler.learning import Arm, Borrowers, Horizon, LawfulSlots, Plan, PlanOptions, make_plan
from contact_scheduler.learning.budget import Budget, within_money
from contact_scheduler.learning.worth import Worth
from tests.unit.learning.learning_cases import crowd, even_capacity, posterior

MONEY = (0.004, 0.0005, 0.02)
PEOPLE, LAWFUL, HORIZON = crowd(300, control=0.2)
CAPACITY = even_capacity(LAWFUL, 300)
KNOWN = posterior()
WORTH = Worth((1.0, 1.0, 1.5), (0.01, 0.002, 0.03))  # complaints count in the cost, and are not paid in money
OPTIONS = PlanOptions(1, 1, worth=WORTH, draw_spread=0.0)


def make(ceiling: float | None) -> Plan:
    options = OPTIONS if ceiling is None else replace(OPTIONS, budget=Budget(ceiling, MONEY))
    return make_plan(KNOWN, PEOPLE, LAWFUL, HORIZON, CAPACITY, options)


def spent(plan: Plan, *arms: Arm) -> float:
    rows = (plan.channel >= 0) & np.isin(plan.arm, arms or list(Arm))
    return math.fsum(np.bincount(plan.channel[rows], minlength=3) * np.asarray(MONEY))


FREE = make(None)


@settings(max_examples=6, deadline=None)
@given(share=st.floats(0.0, 1.3))
@example(share=0.0)
@example(share=1.0)
def test_no_budget_is_ever_exceeded_and_the_hold_out_keeps_its_share_of_it(share: float) -> None:
    """From nothing to more than is needed; with money for all, nothing is changed and money has no price."""
    budget = share * spent(FREE)
    plan = make(budget)

    assert spent(plan) <= budget
    assert spent(plan) >= min(budget, spent(FREE)) - 3 * max(MONEY)
    assert (plan.budget_price > 0.0) == (budget < spent(FREE))
    assert -1e-9 <= plan.gap
    drawn = Arm.CONTROL, Arm.EXPLORED
    assert spent(plan, *drawn) <= spent(FREE, *drawn) / spent(FREE) * budget + 1e-9
    if share >= 1.0:
        np.testing.assert_array_equal(FREE.channel, plan.channel)
        np.testing.assert_array_equal(FREE.hour, plan.hour)


def best_within(
    people: Borrowers, lawful: LawfulSlots, horizon: Horizon, capacity: np.ndarray, ceiling: float
) -> tuple[float, float]:
    """The linear program of the plan, places and money as rows: its optimum, and its own price of money."""
    rows = np.arange(len(people))
    weights = KNOWN.weights.reshape(-1, 3, 168)[:, :, horizon.local_hour].transpose(2, 0, 1, 3)
    log_odds = np.stack([people.features[row] @ weights[people.zone[row]].reshape(32, -1) for row in rows])
    channel = np.arange(3 * 168) // 168
    value = np.asarray(WORTH.of_answer)[channel] / (1.0 + np.exp(-log_odds)) - np.asarray(WORTH.cost)[channel]
    row, cell = np.nonzero(lawful.dense(rows).reshape(len(rows), -1) & (value > 0.0))
    one, at = np.ones(len(row)), np.arange(len(row))
    uses = vstack(
        (
            coo_array((one, (row, at)), shape=(len(rows), len(row))),
            coo_array((one, (cell, at)), shape=(3 * 168, len(row))),
            coo_array((np.asarray(MONEY)[channel[cell]], (np.zeros_like(at), at)), shape=(1, len(row))),
        )
    )
    there_is = np.concatenate((np.ones(len(rows)), capacity.ravel(), [ceiling]))
    found = linprog(-value[row, cell], A_ub=uses, b_ub=there_is, bounds=(0, None), method="highs")
    assert found.success
    return float(-found.fun), float(-found.ineqlin.marginals[-1])


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(1, 1_000), share=st.floats(0.05, 1.0), places=st.integers(40, 400))
def test_a_budget_is_put_to_the_best_use_that_a_linear_program_finds(seed: int, share: float, places: int) -> None:
    """Nobody drawn: what is reached and what is said to be reachable lie on both sides of the program's optimum."""
    people, lawful, horizon = crowd(150, seed=seed)
    capacity = even_capacity(lawful, places)
    options = replace(OPTIONS, explore_share=0.0)
    free = make_plan(KNOWN, people, lawful, horizon, capacity, options)
    ceiling = share * spent(free)

    plan = make_plan(KNOWN, people, lawful, horizon, capacity, replace(options, budget=Budget(ceiling, MONEY)))

    best, price = best_within(people, lawful, horizon, capacity, ceiling)
    assert spent(plan) <= ceiling
    assert plan.reached <= best * 1.0001
    assert plan.bound >= best * 0.9999
    assert plan.reached >= best - price * max(MONEY) - 0.02 * best  # one call's money may be left over
    assert plan.gap <= 0.03 + price * max(MONEY) / best


def test_the_price_of_money_is_what_a_little_more_of_it_brings() -> None:
    """The linear program with a tenth more and a tenth less money: the price lies between."""
    people, lawful, horizon = crowd(500)
    capacity = even_capacity(lawful, 300)
    options = replace(OPTIONS, explore_share=0.0)
    half = spent(make_plan(KNOWN, people, lawful, horizon, capacity, options)) / 2

    plan = make_plan(KNOWN, people, lawful, horizon, capacity, replace(options, budget=Budget(half, MONEY)))

    less, best, more = (best_within(people, lawful, horizon, capacity, half * part)[0] for part in (0.9, 1.0, 1.1))
    step = 0.1 * half
    assert (more - best) / step * 0.97 <= plan.budget_price <= (best - less) / step * 1.03
    assert plan.gap <= 0.01


def test_less_money_makes_the_next_of_it_worth_more() -> None:
    """The price of money falls as there is more of it."""
    prices = [make(part * spent(FREE)).budget_price for part in (0.1, 0.3, 0.7, 1.0)]

    assert prices == sorted(prices, reverse=True)
    assert 0.0 == prices[-1] < prices[-2]


def test_thousands_share_a_budget_within_a_hundredth_of_the_best_use() -> None:
    """More than the sample that finds the prices, and a few cells so small that nobody of the sample asks for them."""
    people, lawful, horizon = crowd(40_000)
    capacity = even_capacity(lawful, 30_000)
    capacity[1, 100:140] = np.minimum(capacity[1, 100:140], 1)
    free = make_plan(KNOWN, people, lawful, horizon, capacity, OPTIONS)

    for share in (0.1, 0.5, 0.95):
        budget = Budget(share * spent(free), MONEY)
        plan = make_plan(KNOWN, people, lawful, horizon, capacity, replace(OPTIONS, budget=budget))
        assert 0.995 * budget.ceiling <= spent(plan) <= budget.ceiling
        assert plan.gap <= 0.01
        is_drawn = (plan.arm == Arm.EXPLORED) & (plan.channel >= 0)
        np.testing.assert_array_equal(free.channel[is_drawn], plan.channel[is_drawn])
        np.testing.assert_array_equal(free.propensity[is_drawn], plan.propensity[is_drawn])


def test_what_was_drawn_does_not_decide_who_of_the_drawn_keeps_a_contact() -> None:
    """Over three rounds of a hold-out of thousands under half the money, each channel is kept as often as drawn."""
    people, lawful, horizon = crowd(6_000, control=0.5)
    capacity = even_capacity(lawful, 12_000)
    drawn, kept = np.zeros(3), np.zeros(3)
    for tick in range(3):
        options = replace(OPTIONS, tick=tick, explore_share=0.0)
        free = make_plan(KNOWN, people, lawful, horizon, capacity, options)
        half = Budget(spent(free) / 2, MONEY)
        plan = make_plan(KNOWN, people, lawful, horizon, capacity, replace(options, budget=half))
        drawn += np.bincount(free.channel[(free.arm == Arm.CONTROL) & (free.channel >= 0)], minlength=3)
        kept += np.bincount(plan.channel[(plan.arm == Arm.CONTROL) & (plan.channel >= 0)], minlength=3)

    np.testing.assert_allclose(kept / drawn, kept.sum() / drawn.sum(), atol=0.04)
    assert 0.4 < kept.sum() / drawn.sum() < 0.6


def test_free_contacts_go_on_without_money_and_duties_lose_theirs_last() -> None:
    """No money at all leaves the channel that costs none; where a little is left, the most urgent have it."""
    urgent = replace(PEOPLE, worth=np.where(np.arange(300) < 10, np.float32(100.0), np.float32(1.0)))
    urgent = replace(urgent, is_protected=np.arange(300) < 10)
    options = replace(OPTIONS, budget=Budget(0.0, (0.01, 0.0, 0.02)))
    broke = make_plan(KNOWN, urgent, LAWFUL, HORIZON, CAPACITY, options)
    little = make_plan(
        KNOWN, urgent, LAWFUL, HORIZON, CAPACITY, replace(options, budget=Budget(0.3, (0.02, 0.02, 0.02)))
    )

    assert {1} == set(np.unique(broke.channel[broke.channel >= 0]))
    assert (broke.channel == 1).sum() > 100
    assert (little.channel[:10] >= 0).all()


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_amounts_that_are_none_are_refused(wrong: float) -> None:
    """A ceiling or a cost below nothing, or no number."""
    with pytest.raises(ValueError, match="from 0 up"):
        Budget(wrong, MONEY)
    with pytest.raises(ValueError, match="from 0 up"):
        Budget(1.0, (0.1, wrong, 0.1))


@given(
    st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 1.0)), max_size=30),
    st.floats(0.0, 40.0),
)
def test_contacts_are_kept_from_the_lowest_rank_on_until_the_first_that_does_not_fit(
    contacts: list[tuple[float, float]], most: float
) -> None:
    """What is kept fits; everything of lower rank than the first that went was kept."""
    cost, rank = np.array(contacts, dtype=np.float64).reshape(-1, 2).T

    kept = within_money(cost, rank, most)

    assert cost[kept].sum() <= most + 1e-9
    if not kept.all():
        first = rank[~kept].min()
        assert kept[rank < first].all()
        assert not kept[rank > first].any()
