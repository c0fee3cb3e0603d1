"""Whom a lot leaves alone: a share of those who can be met, for two weeks; nobody who needs or asked for contact."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.campaigns import next_plan_at
from contact_scheduler.explain_lot import say_of_lot
from contact_scheduler.learning.model import ResponseModel
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning.candidates import Touch, Window
from contact_scheduler.planning.compose import plan_day
from contact_scheduler.planning.lawful import Place
from contact_scheduler.planning.left_alone import LEFT_ALONE_FOR, Lot, are_left_alone, comes_before, draw
from contact_scheduler.planning.request import PlanRequest, Situation
from tests.kit.one_borrower import BORROWER, CAMPAIGN, START

DAY = timedelta(days=1)
SOME = replace(CAMPAIGN, left_alone_share=0.2)
PEOPLE = [replace(BORROWER, borrower_id=UUID(int=number * 7_919)) for number in range(1, 2_001)]
NEEDED = [{"is_duty": True}, {"is_protected": True}, {"wished_channel": 2}, {"wished_hours": (9, 12)},
          {"wished_days": 0b1100000}, {"is_promised_reminder": True}]  # fmt: skip


def window(day: int) -> Window:
    """The hours that the plan of a day covers."""
    tick = START + day * DAY
    return Window.after(tick, next_plan_at(tick, 9))


def everybody(rows: list[Any], **changes: Any) -> dict[UUID, Lot]:
    """Cast the lots of all of them."""
    return draw(rows, np.ones(len(rows), np.bool_), {}, replace(SOME, **changes), 7, START)


def test_a_fifth_is_left_alone_and_another_fifth_in_another_campaign() -> None:
    """Who is left alone once is not left alone for life."""
    here, there = everybody(PEOPLE), everybody(PEOPLE, campaign_id=UUID(int=1 << 100))
    left = {borrower for borrower, lot in here.items() if lot.is_left_alone}
    also = {borrower for borrower, lot in there.items() if lot.is_left_alone}

    assert len(PEOPLE) == len(here)
    assert 0.2 == pytest.approx(len(left) / len(PEOPLE), abs=0.03)
    assert 0.04 == pytest.approx(len(left & also) / len(PEOPLE), abs=0.015)


@given(st.lists(st.sampled_from(PEOPLE), unique_by=lambda one: one.borrower_id), st.data())
def test_a_lot_is_cast_once_and_hangs_on_nobody_else(rows: list[Any], data: st.DataObject) -> None:
    """In any order, in any part, whoever came before: and what was cast is never cast again."""
    can = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    first = draw(rows, np.array(can, dtype=np.bool_), {}, SOME, 7, START)
    second = draw(rows[::-1], np.ones(len(rows), np.bool_), first, SOME, 7, START + DAY)

    assert {one.borrower_id for one, may in zip(rows, can, strict=True) if may} == set(first)
    assert not set(first) & set(second)
    whole = {borrower: lot.is_left_alone for borrower, lot in everybody(rows).items()}
    assert whole == {borrower: lot.is_left_alone for borrower, lot in (first | second).items()}


@pytest.mark.parametrize("need", NEEDED, ids=str)
def test_a_duty_a_file_that_needs_care_and_a_wish_ask_no_lot_and_end_one(need: dict[str, Any]) -> None:
    """Whether they come before the lot or after it."""
    lots = everybody(PEOPLE)
    needed = [replace(one, **need) for one in PEOPLE]

    assert {} == everybody(needed)
    assert are_left_alone(PEOPLE, lots, window(3)).any()
    assert not are_left_alone(needed, lots, window(3)).any()


def test_nobody_is_left_alone_for_longer_than_the_goal_is_counted() -> None:
    """The plan of the fourteenth day after the lot may contact them, and every earlier one may not."""
    lots = everybody(PEOPLE)
    left = [one for one in PEOPLE if lots[one.borrower_id].is_left_alone]
    days = [int(are_left_alone(left, lots, window(day)).sum()) for day in range(20)]

    assert [len(left)] * LEFT_ALONE_FOR.days + [0] * (20 - LEFT_ALONE_FOR.days) == days


def test_without_a_share_no_lot_is_cast() -> None:
    """That is the default: nobody is left alone whom a lender did not mean to."""
    assert {} == everybody(PEOPLE, left_alone_share=0.0)


ZONES = {1: Place(("America/New_York",), ("US-NY",)), 2: Place((), ())}
TICK = START + 20 * DAY
SOMEBODY = st.fixed_dictionaries(
    {
        "is_duty": st.booleans(), "is_protected": st.booleans(), "is_paused": st.sampled_from([False, False, True]),
        "wished_channel": st.sampled_from([None, None, 2]), "wished_hours": st.sampled_from([None, None, (9, 12)]),
        "wished_days": st.sampled_from([0, 0, 0b1100000]), "place_id": st.sampled_from([1, 1, 1, 2]),
        "is_promised_reminder": st.booleans(),
        "consented": st.sampled_from([0b1110, 0b1110, 0]), "preferred_channel": st.sampled_from([None, 1]),
    }
)  # fmt: skip
CAST = st.none() | st.builds(Lot, st.integers(0, 19).map(lambda day: START + day * DAY), st.booleans())


@given(st.lists(st.tuples(SOMEBODY, CAST, CAST, st.booleans()), min_size=1, max_size=8), st.sampled_from([0.0, 0.2]))
def test_the_explanation_of_one_says_what_the_plan_of_all_does(people: list[Any], share: float) -> None:
    """Whoever they are and whatever was cast: left alone, or met although a lot says otherwise, or neither."""
    campaign = replace(SOME, left_alone_share=share)
    rows = [replace(one, **facts) for one, (facts, *_) in zip(PEOPLE, people, strict=False)]
    lots = {one.borrower_id: lot for one, (_, lot, _, _) in zip(rows, people, strict=True) if lot}
    elsewhere = {one.borrower_id: lot for one, (_, _, lot, _) in zip(rows, people, strict=True) if lot}
    history = {
        one.borrower_id: [Touch(1, TICK - DAY, 10, 0.1, is_open=False, has_answered=False, is_settled=False)]
        for one, (*_, has_touch) in zip(rows, people, strict=True)
        if has_touch
    }
    of_all = Situation(
        campaign=campaign, actor="collecting_servicer", policy=None, window=Window.after(TICK, next_plan_at(TICK, 9)),
        candidates=rows, history=history, conversations={}, places=ZONES, seed=7, lots=lots,
        lots_elsewhere={borrower: lot for borrower, lot in elsewhere.items() if lot.is_left_alone},
    )  # fmt: skip
    planned = plan_day(plan_of(of_all))
    contacted = {contact[3] for contact in planned.contacts}

    told = {one.borrower_id: say_of_lot(campaign, of_one(of_all, one)) for one in rows}
    left = {borrower for borrower, said in told.items() if said is not None and said.is_left_alone}
    gives_way = {borrower: said.words for borrower, said in told.items() if said and not said.is_left_alone}
    assert planned.counts["left_alone"] == len(left)
    assert not left & contacted
    assert set(gives_way) <= contacted
    before = {one.borrower_id: str(comes_before(one)) for one in rows}
    assert all(before[borrower] in words for borrower, words in gives_way.items())


def of_one(everybody: Situation, one: Any) -> Situation:
    """Narrow a situation to one borrower, as whoever asks about one reads it."""

    def only(known: Any) -> Any:
        return {borrower: value for borrower, value in known.items() if borrower == one.borrower_id}

    return replace(
        everybody, candidates=[one], history=only(everybody.history), lots=only(everybody.lots),
        lots_elsewhere=only(everybody.lots_elsewhere),
    )  # fmt: skip


def plan_of(situation: Situation) -> PlanRequest:
    """Give a situation room and a model, so that everybody who can be met is."""
    return PlanRequest(
        **{part.name: getattr(situation, part.name) for part in fields(situation)},
        posterior=ResponseModel().for_tenant("t"), capacity=np.full((3, situation.window.hours), 100), worth=Worth(),
        number=1, start_prices=None,
    )  # fmt: skip
