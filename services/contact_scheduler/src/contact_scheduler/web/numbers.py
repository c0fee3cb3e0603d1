"""`/v1/numbers`: what a database of reassigned numbers answered, and which numbers it should be asked about."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from contact_scheduler.portfolio.phones import Bad, parse_phone
from contact_scheduler.record_number_checks import NumberCheck
from contact_scheduler.store import number_checks
from contact_scheduler.store.number_checks import DUE_A_PAGE, Answer
from contact_scheduler.web.access import Parts, Reader, Writer
from contact_scheduler.web.bodies import Strict
from contact_scheduler.web.problems import RESPONSES, FieldError, invalid

CHECKS_MAX = 1_000
DUE_DAYS_MAX = 60

router = APIRouter(prefix="/v1/numbers", tags=["borrowers"], responses=RESPONSES)


class CheckBody(Strict):
    """One answer."""

    phone: str = Field(max_length=32, description="the number, as imported", examples=["+12125550100"])
    since: date = Field(description="the date asked about: was the number disconnected for good on or after it?")
    answer: Literal["yes", "no", "no_data"] = Field(description="yes: it was, and may be somebody else's now")
    checked_on: date = Field(description="day of the answer")


class ChecksBody(Strict):
    """Answers to record."""

    checks: list[CheckBody] = Field(min_length=1, max_length=CHECKS_MAX, description="1 to 1,000 answers")


class ChecksReport(BaseModel):
    """What the answers came to."""

    new: int = Field(description="answers that were not known yet")
    fresh: int = Field(description="no: numbers at which a consent is fresh again, for 60 days from the check on")
    barred: int = Field(description="yes: numbers at which nobody is contacted any more")
    silent: int = Field(description="no data, or no about a date after the consent: numbers for which nothing changes")
    unknown: int = Field(description="numbers that none of your borrowers has")


class DueView(BaseModel):
    """One borrower whose mobile should be asked about."""

    borrower_ref: str = Field(description="your reference")
    since: date = Field(description="the date to ask about: that of the consent")
    checked_on: date | None = Field(description="day of the latest check; absent: never")
    fresh_until: date = Field(description="last day on which a text may go out without another check")


class DueList(BaseModel):
    """Borrowers by reference, about a thousand at a time."""

    due: list[DueView] = Field(description="whose mobile should be asked about")
    next_after: str = Field(description="give it as `after` for the next page; empty on the last")


@router.post(
    ":record",
    summary="Record checks for reassigned numbers",
    description="Takes answers of a database of reassigned numbers, such as that of the FCC, all or none. No keeps "
    "the consent to texts fresh for 60 days (12 CFR 1006.6(d)(5)), if the date asked about is not after the consent. "
    "Yes bars the number for all your borrowers. No data changes nothing: it never makes a contact lawful. A repeat is "
    "harmless.",
)
async def record_checks(body: ChecksBody, api: Parts, caller: Writer) -> ChecksReport:
    """Record answers."""
    today = api.clock.now().date()
    checks, errors = [], []
    for number, one in enumerate(body.checks):
        phone = parse_phone(one.phone)
        if isinstance(phone, Bad):
            errors.append(FieldError(field=f"checks[{number}].phone", mend=phone.mend))
        elif not one.since <= one.checked_on <= today:
            mend = "a check lies after the date it asks about, and not in the future"
            errors.append(FieldError(field=f"checks[{number}].checked_on", mend=mend))
        else:
            checks.append(NumberCheck(phone, one.since, one.checked_on, Answer[one.answer.upper()]))
    if errors:
        raise invalid(errors)
    async with api.pool.acquire() as connection, connection.transaction():
        told = await api.record_number_checks.run(
            connection, caller.tenant_id, checks, caller.key_name, api.clock.now()
        )
    api.record_number_checks.wake()
    return ChecksReport(new=told.new, fresh=told.fresh, barred=told.barred, silent=told.silent, unknown=told.unknown)


@router.get("/due", summary="List whose number should be checked")
async def list_due(
    api: Parts,
    caller: Reader,
    days: Annotated[int, Query(ge=0, le=DUE_DAYS_MAX, description="consents that are stale by then")] = 7,
    after: Annotated[str, Query(max_length=64, description="`next_after` of the page before")] = "",
) -> DueList:
    """List borrowers who owe and whose consent to texts goes stale within some days. Numbers are not shown."""
    before = api.clock.now().date() + timedelta(days=days)
    rows = await number_checks.due(api.pool, caller.tenant_id, before, after)
    following = rows[-1].borrower_ref if len(rows) == DUE_A_PAGE else ""
    return DueList(
        due=[
            DueView(borrower_ref=row.borrower_ref, since=row.consent_on, checked_on=row.checked_on,
                    fresh_until=row.fresh_until)
            for row in rows
        ],
        next_after=following,
    )  # fmt: skip
