"""Evaluation: `/v1/campaigns/{id}/evaluation`."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from contact_scheduler.compare_rules import RulesCompared, RuleVerdict
from contact_scheduler.learning.funnel import Step
from contact_scheduler.learning.monitor import AlarmKind
from contact_scheduler.learning.ope import Estimate
from contact_scheduler.release_strategies import who_decides
from contact_scheduler.value_policies import Policy
from contact_scheduler.web.access import Parts, Reader
from contact_scheduler.web.problems import RESPONSES, Problem, not_found
from contact_scheduler.web.reports import ContactView, GoalView, LiftView, view_contact, view_goal, view_lift
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


class RuleView(BaseModel):
    """Learned choice beside one fixed rule, on the same drawn contacts."""

    rule: str = Field(description="even, a channel (sms), or a channel and a part of the day (sms evening)")
    words: str = Field(description="what the rule does; where it is not lawful: the channel at any hour, then any")
    value: float = Field(description="what the rule would have brought, in answers per contact")
    difference: float = Field(description="learned choice less the rule, doubly robust, contact by contact")
    low: float = Field(description="lower end of its interval; the intervals of all rules hold together (95 %)")
    high: float = Field(description="upper end of it")
    effective_contacts: float = Field(description="contacts that follow the rarer of the two, after weighting")
    verdict: RuleVerdict = Field(description="learned_better, rule_better, not_told_apart or too_few")


class RulesView(BaseModel):
    """Learned choice beside fixed rules. Lines and costs are left out on both sides; hours are even on both."""

    summary: str = Field(description="the answer in plain sentences")
    contacts: int = Field(description="contacts of the control group that tell about it")
    learned: float | None = Field(description="learned choice, in answers per contact; null without contacts")
    rules: list[RuleView] = Field(description="the best by estimate first; those with too few contacts last")


class AlarmView(BaseModel):
    """Something that is wrong with the model or with what it is fed."""

    kind: AlarmKind = Field(description="what is wrong")
    subject: str = Field(description="the column or channel that it concerns, or model")
    value: float = Field(description="how much: a share, standard deviations, or loss per contact in nats")
    words: str = Field(description="what is wrong, what is done about it, and what a person can do")


class PartView(BaseModel):
    """Contacts of similar forecasts."""

    contacts: int = Field(description="how many")
    predicted: float = Field(description="mean of what was foreseen when they were planned")
    happened: float = Field(description="share that came to it")


class StepView(BaseModel):
    """What was foreseen of one step of a contact, beside what happened, where its window is over."""

    step: Step = Field(description="delivered, answered, right_party, promise or payment")
    whole: PartView = Field(description="all contacts that tell")
    fifths: list[PartView] = Field(description="by fifths, from the least likely contacts to the likeliest")
    error: float = Field(description="mean distance of foreseen and happened over the fifths (calibration error)")


class TryingView(BaseModel):
    """Contacts that were drawn by lot and whose time for an answer is over, and what that cost as the model foresaw."""

    summary: str = Field(description="the answer in plain sentences")
    explored: int = Field(description="contacts of the explored slice")
    explored_lost: float = Field(description="expected answers that these gave up beside the best open slot")
    explored_most: float = Field(description="most of it of one borrower")
    control: int = Field(description="contacts of the control group")
    control_lost: float = Field(description="expected answers that these gave up")


class EvaluationView(BaseModel):
    """What learning brought, compared with the control group and with fixed rules."""

    campaign_id: uuid.UUID = Field(description="the campaign")
    summary: str = Field(description="the answer in one sentence")
    deciding: str = Field(description="who decides for whom at present, in one sentence")
    lift: LiftView = Field(description="the learned plan beside the control group, contacts as they were made")
    goal: GoalView = Field(description="the same beside the campaign's goal, by borrower")
    contact: ContactView | None = Field(description="contact beside none; null where nobody is left alone by lot")
    trying: TryingView = Field(description="what drawing contacts by lot cost")
    policies: list[PolicyView] = Field(description="values of policies, estimated from drawn contacts")
    rules: RulesView = Field(description="learned choice less each fixed rule")
    alarms: list[AlarmView] = Field(description="what was wrong with the model or its data at the last plan")
    steps: list[StepView] = Field(description="forecasts of each step beside what happened; steps nobody told of lack")


@router.get("/campaigns/{campaign_id}/evaluation", summary="Evaluate what learning brought")
async def evaluate_campaign(campaign_id: uuid.UUID, api: Parts, caller: Reader) -> EvaluationView:
    """Compare the learned plan with the control group, and learned choice with fixed channels and hours."""
    campaign = await api.campaigns.find(caller.tenant_id, UUID(campaign_id.bytes))
    if campaign is None:
        raise not_found()
    found = await api.evaluate.run(campaign)
    contact = None if found.contact is None else view_contact(found.contact)
    return EvaluationView(
        campaign_id=campaign_id, summary=found.summary, deciding=await who_decides(api.pool, caller.tenant_id),
        lift=view_lift(found.lift), goal=view_goal(found.goal), contact=contact,
        trying=TryingView(summary=found.trying.summary, **asdict(found.trying)),
        policies=[_view(policy) for policy in found.policies], rules=_rules(found.rules),
        alarms=[
            AlarmView(kind=one.kind, subject=one.subject, value=one.value, words=one.words) for one in found.alarms
        ],
        steps=[StepView(**asdict(one)) for one in found.steps],
    )  # fmt: skip


class OutcomeView(BaseModel):
    """What one plan would come to."""

    contacts: dict[str, int] = Field(description="contacts by channel")
    expected_answers: float = Field(description="answers expected of them")
    value: float = Field(description="value less costs, in average answers")
    budget_price: float = Field(
        description="average answers that one more unit of money would bring; 0 where money does not limit"
    )
    gap: float = Field(description="largest possible loss against the best assignment, as a share of it")


class PlaceView(BaseModel):
    """A channel and an hour that is sought after."""

    channel: str = Field(description="sms, email or voice")
    at: datetime = Field(description="the hour")
    price: float = Field(description="what one more contact there would bring, in average answers")


class WhatIfView(BaseModel):
    """The latest plan as it was possible, and as it would be."""

    summary: str = Field(description="the answer in one sentence")
    day: datetime = Field(description="when the plan begins")
    as_is: OutcomeView = Field(description="with the capacity that the dispatcher reports")
    changed: OutcomeView = Field(description="with what was asked for")
    places_as_is: list[PlaceView] = Field(description="most sought-after places, with the capacity as it is")
    places_changed: list[PlaceView] = Field(description="the same, with what was asked for")


Factor = Annotated[float, Query(ge=0, le=100, description="capacity of the channel, times this")]
Money = Annotated[
    float | None,
    Query(
        ge=0,
        allow_inf_nan=False,
        description="most that the day may cost, in the unit of the cost settings; absent: as the campaign says",
    ),
]


@router.get("/campaigns/{campaign_id}/what-if", summary="Ask what other capacity would bring")
async def ask_what_if(
    campaign_id: uuid.UUID, api: Parts, caller: Reader, sms: Factor = 1.0, email: Factor = 1.0, voice: Factor = 1.0,
budget: Money = None,
) -> WhatIfView:  # fmt: skip
    """Solve the latest plan again with other capacity or with a budget; nothing is written and nobody contacted."""
    campaign = await api.campaigns.find(caller.tenant_id, UUID(campaign_id.bytes))
    if campaign is None:
        raise not_found()
    found = await api.what_if.run(campaign, (sms, email, voice), budget)
    if found is None:
        raise Problem(409, "wrong-state", "the campaign was not planned yet; start it and ask again")
    return WhatIfView(summary=found.summary, **asdict(found))


def _view(policy: Policy) -> PolicyView:
    value = policy.value
    return PolicyView(
        policy=policy.name, words=policy.words, contacts=policy.rows, is_telling=policy.is_telling,
        effective_contacts=0.0 if value is None else value.dr.effective_rows,
        ips=None if value is None else _estimate(value.ips), snips=None if value is None else _estimate(value.snips),
        dr=None if value is None else _estimate(value.dr),
    )  # fmt: skip


def _rules(found: RulesCompared) -> RulesView:
    return RulesView(
        summary=found.summary, contacts=found.contacts,
        learned=None if found.learned is None else found.learned.value,
        rules=[
            RuleView(
                rule=one.name, words=one.words, value=one.value.value, difference=one.difference.value,
                low=one.difference.low, high=one.difference.high, effective_contacts=one.difference.effective_rows,
                verdict=one.verdict,
            )
            for one in found.rules
        ],
    )  # fmt: skip


def _estimate(estimate: Estimate) -> EstimateView:
    return EstimateView(value=estimate.value, low=estimate.low, high=estimate.high)
