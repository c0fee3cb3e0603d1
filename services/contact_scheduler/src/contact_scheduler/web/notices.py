"""`/v1/notices`: written notices that rules ask for before a contact, and that only the tenant knows of."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from contact_scheduler.store import notices
from contact_scheduler.web.access import Parts, Writer
from contact_scheduler.web.bodies import Strict
from contact_scheduler.web.payments import Ref
from contact_scheduler.web.problems import RESPONSES, FieldError, invalid, not_found
from forbear_domain.policy import load_packs
from forbear_domain.policy.notices import notices_asked

router = APIRouter(prefix="/v1/notices", tags=["duties"], responses=RESPONSES)


class NoticeBody(Strict):
    """A notice that the borrower was given in writing."""

    loan_ref: Ref = Field(description="reference of the loan, as imported")
    notice: str = Field(
        max_length=40,
        description="agency: that an outside agency collects; or the rule that asks for it, such as US-DC-3814",
    )
    given_on: date = Field(description="day on which it was given; not in the future")


class NoticeView(BaseModel):
    """What is on record."""

    loan_ref: str = Field(description="reference of the loan")
    notice: str = Field(description="the notice")
    given_on: date = Field(description="day on which it was first given")


@router.post("", summary="Record a written notice")
async def record_notice(body: NoticeBody, api: Parts, caller: Writer) -> NoticeView:
    """Record that a notice was given: what a rule barred for want of it may go out. A repeat is harmless."""
    known, now = notices_asked(load_packs()), api.clock.now()
    if body.notice not in known:
        raise invalid([FieldError(field="notice", mend=f"no rule asks for it; known are {', '.join(sorted(known))}")])
    if body.given_on > now.date():
        raise invalid([FieldError(field="given_on", mend="give a day that is not in the future")])
    async with api.pool.acquire() as connection:
        day = await notices.put(
            connection, caller.tenant_id, body.loan_ref, body.notice, body.given_on, caller.key_name, now
        )
    if day is None:
        raise not_found()
    return NoticeView(loan_ref=body.loan_ref, notice=body.notice, given_on=day)


@router.delete("/{loan_ref}/{notice}", summary="Take a record of a notice back", status_code=204)
async def take_back(loan_ref: Ref, notice: str, api: Parts, caller: Writer) -> Response:
    """Take a record back that was wrong: contacts that need the notice are planned no more."""
    async with api.pool.acquire() as connection:
        if not await notices.take_back(connection, caller.tenant_id, loan_ref, notice):
            raise not_found()
    return Response(status_code=204)
