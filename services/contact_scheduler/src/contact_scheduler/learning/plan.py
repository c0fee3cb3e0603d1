"""The plan of one tenant over one horizon: at most one contact per borrower, within lawful slots and capacity.

Order of service: the hold-out and the explored slice draw first, one after the other among what has a place, so that
their probabilities are exact; then the planned rows share what is left at the best prices, then rows that found
their cell full are repaired. The result depends on nothing but the arguments; `gap` says how far it can be from the
optimum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.assign import Assignment, Lottery
from contact_scheduler.learning.budget import Budget
from contact_scheduler.learning.explore import NO_CELL, gamma_for
from contact_scheduler.learning.features import Borrowers
from contact_scheduler.learning.lots import PURPOSE_GROUP, draw_key
from contact_scheduler.learning.model import Posterior
from contact_scheduler.learning.scoring import Scorer, Tables
from contact_scheduler.learning.slots import CHANNELS, BoolArray, FloatArray, Horizon, IntArray, LawfulSlots
from contact_scheduler.learning.worth import Worth

# Full draws of some 250 coefficients explore far more than is worth while: measured in docs/LEARNING.md.
DRAW_SPREAD: Final = 0.3


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Everything a plan depends on besides data: repeat it with the same options and it repeats to the bit."""

    seed: int
    tick: int  # number of the planning round
    explore_share: float = 0.04  # share of unprotected borrowers whose slot is drawn by inverse-gap weights
    gamma: float | None = None  # sharpness of those weights; None: from the number of outcomes learned
    worth: Worth = field(default_factory=Worth)  # of answers, and cost of contacts, by channel
    budget: Budget | None = None  # ceiling on the money of the plan; None: no limit
    draw_spread: float = DRAW_SPREAD  # of Thompson draws for groups of borrowers (protected ones always get the mean)
    with_second: bool = False  # also name the runner-up of each planned row (a tenth slower; `explain` does it for one)
    start_prices: FloatArray | None = None  # yesterday's prices [CHANNELS, H]


@dataclass(frozen=True, slots=True)
class Plan:
    """One row per borrower, in the order given; -1 where there is no contact.

    `propensity` is the probability of exactly this choice within its arm: 1 for planned rows, the closed form for
    explored and control rows, given what was drawn before their turn, and of an explored contact given that there is
    one (of an explored row without: of "no contact"). Off-policy evaluation uses the latter two.
    """

    channel: NDArray[np.int8]
    hour: NDArray[np.int16]  # index into the horizon
    arm: NDArray[np.int8]
    propensity: FloatArray
    probability: FloatArray  # of a response in the chosen slot, at the posterior mean
    value: FloatArray  # worth of the borrower x of an answer there x probability - cost, before prices
    second_channel: NDArray[np.int8]  # next best cell after prices, for planned rows
    second_hour: NDArray[np.int16]
    prices: FloatArray  # [CHANNELS, H]: what one more place in this cell would bring
    budget_price: float  # what one more unit of money would bring; 0 where the budget does not limit
    bound: float  # no assignment of the planned rows can exceed this total (in drawn values)
    reached: float  # what this plan reaches of it
    turned_away: int  # drawn rows for whom no place, or no money, was left: not contacted, no part of any comparison
    drawn: IntArray  # rows in the order in which they drew
    full_from: NDArray[np.int32]  # [CHANNELS, H]: the turn from which on a cell had no place for a draw

    @property
    def gap(self) -> float:
        """Largest possible loss against the best assignment, as a share of it."""
        return 1.0 - self.reached / self.bound if self.bound > 0.0 else 0.0

    def places_of_draws(self) -> dict[int, BoolArray]:
        """Says by drawn row which cells [CHANNELS, H] had a place when it had its turn; rows of one state share it."""
        found: dict[int, BoolArray] = {}
        changes = set(self.full_from.ravel().tolist())
        for turn, row in enumerate(self.drawn.tolist()):
            if turn == 0 or turn in changes:
                has_place: BoolArray = self.full_from > turn
            found[row] = has_place
        return found


def make_plan(
    posterior: Posterior,
    borrowers: Borrowers,
    lawful: LawfulSlots,
    horizon: Horizon,
    capacity: NDArray[np.int64],
    options: PlanOptions,
    tables: Tables | None = None,
) -> Plan:
    """Plans at most one contact per borrower within `capacity` [CHANNELS, H] (places per cell).

    `tables` choose for some borrowers in the model's place; what is predicted and explained stays the model's.

    Raises ValueError for arrays that do not fit each other, a negative capacity or a repeated id.
    """
    if capacity.shape != (CHANNELS, horizon.hours) or int(capacity.min()) < 0:
        raise ValueError(f"capacity must be {CHANNELS} x {horizon.hours} numbers of places, none negative")
    weights = posterior.plan_weights(options.seed, options.tick, spread=options.draw_spread)
    key = draw_key(options.seed, PURPOSE_GROUP, options.tick)
    scorer = Scorer.of(borrowers, lawful, horizon, weights, options.worth, key=key, tables=tables)
    gamma = gamma_for(posterior.outcomes) if options.gamma is None else options.gamma
    lottery = Lottery(options.seed, options.tick, options.explore_share, gamma)
    start = None if options.start_prices is None else options.start_prices.ravel()
    work = Assignment(
        scorer, capacity.ravel().astype(np.int64), lottery, options.budget, with_second=options.with_second
    )
    work.run(start)
    return _plan(work, scorer, horizon)


def _plan(work: Assignment, scorer: Scorer, horizon: Horizon) -> Plan:
    has_slot = np.flatnonzero(work.cell != NO_CELL)
    probability = np.zeros(len(work.cell), dtype=np.float32)
    probability[has_slot] = scorer.mean_probability(has_slot, work.cell[has_slot])
    value = scorer.borrowers.worth * probability
    value[has_slot] *= scorer.cell_worth[work.cell[has_slot]]
    value[has_slot] -= scorer.cell_cost[work.cell[has_slot]]
    channel, hour = _split(work.cell, horizon.hours)
    second_channel, second_hour = _split(work.second, horizon.hours)
    return Plan(
        channel=channel,
        hour=hour,
        arm=work.arm,
        propensity=work.propensity,
        probability=probability,
        value=value,
        second_channel=second_channel,
        second_hour=second_hour,
        prices=np.where(work.capacity > 0, work.prices.cell, np.float32(np.nan)).reshape(CHANNELS, horizon.hours),
        budget_price=work.prices.money,
        bound=work.bound,
        reached=work.reached,
        turned_away=work.turned_away,
        drawn=np.concatenate(work.drawn),
        full_from=work.places.full_from.reshape(CHANNELS, horizon.hours),
    )


def _split(cell: NDArray[np.signedinteger[Any]], hours: int) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    """Cell number -> channel and hour of the horizon, -1 staying -1."""
    channel, hour = np.divmod(np.arange(CHANNELS * hours), hours)  # looked up, and so not divided a million times
    return np.append(channel, -1).astype(np.int8)[cell], np.append(hour, -1).astype(np.int16)[cell]
