"""`/v1/duties`: the clocks of mortgages in arrears, and what the tenant has done about them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from contact_scheduler.clocks import ClockKind, ClockState
from contact_scheduler.store import clocks
from contact_scheduler.web import once
from contact_scheduler.web.access import Parts, Reader, Writer
from contact_scheduler.web.bodies import Strict
from contact_scheduler.web.payments import Ref
from contact_scheduler.web.problems import RESPONSES, FieldError, invalid, not_found
from forbear_chassis.postgres import Connection

router = APIRouter(prefix="/v1", tags=["duties"], responses=RESPONSES)
StateName = Literal["open", "met", "ended", "missed"]
KindName = Literal["live_contact", "notice"]


class DutyView(BaseModel):
    """One thing that must be done for one mortgage by the end of one day."""

    loan_ref: str = Field(description="reference of the loan")
    borrower_ref: str = Field(description="reference of the borrower")
    kind: KindName = Field(description="live contact or good-faith effort (12 CFR 1024.39(a)), or notice (39(b))")
    due_on: date = Field(description="the due date that was missed")
    by_on: date = Field(description="last day on which it is in time")
    state: StateName = Field(description="open, met, ended (paid, or performing under an arrangement) or missed")
    met_on: date | None = Field(description="when it was done")
    at_risk_on: date | None = Field(description="since when a person is asked to see to it; absent: never")
    risk: str = Field(description="what stands in the way, such as held_by:US-MA-2IN7; empty unless at risk")


class DutiesView(BaseModel):
    """Duties, the most urgent first, at most 1,000."""

    duties: list[DutyView] = Field(description="the duties")


class DutyEventBody(Strict):
    """Something that the tenant itself has done."""

    loan_ref: Ref = Field(description="reference of the loan, as imported")
    kind: KindName = Field(
        description="live_contact: a person of yours spoke with the borrower, whoever called; a recording is none. "
        "notice: the written early-intervention notice was sent"
    )
    happened_on: date = Field(description="on which day, on the borrower's calendar; not in the future")


class DutyEventView(BaseModel):
    """What was taken."""

    loan_ref: str = Field(description="reference of the loan")
    kind: KindName = Field(description="what was done")
    happened_on: date = Field(description="on which day")


@router.get("/duties", summary="List duties of mortgages in arrears", response_model=DutiesView)
async def list_duties(
    api: Parts,
    caller: Reader,
    state: Annotated[list[StateName], Query(description="states wanted; open by default")] = ["open"],  # noqa: B006
    at_risk: Annotated[bool, Query(description="only those that a person is asked to see to")] = False,
) -> DutiesView:
    """List what the law asks for by a day, so that somebody sees to it before it is too late."""
    states = [ClockState[name.upper()] for name in state]
    rows = await clocks.list_duties(api.pool, caller.tenant_id, states, at_risk=at_risk)
    return DutiesView(
        duties=[
            DutyView(
                loan_ref=row["loan_ref"], borrower_ref=row["borrower_ref"], kind=ClockKind(row["kind"]).label,  # type: ignore[arg-type]
                due_on=row["due_on"], by_on=row["by_on"], state=ClockState(row["state"]).label,  # type: ignore[arg-type]
                met_on=row["met_on"], at_risk_on=row["at_risk_on"], risk=row["risk"],
            )
            for row in rows
        ]
    )  # fmt: skip


@router.post("/duties:report", summary="Report what was done", response_model=DutyEventView)
async def report_duty(
    body: DutyEventBody, request: Request, api: Parts, caller: Writer, key: once.KeyHeader = None
) -> Response:
    """Report that a person spoke with the borrower, or that the notice was sent. The same event twice counts once."""
    if body.happened_on > api.clock.now().date():
        raise invalid([FieldError(field="happened_on", mend="give a day that is not in the future")])

    async def act(connection: Connection) -> tuple[int, BaseModel]:
        kind = ClockKind[body.kind.upper()]
        if not await clocks.add_event(
            connection, caller.tenant_id, body.loan_ref, kind, body.happened_on, api.clock.now()
        ):
            raise not_found()
        return 200, DutyEventView(**body.model_dump())

    response = await once.answer_once(api, request, caller.tenant_id, key, act)
    api.watch_clocks()
    return response
