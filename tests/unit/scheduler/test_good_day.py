"""Whoever rests longer than the campaign says gets their next contact on the best of a few days, and gets it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.model import Posterior, ResponseModel
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning.good_day import DAYS_OF_CHOICE, has_better_day

HOURS = 24
RATES = (0.2, 0.2, 0.5, 0.2, 0.21, 0.1, 0.1)  # Monday to Sunday
EVEN = Worth()


def believes(rates: tuple[float, ...], only: int | None = None) -> Posterior:
    """Return a model that expects these answers by the day of the week, on one channel only or on all."""
    weights = np.full((FEATURES, CHANNELS, HOURS_PER_WEEK), 0.0, dtype=np.float32)
    odds = np.array(rates) / (1 - np.array(rates))
    weights[0] = -6.0
    weights[0, slice(None) if only is None else only] = np.repeat(np.log(odds), HOURS)
    return replace(ResponseModel().for_tenant("t"), weights=weights.reshape(FEATURES, -1))


def waits(posterior: Posterior, day: int, left: int, *, channel: int | None = None, worth: Worth = EVEN) -> bool:
    """Ask for one borrower on a day of the week, with all channels open or one."""
    features = np.zeros((1, FEATURES), dtype=np.float32)
    features[0, 0] = 1.0
    is_open = np.zeros((1, CHANNELS, HOURS), dtype=np.bool_)
    is_open[:, slice(None) if channel is None else channel, 9:20] = True
    hours = (day * HOURS + np.arange(HOURS, dtype=np.int64))[None, :]
    return bool(has_better_day(posterior, features, is_open, hours, np.array([left]), worth)[0])


def test_a_contact_of_sunday_waits_for_wednesday_and_comes_then() -> None:
    """The best of the days within reach is taken; a day that is hardly better is not waited for."""
    model = believes(RATES)

    assert [True, True, True, False, False] == [
        waits(model, day, left) for day, left in ((6, 3), (0, 2), (1, 1), (2, 3), (3, 3))
    ]


def test_a_day_that_lies_too_far_or_on_a_closed_channel_is_not_waited_for() -> None:
    """On Sunday with two days left there is Monday and Tuesday: better than Sunday; with none left it is Sunday."""
    assert [True, False] == [waits(believes(RATES), 6, left) for left in (2, 0)]
    assert [True, False] == [waits(believes(RATES, only=1), 6, 3, channel=channel) for channel in (1, 2)]


def test_where_no_day_pays_its_cost_none_is_waited_for() -> None:
    """A better chance that is worth less than a contact costs is no reason to wait."""
    assert not waits(believes(RATES), 6, 3, worth=Worth(cost=(0.6, 0.6, 0.6)))


@given(rates=st.tuples(*[st.floats(0.01, 0.9)] * 7), day=st.integers(0, 6))
def test_everybody_is_contacted_before_the_days_of_choice_are_over(rates: tuple[float, ...], day: int) -> None:
    """Whatever a model believes, and also where it changes its mind: on the last day nobody waits."""
    taken = next(
        after for after in range(DAYS_OF_CHOICE + 1)
        if not waits(believes(rates), (day + after) % 7, DAYS_OF_CHOICE - after)
    )  # fmt: skip
    reachable = [rates[(day + after) % 7] for after in range(DAYS_OF_CHOICE + 1)]

    assert rates[(day + taken) % 7] * 1.1 >= max(reachable[taken:]) - 1e-3
