"""Which hours of the next two days are closed for a borrower, and what closes each: as things stand now."""

from __future__ import annotations

from datetime import datetime

from contact_scheduler.campaigns import Campaign, State
from contact_scheduler.manage_policy import policy_of
from contact_scheduler.planning.candidates import HOUR, Window
from contact_scheduler.planning.closed import Closed, closed_hours
from contact_scheduler.planning.lawful import Calendar, LawfulHours
from contact_scheduler.store import planning
from contact_scheduler.store.campaigns import CampaignStore
from forbear_chassis.postgres import UUID, Pool

HOURS = 48


async def explain_hours(
    pool: Pool, tenant_id: UUID, borrower_id: UUID, campaign_id: UUID | None, now: datetime
) -> list[Closed]:
    """Ask for the campaign given, or else the newest active one; nothing where no campaign means this borrower."""
    campaign = await campaign_or_newest(pool, tenant_id, campaign_id)
    if campaign is None:
        return []
    window = Window.after(now, now + HOURS * HOUR)
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        found = await planning.read_audience(connection, campaign, now, borrower_id)
        if not found:
            return []
        spoken = await planning.read_conversations(connection, tenant_id, now)
        history = await planning.read_history(connection, tenant_id, [borrower_id], now, spoken)
        places = await planning.read_places(connection, {found[0].place_id})
        actor = await planning.read_actor(connection, tenant_id)
        own = await policy_of(connection, tenant_id)
    lawful = LawfulHours(Calendar(window), campaign, actor, own)
    touches = [touch for touch in history.get(borrower_id, []) if touch.at < now]
    others = planning.group_conversations(spoken).get(borrower_id, [])
    return closed_hours(lawful, found[0], places[found[0].place_id], touches, others)


async def campaign_or_newest(pool: Pool, tenant_id: UUID, campaign_id: UUID | None) -> Campaign | None:
    """Return the campaign given, or else the newest active one; None where there is none."""
    store = CampaignStore(pool)
    if campaign_id is not None:
        return await store.find(tenant_id, campaign_id)
    return next((one for one in await store.list(tenant_id) if one.state is State.ACTIVE), None)
