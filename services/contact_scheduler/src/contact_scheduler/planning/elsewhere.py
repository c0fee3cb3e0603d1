"""Whoever let contacts pass on one channel at one part of the day is next met on another, or at another time.

A model that expects most of the same hour asks there again and again. What is left out is left out before anything is
chosen or drawn, so the probabilities of what is drawn stay exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from contact_scheduler.learning.slots import DAY_PART_OF_HOUR, IntArray, LawfulSlots
from contact_scheduler.planning.candidates import Touch

TIMES: Final = 2  # in a row, without an answer, on one channel and part of the day
HOURS_A_DAY: Final = 24
Cell = tuple[int, int]  # column of the channel, part of the day


def tried_in_vain(run: Sequence[Touch]) -> Cell | None:
    """Return the channel and part of the day of the latest contacts without an answer, where they all had the same."""
    if len(run) < TIMES:
        return None
    cells = {(touch.channel - 1, int(DAY_PART_OF_HOUR[touch.slot % HOURS_A_DAY])) for touch in run[-TIMES:]}
    return cells.pop() if len(cells) == 1 else None


def leave_out(lawful: LawfulSlots, cells: Sequence[Cell | None], local_hour: IntArray) -> LawfulSlots:
    """Return what is open to each row without its cell, where anything else is open; `local_hour` is [n, H].

    A wish has narrowed what is open before, and is kept: a borrower who asked for one channel stays on it.
    """
    touched = np.array([row for row, cell in enumerate(cells) if cell is not None], dtype=np.int64)
    if not len(touched):
        return lawful
    slots = lawful.dense(touched)
    wanted = np.array([cell for cell in cells if cell is not None], dtype=np.int64)
    channel, part = wanted[:, 0], wanted[:, 1]
    is_cell = np.zeros_like(slots)
    parts: IntArray = DAY_PART_OF_HOUR[local_hour[touched] % HOURS_A_DAY].astype(np.int64)
    is_cell[np.arange(len(touched)), channel] = np.equal(parts, part[:, None])
    without = slots & ~is_cell
    has_other = np.array([one.any() for one in without], dtype=np.bool_)
    left = LawfulSlots.from_dense(np.where(has_other[:, None, None], without, slots))
    pattern_of = lawful.pattern_of.copy()
    pattern_of[touched] = left.pattern_of + len(lawful.patterns)
    return LawfulSlots(np.concatenate((lawful.patterns, left.patterns)), pattern_of)
