"""Which strategy decides for which borrower of a plan: the present one, or the one that is being ramped up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.lots import PURPOSE_RAMP, draw_key, uniform
from contact_scheduler.learning.scoring import Tables
from contact_scheduler.learning.slots import BoolArray
from contact_scheduler.learning.strategies import EVEN, Standing, Table


@dataclass(frozen=True, slots=True)
class Deciding:
    """Who decides at a tick, with the tables that may be needed."""

    standing: Standing = field(default_factory=Standing)
    tables: Sequence[Table] = ()

    def strategy_of(self, ids: NDArray[np.uint64], is_protected: BoolArray, seed: int) -> NDArray[np.str_]:
        """Return the name of the strategy that decides for each borrower; the same borrowers stay in a ramp.

        Nothing is tried out on protected files: what is not fully released does not decide for them.
        """
        standing = self.standing
        lots = uniform(ids, draw_key(seed, PURPOSE_RAMP, crc32(standing.strategy.encode())))
        is_new = (lots < standing.share) & ~(is_protected & (standing.share < 1.0))
        return np.where(is_new, standing.strategy, standing.fallback)

    def weights_for(self, strategy_of: NDArray[np.str_]) -> Tables | None:
        """Return the tables that choose for these borrowers; None where the model chooses for all."""
        used = [table for table in self.tables if (strategy_of == table.name).any()]
        if not used:
            return None
        of = np.full(len(strategy_of), -1, dtype=np.int8)
        for number, table in enumerate(used):
            of[strategy_of == table.name] = number
        return Tables(np.stack([table.weights for table in used]), of)

    @staticmethod
    def is_even(strategy_of: NDArray[np.str_]) -> BoolArray:
        """Return who is served as the control group is."""
        result: BoolArray = strategy_of == EVEN
        return result
