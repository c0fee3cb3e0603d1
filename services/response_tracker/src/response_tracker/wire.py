"""The wire at the tracker's edge: contacts as we were told them, and the bodies that our outbox hands over.

Only this module and `rpc_service` touch pb2 types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.scheduler.v1 import scheduler_service_pb2 as scheduler_pb
from forbear.types.v1 import types_pb2 as types_pb
from forbear_domain.arrangements import Terms
from forbear_domain.ids import EVERYONE
from forbear_domain.messages.slots import NOT_COLLECTING
from forbear_domain.model import Channel, Purpose
from forbear_providers.contract import ReceiptState
from response_tracker.borrower_time import choose_zone
from response_tracker.model import Attempt, Response, Snapshot, Suppression, part_id
from response_tracker.store.cases import CaseAct
from response_tracker.store.conversations import Message

# Which evidence says best where the borrower is now: their own word, then home, then phones.
_ZONE_ORDER = (
    types_pb.PLACE_EVIDENCE_KIND_STATED,
    types_pb.PLACE_EVIDENCE_KIND_ADDRESS,
    types_pb.PLACE_EVIDENCE_KIND_LANDLINE_AREA_CODE,
    types_pb.PLACE_EVIDENCE_KIND_MOBILE_AREA_CODE,
)


def stamp(instant: datetime) -> Timestamp:
    """Turn an aware instant into a wire time."""
    made = Timestamp()
    made.FromDatetime(instant)
    return made


def snapshot(contact: bytes) -> Snapshot:
    """Read the recipient of a contact in wire form."""
    recipient = types_pb.Contact.FromString(contact).recipient
    return recipient_snapshot(recipient)


def recipient_snapshot(recipient: types_pb.Recipient) -> Snapshot:
    """Return what is needed to speak to a recipient."""
    names = [place.zone for kind in _ZONE_ORDER for place in recipient.places if place.kind == kind]
    loan = recipient.loan
    return Snapshot(
        given_name=recipient.given_name,
        language=recipient.language or "en",
        brand=recipient.brand,
        zone=choose_zone(names),
        terms=Terms(loan.currency, loan.past_due_minor, loan.instalment_minor, loan.product),
        is_collector=recipient.actor not in NOT_COLLECTING,
        payment_url=recipient.payment_url,
    )


def template_of(contact: bytes) -> str:
    """Return the template of a contact in wire form."""
    return types_pb.Contact.FromString(contact).template


def suppression_times(body: bytes) -> tuple[datetime, datetime | None]:
    """Return from when and until when a suppression in wire form holds; None: until it is lifted."""
    told = types_pb.Suppression.FromString(body)
    end = told.end_time.ToDatetime(UTC) if told.HasField("end_time") else None
    return told.start_time.ToDatetime(UTC), end


def follow_up_contact(
    attempt: Attempt,
    contact_id: UUID,
    *,
    template: str,
    purpose: Purpose,
    slots: Mapping[str, str],
    window: tuple[datetime, datetime],
    language: str = "",
) -> bytes:
    """Return a contact to the recipient of an attempt, in wire form; `window` is from when and until when it may go."""
    contact = types_pb.Contact.FromString(attempt.contact)
    contact.contact_id = contact_id.bytes
    contact.purpose = types_pb.Purpose.ValueType(int(purpose))
    contact.template = template
    contact.slots.clear()
    contact.slots.update(slots)
    contact.not_before_time.CopyFrom(stamp(window[0]))
    contact.expire_time.CopyFrom(stamp(window[1]))
    if language:
        contact.recipient.language = language
    return contact.SerializeToString(deterministic=True)


def as_text(call: Attempt) -> Attempt:
    """Return a call as a text, for who answers it by one: a consent to calls is no consent to texts."""
    contact = types_pb.Contact.FromString(call.contact)
    contact.channel = types_pb.CHANNEL_SMS
    contact.recipient.consented = False
    contact.recipient.ClearField("consent_time")
    return replace(call, channel=Channel.SMS, contact=contact.SerializeToString(deterministic=True))


def receipt(attempt: Attempt, cause: UUID, state: ReceiptState, at: datetime, code: str = "") -> bytes:
    """Return the receipt of an attempt, in wire form."""
    made = dispatcher_pb.Receipt(
        receipt_id=part_id(cause, "receipt", state.name, attempt.id).bytes,
        attempt_id=attempt.id.bytes,
        contact_id=attempt.contact_id.bytes,
        tenant_id=attempt.tenant_id.bytes,
        borrower_id=attempt.borrower_id.bytes,
        channel=types_pb.Channel.ValueType(int(attempt.channel)),
        state=dispatcher_pb.ReceiptState.ValueType(int(state)),
        code=code,
        event_time=stamp(at),
    )
    return made.SerializeToString()


def response(made: Response) -> bytes:
    """Return a response in wire form; it is credited to the contact of its attempt alone."""
    credited = made.credit.attempt
    message = scheduler_pb.Response(
        response_id=made.id.bytes,
        tenant_id=made.of.tenant_id.bytes,
        borrower_id=made.of.borrower_id.bytes,
        contact_id=b"" if credited is None else credited.contact_id.bytes,
        kind=types_pb.ResponseKind.ValueType(int(made.kind)),
        event_time=stamp(made.at),
        channel=types_pb.Channel.ValueType(int(made.channel)),
        preferred_channel=types_pb.Channel.ValueType(int(made.wish.channel or 0)),
        preferred_hour_start=made.wish.hour_start,
        preferred_hour_end=made.wish.hour_end,
        preferred_language=made.wish.language,
        preferred_days=made.wish.weekdays,
    )
    if made.pause_until is not None:
        message.pause_until_time.CopyFrom(stamp(made.pause_until))
    return message.SerializeToString()


def suppression(made: Suppression) -> bytes:
    """Return a suppression in wire form."""
    message = types_pb.Suppression(
        suppression_id=made.id.bytes,
        tenant_id=_tenant(made.tenant_id),
        kind=types_pb.SuppressionKind.ValueType(int(made.kind)),
        borrower_id=b"" if made.borrower_id is None else made.borrower_id.bytes,
        loan_id=b"" if made.loan_id is None else made.loan_id.bytes,
        address=made.address,
        channel=types_pb.Channel.ValueType(int(made.channel or 0)),
        start_time=stamp(made.start),
        source=made.source,
    )
    if made.end is not None:
        message.end_time.CopyFrom(stamp(made.end))
    if made.hours is not None:
        message.hours.weekdays.extend(made.hours.weekdays)
        message.hours.start_minute, message.hours.end_minute = made.hours.start_minute, made.hours.end_minute
    return message.SerializeToString()


def _tenant(tenant_id: UUID) -> bytes:
    return b"" if tenant_id == EVERYONE else tenant_id.bytes


def receipts_request(request_id: str, bodies: list[bytes]) -> dispatcher_pb.RecordReceiptsRequest:
    """Build one request from outbox rows of the topic `receipts`."""
    receipts = [dispatcher_pb.Receipt.FromString(body) for body in bodies]
    return dispatcher_pb.RecordReceiptsRequest(request_id=request_id, receipts=receipts)


def responses_request(request_id: str, bodies: list[bytes]) -> scheduler_pb.ReportResponsesRequest:
    """Build one request from outbox rows of the topic `responses`."""
    responses = [scheduler_pb.Response.FromString(body) for body in bodies]
    return scheduler_pb.ReportResponsesRequest(request_id=request_id, responses=responses)


def contacts_request(request_id: str, bodies: list[bytes]) -> dispatcher_pb.SubmitContactsRequest:
    """Build one request from outbox rows of the topic `contacts`."""
    contacts = [types_pb.Contact.FromString(body) for body in bodies]
    return dispatcher_pb.SubmitContactsRequest(request_id=request_id, contacts=contacts)


def recall(tenant_id: UUID, contact_ids: list[UUID], reason: str) -> bytes:
    """Return what takes contacts of a tenant back, all but the id of the request."""
    return dispatcher_pb.RecallContactsRequest(
        tenant_id=tenant_id.bytes, contact_ids=[one.bytes for one in contact_ids], reason=reason
    ).SerializeToString()


def recall_request(request_id: str, bodies: list[bytes]) -> dispatcher_pb.RecallContactsRequest:
    """Build one request from one outbox row of the topic `recalls`."""
    request = dispatcher_pb.RecallContactsRequest.FromString(bodies[0])
    request.request_id = request_id
    return request


def words_statement(of: Attempt, message: Message, commitment: bytes) -> bytes:
    """Return what the ledger is told of words: how they were read, and a commitment to them."""
    return dispatcher_pb.Statement(
        statement_id=message.id.bytes,
        tenant_id=of.tenant_id.bytes,
        borrower_id=of.borrower_id.bytes,
        kind=dispatcher_pb.STATEMENT_KIND_WORDS,
        event_time=stamp(message.at),
        channel=types_pb.Channel.ValueType(int(message.channel)),
        commitment=commitment,
        labels=message.labels,
        language=message.language,
    ).SerializeToString()


def override_statement(act: CaseAct, reason: str, commitment: bytes, suppression_id: UUID | None) -> bytes:
    """Return what the ledger is told of an act of a person."""
    return dispatcher_pb.Statement(
        statement_id=act.id.bytes,
        tenant_id=act.tenant_id.bytes,
        borrower_id=act.borrower_id.bytes,
        kind=dispatcher_pb.STATEMENT_KIND_OVERRIDE,
        event_time=stamp(act.at),
        commitment=commitment,
        person=act.person,
        act=act.act,
        case_id=act.case_id.bytes,
        reason=reason,
        detail=act.detail,
        suppression_id=b"" if suppression_id is None else suppression_id.bytes,
    ).SerializeToString()


def statements_request(request_id: str, bodies: list[bytes]) -> dispatcher_pb.RecordStatementsRequest:
    """Build one request from outbox rows of the topic `statements`."""
    statements = [dispatcher_pb.Statement.FromString(body) for body in bodies]
    return dispatcher_pb.RecordStatementsRequest(request_id=request_id, statements=statements)


def suppressions_request(request_id: str, bodies: list[bytes]) -> dispatcher_pb.ApplySuppressionsRequest:
    """Build the request that puts suppressions in force."""
    suppressions = [types_pb.Suppression.FromString(body) for body in bodies]
    return dispatcher_pb.ApplySuppressionsRequest(request_id=request_id, suppressions=suppressions)


def lift_request(
    request_id: str, tenant_id: UUID, ids: list[UUID], reason: str
) -> dispatcher_pb.LiftSuppressionsRequest:
    """Build the request that lifts suppressions of one tenant."""
    return dispatcher_pb.LiftSuppressionsRequest(
        request_id=request_id, tenant_id=_tenant(tenant_id), suppression_ids=[item.bytes for item in ids], reason=reason
    )
