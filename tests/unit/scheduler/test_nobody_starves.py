"""Nobody starves where places are scarce: whoever has waited comes first in the end, and nobody comes more often."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.learning.model import ResponseModel
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning import compose
from contact_scheduler.planning.candidates import History, Touch, Window
from contact_scheduler.planning.compose import DUTY_WORTH, plan_day
from contact_scheduler.planning.lawful import Place
from contact_scheduler.planning.patience import PATIENCE, WEIGHT_MAX, weigh_waiting
from contact_scheduler.planning.request import PlanRequest
from tests.kit import one_borrower
from tests.kit.one_borrower import BORROWER, ID, START

DAY = timedelta(days=1)
CAMPAIGN = replace(one_borrower.CAMPAIGN, rest_days=1)
BORROWERS, A_DAY, DAYS = 24, 3, 60


def touch(at: datetime, *, has_answered: bool) -> Touch:
    return Touch(2, at, at.hour, 0.2, is_open=False, has_answered=has_answered, is_settled=True)


def live(days: int) -> tuple[History, Counter[UUID]]:
    """Plan day by day with three places; a third of the borrowers always answers, the others never do."""
    people = [replace(BORROWER, borrower_id=UUID(int=100 + number)) for number in range(BORROWERS)]
    answers = {one.borrower_id for one in people[::3]}
    history: History = {
        one.borrower_id: [touch(START - 9 * DAY, has_answered=one.borrower_id in answers)] for one in people
    }
    capacity = np.zeros((3, 24), dtype=np.int64)
    capacity[1, 8] = A_DAY
    reached: Counter[UUID] = Counter()
    posterior = ResponseModel().for_tenant("t")
    for number in range(days):
        tick = START + number * DAY
        planned = plan_day(
            PlanRequest(
                campaign=CAMPAIGN, actor="collecting_servicer", policy=None, window=Window.after(tick, tick + DAY),
                candidates=people, history=history, conversations={},
                places={1: Place(("America/New_York",), ("US-NY",))},
                posterior=posterior, capacity=capacity, worth=Worth(cost=(0.008, 0.0004, 0.014)), seed=1,
                number=number + 1, start_prices=None,
            )
        )  # fmt: skip
        for contact in planned.contacts:
            borrower, at = contact[3], contact[16]
            assert isinstance(borrower, UUID)
            assert isinstance(at, datetime)
            reached[borrower] += 1
            history[borrower].append(touch(at, has_answered=borrower in answers))
    return history, reached


def longest_wait(history: History, days: int) -> float:
    """Return the longest time between two contacts, or until the end, in days."""
    ends = {borrower: [*(one.at for one in touches), START + days * DAY] for borrower, touches in history.items()}
    return max((later - former) / DAY for at in ends.values() for former, later in pairwise(at))


def test_nobody_waits_for_ever_where_three_of_twenty_four_can_be_reached_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly shared, a turn would come every eight days; those who answer come oftener, and nobody waits four weeks."""
    history, reached = live(DAYS)
    answering = [reached[UUID(int=100 + number)] for number in range(0, BORROWERS, 3)]

    assert A_DAY * DAYS == sum(reached.values())
    assert sum(answering) / len(answering) > sum(reached.values()) / BORROWERS
    assert longest_wait(history, DAYS) <= 28.0

    monkeypatch.setattr(compose, "weigh_waiting", lambda rows, *_: np.ones(len(rows), dtype=np.float32))
    assert longest_wait(live(DAYS)[0], DAYS) > 42.0


@given(days=st.floats(0, 400), more=st.floats(0, 30))
def test_waiting_longer_never_counts_less_and_never_as_much_as_a_duty(days: float, more: float) -> None:
    """From one on, unchanged in the first week, twice as much a week later."""
    weights = [
        float(
            weigh_waiting([BORROWER], [DAY], {ID: [touch(START - DAY, has_answered=False)]}, CAMPAIGN, START + wait)[0]
        )
        for wait in (days * DAY, (days + more) * DAY)
    ]

    assert 1.0 <= weights[0] <= weights[1] <= WEIGHT_MAX < DUTY_WORTH
    assert weights[0] == 1.0 or days * DAY > PATIENCE
    assert days * DAY < 2 * PATIENCE or weights[0] > 1.9


def test_whoever_was_left_in_peace_or_fell_behind_lately_has_not_waited() -> None:
    """Waiting begins when nothing else stood in the way."""
    tick = START + 60 * DAY
    lately = replace(BORROWER, past_due_days=5)
    at_peace = replace(BORROWER, rested_until=tick - 3 * DAY)
    found = weigh_waiting([BORROWER, lately, at_peace], [DAY] * 3, {}, CAMPAIGN, tick)

    assert [WEIGHT_MAX, 1.0, 1.0] == found.tolist()
