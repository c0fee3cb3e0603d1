"""Takes payments: books them, leaves the borrower in peace, and tells the tracker, which settles promises with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from contact_scheduler import hand_over
from contact_scheduler.contacts import REST
from contact_scheduler.metrics import PAYMENTS
from contact_scheduler.payments import Payment
from contact_scheduler.portfolio.check import make_id
from contact_scheduler.portfolio.derive import to_minor
from contact_scheduler.store import feedback
from contact_scheduler.store.feedback import LoanState, Pause, Response
from contact_scheduler.take_feedback import leave_in_peace
from forbear_chassis.postgres import UUID, Connection
from forbear_domain.model import ResponseKind


class Notice(NamedTuple):
    """One payment as it was reported; amounts as decimal text."""

    payment_ref: str
    borrower_ref: str
    loan_ref: str
    amount: str
    currency: str
    paid_at: datetime
    past_due_after: str | None


class Rejected(NamedTuple):
    """One payment that cannot be taken, by its position, and how to mend it."""

    position: int
    field: str
    mend: str


@dataclass(frozen=True, slots=True)
class Booked:
    """What became of a batch of payments."""

    taken: int
    repeated: int
    rejected: list[Rejected]


class RecordPayments:
    """The use case behind `POST /v1/payments`; works in the caller's transaction, `wake` is called after its commit."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    async def run(self, connection: Connection, tenant_id: UUID, notices: list[Notice]) -> Booked:
        """Book payments in the order of their time. Good ones are taken, the others told. Idempotent by reference."""
        ids = [make_id(tenant_id.bytes, f"payment:{notice.payment_ref}") for notice in notices]
        known = await feedback.known_payments(connection, tenant_id, ids)
        loan_ids = {make_id(tenant_id.bytes, f"loan:{notice.loan_ref}") for notice in notices}
        loans = await feedback.lock_loans(connection, tenant_id, loan_ids)
        payments: list[Payment] = []
        rejected, repeated = [], 0
        for index in sorted(range(len(notices)), key=lambda at: (notices[at].paid_at, ids[at].bytes)):
            if ids[index] in known:
                repeated += 1
                continue
            known.add(ids[index])
            payment = _book(tenant_id, ids[index], notices[index], loans)
            if isinstance(payment, Payment):
                payments.append(payment)
            else:
                rejected.append(Rejected(index, *payment))
        if payments:
            await self._write(connection, tenant_id, payments)
        return Booked(len(payments), repeated, sorted(rejected))

    async def _write(self, connection: Connection, tenant_id: UUID, payments: list[Payment]) -> None:
        await feedback.book_payments(connection, tenant_id, payments)
        paid_up = await feedback.paid_up(connection, tenant_id, {payment.borrower_id for payment in payments})
        await feedback.add_responses(connection, [_response(tenant_id, payment) for payment in payments])
        rest = REST[ResponseKind.PAID]
        assert rest is not None
        pauses = [
            Pause(
                tenant_id, make_id(payment.payment_id.bytes, "paid"), payment.borrower_id, ResponseKind.PAID,
                payment.paid_at, None if payment.borrower_id in paid_up else payment.paid_at + rest,
            )
            for payment in payments
        ]  # fmt: skip
        await feedback.add_pauses(connection, pauses)
        await leave_in_peace(connection, pauses)
        await hand_over.put(connection, hand_over.PAYMENT, [hand_over.payments_request(tenant_id, payments)])
        PAYMENTS.inc(len(payments))


def _book(tenant_id: UUID, payment_id: UUID, notice: Notice, loans: dict[UUID, LoanState]) -> Payment | tuple[str, str]:
    """Return the payment and note in `loans` what it leaves past due; or the field and how to mend it."""
    loan = loans.get(make_id(tenant_id.bytes, f"loan:{notice.loan_ref}"))
    if loan is None or loan.borrower_id != make_id(tenant_id.bytes, f"borrower:{notice.borrower_ref}"):
        return "loan_ref", "there is no such loan of this borrower in your tenant; import it first"
    if loan.currency != notice.currency:
        return "currency", f"the loan is in {loan.currency}"
    amount = to_minor(notice.amount, loan.currency)
    if amount <= 0:
        return "amount", "write an amount of more than 0"
    left = max(0, loan.past_due - amount)
    if notice.past_due_after is not None:
        left = to_minor(notice.past_due_after, loan.currency)
    loans[loan.loan_id] = loan._replace(past_due=left)
    return Payment(payment_id, loan.borrower_id, loan.loan_id, amount, loan.currency, notice.paid_at, left)


def _response(tenant_id: UUID, payment: Payment) -> Response:
    """A payment is a response; which contact it answers is found at the next tick."""
    return Response(
        tenant_id, make_id(payment.payment_id.bytes, "paid"), payment.borrower_id, None, ResponseKind.PAID, 0,
        payment.paid_at,
    )  # fmt: skip
