"""The tracker's gRPC: wire to domain and back, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple
from uuid import UUID

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from forbear.tracker.v1 import tracker_service_pb2 as pb
from forbear.tracker.v1.tracker_service_pb2_grpc import TrackerServiceServicer
from forbear.types.v1 import types_pb2 as types_pb
from forbear_chassis.clock import Clock, from_epoch_us
from forbear_chassis.errors import Fault, FieldViolation, invalid
from forbear_chassis.postgres import Pool
from forbear_domain.messages import Catalogue
from forbear_domain.model import Channel, Purpose
from forbear_domain.rates import wilson
from response_tracker import case_wire, wire
from response_tracker.cases import CannotBeDone, CaseDesk, NoSuchCase
from response_tracker.erase import Erasure
from response_tracker.model import Attempt
from response_tracker.settle import Settler
from response_tracker.store import attempts, cases, rates
from response_tracker.store.attempts import NewAttempt
from response_tracker.store.commitments import Payment
from response_tracker.story import tell

BATCH_MAX = 1000
CASES_MAX = 200
NAME = pb.DESCRIPTOR.services_by_name["TrackerService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


class UseCases(NamedTuple):
    """What may be asked for beside reading."""

    settler: Settler
    desk: CaseDesk
    erasure: Erasure


class TrackerRpc(TrackerServiceServicer):
    """Answers the dispatcher and the scheduler. `wake` and `wake_events` are those of the `Receiver`."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        catalogue: Catalogue,
        use_cases: UseCases,
        *,
        wake: Callable[[], None],
        wake_events: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._catalogue = catalogue
        self._settler, self._desk, self._erasure = use_cases
        self._wake = wake
        self._wake_events = wake_events

    async def RecordAttempts(
        self, request_iterator: AsyncIterator[pb.RecordAttemptsRequest], context: Context
    ) -> AsyncIterator[pb.RecordAttemptsResponse]:
        """Record batches of attempts; each is durable when it is acknowledged."""
        async for request in request_iterator:
            _check_batch(request.request_id, len(request.attempts), "attempts")
            rows = [_attempt(item, f"attempts[{number}]") for number, item in enumerate(request.attempts)]
            async with self._pool.acquire() as connection:
                await attempts.record(connection, rows)
            self._wake_events()
            yield pb.RecordAttemptsResponse(request_id=request.request_id)

    async def RecordPayments(self, request: pb.RecordPaymentsRequest, context: Context) -> pb.RecordPaymentsResponse:
        """Take payments and settle what they settle."""
        _check_batch(request.request_id, len(request.payments), "payments")
        payments = [_payment(item, f"payments[{number}]") for number, item in enumerate(request.payments)]
        try:
            taken = await self._settler.take_payments(payments)
        finally:
            self._wake()
        return pb.RecordPaymentsResponse(taken=taken)

    async def GetResponseRates(
        self, request: pb.GetResponseRatesRequest, context: Context
    ) -> pb.GetResponseRatesResponse:
        """Count rates from the attempts and the responses credited to them."""
        tenant_id = _id(request.tenant_id, "tenant_id")
        campaign_id = _id(request.campaign_id, "campaign_id") if request.campaign_id else None
        cells = await rates.count(self._pool, tenant_id, campaign_id)
        return pb.GetResponseRatesResponse(rates=[_rate(cell) for cell in cells])

    async def ListCases(self, request: pb.ListCasesRequest, context: Context) -> pb.ListCasesResponse:
        """List cases, the earliest due first; closed ones the last closed first."""
        tenant_id, reason = _id(request.tenant_id, "tenant_id"), case_wire.reason(request.reason)
        if not 1 <= request.page_size <= CASES_MAX:
            raise _bad("page_size", f"must be 1 to {CASES_MAX}")
        place, now = case_wire.place(request.page_token), self._clock.now()
        listed = cases.closed if request.is_closed else cases.waiting
        async with self._pool.acquire() as connection:
            found = await listed(connection, tenant_id, reason, request.page_size + 1, place)
            waiting, overdue = await cases.count(connection, tenant_id, now)
        page = found[: request.page_size]
        has_more = len(found) > len(page)
        return pb.ListCasesResponse(
            cases=[case_wire.case(one, now) for one in page],
            next_page_token=case_wire.page_token(page[-1], is_closed=request.is_closed) if has_more else "",
            open=waiting,
            overdue=overdue,
        )

    async def GetCase(self, request: pb.GetCaseRequest, context: Context) -> pb.GetCaseResponse:
        """Tell the story of a case."""
        tenant_id, case_id, now = (
            _id(request.tenant_id, "tenant_id"),
            _id(request.case_id, "case_id"),
            self._clock.now(),
        )
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            story = await tell(connection, self._catalogue, tenant_id, case_id, now)
        if story is None:
            raise _no_case()
        return case_wire.story(story, now)

    async def ActOnCase(self, request: pb.ActOnCaseRequest, context: Context) -> pb.ActOnCaseResponse:
        """Do what a person decided."""
        tenant_id, case_id = _id(request.tenant_id, "tenant_id"), _id(request.case_id, "case_id")
        try:
            case = await self._desk.act(case_wire.asked(request, tenant_id, case_id))
        except NoSuchCase:
            raise _no_case() from None
        except CannotBeDone as refusal:
            raise Fault(grpc.StatusCode.FAILED_PRECONDITION, "CANNOT_BE_DONE", str(refusal)) from None
        finally:
            self._wake()
        return pb.ActOnCaseResponse(case=case_wire.case(case, self._clock.now()))

    async def EraseBorrower(self, request: pb.EraseBorrowerRequest, context: Context) -> pb.EraseBorrowerResponse:
        """Erase a borrower, now or when law lets go."""
        tenant_id, borrower_id = _id(request.tenant_id, "tenant_id"), _id(request.borrower_id, "borrower_id")
        kept = request.HasField("keep_until_time")
        keep_until = from_epoch_us(request.keep_until_time.ToMicroseconds()) if kept else None
        try:
            await self._erasure.ask(tenant_id, borrower_id, keep_until)
        finally:
            self._wake()
        return pb.EraseBorrowerResponse()


def _no_case() -> Fault:
    return Fault(grpc.StatusCode.NOT_FOUND, "CASE_NOT_FOUND", "the tenant has no such case")


def _rate(cell: rates.Cell) -> pb.ResponseRate:
    interval = wilson(cell.responses, cell.attempts)
    return pb.ResponseRate(
        channel=types_pb.Channel.ValueType(cell.channel),
        hour=cell.hour,
        segment=cell.segment,
        attempts=cell.attempts,
        responses=cell.responses,
        rate_low=interval.low,
        rate_high=interval.high,
    )


def _attempt(item: pb.Attempt, where: str) -> NewAttempt:
    contact = item.contact
    channel, purpose = int(contact.channel), int(contact.purpose)
    if channel not in Channel.__members__.values() or purpose not in Purpose.__members__.values():
        raise _bad(f"{where}.contact", "channel and purpose must be known")
    if not contact.recipient.address:
        raise _bad(f"{where}.contact.recipient.address", "must not be empty")
    send_at = _instant(item.send_time, item.HasField("send_time"), f"{where}.send_time")
    attempt = Attempt(
        id=_id(item.attempt_id, f"{where}.attempt_id"),
        tenant_id=_id(contact.tenant_id, f"{where}.contact.tenant_id"),
        contact_id=_id(contact.contact_id, f"{where}.contact.contact_id"),
        campaign_id=_id(contact.campaign_id, f"{where}.contact.campaign_id") if contact.campaign_id else None,
        borrower_id=_id(contact.borrower_id, f"{where}.contact.borrower_id"),
        loan_id=_id(contact.loan_id, f"{where}.contact.loan_id"),
        channel=Channel(channel),
        purpose=Purpose(purpose),
        address=contact.recipient.address,
        sender=item.sender,
        send_at=send_at,
        contact=contact.SerializeToString(),
    )
    zone = wire.recipient_snapshot(contact.recipient).zone
    return NewAttempt(
        attempt=attempt,
        template=contact.template,
        provider=item.provider,
        provider_ref=item.provider_ref,
        state=int(item.state),
        local_hour=send_at.astimezone(zone).hour,
        segment=contact.recipient.segment,
    )


def _payment(item: pb.Payment, where: str) -> Payment:
    if item.amount_minor <= 0 or item.past_due_minor < 0:
        raise _bad(f"{where}.amount_minor", "must be more than 0, and past_due_minor 0 or more")
    return Payment(
        id=_id(item.payment_id, f"{where}.payment_id"),
        tenant_id=_id(item.tenant_id, f"{where}.tenant_id"),
        borrower_id=_id(item.borrower_id, f"{where}.borrower_id"),
        loan_id=_id(item.loan_id, f"{where}.loan_id"),
        amount_minor=item.amount_minor,
        currency=item.currency,
        paid_at=_instant(item.pay_time, item.HasField("pay_time"), f"{where}.pay_time"),
        past_due_minor=item.past_due_minor,
    )


def _check_batch(request_id: str, size: int, name: str) -> None:
    if not request_id:
        raise _bad("request_id", "must be a UUID in text form")
    if not 1 <= size <= BATCH_MAX:
        raise _bad(name, f"must hold 1 to {BATCH_MAX} items")


def _id(value: bytes, where: str) -> UUID:
    if len(value) != 16:
        raise _bad(where, "must be a UUID of 16 bytes")
    return UUID(bytes=value)


def _instant(value: Timestamp, is_present: bool, where: str) -> Any:
    if not is_present:
        raise _bad(where, "must be present")
    return from_epoch_us(value.ToMicroseconds())


def _bad(where: str, description: str) -> Exception:
    return invalid("FIELD_INVALID", f"{where} {description}", FieldViolation(where, description))
