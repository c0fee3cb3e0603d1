"""Signatures first: the plan of one tenant over one horizon (implementation follows)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.features import Borrowers
from contact_scheduler.learning.slots import FloatArray, Horizon, LawfulSlots

NO_SLOT = -1


class Arm(IntEnum):
    """Which of the three rules chose a row of the plan."""

    NONE = 0  # nothing lawful, nothing worth doing, or no capacity left
    PLANNED = 1  # best value after prices; propensity 1 given model, prices and tick
    EXPLORED = 2  # the randomised slice; propensity exact
    CONTROL = 3  # the hold-out: uniform over its lawful slots; propensity exact


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Everything a plan depends on besides data: repeat it with the same options and it repeats to the bit."""

    seed: int
    tick: int  # number of the planning round
    explore_share: float = 0.04  # share of unprotected borrowers whose slot is drawn by inverse-gap weights
    gamma: float = 30.0  # sharpness of the inverse-gap weights
    cost: tuple[float, float, float] = (0.0, 0.0, 0.0)  # of one contact by SMS, e-mail, voice, in the unit of worth
    budget: float | None = None  # ceiling on the total cost of the plan
    draw_posterior: bool = True  # Thompson draws for groups of borrowers (protected ones always get the mean)
    start_prices: FloatArray | None = None  # yesterday's prices [3, H]


@dataclass(frozen=True, slots=True)
class Plan:
    """One row per borrower, in the order given; -1 and NaN where there is no contact."""

    channel: NDArray[np.int8]
    hour: NDArray[np.int16]  # index into the horizon
    arm: NDArray[np.int8]
    propensity: FloatArray
    probability: FloatArray  # of a response in the chosen slot, posterior mean or group draw
    value: FloatArray  # worth x probability - cost, before prices
    second_channel: NDArray[np.int8]
    second_hour: NDArray[np.int16]
    prices: FloatArray  # [3, H]: what one more place in this cell would bring
    budget_price: float  # what one more unit of budget would bring
    bound: float  # dual bound of the planned rows' total value
    gap: float  # 1 - reached / bound


def make_plan(
    posterior: object,
    borrowers: Borrowers,
    lawful: LawfulSlots,
    horizon: Horizon,
    capacity: NDArray[np.int64],
    options: PlanOptions,
) -> Plan:
    """Plans at most one contact per borrower within `capacity` [3, H]."""
    raise NotImplementedError
