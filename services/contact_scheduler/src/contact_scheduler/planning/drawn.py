"""What is logged with a drawn contact (explored or control), so that other policies can be valued by it later.

A policy is valued among twelve options, channel x part of the day. For that a row must say how many cells of each
option were open to it, and which option the model liked best *before* it saw the answer: a model asked afterwards would
be judged by what it has learned from the very same row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from contact_scheduler.learning.explore import OPTIONS, option_of
from contact_scheduler.learning.features import Borrowers
from contact_scheduler.learning.model import Posterior
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, BoolArray, Horizon, LawfulSlots
from contact_scheduler.learning.worth import Worth


class Draw(NamedTuple):
    """One row of a plan and the cell that was drawn for it; `had_place` [CHANNELS, hours] had room at its turn."""

    row: int
    channel: int
    hour: int
    had_place: BoolArray


def describe_draw(
    posterior: Posterior, borrowers: Borrowers, lawful: LawfulSlots, horizon: Horizon, worth: Worth, draw: Draw
) -> dict[str, object]:
    """Return how many cells of each option were open, the option that the model liked best, and the open cells.

    `lost` is what the best of them was expected to bring beyond the drawn one, in average answers.
    """
    row = draw.row
    local = horizon.local_hour[borrowers.zone[row]].astype(np.int64)
    channel = np.repeat(np.arange(CHANNELS), horizon.hours)
    slot = channel * HOURS_PER_WEEK + np.tile(local, CHANNELS)
    is_open = (lawful.patterns[lawful.pattern_of[row]] & draw.had_place).ravel()
    option = option_of(channel, slot % HOURS_PER_WEEK)
    features = np.repeat(borrowers.features[[row]], len(slot), axis=0)
    gain = posterior.probability(features, slot) * np.asarray(worth.of_answer, dtype=np.float32)[channel]
    value = gain - np.asarray(worth.cost, dtype=np.float32)[channel]
    best = int(np.where(is_open, value, -np.inf).argmax())
    return {
        "open": np.bincount(option[is_open], minlength=OPTIONS).tolist(),
        "best": int(option[best]),
        "lost": round(max(0.0, float(value[best] - value[draw.channel * horizon.hours + draw.hour])), 5),
        "cells": write_cells(is_open),
        "first": int(local[0]),
        "hours": horizon.hours,
    }


def write_cells(is_open: BoolArray) -> str:
    """Return cells [CHANNELS, hours] as hexadecimal digits, a bit for each."""
    return np.packbits(is_open).tobytes().hex()


def read_cells(cells: str, hours: int) -> BoolArray:
    """Return the cells [CHANNELS, hours] that were written."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(cells), dtype=np.uint8), count=CHANNELS * hours)
    return bits.astype(np.bool_).reshape(CHANNELS, hours)
