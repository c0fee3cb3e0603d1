"""Some are left alone by lot for two weeks, so that a campaign can tell what contact itself brings.

A hold-out that is served at random says what choosing well is worth, and nothing of those who would have paid unasked.
The lot is cast when a first contact is possible, so that both sides are followed from the same moment. It never falls
on a duty, on a file that needs care, or on somebody who asked for contact or was promised a reminder; it holds for the
two weeks in which the goal is counted, and gives way to each of these. No other campaign contacts them meanwhile, and
the two weeks count as waiting for a place. What answers a borrower never asks the lot: it is not planned here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from contact_scheduler.campaigns import Campaign
from contact_scheduler.learning.lots import PURPOSE_LEFT_ALONE, draw_key, ids_from_bytes, uniform
from contact_scheduler.learning.slots import BoolArray
from contact_scheduler.planning.candidates import Candidate, Window
from forbear_chassis.postgres import UUID

LEFT_ALONE_FOR: Final = timedelta(days=14)  # as long as a goal is counted, and no longer


class Lot(NamedTuple):
    """What a campaign's lot said of one borrower."""

    drawn_at: datetime  # the tick at which a first contact was possible
    is_left_alone: bool


Lots = Mapping[UUID, Lot]


class Before(StrEnum):
    """What comes before a lot."""

    DUTY = "a duty of law"
    CARE = "a file that needs care"
    WISH = "a wish for contact"
    PROMISE = "a promised reminder"


def draw(rows: Sequence[Candidate], can_be_met: BoolArray, known: Lots, campaign: Campaign, seed: int,
         at: datetime) -> dict[UUID, Lot]:  # fmt: skip
    """Return the lots of those who can be met for the first time: each is left alone with the campaign's probability.

    A lot depends on seed, campaign and borrower alone, so a plan that is made again casts the same.
    """
    if not campaign.left_alone_share:
        return {}
    new = [
        one.borrower_id
        for one, can in zip(rows, can_be_met.tolist(), strict=True)
        if can and one.borrower_id not in known and comes_before(one) is None
    ]
    if not new:
        return {}
    key = draw_key(seed, PURPOSE_LEFT_ALONE, int.from_bytes(campaign.campaign_id.bytes[:8], "big"))
    lots = uniform(ids_from_bytes(b"".join(one.bytes for one in new)), key)
    is_left = (lots < campaign.left_alone_share).tolist()
    return {borrower: Lot(at, left) for borrower, left in zip(new, is_left, strict=True)}


def are_left_alone(rows: Sequence[Candidate], lots: Lots, window: Window) -> BoolArray:
    """Return which borrowers a lot leaves without contact in this window."""
    return np.array(
        [
            (lot := lots.get(one.borrower_id)) is not None
            and lot.is_left_alone
            and window.starts_at < lot.drawn_at + LEFT_ALONE_FOR
            and comes_before(one) is None
            for one in rows
        ],
        dtype=np.bool_,
    )


def leave_alone(
    rows: Sequence[Candidate], can_be_met: BoolArray, lots: Lots, elsewhere: Lots, campaign: Campaign, seed: int,
    window: Window,
) -> tuple[dict[UUID, Lot], BoolArray]:  # fmt: skip
    """Return the lots of those who can be met for the first time, and who of `rows` is left alone in this window.

    `lots` are those that the campaign has cast before, `elsewhere` those of the tenant's other campaigns.
    """
    is_held = are_left_alone(rows, elsewhere, window)
    cast = draw(rows, can_be_met & ~is_held, lots, campaign, seed, window.tick_at)
    return cast, can_be_met & (is_held | are_left_alone(rows, {**lots, **cast}, window))


def comes_before(one: Candidate) -> Before | None:
    """Return for what a lot would give way, or None where it holds."""
    if one.is_duty:
        return Before.DUTY
    if one.is_protected:
        return Before.CARE
    has_asked = one.wished_channel is not None or one.wished_hours is not None or one.wished_days != 0
    if has_asked:
        return Before.WISH
    return Before.PROMISE if one.is_promised_reminder else None
