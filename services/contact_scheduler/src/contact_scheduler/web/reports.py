"""Reports: `/v1/campaigns/{id}/report` and `/v1/response-rates`."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contact_scheduler.evaluate_goal import ContactEffect, GoalReached
from contact_scheduler.learning.lift import Lift, Rate
from contact_scheduler.report_campaign import Cell
from contact_scheduler.web.access import Parts, Reader
from contact_scheduler.web.problems import RESPONSES, not_found
from forbear_chassis.postgres import UUID

router = APIRouter(prefix="/v1", tags=["reports"], responses=RESPONSES)


class RateView(BaseModel):
    """A share of contacts that were answered within 48 hours."""

    contacts: int = Field(description="contacts that a provider took")
    answers: int = Field(description="of which were answered")
    rate: float = Field(description="answers / contacts, 0 without contacts")
    low: float = Field(description="lower end of the 95 % Wilson interval")
    high: float = Field(description="upper end of the 95 % Wilson interval")


class LiftView(BaseModel):
    """The learned policy beside the control group, which is served at random."""

    learned: RateView = Field(description="contacts that the plan chose, the explored slice included")
    control: RateView = Field(description="contacts of the control group")
    difference: float = Field(description="learned less control")
    low: float = Field(description="lower end of Newcombe's 95 % interval of the difference")
    high: float = Field(description="upper end of it")
    is_proven: bool = Field(description="whether the interval lies above zero")


class SideView(BaseModel):
    """Borrowers of one side, each counted once."""

    borrowers: int = Field(description="borrowers whose first contact lies 14 days back")
    reached: int = Field(description="of which reached the goal within 14 days of it")
    rate: float = Field(description="reached / borrowers, 0 without borrowers")
    low: float = Field(description="lower end of the 95 % Wilson interval")
    high: float = Field(description="upper end of the 95 % Wilson interval")
    paid_minor: int = Field(description="what they paid in these days, in minor units; currencies are not told apart")


class SidesView(BaseModel):
    """Two sides of borrowers as the lot fell, and the first less the second."""

    goal: str = Field(description="payment, promise or contact")
    summary: str = Field(description="the answer in plain sentences")
    difference: float = Field(description="share that reached the goal, first side less second")
    low: float = Field(description="lower end of Newcombe's 95 % interval of the difference")
    high: float = Field(description="upper end of it")
    is_proven: bool = Field(description="whether the interval lies above zero")
    paid_difference_minor: float | None = Field(
        description="money a borrower, first side less second, minor units; null without two borrowers or one currency"
    )
    paid_low_minor: float | None = Field(description="lower end of its 95 % interval (Welch's)")
    paid_high_minor: float | None = Field(description="upper end of it")
    currency: str = Field(description="of what was paid; empty where nobody paid or currencies differ")


class GoalView(SidesView):
    """Who reached the campaign's goal: learned beside random choice, within 14 days of the first contact."""

    learned: SideView = Field(description="borrowers for whom the plan chose, the explored slice included")
    control: SideView = Field(description="borrowers of the control group")


class ContactView(SidesView):
    """Who reached the campaign's goal: contact beside none, within 14 days of the lot."""

    contacted: SideView = Field(description="borrowers who could be contacted, however channel and hour were chosen")
    left_alone: SideView = Field(description="borrowers whom a lot left without contact for these days")


class WeekView(LiftView):
    """One week of a campaign."""

    week: int = Field(description="number of the week, from 1")


class CellView(RateView):
    """One channel at one hour."""

    channel: str = Field(description="sms, email or voice")
    hour: int = Field(description="hour on the borrower's clock, 0 to 23")


class RefusalView(BaseModel):
    """Contacts that did not go out for one reason."""

    rule: str = Field(description="rule, provider's code or short constant")
    state: str = Field(description="refused, expired, recalled or cancelled")
    contacts: int = Field(description="contacts")


class PlanView(BaseModel):
    """The latest plan."""

    day: date = Field(description="its day")
    counts: dict[str, int] = Field(description="borrowers of the audience by what became of them")
    gap: float = Field(description="largest possible loss against the best assignment, as a share of it")
    model_version: int = Field(description="version of the response model")


class ReportView(BaseModel):
    """What a campaign brought so far."""

    campaign_id: uuid.UUID = Field(description="the campaign")
    states: dict[str, dict[str, int]] = Field(description="contacts by channel and state")
    total: LiftView = Field(description="the whole campaign")
    goal: GoalView = Field(description="the same beside the campaign's goal, by borrower")
    weeks: list[WeekView] = Field(description="week by week, from the first contact's day")
    refusals: list[RefusalView] = Field(description="what did not go out and why, most frequent first")
    heat_map: list[CellView] = Field(description="channel by hour on the borrower's clock")
    plan: PlanView | None = Field(description="the latest plan; absent before the first")


@router.get("/campaigns/{campaign_id}/report", summary="Report a campaign")
async def report_campaign(campaign_id: uuid.UUID, api: Parts, caller: Reader) -> ReportView:
    """Report contacts by channel and state, learned against control by week, who reached the goal, refusals, hours."""
    known = UUID(campaign_id.bytes)
    campaign = await api.campaigns.find(caller.tenant_id, known)
    if campaign is None:
        raise not_found()
    report = await api.report.run(campaign)
    return ReportView(
        campaign_id=campaign_id,
        states=report.states,
        total=view_lift(report.total),
        goal=view_goal(report.goal),
        weeks=[WeekView(week=week.number, **_lift(week.lift)) for week in report.weeks],
        refusals=[RefusalView(rule=one.rule, state=one.state, contacts=one.contacts) for one in report.refusals],
        heat_map=[_cell(cell) for cell in report.cells],
        plan=None if report.plan is None else PlanView(**{name: report.plan[name] for name in PlanView.model_fields}),
    )


class SegmentView(CellView):
    """One channel at one hour for one segment."""

    segment: str = Field(description="how the borrower earns, as imported; unknown where nobody said")


@router.get("/response-rates", summary="Response rates by channel and hour")
async def response_rates(api: Parts, caller: Reader, campaign_id: uuid.UUID | None = None) -> list[CellView]:
    """Give the response rate of each channel at each hour of the borrower's clock, for a campaign or for all."""
    known = None if campaign_id is None else UUID(campaign_id.bytes)
    if known is not None and await api.campaigns.find(caller.tenant_id, known) is None:
        raise not_found()
    return [_cell(cell) for cell in await api.report.cells(caller.tenant_id, known)]


@router.get("/response-rates/segments", summary="Response rates by segment, channel and hour")
async def segment_rates(api: Parts, caller: Reader, campaign_id: uuid.UUID | None = None) -> list[SegmentView]:
    """Give the same for each segment by itself: day shift, night shift, pension ...; few contacts, wide intervals."""
    known = None if campaign_id is None else UUID(campaign_id.bytes)
    if known is not None and await api.campaigns.find(caller.tenant_id, known) is None:
        raise not_found()
    cells = await api.report.segments(caller.tenant_id, known)
    return [SegmentView(**_cell(cell).model_dump(), segment=cell.segment) for cell in cells]


def _rate(rate: Rate) -> dict[str, Any]:
    return {"contacts": rate.rows, "answers": rate.positives, "rate": rate.value, "low": rate.low, "high": rate.high}


def view_lift(lift: Lift) -> LiftView:
    """Show a comparison."""
    return LiftView(**_lift(lift))


def view_goal(goal: GoalReached) -> GoalView:
    """Show who reached the goal, by learned and random choice."""
    learned, control = _two_sides(goal)
    return GoalView(learned=learned, control=control, **_difference(goal))


def view_contact(effect: ContactEffect) -> ContactView:
    """Show who reached the goal, with contact and without."""
    contacted, left_alone = _two_sides(effect)
    return ContactView(contacted=contacted, left_alone=left_alone, **_difference(effect))


def _two_sides(goal: GoalReached) -> tuple[SideView, SideView]:
    first, second = goal.paid
    return _side(goal.lift.learned, first.minor), _side(goal.lift.control, second.minor)


def _difference(goal: GoalReached) -> dict[str, Any]:
    more, low, high = goal.paid_difference or (None, None, None)
    return {
        "goal": goal.goal, "summary": goal.summary, "currency": goal.currency, "difference": goal.lift.difference,
        "low": goal.lift.low, "high": goal.lift.high, "is_proven": goal.lift.is_proven,
        "paid_difference_minor": more, "paid_low_minor": low, "paid_high_minor": high,
    }  # fmt: skip


def _side(side: Rate, paid_minor: int) -> SideView:
    return SideView(
        borrowers=side.rows, reached=side.positives, rate=side.value, low=side.low, high=side.high,
        paid_minor=paid_minor,
    )  # fmt: skip


def _lift(lift: Lift) -> dict[str, Any]:
    return {
        "learned": RateView(**_rate(lift.learned)), "control": RateView(**_rate(lift.control)),
        "difference": lift.difference, "low": lift.low, "high": lift.high, "is_proven": lift.is_proven,
    }  # fmt: skip


def _cell(cell: Cell) -> CellView:
    return CellView(channel=cell.channel.label, hour=cell.hour, **_rate(cell.rate))
