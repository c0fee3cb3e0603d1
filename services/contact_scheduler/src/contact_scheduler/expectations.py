"""What is expected of a contact, step by step: as foreseen when it was planned, and by what is known now.

By what is known now each slot of the plan's day is told that was open to this borrower: channel and hour on the
borrower's clock. A slot that was closed, by law or else, has no forecast: nobody shall be tempted by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import orjson

from contact_scheduler.know_now import Known
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.slots import HOURS_PER_WEEK
from contact_scheduler.planning.drawn import read_cells
from forbear_domain.model import Channel

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Expected:
    """How likely each step of a contact is; None: nobody reports such a thing."""

    delivered: float | None
    answered: float
    right_party: float
    promise: float
    payment: float  # within 14 days
    anyway: float  # the payment, of such borrowers who do not answer

    def words(self, channel: Channel) -> str:
        """Return all of it in one line; a call is no message that arrives, but is taken, if only by a machine."""
        arrives = "call taken" if channel is Channel.VOICE else "delivered"
        shares = [
            "delivery is not reported on this channel" if self.delivered is None else f"{arrives} {self.delivered:.0%}",
            f"answered {self.answered:.0%}",
            f"by the right person {self.right_party:.0%}",
            f"a promise {self.promise:.0%}",
            f"a payment within 14 days {self.payment:.0%}",
        ]
        return f"{', '.join(shares)}; {self.anyway:.0%} would pay without an answer"


class OpenSlot(NamedTuple):
    """A channel and an hour of the week on the borrower's clock, open to this borrower on the plan's day."""

    channel: Channel
    hour_of_week: int  # 0 is Monday 0:00
    expected: Expected


@dataclass(frozen=True, slots=True)
class ExpectedNow:
    """By what is known now, and from how many contacts: closed ones, and those that may still be answered."""

    expected: Expected
    slots: list[OpenSlot]  # the likeliest to be answered first
    at: datetime
    outcomes: int
    still_open: int

    def words(self, channel: Channel) -> str:
        """Return what is expected of the planned contact in one line."""
        return (
            f"by what is known at {self.at:%Y-%m-%d %H:%M:%S} UTC, from {self.outcomes} earlier contacts and "
            f"{self.still_open} that may still be answered: {self.expected.words(channel)}"
        )


def expected_when_planned(row: Any) -> Expected | None:
    """Return what was foreseen of a contact; None of one that was planned before such forecasts were kept."""
    steps = orjson.loads(row["reason"]).get("steps")
    return None if steps is None else Expected(**steps)


def expected_now(row: Any, known: Known) -> ExpectedNow | None:
    """Foresee a planned contact and the other slots it might have had; None where its features cannot be read."""
    if len(row["features"]) != FEATURES * np.dtype(np.float32).itemsize:
        return None
    own = (row["channel"] - 1) * HOURS_PER_WEEK + row["slot"]
    slots = _open_slots(orjson.loads(row["reason"]))
    asked = np.array([own, *slots], dtype=np.int64)
    features = np.repeat(np.frombuffer(row["features"], dtype=np.float32)[None, :], len(asked), axis=0)
    chances = known.funnel.chances(features, asked, known.posterior.probability(features, asked))
    found = [Expected(**chances.document(number)) for number in range(len(asked))]
    told = [
        OpenSlot(Channel(slot // HOURS_PER_WEEK + 1), slot % HOURS_PER_WEEK, expected)
        for slot, expected in zip(slots, found[1:], strict=True)
    ]
    told.sort(key=lambda one: (-one.expected.answered, one.channel, one.hour_of_week))
    return ExpectedNow(found[0], told, known.at, known.outcomes, known.still_open)


def local_time(hour_of_week: int) -> str:
    """Return such as "Tuesday 18:00"."""
    return f"{DAYS[hour_of_week // 24]} {hour_of_week % 24:02d}:00"


def _open_slots(reason: dict[str, Any]) -> list[int]:
    """Return the slots that a plan found open, as channel x 168 + hour of the week; none where it did not keep them."""
    if "cells" not in reason:
        return []
    channel, hour = np.nonzero(read_cells(reason["cells"], reason["hours"]))
    slots: list[int] = (channel * HOURS_PER_WEEK + (reason["first"] + hour) % HOURS_PER_WEEK).tolist()
    return slots
