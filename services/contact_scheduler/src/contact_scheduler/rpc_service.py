"""The gRPC face of the scheduler: wire to domain and back, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.explain_contact import ExplainContact, PlannedContact
from contact_scheduler.store.feedback import Outcome, Response
from contact_scheduler.take_feedback import TakeFeedback
from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.scheduler.v1.scheduler_service_pb2_grpc import SchedulerServiceServicer
from forbear.types.v1 import types_pb2
from forbear_chassis.errors import Fault, FieldViolation, invalid
from forbear_chassis.postgres import UUID
from forbear_domain.model import ResponseKind

SERVICE = pb.DESCRIPTOR.services_by_name["SchedulerService"].full_name
ITEMS_MAX = 1_000
UUID_BYTES = 16
KINDS = frozenset(int(kind) for kind in ResponseKind)


class SchedulerService(SchedulerServiceServicer):
    """Implements forbear.scheduler.v1.SchedulerService."""

    def __init__(self, feedback: TakeFeedback, explain: ExplainContact) -> None:
        self._feedback = feedback
        self._explain = explain

    async def ReportOutcomes(  # the name is the wire's
        self, requests: AsyncIterator[pb.ReportOutcomesRequest], context: Any
    ) -> AsyncIterator[pb.ReportOutcomesResponse]:
        """Take final states of contacts; each batch is durable when it is acknowledged."""
        async for request in requests:
            _check_count(len(request.outcomes), "outcomes")
            await self._feedback.outcomes([_outcome(item) for item in request.outcomes])
            yield pb.ReportOutcomesResponse(request_id=request.request_id)

    async def ReportResponses(
        self, requests: AsyncIterator[pb.ReportResponsesRequest], context: Any
    ) -> AsyncIterator[pb.ReportResponsesResponse]:
        """Take responses; each batch is durable and acted upon when it is acknowledged."""
        async for request in requests:
            _check_count(len(request.responses), "responses")
            await self._feedback.responses([_response(item) for item in request.responses])
            yield pb.ReportResponsesResponse(request_id=request.request_id)

    async def ExplainNextContact(
        self, request: pb.ExplainNextContactRequest, context: Any
    ) -> pb.ExplainNextContactResponse:
        """Say why a borrower is contacted next as planned, or why not."""
        tenant_id, borrower_id = _uuid(request.tenant_id, "tenant_id"), _uuid(request.borrower_id, "borrower_id")
        explanation = await self._explain.run(tenant_id, borrower_id)
        if explanation is None:
            raise Fault(grpc.StatusCode.NOT_FOUND, "BORROWER_NOT_FOUND", "the tenant has no such borrower")
        answer = pb.ExplainNextContactResponse(reasons=explanation.reasons)
        if explanation.contact is not None:
            answer.contact.CopyFrom(_contact(tenant_id, borrower_id, explanation.contact))
        return answer


def _outcome(item: pb.ContactOutcome) -> Outcome:
    if item.state not in range(ContactPhase.ACCEPTED, ContactPhase.UNKNOWN + 1):
        raise _violation("state", "give one of the final states")
    return Outcome(
        _uuid(item.contact_id, "contact_id"), ContactPhase(item.state), item.reason, _instant(item, "event_time"),
        item.is_address_barred,
    )  # fmt: skip


def _response(item: pb.Response) -> Response:
    if item.kind not in KINDS:
        raise _violation("kind", "give one of the kinds of response")
    wish = types_pb2.Recipient(language=item.preferred_language).SerializeToString()
    has_hours = item.HasField("preferred_hour_start") or item.HasField("preferred_hour_end")
    start, end = item.preferred_hour_start, item.preferred_hour_end if item.HasField("preferred_hour_end") else 24
    if has_hours and not 0 <= start < end <= 24:
        raise _violation("preferred_hour_end", "give hours with 0 <= start < end <= 24")
    if any(not 0 <= day <= 6 for day in item.preferred_days):
        raise _violation("preferred_days", "give days of the week, 0 for Monday to 6 for Sunday")
    return Response(
        tenant_id=_uuid(item.tenant_id, "tenant_id"), response_id=_uuid(item.response_id, "response_id"),
        borrower_id=_uuid(item.borrower_id, "borrower_id"),
        contact_id=_uuid(item.contact_id, "contact_id") if item.contact_id else None, kind=ResponseKind(item.kind),
        channel=item.channel, event_at=_instant(item, "event_time"),
        pause_until=_instant(item, "pause_until_time") if item.HasField("pause_until_time") else None,
        wished_channel=item.preferred_channel or None, wished_hour_start=start if has_hours else None,
        wished_hour_end=end if has_hours else None, wish=wish,
        wished_days=sum(1 << day for day in set(item.preferred_days)) or None,
    )  # fmt: skip


def _contact(tenant_id: UUID, borrower_id: UUID, planned: PlannedContact) -> types_pb2.Contact:
    """Show a planned contact; whom it reaches stays here."""
    contact = types_pb2.Contact(
        contact_id=planned.contact_id.bytes, tenant_id=tenant_id.bytes, campaign_id=planned.campaign_id.bytes,
        borrower_id=borrower_id.bytes, loan_id=planned.loan_id.bytes, channel=planned.channel,  # type: ignore[arg-type]
        purpose=types_pb2.PURPOSE_REMINDER, template=planned.template,
    )  # fmt: skip
    contact.not_before_time.FromDatetime(planned.not_before)
    contact.expire_time.FromDatetime(planned.expire_at)
    return contact


def _uuid(value: bytes, field: str) -> UUID:
    if len(value) != UUID_BYTES:
        raise _violation(field, "give the 16 bytes of a UUID")
    return UUID(value)


def _instant(item: Any, field: str) -> datetime:
    if not item.HasField(field):
        raise _violation(field, "give the instant")
    stamp: Timestamp = getattr(item, field)
    return stamp.ToDatetime(UTC)


def _check_count(count: int, field: str) -> None:
    if not 1 <= count <= ITEMS_MAX:
        raise _violation(field, f"give 1 to {ITEMS_MAX}")


def _violation(field: str, description: str) -> Fault:
    return invalid("FIELD_INVALID", f"{field}: {description}", FieldViolation(field, description))
