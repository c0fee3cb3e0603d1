"""Creates campaigns, and starts, pauses, resumes and cancels them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from contact_scheduler import hand_over
from contact_scheduler.campaigns import Campaign, State, Verb, first_plan_at, target_state
from contact_scheduler.store.campaigns import cancel_planned, insert_campaign, lock_campaign, set_state
from forbear_chassis.postgres import UUID, Connection

log = structlog.get_logger(__name__)


class CampaignMissing(Exception):
    """The tenant has no such campaign."""


class CampaignRefuses(Exception):
    """The campaign stands where this cannot be done."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


class ManageCampaigns:
    """The use cases behind `/v1/campaigns`. Each works in the caller's transaction; call `wake` after its commit."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    async def create(self, connection: Connection, campaign: Campaign) -> Campaign:
        """Write a campaign as a draft; one with the same id is left as it is."""
        await insert_campaign(connection, campaign)
        return campaign

    async def apply(
        self, connection: Connection, tenant_id: UUID, campaign_id: UUID, verb: Verb, now: datetime
    ) -> Campaign:
        """Change the state of a campaign. A repeat changes nothing.

        Pausing and cancelling recall at the dispatcher what was released and not sent; a cancelled campaign's planned
        contacts are cancelled, a paused one's wait (and expire when their time passes).
        """
        campaign = await lock_campaign(connection, tenant_id, campaign_id)
        if campaign is None:
            raise CampaignMissing
        state = target_state(campaign.state, verb)
        if state is None:
            raise CampaignRefuses(campaign.state)
        if state is campaign.state:
            return campaign
        plan_at = first_plan_at(now, campaign.starts_at) if state is State.ACTIVE else None
        await set_state(connection, campaign, state, plan_at, now)
        if state in (State.PAUSED, State.CANCELLED):
            reason = f"campaign_{state}"
            cause = now.isoformat()
            await hand_over.put(
                connection, hand_over.RECALL, [hand_over.recall_campaign(tenant_id, campaign_id, reason, cause)]
            )
        if state is State.CANCELLED:
            await cancel_planned(connection, campaign, "campaign_cancelled")
        log.info("campaign_changed", campaign_id=str(campaign_id), state=str(state))
        return replace(campaign, state=state, next_plan_at=plan_at)
