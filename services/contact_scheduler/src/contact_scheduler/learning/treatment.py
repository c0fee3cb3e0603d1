"""From two scores to a treatment: what is offered, never how often.

                     willing                          unwilling
    able             remind gently                    hand to a person
    unable           offer instalments or deferral    leave in peace (information the law requires, a way to get help)

Flags come first: a file in hardship, dispute or litigation goes to a person whatever the scores say.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import BoolArray

ABLE_FROM: Final = 0.5
WILLING_FROM: Final = 0.45
SHORT_OF_ABLE: Final = 0.35  # from here up to ABLE_FROM instalments are within reach; below it only time helps


class Treatment(IntEnum):
    """What to do; numbers are stored and never reused."""

    REMIND_GENTLY = 0
    OFFER_INSTALMENTS = 1
    OFFER_DEFERRAL = 2
    HAND_TO_PERSON = 3
    LEAVE_IN_PEACE = 4


WHY: Final = {
    Treatment.REMIND_GENTLY: "able and willing to pay: a friendly reminder is enough",
    Treatment.OFFER_INSTALMENTS: "willing, and nearly able: smaller steps are within reach",
    Treatment.OFFER_DEFERRAL: "willing, but not able now: time helps, reminders do not",
    Treatment.HAND_TO_PERSON: "able, but not answering or not agreeing, or protected: a person should look at it",
    Treatment.LEAVE_IN_PEACE: "neither able nor willing at present: contact beyond the duty would only do harm",
}


def choose_treatment(
    ability: NDArray[np.float32], willingness: NDArray[np.float32], needs_person: BoolArray
) -> NDArray[np.int8]:
    """Returns a Treatment per loan [n] from two probabilities [n]; `needs_person` [n] comes first.

    An unknown score (NaN) counts as able and willing, the mildest reading.
    """
    able = ~(ability < ABLE_FROM)
    willing = ~(willingness < WILLING_FROM)
    choices = (
        (needs_person, Treatment.HAND_TO_PERSON),
        (able & willing, Treatment.REMIND_GENTLY),
        (able, Treatment.HAND_TO_PERSON),
        (willing & (ability >= SHORT_OF_ABLE), Treatment.OFFER_INSTALMENTS),
        (willing, Treatment.OFFER_DEFERRAL),
    )
    result = np.select([mask for mask, _ in choices], [int(kind) for _, kind in choices], int(Treatment.LEAVE_IN_PEACE))
    return result.astype(np.int8)
