"""`/v1/campaigns`: create, list, show, start, pause, resume, cancel."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contact_scheduler.campaigns import Audience, Campaign, State, Verb
from contact_scheduler.manage_campaigns import CampaignMissing, CampaignRefuses
from contact_scheduler.portfolio.columns import STATES
from contact_scheduler.web import once
from contact_scheduler.web.access import Parts, Reader, Writer
from contact_scheduler.web.bodies import ChannelName, Instant, Strict
from contact_scheduler.web.problems import RESPONSES, Problem, not_found
from forbear_chassis.postgres import UUID, Connection
from forbear_domain import ids
from forbear_domain.model import Channel

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"], responses=RESPONSES)


def _known_state(code: str) -> str:
    if code not in STATES:
        raise ValueError("use two-letter codes of states, such as NY")
    return code


class AudienceBody(Strict):
    """Who is in the campaign. Empty lists do not narrow."""

    products: list[Literal["mortgage", "loan", "card"]] = Field(default_factory=list, description="kinds of loan")
    regions: list[Annotated[str, AfterValidator(_known_state)]] = Field(
        default_factory=list, max_length=60, description="states of residence, such as NY"
    )
    languages: list[Literal["en", "es", "zh-Hans", "zh-Hant"]] = Field(
        default_factory=list, description="languages of the borrowers"
    )
    past_due_days_min: int = Field(default=1, ge=0, le=36_500, description="days past due, at least")
    past_due_days_max: int | None = Field(default=None, ge=0, le=36_500, description="days past due, at most")
    past_due_min_minor: int = Field(default=1, ge=1, le=10**15, description="amount past due in minor units, at least")


class CadenceBody(Strict):
    """How often a borrower is contacted at most. The law may allow less, never more than this."""

    rest_days: float = Field(
        default=3,
        ge=0.5,
        le=60,
        description="days of rest after each contact, counted in days of the plan; from the fourth contact in a row "
        "without an answer on half as much more each time, up to three times as much or 14 days",
    )
    contacts_a_week_max: int = Field(
        default=2, ge=1, le=7, description="contacts in any seven days of the borrower's calendar, all channels"
    )


class HoursBody(Strict):
    """Hours on the borrower's clock between which contacts may start; narrowed further by law."""

    start: int = Field(default=8, ge=0, le=23, description="first hour")
    end: int = Field(default=21, ge=1, le=24, description="first hour that is too late")


class CampaignBody(Strict):
    """A campaign to create."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "March reminders",
                "audience": {"products": ["mortgage"], "past_due_days_min": 5},
                "channels": ["sms", "email", "voice"],
                "cadence": {"rest_days": 3, "contacts_a_week_max": 2},
                "control_share": 0.1,
            }
        },
    )

    name: str = Field(min_length=1, max_length=120, description="name shown on the console")
    goal: Literal["payment", "promise", "contact"] = Field(default="payment", description="what counts as success")
    audience: AudienceBody = Field(default_factory=AudienceBody, description="who is in it")
    channels: list[ChannelName] = Field(
        default=["sms", "email", "voice"],
        min_length=1,
        max_length=3,
        description="channels that may be used",
    )
    cadence: CadenceBody = Field(default_factory=CadenceBody, description="how often at most")
    hours: HoursBody = Field(default_factory=HoursBody, description="when at most")
    control_share: float = Field(
        default=0.1, ge=0, le=0.5, description="share served at random, to measure learning by"
    )
    left_alone_share: float = Field(
        default=0,
        ge=0,
        le=0.2,
        description="share of borrowers whom a lot leaves without contact for two weeks from "
        "the day on which a first one is possible, to measure what contact itself brings; never a duty, a file that "
        "needs care, or somebody who asked for contact or was promised a reminder",
    )
    budget_a_day: float | None = Field(
        default=None,
        gt=0,
        le=1e9,
        allow_inf_nan=False,
        description="most that the contacts of one plan's day may cost, in the unit of the operator's cost settings, a "
        "text counted as one part; absent: no limit",
    )
    starts_at: Instant | None = Field(default=None, description="when planning begins; absent: at once")
    ends_at: Instant | None = Field(default=None, description="when it ends; absent: when it is cancelled")

    @model_validator(mode="after")
    def _check_order(self) -> CampaignBody:
        if self.hours.start >= self.hours.end:
            raise ValueError("hours.start must be before hours.end")
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ValueError("starts_at must be before ends_at")
        return self


class CampaignView(BaseModel):
    """A campaign as it stands."""

    campaign_id: uuid.UUID = Field(description="id of the campaign")
    name: str = Field(description="name")
    goal: str = Field(description="what counts as success")
    state: State = Field(description="draft, active, paused, cancelled or completed")
    audience: AudienceBody = Field(description="who is in it")
    channels: list[ChannelName] = Field(description="channels that may be used")
    cadence: CadenceBody = Field(description="how often at most")
    hours: HoursBody = Field(description="when at most")
    control_share: float = Field(description="share served at random")
    left_alone_share: float = Field(description="share left without contact for two weeks by lot")
    budget_a_day: float | None = Field(description="most that the contacts of a day may cost; absent: no limit")
    starts_at: datetime = Field(description="when planning begins")
    ends_at: datetime | None = Field(description="when it ends")
    next_plan_at: datetime | None = Field(description="when it is planned next; absent unless active")
    created_at: datetime = Field(description="when it was created")


@router.post("", summary="Create a campaign", status_code=201, response_model=CampaignView)
async def create_campaign(
    body: CampaignBody, request: Request, api: Parts, caller: Writer, key: once.KeyHeader = None
) -> Response:
    """Create a campaign as a draft; start it with `:start`."""

    async def act(connection: Connection) -> tuple[int, BaseModel]:
        campaign = draft_of(body, caller.tenant_id, key or once.fresh_key(), api.clock.now())
        return 201, to_view(await api.manage_campaigns.create(connection, campaign))

    return await once.answer_once(api, request, caller.tenant_id, key, act)


@router.get("", summary="List the campaigns")
async def list_campaigns(api: Parts, caller: Reader) -> list[CampaignView]:
    """List the campaigns of the tenant, newest first."""
    return [to_view(campaign) for campaign in await api.campaigns.list(caller.tenant_id)]


@router.get("/{campaign_id}", summary="Show one campaign")
async def show_campaign(campaign_id: uuid.UUID, api: Parts, caller: Reader) -> CampaignView:
    """Show one campaign."""
    campaign = await api.campaigns.find(caller.tenant_id, UUID(campaign_id.bytes))
    if campaign is None:
        raise not_found()
    return to_view(campaign)


@router.post(
    "/{campaign_id}:{verb}",
    summary="Start, pause, resume or cancel a campaign",
    response_model=CampaignView,
    description="`start` plans at once what is left of the day and then daily; `pause` takes back what was released "
    "and not sent; `resume` goes on; `cancel` ends it for good. Repeating a verb changes nothing.",
)
async def change_campaign(campaign_id: uuid.UUID, verb: Verb, api: Parts, caller: Writer) -> CampaignView:
    """Change the state of a campaign."""
    try:
        async with api.pool.acquire() as connection, connection.transaction():
            campaign = await api.manage_campaigns.apply(
                connection, caller.tenant_id, UUID(campaign_id.bytes), verb, api.clock.now()
            )
    except CampaignMissing:
        raise not_found() from None
    except CampaignRefuses as error:
        raise Problem(409, "wrong-state", f"the campaign is {error.state}; {verb} is not possible from there") from None
    api.manage_campaigns.wake()
    return to_view(campaign)


def draft_of(body: CampaignBody, tenant_id: UUID, key: str, now: datetime) -> Campaign:
    """Make the draft that a body asks for; a key makes the same id in each run."""
    audience = body.audience
    return Campaign(
        tenant_id=tenant_id, campaign_id=UUID(ids.campaign_id(tenant_id, key).bytes), name=body.name, goal=body.goal,
        audience=Audience(
            tuple(audience.products), tuple(audience.regions), tuple(audience.languages), audience.past_due_days_min,
            audience.past_due_days_max, audience.past_due_min_minor,
        ),
        channels=tuple(sorted({Channel[name.upper()] for name in body.channels})),
        rest_days=body.cadence.rest_days, contacts_a_week_max=body.cadence.contacts_a_week_max,
        control_share=body.control_share, hour_start=body.hours.start, hour_end=body.hours.end,
        starts_at=(body.starts_at or now).astimezone(UTC), ends_at=body.ends_at and body.ends_at.astimezone(UTC),
        state=State.DRAFT, next_plan_at=None, created_at=now, budget_a_day=body.budget_a_day,
        left_alone_share=body.left_alone_share,
    )  # fmt: skip


def to_view(campaign: Campaign) -> CampaignView:
    """Show a campaign."""
    audience = campaign.audience
    return CampaignView(
        campaign_id=campaign.campaign_id, name=campaign.name, goal=campaign.goal, state=campaign.state,
        audience=AudienceBody(
            products=list(audience.products), regions=list(audience.regions), languages=list(audience.languages),  # type: ignore[arg-type]
            past_due_days_min=audience.past_due_days_min, past_due_days_max=audience.past_due_days_max,
            past_due_min_minor=audience.past_due_min_minor,
        ),
        channels=[channel.label for channel in campaign.channels],  # type: ignore[misc]
        cadence=CadenceBody(rest_days=campaign.rest_days, contacts_a_week_max=campaign.contacts_a_week_max),
        hours=HoursBody(start=campaign.hour_start, end=campaign.hour_end),
        control_share=round(campaign.control_share, 6), starts_at=campaign.starts_at, ends_at=campaign.ends_at,
        next_plan_at=campaign.next_plan_at, created_at=campaign.created_at, budget_a_day=campaign.budget_a_day,
        left_alone_share=campaign.left_alone_share,
    )  # fmt: skip
