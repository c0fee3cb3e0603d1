"""`/v1/campaigns/{id}/preflight`: what a campaign would do, before it does it."""

from __future__ import annotations

import uuid
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contact_scheduler.planning.compose import CHANNEL_LABELS
from contact_scheduler.rehearse_campaign import Rehearsal
from contact_scheduler.web.access import Parts, Reader
from contact_scheduler.web.problems import RESPONSES, not_found
from forbear_chassis.postgres import UUID

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"], responses=RESPONSES)

WHY = {
    "paused": "left in peace: opted out everywhere, in hardship, in dispute, paid, or held by a person",
    "open": "a contact is planned or on its way",
    "resting": "contacted so lately, or so often this week, that they rest",
    "unreachable": "no consent and no usable address on any channel of the campaign",
    "unlawful": "no lawful hour is left today, or nobody knows where they are",
    "left_alone": "left alone for two weeks by lot, to tell what contact itself brings",
    "not_worth": "no capacity or money is left today, or no contact is worth making",
}


class SkippedView(BaseModel):
    """Borrowers who would not be contacted on the first day."""

    reason: str = Field(description="short name of the reason")
    borrowers: int = Field(description="how many")
    why: str = Field(description="the reason in words")


class ChannelView(BaseModel):
    """What one channel would carry."""

    channel: str = Field(description="sms, email or voice")
    contacts: int = Field(description="contacts of the first day")
    cost: float = Field(description="what they cost, by the costs of the settings; SMS by parts")


class LoadView(BaseModel):
    """One hour of the first day."""

    at: datetime = Field(description="when the hour begins")
    contacts: dict[str, int] = Field(description="contacts by channel")
    capacity: dict[str, int] = Field(description="what the dispatcher can carry, by channel")


class PreflightView(BaseModel):
    """What would happen if the campaign were started now. The law is asked again before each contact."""

    campaign_id: uuid.UUID = Field(description="the campaign")
    audience: int = Field(description="borrowers of the audience")
    planned: int = Field(description="borrowers who would be contacted on the first day")
    skipped: list[SkippedView] = Field(description="those who would not, and why")
    channels: list[ChannelView] = Field(description="what each channel would carry")
    sms_parts: int = Field(description="parts of all text messages, by texts of usual length")
    load: list[LoadView] = Field(description="hours that bring anything, in order")
    ends_at: datetime | None = Field(description="when the last contact of the first day begins")
    days: int = Field(description="days until everybody who may be was reached once, at this pace")
    deadlines_at_risk: dict[str, int] = Field(
        description="borrowers whose deadline is near: `live_contact`, by the 36th day after each missed due date, and"
        " no call is planned (12 CFR 1024.39(a)); `notice`, by the 45th day or 180 days after the last one, which no"
        " campaign sends (1024.39(b))"
    )


@router.get("/{campaign_id}/preflight", summary="Rehearse a campaign before launch")
async def preflight(campaign_id: uuid.UUID, api: Parts, caller: Reader) -> PreflightView:
    """Say whom a campaign would skip and why, what it would send, cost and load, and when it would be done."""
    campaign = await api.campaigns.find(caller.tenant_id, UUID(campaign_id.bytes))
    if campaign is None:
        raise not_found()
    return to_view(campaign_id, await api.rehearse.of(campaign))


def to_view(campaign_id: uuid.UUID, found: Rehearsal) -> PreflightView:
    """Show a rehearsal."""
    return PreflightView(
        campaign_id=campaign_id, audience=found.audience, planned=found.planned,
        skipped=[
            SkippedView(reason=reason, borrowers=count, why=WHY[reason])
            for reason, count in found.skipped.items() if count
        ],
        channels=[
            ChannelView(channel=label, contacts=contacts, cost=round(cost, 4))
            for label, contacts, cost in zip(CHANNEL_LABELS, found.contacts, found.cost, strict=True)
        ],
        sms_parts=found.parts,
        load=[
            LoadView(
                at=one.at, contacts=dict(zip(CHANNEL_LABELS, one.contacts, strict=True)),
                capacity=dict(zip(CHANNEL_LABELS, one.room, strict=True)),
            )
            for one in found.load
        ],
        ends_at=found.ends_at, days=found.days, deadlines_at_risk=found.deadlines_at_risk,
    )  # fmt: skip
