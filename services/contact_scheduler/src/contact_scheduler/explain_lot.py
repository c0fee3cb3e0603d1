"""Whether the next plan leaves a borrower alone by lot, and what a lot gives way to: asked of the plan's own sift."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from contact_scheduler.campaigns import Campaign
from contact_scheduler.plan_day import PlanDay
from contact_scheduler.planning.left_alone import LEFT_ALONE_FOR, Lot, comes_before
from contact_scheduler.planning.request import Situation
from contact_scheduler.planning.sift import sift
from contact_scheduler.store.campaigns import CampaignStore
from forbear_chassis.postgres import UUID, Pool


class Said(NamedTuple):
    """What one campaign's next plan does about a lot."""

    is_left_alone: bool
    words: str


async def explain_lot(pool: Pool, plan: PlanDay, tenant_id: UUID, borrower_id: UUID, now: datetime) -> list[Said]:
    """Ask each active campaign; nothing where it would not contact the borrower anyway, or no lot is in force."""
    said = []
    for campaign in await CampaignStore(pool).list_active(tenant_id):
        window = plan.next_window(campaign, now)
        if window is None:
            continue
        async with pool.acquire() as connection, connection.transaction(readonly=True):
            situation = await plan.situation(connection, campaign, window, borrower_id)
        if (found := say_of_lot(campaign, situation)) is not None:
            said.append(found)
    return said


def say_of_lot(campaign: Campaign, situation: Situation) -> Said | None:
    """Say what a plan of one borrower does about a lot."""
    sifted = sift(situation)
    if not sifted.people:
        return None
    one, is_left_alone = sifted.people[0], bool(sifted.is_left_alone[0])
    lot = _in_force(situation, sifted.lots)
    if lot is None or not (is_left_alone or sifted.is_met[0]):
        return None
    until, name = f"{lot.drawn_at + LEFT_ALONE_FOR:%Y-%m-%d}", repr(campaign.name)
    if is_left_alone:
        words = (
            f"a lot leaves the borrower alone until {until} in the campaign {name}, so that we can tell what contact "
            "itself brings; a duty, a reason for care, a wish for contact or a promised reminder comes before it"
        )
    else:
        words = (
            f"a lot that leaves the borrower alone until {until} gives way to {comes_before(one)}: "
            f"the campaign {name} plans as for others"
        )
    return Said(is_left_alone, words)


def _in_force(situation: Situation, cast: dict[UUID, Lot]) -> Lot | None:
    """Return the latest lot that has not run out when the plan's hours begin."""
    every = [*situation.lots.values(), *situation.lots_elsewhere.values(), *cast.values()]
    lots = [lot for lot in every if lot.is_left_alone and situation.window.starts_at < lot.drawn_at + LEFT_ALONE_FOR]
    return max(lots, default=None)
