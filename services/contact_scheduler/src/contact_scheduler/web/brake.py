"""`/v1/brake`: what a tenant or a campaign tolerates before the brake slows or stops a template, within bounds."""

from __future__ import annotations

import uuid
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contact_scheduler.web.access import Parts, Reader, Writer
from contact_scheduler.web.bodies import Strict
from contact_scheduler.web.controls import TIMEOUT_S, Reason, ask, own_campaign
from contact_scheduler.web.problems import RESPONSES
from forbear.dispatcher.v1 import control_service_pb2 as pb

SignalName = Literal["opted_out", "complained", "wrong_party", "filtered", "unanswered"]

router = APIRouter(prefix="/v1/brake", tags=["controls"], responses=RESPONSES)


class ToleranceBody(Strict):
    """What to tolerate."""

    tolerated: float | None = Field(
        default=None, gt=0, lt=1, description="share of contacts; absent: what holds otherwise", examples=[0.02]
    )
    campaign_id: uuid.UUID | None = Field(
        default=None, description="for this campaign; absent: for every campaign that has none of its own"
    )
    reason: Reason = Field(description="short constant for the ledger", examples=["cautious_start"])


class ToleranceView(BaseModel):
    """What is tolerated of one signal."""

    signal: str = Field(description="what hurts")
    tolerated: float = Field(description="share of contacts that is tolerated")
    least: float = Field(description="the least that may be set")
    most: float = Field(description="the most that may be set")
    reason: str = Field(description="why it was set; empty: it is what the brake begins with")
    campaign_id: uuid.UUID | None = Field(description="the campaign it was set for; absent: it holds for the tenant")


@router.get("", summary="List what the brake tolerates")
async def list_tolerances(api: Parts, caller: Reader, campaign_id: uuid.UUID | None = None) -> list[ToleranceView]:
    """List each signal with its bounds: as it holds for a campaign, or where a campaign says nothing else."""
    if campaign_id is not None:
        await own_campaign(api, caller, campaign_id)
    request = pb.ListTolerancesRequest(
        tenant_id=caller.tenant_id.bytes, campaign_id=campaign_id.bytes if campaign_id else b""
    )
    answer = await ask(api.control.ListTolerances(request, timeout=TIMEOUT_S))
    return [
        ToleranceView(
            signal=pb.BrakeSignal.Name(one.signal).removeprefix("BRAKE_SIGNAL_").lower(),
            tolerated=one.tolerated, least=one.least, most=one.most, reason=one.reason,
            campaign_id=uuid.UUID(bytes=one.campaign_id) if one.campaign_id else None,
        )
        for one in answer.tolerances
    ]  # fmt: skip


@router.put("/{signal}", summary="Set what the brake tolerates", status_code=204)
async def put_tolerance(signal: SignalName, body: ToleranceBody, api: Parts, caller: Writer) -> None:
    """Set the share of one signal; the brake judges by it at the next event, of all that was counted before too."""
    if body.campaign_id is not None:
        await own_campaign(api, caller, body.campaign_id)
    request = pb.PutToleranceRequest(
        request_id=str(uuid.uuid4()),
        tenant_id=caller.tenant_id.bytes,
        campaign_id=body.campaign_id.bytes if body.campaign_id else b"",
        signal=pb.BrakeSignal.Value(f"BRAKE_SIGNAL_{signal.upper()}"),
        tolerated=body.tolerated or 0.0,
        reason=body.reason,
    )
    await ask(api.control.PutTolerance(request, timeout=TIMEOUT_S))
