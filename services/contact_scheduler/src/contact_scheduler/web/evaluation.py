"""Evaluation: `/v1/campaigns/{id}/evaluation`."""

from __future__ import annotations

import uuid

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contact_scheduler.evaluate_campaign import Policy
from contact_scheduler.learning.ope import Estimate
from contact_scheduler.web.access import Parts, Reader
from contact_scheduler.web.problems import RESPONSES, not_found
from contact_scheduler.web.reports import LiftView, view_lift
from forbear_chassis.postgres import UUID

router = APIRouter(prefix="/v1", tags=["reports"], responses=RESPONSES)


class EstimateView(BaseModel):
    """A value in answers per contact with its 95 % interval."""

    value: float = Field(description="estimated answers per contact")
    low: float = Field(description="lower end of the interval")
    high: float = Field(description="upper end of the interval")


class PolicyView(BaseModel):
    """What a policy would have brought, estimated from drawn contacts."""

    policy: str = Field(description="even, sms, email, voice or model")
    words: str = Field(description="what the policy does")
    contacts: int = Field(description="drawn contacts that tell about it")
    effective_contacts: float = Field(description="how many contacts that is worth after weighting")
    is_telling: bool = Field(description="whether these are enough for an answer")
    ips: EstimateView | None = Field(description="inverse propensity weighting; absent without contacts")
    snips: EstimateView | None = Field(description="the same, self-normalised")
    dr: EstimateView | None = Field(description="doubly robust: the one to act on")


class EvaluationView(BaseModel):
    """What learning brought, compared with the control group and with fixed rules."""

    campaign_id: uuid.UUID = Field(description="the campaign")
    summary: str = Field(description="the answer in one sentence")
    lift: LiftView = Field(description="the learned plan beside the control group, contacts as they were made")
    policies: list[PolicyView] = Field(description="values of policies, estimated from drawn contacts")


@router.get("/campaigns/{campaign_id}/evaluation", summary="Evaluate what learning brought")
async def evaluate_campaign(campaign_id: uuid.UUID, api: Parts, caller: Reader) -> EvaluationView:
    """Compare the learned plan with the control group, with each fixed channel and with the model's own choice."""
    known = UUID(campaign_id.bytes)
    if await api.campaigns.find(caller.tenant_id, known) is None:
        raise not_found()
    found = await api.evaluate.run(caller.tenant_id, known)
    return EvaluationView(
        campaign_id=campaign_id, summary=found.summary, lift=view_lift(found.lift),
        policies=[_view(policy) for policy in found.policies],
    )  # fmt: skip


def _view(policy: Policy) -> PolicyView:
    value = policy.value
    return PolicyView(
        policy=policy.name, words=policy.words, contacts=policy.rows, is_telling=policy.is_telling,
        effective_contacts=0.0 if value is None else value.dr.effective_rows,
        ips=None if value is None else _estimate(value.ips), snips=None if value is None else _estimate(value.snips),
        dr=None if value is None else _estimate(value.dr),
    )  # fmt: skip


def _estimate(estimate: Estimate) -> EstimateView:
    return EstimateView(value=estimate.value, low=estimate.low, high=estimate.high)
