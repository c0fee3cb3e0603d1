"""Paid, not opened: what an answer on each channel is worth, and what a contact costs with its complaints counted in.

A campaign's goal (a payment or a kept arrangement, a promise) is too rare to learn per hour, an answer is not. So the
value of a contact is the chance of an answer times what answers on that channel went on to bring, *beyond* what those
who stayed silent did anyway, less the cost and the price of the complaints that the channel draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import CHANNELS

Matrix = NDArray[np.float64]
PerChannel = tuple[float, float, float]

REACHED_MIN: Final = 30  # goals reached after answers; with fewer all channels count alike
PRIOR_ANSWERS: Final = 50.0  # weight of the mean of all channels, in answers
PRIOR_CONTACTS: Final = 500.0  # weight of the mean rate of complaints, in contacts
COMPLAINT_RATE: Final = 0.003  # before anything is known
WORTH_RANGE: Final = (0.25, 4.0)  # no channel's answers count for less or more than this beside the average


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts per channel, each of length CHANNELS, of contacts old enough for their goal to be reached."""

    contacts: Matrix
    complaints: Matrix
    answered: Matrix
    reached_after_answer: Matrix
    reached_after_silence: Matrix

    @classmethod
    def empty(cls) -> Tally:
        """Return the counts of a tenant that begins."""
        return cls(*(np.zeros(CHANNELS) for _ in range(5)))


@dataclass(frozen=True, slots=True)
class Worth:
    """Per channel: what an answer is worth (the average answer is 1), and what a contact costs in that unit."""

    of_answer: PerChannel = (1.0, 1.0, 1.0)
    cost: PerChannel = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Costs:
    """What the operator sets, in units of an average answer: a contact by each channel, and a complaint."""

    contact: PerChannel = (0.0, 0.0, 0.0)
    complaint: float = 0.0


def weigh_channels(tally: Tally, costs: Costs) -> Worth:
    """Return what contacts are worth by channel."""
    contacts = tally.contacts.sum()
    overall = (tally.complaints.sum() + COMPLAINT_RATE * PRIOR_CONTACTS) / (contacts + PRIOR_CONTACTS)
    complaints = (tally.complaints + overall * PRIOR_CONTACTS) / (tally.contacts + PRIOR_CONTACTS)
    full_cost = np.asarray(costs.contact) + costs.complaint * complaints
    return Worth(_per_channel(_of_answer(tally)), _per_channel(full_cost))


def _of_answer(tally: Tally) -> Matrix:
    reached, answered = tally.reached_after_answer, tally.answered
    if reached.sum() < REACHED_MIN:
        return np.ones(CHANNELS)
    silent = (tally.contacts - answered).sum()
    anyway = tally.reached_after_silence.sum() / silent if silent > 0 else 0.0
    mean = reached.sum() / answered.sum()
    if mean <= anyway:
        return np.ones(CHANNELS)
    share = (reached + mean * PRIOR_ANSWERS) / (answered + PRIOR_ANSWERS)
    result: Matrix = np.clip((share - anyway) / (mean - anyway), *WORTH_RANGE)
    return result


def _per_channel(values: Matrix) -> PerChannel:
    first, second, third = values.tolist()
    return first, second, third
