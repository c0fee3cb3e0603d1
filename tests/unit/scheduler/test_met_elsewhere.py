"""After two contacts in vain on one channel at one part of the day the next is elsewhere, where it lawfully can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.learning.slots import CHANNELS, DAY_PART_OF_HOUR, LawfulSlots
from contact_scheduler.planning.candidates import Touch
from contact_scheduler.planning.elsewhere import leave_out, tried_in_vain

START = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
HOURS = 24
DAY = np.arange(HOURS, dtype=np.int64)


def run(*cells: tuple[int, int]) -> list[Touch]:
    """Contacts without an answer, by number of the channel and local hour of the week."""
    return [
        Touch(channel, START + timedelta(days=number), slot, 0.1, False, False, True)
        for number, (channel, slot) in enumerate(cells)
    ]


@pytest.mark.parametrize(
    ("touches", "cell"),
    [
        (run(), None),
        (run((1, 17)), None),
        (run((1, 24 + 16), (1, 48 + 17)), (0, 2)),  # two texts, both in an afternoon
        (run((1, 17), (2, 17)), None),
        (run((1, 17), (1, 18)), None),
        (run((1, 17), (3, 9), (3, 10)), (2, 0)),
    ],
)
def test_only_the_latest_two_on_one_channel_and_part_of_the_day_count(
    touches: list[Touch], cell: tuple[int, int] | None
) -> None:
    """Another channel or part between them is another try."""
    assert cell == tried_in_vain(touches)


@given(
    mask=st.lists(st.booleans(), min_size=CHANNELS * HOURS, max_size=CHANNELS * HOURS),
    cell=st.tuples(st.integers(0, CHANNELS - 1), st.integers(0, 3)),
)
def test_nothing_opens_and_nobody_loses_their_last_hour(mask: list[bool], cell: tuple[int, int]) -> None:
    """Whatever is open: the rule only closes, closes nothing but its cell, and never all; other rows stay."""
    slots = np.array(mask, dtype=np.bool_).reshape(1, CHANNELS, HOURS)
    lawful = LawfulSlots.from_dense(np.concatenate((slots, slots)))
    left = leave_out(lawful, [cell, None], np.stack((DAY, DAY))).dense(np.arange(2))
    is_cell = np.zeros((CHANNELS, HOURS), dtype=np.bool_)
    is_cell[cell[0]] = DAY_PART_OF_HOUR == cell[1]
    closed = slots[0] & ~left[0]

    assert (left[1] == slots[0]).all()
    assert not (left[0] & ~slots[0]).any()
    assert not (closed & ~is_cell).any()
    assert left[0].any() == slots[0].any()
    assert not (left[0] & is_cell).any() or not (slots[0] & ~is_cell).any()
