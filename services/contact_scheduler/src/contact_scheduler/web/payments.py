"""`POST /v1/payments`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from contact_scheduler.record_payments import Notice
from contact_scheduler.web import once
from contact_scheduler.web.access import Parts, Payer
from contact_scheduler.web.bodies import Instant, Strict
from contact_scheduler.web.problems import RESPONSES
from forbear_chassis.postgres import Connection

PAYMENTS_MAX = 1_000
Ref = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
Amount = Annotated[str, StringConstraints(pattern=r"^\d{1,12}(\.\d{1,2})?$")]

router = APIRouter(prefix="/v1/payments", tags=["payments"], responses=RESPONSES)


class PaymentBody(Strict):
    """One payment that reached the lender."""

    payment_ref: Ref = Field(description="your reference of the payment; the same one is booked once")
    borrower_ref: Ref = Field(description="reference of the borrower, as imported")
    loan_ref: Ref = Field(description="reference of the loan, as imported")
    amount: Amount = Field(description="amount as decimal text", examples=["1234.50"])
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = Field(description="ISO 4217 code")
    paid_at: Instant = Field(description="when it was paid")
    past_due_after: Amount | None = Field(
        default=None, description="what stays past due after it; absent: what was past due less the amount"
    )


class PaymentsBody(Strict):
    """Payments to book."""

    payments: list[PaymentBody] = Field(min_length=1, max_length=PAYMENTS_MAX, description="1 to 1,000 payments")


class PaymentError(BaseModel):
    """One payment that was not taken."""

    index: int = Field(description="position in the request, from 0")
    field: str = Field(description="the field to mend")
    mend: str = Field(description="how to mend it")


class PaymentsReport(BaseModel):
    """What became of the payments."""

    taken: int = Field(description="payments that were booked")
    repeated: int = Field(description="payments that were booked before")
    rejected: list[PaymentError] = Field(description="payments that were not taken; all others were")


@router.post("", summary="Report payments", response_model=PaymentsReport)
async def record_payments(
    body: PaymentsBody, request: Request, api: Parts, caller: Payer, key: once.KeyHeader = None
) -> Response:
    """Report payments. Whoever paid is left in peace at once: what is planned is cancelled, what is queued recalled."""
    notices = [
        Notice(
            one.payment_ref, one.borrower_ref, one.loan_ref, one.amount, one.currency, one.paid_at, one.past_due_after
        )
        for one in body.payments
    ]

    async def act(connection: Connection) -> tuple[int, BaseModel]:
        booked = await api.record_payments.run(connection, caller.tenant_id, notices)
        rejected = [PaymentError(index=one.position, field=one.field, mend=one.mend) for one in booked.rejected]
        return 200, PaymentsReport(taken=booked.taken, repeated=booked.repeated, rejected=rejected)

    response = await once.answer_once(api, request, caller.tenant_id, key, act)
    api.record_payments.wake()
    return response
