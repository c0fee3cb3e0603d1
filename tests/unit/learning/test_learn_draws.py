"""Draws where places are few: every logged probability is true, and nobody goes without while a place is left."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_scheduler.learning import Horizon, LawfulSlots, Plan, PlanOptions, make_plan
from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.draws import NEVER, Places, draw_evenly, draw_in_turn
from contact_scheduler.learning.explore import NO_CELL, OPTIONS, option_of
from contact_scheduler.learning.explored import Explored
from contact_scheduler.learning.scoring import Scorer
from contact_scheduler.learning.slots import DAY_PARTS
from contact_scheduler.planning.drawn import Draw, describe_draw
from tests.unit.learning.learning_cases import crowd, posterior

KNOWN = posterior()
HOURS = 24
PEOPLE, LAWFUL, WEEK = crowd(120, seed=4)
PEOPLE = replace(PEOPLE, is_protected=np.zeros(120, dtype=np.bool_), is_control=np.arange(120) < 80)
DAY = Horizon(WEEK.local_hour[:, :HOURS])
TODAY = LawfulSlots(np.ascontiguousarray(LAWFUL.patterns[:, :, :HOURS]), LAWFUL.pattern_of)
SCARCE = np.array([3, 5, 1])[:, None].repeat(HOURS, axis=1)  # some hundred places for 120 who draw
TRUTH = np.array([0.1, 0.2, 0.5])  # what a contact brings, by channel
TICKS = 150


PLANS = [  # of the same people on many days; all who are not of the hold-out explore
    make_plan(KNOWN, PEOPLE, TODAY, DAY, SCARCE, PlanOptions(2, tick, 1.0, gamma=20.0, draw_spread=0.0))
    for tick in range(TICKS)
]


OPTION = np.stack([option_of(np.arange(3)[:, None], local) for local in DAY.local_hour])  # [zones, 3, HOURS]


@functools.cache
def _had_place(number: int) -> dict[int, np.ndarray]:
    return PLANS[number].places_of_draws()


def had_place(plan: Plan) -> dict[int, np.ndarray]:
    """Which cells had a place, by drawn row."""
    return _had_place(next(number for number, one in enumerate(PLANS) if one is plan))


def open_by_option(plan: Plan, row: int) -> np.ndarray:
    """How many cells of each option were open to a drawn row at its turn."""
    result: np.ndarray = np.bincount(OPTION[PEOPLE.zone[row]][open_cells(plan, row)], minlength=OPTIONS)
    return result


def open_cells(plan: Plan, row: int) -> np.ndarray:
    """What was open to a drawn row at its turn: [3, HOURS]."""
    result: np.ndarray = TODAY.patterns[TODAY.pattern_of[row]] & had_place(plan)[row]
    return result


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 3), min_size=3, max_size=3), st.integers(0, 400))
def test_drawing_by_pieces_is_drawing_one_by_one(seed: int, capacity: list[int], count: int) -> None:
    """Cells, probabilities and turns are those of a queue in which each looks at what the one before has left."""
    draw = np.random.default_rng(seed)
    lots, mask = draw.random(count), draw.random((4, 3, 1)) < 0.7
    lawful = LawfulSlots(mask, draw.integers(0, 4, count).astype(np.int32))
    room = np.array(capacity) * 60
    places = Places(room)

    cell, probability = draw_in_turn(
        np.arange(count), lambda rows: draw_evenly(lawful, rows, lots[rows], places.room > 0), places
    )

    for row in range(count):
        is_open = np.flatnonzero(mask[lawful.pattern_of[row], :, 0] & (room > 0))
        expected = int(is_open[int(lots[row] * len(is_open))]) if len(is_open) else NO_CELL
        assert expected == cell[row]
        assert probability[row] == (1.0 / len(is_open) if len(is_open) else 1.0)
        np.testing.assert_array_equal(room > 0, places.full_from > row)
        if len(is_open):
            room[expected] -= 1
    np.testing.assert_array_equal(room, places.room)


def test_exploring_by_pieces_is_exploring_one_by_one() -> None:
    """Choices kept while cells fill are those that a row alone finds at its turn, among what is left then."""
    weights = KNOWN.plan_weights(1, 1, spread=0.3)
    scorer = Scorer.of(PEOPLE, TODAY, DAY, weights, PlanOptions(1, 1).worth, key=5)
    price = np.random.default_rng(6).random(SCARCE.size).astype(np.float32) * np.float32(0.1)
    queue = np.random.default_rng(7).permutation(120)
    together, alone = Places(SCARCE.ravel() // 2), Places(SCARCE.ravel() // 2)

    cell, chance = draw_in_turn(
        np.arange(120), Explored(scorer, queue, price, together, gamma=20.0, key=8).draw, together
    )

    for turn, row in enumerate(queue):
        expected, probability = Explored(scorer, np.array([row]), price, alone, gamma=20.0, key=8).draw(np.array([0]))
        assert (expected[0], probability[0]) == (cell[turn], pytest.approx(chance[turn], rel=1e-5))
        alone.take(expected)
    assert (together.room == 0).sum() > (SCARCE.ravel() < 2).sum()


def test_a_cell_without_any_place_is_closed_from_the_first_turn_on_and_an_ample_one_never() -> None:
    """Nothing is drawn there, and the log of what was open says so."""
    places = Places(np.array([0, 9, 0]))
    lawful = LawfulSlots(np.ones((1, 3, 1), dtype=np.bool_), np.zeros(5, dtype=np.int32))
    lots = np.linspace(0, 0.99, 5)

    cell, _ = draw_in_turn(np.arange(5), lambda rows: draw_evenly(lawful, rows, lots[rows], places.room > 0), places)

    assert [1] * 5 == cell.tolist()
    assert [0, NEVER, 0] == places.full_from.tolist()


@pytest.mark.parametrize("arm", [Arm.CONTROL, Arm.EXPLORED])
def test_each_option_is_drawn_as_often_as_the_log_says_also_where_places_run_out(arm: Arm) -> None:
    """1 / probability, summed over the contacts of an option, is how often it was open to them: within four deviations.

    Whoever drew "no contact" leaves no row, so the probabilities of exploration are those given a contact.
    """
    drawn, was_open, variance = np.zeros(OPTIONS), np.zeros(OPTIONS), np.zeros(OPTIONS)
    for plan in PLANS:
        for row in np.flatnonzero((plan.arm == arm) & (plan.channel >= 0)):
            is_open = open_by_option(plan, row)
            was_open += is_open > 0
            option = int(OPTION[PEOPLE.zone[row], plan.channel[row], plan.hour[row]])
            share = is_open[option] if arm is Arm.CONTROL else 1.0  # the hold-out logs its cell, not its option
            weight = 1.0 / (plan.propensity[row] * share)
            drawn[option] += weight
            variance[option] += weight * (weight - 1.0)

    tried = was_open > 0
    assert tried.sum() >= 9
    assert (np.abs(drawn - was_open)[tried] <= 4.0 * np.sqrt(variance[tried] + 1.0)).all()


def test_a_rule_is_valued_right_from_the_log_where_places_run_out() -> None:
    """The dearest channel that is open, at an even hour, by the hold-out: both estimates find what it is worth.

    With all drawn at once, and those left out whose cell was full, the same sums were wrong by a quarter.
    """
    reward = weights = worth = rows = 0.0
    for plan in PLANS:
        for row in np.flatnonzero(plan.arm == Arm.CONTROL):
            is_open = open_cells(plan, row)
            best = int(np.flatnonzero(is_open.any(axis=1))[-1])
            worth, rows = worth + TRUTH[best], rows + 1
            if plan.channel[row] == best:
                weight = 1.0 / (is_open[best].sum() * plan.propensity[row])
                reward, weights = reward + weight * TRUTH[best], weights + weight

    assert weights / rows == pytest.approx(1.0, abs=0.06)
    assert reward / weights == pytest.approx(worth / rows, rel=0.04)
    assert reward / rows == pytest.approx(worth / rows, rel=0.06)


def test_a_rule_is_valued_right_from_explored_contacts_although_many_draws_came_to_none() -> None:
    """An open option of the dearest channel, any of them: the weights add up to the contacts, the worth is right.

    Nearly half of these draws are "no contact", which leaves no row. Were it counted in the probabilities, the weights
    would add up to the draws, and the inverse-weighted worth of the rule would be too high by as much.
    """
    reward = weights = worth = 0.0
    rows = 0
    for plan in PLANS:
        for row in np.flatnonzero((plan.arm == Arm.EXPLORED) & (plan.channel >= 0)):
            options = np.flatnonzero(open_by_option(plan, row)) // len(DAY_PARTS)
            worth, rows = worth + TRUTH[options[-1]], rows + 1
            if plan.channel[row] == options[-1]:
                weight = 1.0 / ((options == options[-1]).sum() * float(plan.propensity[row]))
                reward, weights = reward + weight * TRUTH[options[-1]], weights + weight

    draws = sum(int((plan.arm == Arm.EXPLORED).sum()) for plan in PLANS)
    assert rows < 0.6 * draws
    assert weights / rows == pytest.approx(1.0, abs=0.06)
    assert reward / weights == pytest.approx(worth / rows, rel=0.04)
    assert reward / rows == pytest.approx(worth / rows, rel=0.06)


def test_nobody_of_the_hold_out_goes_without_a_contact_while_a_cell_is_open() -> None:
    """Whoever was turned away had nothing left; no cell holds more than its places."""
    for plan in PLANS:
        without = (plan.arm[:80] == Arm.NONE).sum()
        assert without == plan.turned_away
        load = np.zeros((3, HOURS), dtype=np.int64)
        has = plan.channel >= 0
        np.add.at(load, (plan.channel[has], plan.hour[has]), 1)
        assert (load <= SCARCE).all()
        if without:
            row = int(np.flatnonzero(plan.arm[:80] == Arm.NONE)[0])
            assert not open_cells(plan, row).any()


def test_the_log_of_a_draw_says_what_was_open_at_its_turn() -> None:
    """Open cells by option add up to one over the hold-out's probability; the drawn cell was open."""
    plan = PLANS[0]
    for row in np.flatnonzero(plan.arm == Arm.CONTROL):
        draw = Draw(int(row), int(plan.channel[row]), int(plan.hour[row]), had_place(plan)[row])
        log = describe_draw(KNOWN, PEOPLE, TODAY, DAY, PlanOptions(1, 1).worth, draw)
        counts = np.array(log["open"])
        assert (OPTIONS,) == counts.shape
        np.testing.assert_allclose(1.0 / counts.sum(), plan.propensity[row], rtol=1e-6)
        assert open_cells(plan, row)[plan.channel[row], plan.hour[row]]
