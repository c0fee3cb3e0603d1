"""What is logged with a drawn contact (explored or control), so that other policies can be valued by it later.

A policy is valued among twelve options, channel x part of the day. For that a row must say how many cells of each
option were open to it, and which option the model liked best *before* it saw the answer: a model asked afterwards would
be judged by what it has learned from the very same row.
"""

from __future__ import annotations

import numpy as np

from contact_scheduler.learning.explore import OPTIONS, option_of
from contact_scheduler.learning.features import Borrowers
from contact_scheduler.learning.model import Posterior
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, BoolArray, Horizon, LawfulSlots
from contact_scheduler.learning.worth import Worth


def describe_draw(
    posterior: Posterior,
    borrowers: Borrowers,
    lawful: LawfulSlots,
    horizon: Horizon,
    had_place: BoolArray,
    worth: Worth,
    row: int,
) -> dict[str, object]:
    """Return how many cells of each option were open, the option that the model liked best, and the open cells.

    `had_place` [CHANNELS, hours] says which cells had a place when the row had its turn (`Plan.had_place`).
    """
    local = horizon.local_hour[borrowers.zone[row]].astype(np.int64)
    channel = np.repeat(np.arange(CHANNELS), horizon.hours)
    slot = channel * HOURS_PER_WEEK + np.tile(local, CHANNELS)
    is_open = (lawful.patterns[lawful.pattern_of[row]] & had_place).ravel()
    option = option_of(channel, slot % HOURS_PER_WEEK)
    features = np.repeat(borrowers.features[[row]], len(slot), axis=0)
    gain = posterior.probability(features, slot) * np.asarray(worth.of_answer, dtype=np.float32)[channel]
    value = gain - np.asarray(worth.cost, dtype=np.float32)[channel]
    best = int(np.where(is_open, value, -np.inf).argmax())
    return {
        "open": np.bincount(option[is_open], minlength=OPTIONS).tolist(),
        "best": int(option[best]),
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
