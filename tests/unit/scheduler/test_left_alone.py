"""Whom a lot leaves alone: a share of those who can be met, for two weeks; nobody who needs or asked for contact."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.campaigns import next_plan_at
from contact_scheduler.planning.candidates import Window
from contact_scheduler.planning.left_alone import LEFT_ALONE_FOR, Lot, are_left_alone, draw
from tests.kit.one_borrower import BORROWER, CAMPAIGN, START

DAY = timedelta(days=1)
SOME = replace(CAMPAIGN, left_alone_share=0.2)
PEOPLE = [replace(BORROWER, borrower_id=UUID(int=number * 7_919)) for number in range(1, 2_001)]
NEEDED = [{"is_duty": True}, {"is_protected": True}, {"wished_channel": 2}, {"wished_hours": (9, 12)},
          {"wished_days": 0b1100000}]  # fmt: skip


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
