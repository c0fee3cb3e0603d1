"""The plan: lawful, within capacity, near the optimum, repeatable, and honest about its draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ortools.graph.python import min_cost_flow

from contact_scheduler.learning import (
    SLOTS,
    Arm,
    Borrowers,
    Feedback,
    Horizon,
    LawfulSlots,
    Plan,
    PlanOptions,
    ResponseModel,
    make_plan,
)
from tests.unit.learning.learning_cases import crowd, even_capacity, posterior

KNOWN = posterior()


def reorder(borrowers: Borrowers, rows: np.ndarray) -> Borrowers:
    return Borrowers(*(getattr(borrowers, name)[rows] for name in Borrowers.__slots__))


def loads(plan: Plan) -> np.ndarray:
    load = np.zeros(plan.prices.shape, dtype=np.int64)
    has = plan.channel >= 0
    np.add.at(load, (plan.channel[has], plan.hour[has]), 1)
    return load


def exact_value(value: np.ndarray, capacity: np.ndarray) -> float:
    """The optimum by OR-tools min-cost flow; values [n, cells], unlawful below zero."""
    flow = min_cost_flow.SimpleMinCostFlow()
    count, cells = value.shape
    sink = count + cells
    rows, columns = np.nonzero(value > 0)
    cost = -np.round(value[rows, columns] * 1e6).astype(np.int64)
    flow.add_arcs_with_capacity_and_unit_cost(rows, count + columns, np.ones(len(rows), np.int64), cost)
    flow.add_arcs_with_capacity_and_unit_cost(
        count + np.arange(cells), np.full(cells, sink), capacity, np.zeros(cells, np.int64)
    )
    flow.set_nodes_supplies(np.arange(count), np.ones(count, np.int64))
    flow.set_node_supply(sink, -count)
    flow.add_arcs_with_capacity_and_unit_cost(
        np.arange(count), np.full(count, sink), np.ones(count, np.int64), np.zeros(count, np.int64)
    )
    assert flow.solve() == flow.OPTIMAL
    return float(-flow.optimal_cost() / 1e6)


def values_of(borrowers: Borrowers, lawful: LawfulSlots, horizon: Horizon) -> np.ndarray:
    """The chance of everybody in every cell at the posterior mean, -1 where unlawful: [n, cells]."""
    rows = np.arange(len(borrowers))
    weights = KNOWN.weights.reshape(-1, 3, 168)[:, :, horizon.local_hour].transpose(2, 0, 1, 3)
    log_odds = np.stack([borrowers.features[row] @ weights[borrowers.zone[row]].reshape(32, -1) for row in rows])
    return np.where(lawful.dense(rows).reshape(len(rows), -1), 1.0 / (1.0 + np.exp(-log_odds)), -1.0)


def test_every_contact_is_lawful_and_no_cell_holds_more_than_its_places() -> None:
    """All three arms, tight capacity, unlawful cells with places to tempt it."""
    borrowers, lawful, horizon = crowd(5_000, control=0.05)
    capacity = np.full((3, 168), 5, dtype=np.int64)

    plan = make_plan(KNOWN, borrowers, lawful, horizon, capacity, PlanOptions(1, 1, explore_share=0.1))

    has = np.flatnonzero(plan.channel >= 0)
    assert lawful.dense(has)[np.arange(len(has)), plan.channel[has], plan.hour[has]].all()
    assert (loads(plan) <= capacity).all()
    assert set(np.unique(plan.arm)) == {Arm.NONE, Arm.PLANNED, Arm.EXPLORED, Arm.CONTROL}


def test_the_gap_stays_small_where_thousands_of_borrowers_are_alike() -> None:
    """More than a sample of them, whom hours and channels move and little else; places for seven in ten, uneven."""
    draw, model = np.random.default_rng(1), ResponseModel()
    borrowers, lawful, horizon = crowd(40_000)
    slot = draw.integers(0, SLOTS, len(borrowers))
    answers = draw.random(len(slot)) < 0.05 + 0.1 * (slot // 168 == 1) + 0.1 * (slot % 24 > 16)
    model.update("acme", Feedback(borrowers.features, slot, answers.astype(np.float32)))
    shape = draw.gamma(2.0, 1.0, (3, 168)) * lawful.patterns.any(axis=0)
    capacity = np.floor(shape / shape.sum() * 28_000).astype(np.int64)

    plan = make_plan(model.for_tenant("acme"), borrowers, lawful, horizon, capacity, PlanOptions(1, 1))

    assert plan.gap < 0.01
    assert loads(plan).sum() >= 0.99 * capacity.sum()


@pytest.mark.parametrize("places", [1_000, 3_000, 20_000])
def test_the_plan_is_within_a_hundredth_of_the_exact_optimum(places: int) -> None:
    """Against OR-tools min-cost flow on the same values: scarce, tight and ample capacity; the printed gap is true."""
    borrowers, lawful, horizon = crowd(3_000)
    capacity = even_capacity(lawful, places)
    options = PlanOptions(1, 1, explore_share=0.0, draw_spread=0.0)

    plan = make_plan(KNOWN, borrowers, lawful, horizon, capacity, options)

    best = exact_value(values_of(borrowers, lawful, horizon), capacity.ravel())
    assert plan.reached <= best * 1.0001
    assert plan.bound >= best * 0.9999
    assert plan.reached >= 0.985 * best
    assert plan.gap <= 0.02


def test_with_room_for_all_everybody_gets_their_best_slot_and_prices_are_nil() -> None:
    """Without scarcity there is nothing to assign: argmax, zero prices, zero gap."""
    borrowers, lawful, horizon = crowd(2_000)
    capacity = np.full((3, 168), 2_000, dtype=np.int64)

    plan = make_plan(KNOWN, borrowers, lawful, horizon, capacity, PlanOptions(1, 1, explore_share=0.0, draw_spread=0.0))

    assert float(np.nanmax(plan.prices)) < 1e-3
    assert plan.gap < 0.01
    assert (plan.arm == Arm.PLANNED).all()


def test_a_plan_repeats_to_the_bit_and_does_not_care_in_which_order_borrowers_come() -> None:
    """Rows shuffled, results follow their borrower; another tick draws other lots."""
    borrowers, lawful, horizon = crowd(3_000, control=0.05)
    capacity = even_capacity(lawful, 1_500)
    shuffled = np.random.default_rng(2).permutation(3_000)
    turned = LawfulSlots(lawful.patterns, lawful.pattern_of[shuffled])

    once = make_plan(KNOWN, borrowers, lawful, horizon, capacity, PlanOptions(1, 1))
    again = make_plan(KNOWN, reorder(borrowers, shuffled), turned, horizon, capacity, PlanOptions(1, 1))
    later = make_plan(KNOWN, borrowers, lawful, horizon, capacity, PlanOptions(1, 2))

    for name in ("channel", "hour", "arm", "propensity", "probability"):
        np.testing.assert_array_equal(getattr(once, name)[shuffled], getattr(again, name))
    assert (once.arm == Arm.EXPLORED).sum() > 0
    assert not np.array_equal(once.arm == Arm.EXPLORED, later.arm == Arm.EXPLORED)
    placed = (once.channel >= 0) & (later.channel >= 0)  # a drawn cell that is full turns its borrower away
    np.testing.assert_array_equal((once.arm == Arm.CONTROL)[placed], (later.arm == Arm.CONTROL)[placed])
    assert (once.arm == Arm.CONTROL)[placed].sum() > 100


def test_protected_borrowers_are_planned_by_the_mean_and_never_drawn() -> None:
    """Even when marked as control and with half of the others explored."""
    borrowers, lawful, horizon = crowd(2_000, control=0.5)
    borrowers = replace(borrowers, is_protected=np.arange(2_000) < 1_000)
    capacity = np.full((3, 168), 2_000, dtype=np.int64)

    plans = [
        make_plan(KNOWN, borrowers, lawful, horizon, capacity, PlanOptions(1, tick, explore_share=0.5))
        for tick in (1, 2)
    ]

    for plan in plans:
        assert (plan.arm[:1_000] == Arm.PLANNED).all()
        assert (plan.propensity[:1_000] == 1.0).all()
    assert (np.abs(plans[0].probability[:1_000] - plans[1].probability[:1_000]) < 0.01).all()


def test_logged_propensities_are_the_frequencies_of_the_draws() -> None:
    """Over 60 ticks of slice and hold-out, 1 / propensity averages to the number of open choices."""
    borrowers, lawful, horizon = crowd(400)
    borrowers = replace(borrowers, is_control=np.arange(400) < 100)
    capacity = np.full((3, 168), 400, dtype=np.int64)
    seen: list[np.ndarray] = []

    for tick in range(60):
        options = PlanOptions(3, tick, explore_share=1.0, gamma=20.0, draw_spread=0.0)
        plan = make_plan(KNOWN, borrowers, lawful, horizon, capacity, options)
        seen.append(np.stack((plan.arm, 1.0 / plan.propensity, plan.channel >= 0)))

    arm, inverse, has_contact = np.array(seen).transpose(1, 0, 2)
    open_cells = lawful.patterns.reshape(len(lawful.patterns), -1).sum(axis=1)[lawful.pattern_of]
    np.testing.assert_allclose(inverse[arm == Arm.CONTROL].mean(), open_cells[:100].mean(), rtol=1e-5)
    # E[1 / p(drawn)] given a contact is the number of open options: channels allowed x day-parts lawful (4).
    is_row = (arm == Arm.EXPLORED) & (has_contact > 0)
    channels = np.broadcast_to(lawful.patterns.any(axis=2).sum(axis=1)[lawful.pattern_of], arm.shape)
    assert is_row.sum() < (arm == Arm.EXPLORED).sum()  # some draw no contact
    np.testing.assert_allclose(inverse[is_row].mean(), (channels[is_row] * 4).mean(), rtol=0.05)


def test_a_price_is_what_one_more_place_brings() -> None:
    """Doubling the places of the dearest cell raises the exact optimum by about price x places at first."""
    borrowers, lawful, horizon = crowd(2_000)
    capacity = even_capacity(lawful, 600)
    options = PlanOptions(1, 1, explore_share=0.0, draw_spread=0.0)
    plan = make_plan(KNOWN, borrowers, lawful, horizon, capacity, options)
    dearest = np.unravel_index(np.nanargmax(plan.prices), plan.prices.shape)
    more = capacity.copy()
    more[dearest] += 3

    richer = make_plan(KNOWN, borrowers, lawful, horizon, more, options)

    gain = richer.bound - plan.bound
    assert gain == pytest.approx(3 * float(plan.prices[dearest]), rel=0.5)


def test_prices_agree_with_the_exact_optimum_about_one_place_more_and_one_less() -> None:
    """OR-tools solves the plan with a place more and with one less in the five dearest cells: each price lies between
    what the one brings and what the other takes, but for a tenth of the dearest price."""
    borrowers, lawful, horizon = crowd(1_000)
    capacity = even_capacity(lawful, 300)
    plan = make_plan(KNOWN, borrowers, lawful, horizon, capacity, PlanOptions(1, 1, explore_share=0.0, draw_spread=0.0))
    value, prices = values_of(borrowers, lawful, horizon), np.nan_to_num(plan.prices).ravel()
    best, slack = exact_value(value, capacity.ravel()), 0.1 * prices.max()

    for cell in np.argsort(-prices)[:5]:
        one = (np.arange(len(prices)) == cell).astype(np.int64)
        brings = exact_value(value, capacity.ravel() + one) - best
        takes = best - exact_value(value, capacity.ravel() - one)
        assert brings - slack <= prices[cell] <= takes + slack
    assert prices.max() > 0.05


def test_yesterdays_prices_lead_to_a_plan_as_good() -> None:
    """Warm and cold prices differ in time, not in quality."""
    borrowers, lawful, horizon = crowd(5_000)
    capacity = even_capacity(lawful, 3_000)
    cold = make_plan(KNOWN, borrowers, lawful, horizon, capacity, PlanOptions(1, 1))

    warm = make_plan(KNOWN, borrowers, lawful, horizon, capacity, PlanOptions(1, 2, start_prices=cold.prices))

    assert warm.gap <= cold.gap + 0.005


def test_a_channel_that_vanished_gets_nothing_and_nobody_gets_two_seats() -> None:
    """No voice lines: no voice contact; no places at all: an empty plan instead of an error."""
    borrowers, lawful, horizon = crowd(1_000)
    no_voice = even_capacity(lawful, 900)
    no_voice[2] = 0

    quiet = make_plan(KNOWN, borrowers, lawful, horizon, no_voice, PlanOptions(1, 1))
    nothing = make_plan(KNOWN, borrowers, lawful, horizon, np.zeros((3, 168), dtype=np.int64), PlanOptions(1, 1))

    assert (quiet.channel != 2).all()
    assert (nothing.channel == -1).all()


def test_impossible_arguments_are_refused() -> None:
    """A repeated id, a negative capacity, an hour 168, a zone without a table: each an error, never a wrong plan."""
    borrowers, lawful, horizon = crowd(10)
    capacity = even_capacity(lawful, 10)

    with pytest.raises(ValueError, match="same id"):
        make_plan(KNOWN, replace(borrowers, ids=np.ones(10, np.uint64)), lawful, horizon, capacity, PlanOptions(1, 1))
    with pytest.raises(ValueError, match="capacity"):
        make_plan(KNOWN, borrowers, lawful, horizon, capacity - 100, PlanOptions(1, 1))
    with pytest.raises(ValueError, match="zone"):
        make_plan(KNOWN, replace(borrowers, zone=borrowers.zone + 40), lawful, horizon, capacity, PlanOptions(1, 1))
    with pytest.raises(ValueError, match="hour of week"):
        Horizon(np.full((1, 24), 168, dtype=np.int16))
