"""A ceiling on the money of one plan, and who keeps a contact where the money ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from contact_scheduler.learning.slots import BoolArray, FloatArray
from contact_scheduler.learning.worth import Matrix, PerChannel


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that the contacts of one plan may cost, and what each costs by channel, in one unit of money.

    Raises ValueError for amounts that are negative or no number.
    """

    ceiling: float
    money: PerChannel

    def __post_init__(self) -> None:
        if not all(math.isfinite(amount) and amount >= 0.0 for amount in (self.ceiling, *self.money)):
            raise ValueError("a budget and the costs of contacts must be numbers from 0 up")


def within_money(cost: Matrix, rank: Matrix | FloatArray, most: float) -> BoolArray:
    """Marks which contacts are kept where they are taken in the order of `rank`, lowest first, up to `most` in all.

    The first that does not fit ends it, so that no cheap one jumps the queue: where ranks are lots, whether somebody is
    kept hangs on the lot and not on what was drawn for them.
    """
    order = np.argsort(rank, kind="stable")
    kept = np.zeros(len(cost), dtype=np.bool_)
    kept[order] = np.cumsum(cost[order]) <= most
    return kept
