"""Hand-over of whole requests: recalls and barred numbers to the dispatcher, payments to the tracker.

A row of the outbox holds one finished request, with its own request id, written in the transaction of the fact it tells
of. The tail of the file builds those requests: the only place besides `rpc_service` that knows the wire.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from contact_scheduler.payments import Payment
from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear.types.v1 import types_pb2
from forbear_chassis.outbox import one_by_one, relay
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_chassis.worker import Pass

RECALL, PAYMENT, SUPPRESS = "recall", "payment", "suppress"
CONTACTS_A_REQUEST_MAX = 1_000


async def relay_requests(pool: Pool, topic: str, kind: type[Message], call: Callable[..., Awaitable[Any]]) -> Pass:
    """Send what waits under a topic, in order; return how many requests were taken."""
    return await relay(pool, topic, one_by_one(call), lambda _, bodies: kind.FromString(bodies[0]), batch_rows=1)


async def put(connection: Connection, topic: str, bodies: Iterable[bytes]) -> None:
    """Write requests into the outbox, in order."""
    await connection.executemany("INSERT INTO outbox (topic, body) VALUES ($1, $2)", [(topic, body) for body in bodies])


def recall_campaign(tenant_id: UUID, campaign_id: UUID, reason: str, cause: str) -> bytes:
    """Build the recall of all contacts of a campaign; `cause` tells one recall of it from the next."""
    request_id = str(uuid.uuid5(campaign_id, f"recall:{cause}"))
    return dispatcher_pb.RecallContactsRequest(
        request_id=request_id, tenant_id=tenant_id.bytes, campaign_id=campaign_id.bytes, reason=reason
    ).SerializeToString()


def recall_contacts(tenant_id: UUID, contact_ids: list[UUID], reason: str, cause: str) -> list[bytes]:
    """Build the recalls of some contacts."""
    ids = sorted(contact.bytes for contact in contact_ids)
    parts = [ids[start : start + CONTACTS_A_REQUEST_MAX] for start in range(0, len(ids), CONTACTS_A_REQUEST_MAX)]
    return [
        dispatcher_pb.RecallContactsRequest(
            request_id=str(uuid.uuid5(tenant_id, f"recall:{cause}:{reason}:{b''.join(part).hex()}")),
            tenant_id=tenant_id.bytes, contact_ids=part, reason=reason,
        ).SerializeToString()
        for part in parts
    ]  # fmt: skip


def suppress_numbers(tenant_id: UUID, phones: Mapping[str, str], now: datetime) -> bytes:
    """Build the request that bars numbers, by address key, for all borrowers of a tenant: they are somebody else's."""
    request = dispatcher_pb.ApplySuppressionsRequest(
        request_id=str(uuid.uuid5(tenant_id, "reassigned:" + ",".join(sorted(phones))))
    )
    start_time = Timestamp()
    start_time.FromDatetime(now)
    for key in sorted(phones):
        request.suppressions.add(
            suppression_id=uuid.uuid5(tenant_id, f"reassigned:{key}").bytes, tenant_id=tenant_id.bytes,
            kind=types_pb2.SUPPRESSION_KIND_WRONG_PARTY, address=phones[key], start_time=start_time,
            source="reassigned",
        )  # fmt: skip
    return request.SerializeToString()


def payments_request(tenant_id: UUID, payments: list[Payment]) -> bytes:
    """Build the hand-over of payments to the tracker."""
    request = tracker_pb.RecordPaymentsRequest(
        request_id=str(uuid.uuid5(tenant_id, "payments:" + ",".join(sorted(str(p.payment_id) for p in payments))))
    )
    for payment in payments:
        pay_time = Timestamp()
        pay_time.FromDatetime(payment.paid_at)
        request.payments.add(
            payment_id=payment.payment_id.bytes, tenant_id=tenant_id.bytes, borrower_id=payment.borrower_id.bytes,
            loan_id=payment.loan_id.bytes, amount_minor=payment.amount, currency=payment.currency,
            pay_time=pay_time, past_due_minor=payment.past_due_after,
        )  # fmt: skip
    return request.SerializeToString()
