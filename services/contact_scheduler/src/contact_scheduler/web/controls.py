"""`/v1/switches` and `/v1/limits`: a tenant stops and slows its own sending, within seconds, at every dispatcher."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Annotated, Any

import grpc
from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StringConstraints

from contact_scheduler.credentials import Caller
from contact_scheduler.web.access import Api, Parts, Reader, Writer
from contact_scheduler.web.bodies import ChannelName, Strict
from contact_scheduler.web.problems import RESPONSES, Problem, not_found
from forbear.dispatcher.v1 import control_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.postgres import UUID
from forbear_domain.model import Channel

TIMEOUT_S = 55.0  # a switch waits for the calls of providers that are under way, each 30 s at most
Number = Annotated[int, Path(ge=1, lt=2**63)]
Reason = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,64}$")]

router = APIRouter(prefix="/v1", tags=["controls"], responses=RESPONSES)


class SwitchBody(Strict):
    """What to stop. Without campaign and channel: everything of the tenant."""

    campaign_id: uuid.UUID | None = Field(default=None, description="only this campaign")
    channel: ChannelName | None = Field(default=None, description="only this channel")
    reason: Reason = Field(description="short constant for the ledger", examples=["complaints"])


class SwitchView(BaseModel):
    """A switch that is thrown."""

    switch_id: int = Field(description="number of the switch")
    campaign_id: uuid.UUID | None = Field(description="the campaign it stops; absent: every campaign")
    channel: str | None = Field(description="the channel it stops; absent: every channel")
    reason: str = Field(description="why")
    thrown_at: datetime = Field(description="since when")


class LimitBody(Strict):
    """A limit for one campaign, beside those that hold anyway."""

    campaign_id: uuid.UUID = Field(description="the campaign")
    length_s: int = Field(ge=1, le=86_400, description="length of the window in seconds")
    tokens: int = Field(ge=1, le=1_000_000_000, description="SMS parts, mails and calls in any such window")
    reason: Reason = Field(description="short constant for the ledger", examples=["slow_start"])


class LiftBody(Strict):
    """Why something is lifted."""

    reason: Reason = Field(description="short constant for the ledger", examples=["mended"])


class Changed(BaseModel):
    """What was changed."""

    id: int = Field(description="number of the switch or limit")


@router.post("/switches", summary="Stop a campaign, a channel or everything", status_code=201)
async def throw_switch(body: SwitchBody, api: Parts, caller: Writer) -> Changed:
    """Stop sending. When it answers, nothing in the scope can be on its way to a provider any more."""
    if body.campaign_id is not None:
        await own_campaign(api, caller, body.campaign_id)
    named = pb.KillSwitch(
        tenant_id=caller.tenant_id.bytes,
        campaign_id=body.campaign_id.bytes if body.campaign_id else b"",
        channel=types_pb2.Channel.ValueType(Channel[body.channel.upper()] if body.channel else 0),
        reason=body.reason,
    )
    request = pb.ThrowSwitchRequest(request_id=str(uuid.uuid4()), kill_switch=named)
    return Changed(id=(await ask(api.control.ThrowSwitch(request, timeout=TIMEOUT_S))).switch_id)


@router.get("/switches", summary="List the switches that are thrown")
async def list_switches(api: Parts, caller: Reader) -> list[SwitchView]:
    """List the tenant's own switches, oldest first."""
    request = pb.ListSwitchesRequest(tenant_id=caller.tenant_id.bytes)
    answer = await ask(api.control.ListSwitches(request, timeout=TIMEOUT_S))
    return [
        SwitchView(
            switch_id=one.switch_id,
            campaign_id=uuid.UUID(bytes=one.campaign_id) if one.campaign_id else None,
            channel=Channel(one.channel).label if one.channel else None,
            reason=one.reason,
            thrown_at=one.throw_time.ToDatetime(UTC),
        )
        for one in answer.switches
    ]


@router.post("/switches/{switch_id}:lift", summary="Let sending go on")
async def lift_switch(switch_id: Number, body: LiftBody, api: Parts, caller: Writer) -> Changed:
    """Lift one of the tenant's own switches."""
    request = pb.LiftSwitchRequest(
        request_id=str(uuid.uuid4()), switch_id=switch_id, tenant_id=caller.tenant_id.bytes, reason=body.reason
    )
    if not (await ask(api.control.LiftSwitch(request, timeout=TIMEOUT_S))).lifted:
        raise not_found()
    return Changed(id=switch_id)


@router.post("/limits", summary="Slow a campaign", status_code=201)
async def put_limit(body: LimitBody, api: Parts, caller: Writer) -> Changed:
    """Put a limit in force, in place of the campaign's one of the same length."""
    await own_campaign(api, caller, body.campaign_id)
    named = pb.Limit(
        scope=pb.LIMIT_SCOPE_CAMPAIGN, key=str(body.campaign_id), length_s=body.length_s, tokens=body.tokens,
        reason=body.reason,
    )  # fmt: skip
    request = pb.PutLimitRequest(request_id=str(uuid.uuid4()), limit=named)
    return Changed(id=(await ask(api.control.PutLimit(request, timeout=TIMEOUT_S))).limit_id)


@router.post("/limits/{limit_id}:lift", summary="Let a campaign run at full speed again")
async def lift_limit(limit_id: Number, body: LiftBody, api: Parts, caller: Writer) -> Changed:
    """Lift the limit of one of the tenant's own campaigns."""
    listed = await ask(api.control.ListLimits(pb.ListLimitsRequest(), timeout=TIMEOUT_S))
    key = next(
        (one.key for one in listed.limits if (one.limit_id, one.scope) == (limit_id, pb.LIMIT_SCOPE_CAMPAIGN)), ""
    )
    if not key:
        raise not_found()
    await own_campaign(api, caller, uuid.UUID(key))
    request = pb.LiftLimitRequest(request_id=str(uuid.uuid4()), limit_id=limit_id, reason=body.reason)
    await ask(api.control.LiftLimit(request, timeout=TIMEOUT_S))
    return Changed(id=limit_id)


async def own_campaign(api: Api, caller: Caller, campaign_id: uuid.UUID) -> None:
    """Raise Problem 404 where a campaign is not the caller's."""
    if await api.campaigns.find(caller.tenant_id, UUID(campaign_id.bytes)) is None:
        raise not_found()


async def ask(call: Awaitable[Any]) -> Any:
    """Return the dispatcher's answer. Raises Problem where there is none, or it objects to a field."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            raise Problem(504, "in-force", "it is in force; calls of providers under way have not ended yet") from None
        if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
            raise Problem(422, "validation", str(error.details())) from None
        raise Problem(503, "dispatcher-away", "the dispatcher does not answer; send the request again") from None
