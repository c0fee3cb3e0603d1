"""`/v1/unemployment`: regional unemployment by month, an input of the ability to pay."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from contact_scheduler.portfolio.unemployment import HEADER, read_rates
from contact_scheduler.store import unemployment
from contact_scheduler.web.access import Parts, Reader, Writer
from contact_scheduler.web.problems import RESPONSES, FieldError, Problem, invalid

MEDIA_TYPE = "text/csv"

router = APIRouter(prefix="/v1/unemployment", tags=["borrowers"], responses=RESPONSES)


class RatesReport(BaseModel):
    """What a file of rates brought."""

    created: int = Field(description="rates that were new")
    changed: int = Field(description="rates that were corrected")
    unchanged: int = Field(description="rates that were known already")


class RateView(BaseModel):
    """The latest rate of a region."""

    region: str = Field(description="state, two letters")
    month: date = Field(description="first day of its month")
    percent: float = Field(description="unemployed per 100 of the labour force")
    change: float | None = Field(description="points against the same month a year before; absent: not loaded")


@router.put(
    "",
    summary="Load regional unemployment",
    description=f"Takes CSV with columns `{','.join(HEADER)}`: a state, a month as YYYY-MM, a percentage. Rates are "
    "added to those known, or correct them; a file with an error changes nothing. From the next plan on the latest "
    "rate of the borrower's state, and its change within a year, count for the ability to pay, before what the row of "
    "the borrower says; never for how often somebody is contacted.",
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
async def load_rates(request: Request, api: Parts, caller: Writer) -> RatesReport:
    """Add and correct rates, all or none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Problem(415, "media-type", f"send Content-Type {MEDIA_TYPE}")
    try:
        rates, errors = read_rates((await request.body()).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise invalid([FieldError(field="body", mend="send the file in UTF-8")]) from None
    if errors:
        raise invalid([FieldError(field=f"line {one.line}, {one.field}", mend=one.mend) for one in errors])
    async with api.pool.acquire() as connection, connection.transaction():
        created, changed = await unemployment.put_rates(connection, caller.tenant_id, rates)
    return RatesReport(created=created, changed=changed, unchanged=len(rates) - created - changed)


@router.get("", summary="Show the latest unemployment of each region")
async def show_rates(api: Parts, caller: Reader) -> list[RateView]:
    """Show what the next plan would take."""
    found = await unemployment.latest_rates(api.pool, caller.tenant_id, api.clock.now().date())
    return [RateView.model_validate(one._asdict()) for one in found.values()]
