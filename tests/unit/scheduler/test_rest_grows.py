"""Gaps grow while a borrower stays silent, never beyond the longest, and an answer brings the campaign's back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.campaigns import Campaign
from contact_scheduler.contacts import ATTRIBUTION
from contact_scheduler.learning.model import ResponseModel
from contact_scheduler.learning.treatment import Treatment
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning.candidates import Touch, Window, find_eligible
from contact_scheduler.planning.compose import plan_day
from contact_scheduler.planning.lawful import Place
from contact_scheduler.planning.patience import weigh_waiting
from contact_scheduler.planning.request import PlanRequest
from contact_scheduler.planning.rest import GRACE, PEACE_REST, REST_MAX, rest_of, silences, stretch, unanswered
from contact_scheduler.store.planning import LOOK_BACK
from tests.kit.one_borrower import BORROWER, CAMPAIGN, ID, START

DAY = timedelta(days=1)
CAPACITY = np.full((3, 24), 10, dtype=np.int64)
Rest = Callable[[Campaign, Sequence[Touch]], timedelta]


def touch(
    at: datetime, *, has_answered: bool = False, is_settled: bool = True, has_answered_late: bool = False
) -> Touch:
    return Touch(2, at, at.hour, 0.2, False, has_answered, is_settled, has_answered_late=has_answered_late)


def by_silence(campaign: Campaign, touches: Sequence[Touch]) -> timedelta:
    return rest_of(campaign, Treatment.REMIND_GENTLY, BORROWER, silences(unanswered(BORROWER, touches)))


def as_the_campaign_says(campaign: Campaign, touches: Sequence[Touch]) -> timedelta:
    return timedelta(days=campaign.rest_days)


def live(campaign: Campaign, answers: Sequence[bool], days: int, rest: Rest) -> list[datetime]:
    """Return when one borrower is contacted, who answers those contacts that `answers` names and no later one."""
    touches: list[Touch] = []
    for number in range(days):
        tick = START + number * DAY
        known = [
            one._replace(is_settled=True) if one.has_answered or one.at + ATTRIBUTION <= tick else one
            for one in touches
            if one.at > tick - LOOK_BACK
        ]
        window = Window.after(tick, tick + DAY)
        if find_eligible([BORROWER], [rest(campaign, known)], {ID: known}, campaign, window).rows:
            has_answered = len(touches) < len(answers) and answers[len(touches)]
            touches.append(touch(tick + timedelta(hours=8), has_answered=has_answered, is_settled=has_answered))
    return [one.at for one in touches]


@given(rest_days=st.floats(0.5, 60))
def test_gaps_never_shrink_while_silence_goes_on_and_contacts_never_end(rest_days: float) -> None:
    """Over a year: no later gap is shorter, none longer than the cap or the campaign's own, in days of the plan."""
    contacts = live(replace(CAMPAIGN, rest_days=rest_days), [], 365, by_silence)
    gaps = [later - former for former, later in pairwise(contacts)]
    longest = max(REST_MAX, timedelta(days=rest_days))

    assert all(former <= later <= longest + DAY for former, later in pairwise(gaps))
    assert contacts[-1] + longest + 2 * DAY > START + 365 * DAY


@given(
    rest_days=st.floats(0.5, 20), week_max=st.integers(1, 7), answers=st.lists(st.booleans(), max_size=20),
    days=st.integers(1, 200),
)  # fmt: skip
def test_nobody_is_contacted_oftener_or_earlier_than_without_it(
    rest_days: float, week_max: int, answers: list[bool], days: int
) -> None:
    """Whatever is answered: the n-th contact never comes before the one that the campaign's rest alone would bring."""
    campaign = replace(CAMPAIGN, rest_days=rest_days, contacts_a_week_max=week_max)
    longer, plain = (live(campaign, answers, days, rest) for rest in (by_silence, as_the_campaign_says))

    assert len(longer) <= len(plain)
    assert all(later >= former for later, former in zip(longer, plain, strict=False))


@pytest.mark.parametrize(("silent", "days"), [(0, 3), (GRACE, 3), (4, 4.5), (5, 6), (6, 7.5), (7, 9), (8, 9), (60, 9)])
def test_the_rest_grows_from_the_fourth_silence_on_up_to_three_times(silent: int, days: float) -> None:
    """Three days become four and a half, six, seven and a half, nine, and no more."""
    assert timedelta(days=days) == rest_of(CAMPAIGN, Treatment.REMIND_GENTLY, BORROWER, silent)


@given(rest_days=st.floats(0.5, 60), silent=st.integers(0, 50))
def test_no_rest_is_shorter_than_the_campaigns_or_longer_than_both_limits(rest_days: float, silent: int) -> None:
    """The cap for silence never shortens what a campaign asked for, and one silence more never shortens a rest."""
    own = timedelta(days=rest_days)

    assert own <= stretch(own, silent) <= stretch(own, silent + 1) <= max(own, REST_MAX)


def test_a_duty_waits_for_the_campaigns_rest_alone() -> None:
    """What the law asks for does not wait for somebody to answer, nor for peace."""
    duty = replace(BORROWER, is_duty=True)

    assert {3 * DAY} == {rest_of(CAMPAIGN, treatment, duty, 9) for treatment in Treatment}
    assert PEACE_REST == rest_of(CAMPAIGN, Treatment.LEAVE_IN_PEACE, BORROWER, 0)


def test_an_answer_however_late_a_pause_or_a_call_ends_a_run_of_silence() -> None:
    """Only what stayed unanswered since the borrower was last heard of counts, and only what is settled."""
    runs = [touch(START + day * DAY) for day in range(5)]
    now = START + 4.5 * DAY

    assert 5 == silences(unanswered(BORROWER, runs))
    assert 2 == silences(unanswered(BORROWER, [*runs[:2], touch(START + 2 * DAY, has_answered=True), *runs[3:]]))
    assert 2 == silences(unanswered(BORROWER, [*runs[:2], touch(START + 2 * DAY, has_answered_late=True), *runs[3:]]))
    assert 1 == silences(unanswered(replace(BORROWER, rested_until=START + 3.5 * DAY), runs))
    assert 0 == silences(unanswered(BORROWER, runs, [START, now]))
    assert 4 == silences(unanswered(BORROWER, [*runs[:4], touch(START + 4 * DAY, is_settled=False)]))


def test_a_longer_rest_is_not_waiting() -> None:
    """Whoever rests longer for their silence has not waited for a place while they did."""
    touches = [touch(START + number * 3 * DAY) for number in range(7)]
    tick = touches[-1].at + 12 * DAY
    rest = [rest_of(CAMPAIGN, Treatment.REMIND_GENTLY, BORROWER, count) for count in (0, 7)]
    waited = [float(weigh_waiting([BORROWER], [one], {ID: touches}, CAMPAIGN, tick)[0]) for one in rest]

    assert waited[0] > 1.0 == waited[1]


def test_the_plan_leaves_the_silent_alone_for_longer_and_says_why() -> None:
    """Five days after the fifth silence nothing is planned; after six days, or when the best day has come, it is."""
    touches = [touch(START + number * 3 * DAY) for number in range(5)]
    rows = [plan(touches, touches[-1].at + days * DAY) for days in (4, 6)]
    answered = plan([*touches[:-1], touch(touches[-1].at, has_answered=True)], touches[-1].at + 4 * DAY)

    assert [0, 1] == [len(found) for found in rows]
    reason = orjson.loads(rows[1][0][13])  # type: ignore[arg-type]
    assert (5, 6.0, 3.0) == (reason["silent"], reason["rest_days"], reason["own_rest_days"])
    assert "silent" not in orjson.loads(answered[0][13])  # type: ignore[arg-type]


def plan(touches: list[Touch], after: datetime) -> list[tuple[object, ...]]:
    """Plan the day whose tick follows an instant."""
    tick = after.replace(hour=9, minute=5)
    request = PlanRequest(
        campaign=CAMPAIGN, actor="collecting_servicer", policy=None, window=Window.after(tick, tick + DAY),
        candidates=[BORROWER], history={ID: touches}, conversations={},
        places={1: Place(("America/New_York",), ("US-NY",))}, posterior=ResponseModel().for_tenant("t"),
        capacity=CAPACITY, worth=Worth(cost=(0.0, 0.0, 0.0)), seed=1, number=1, start_prices=None,
    )  # fmt: skip
    return plan_day(request).contacts
