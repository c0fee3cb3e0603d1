"""Hand-over of whole requests: recalls and barred numbers to the dispatcher, payments to the tracker.

A row of the outbox holds one finished request, with its own request id, written in the transaction of the fact it tells
of. The tail of the file builds those requests: the only place besides `rpc_service` that knows the wire.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from contact_scheduler.circumstances import BARS
from contact_scheduler.payments import Payment
from contact_scheduler.store.circumstances import Known
from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear.types.v1 import types_pb2
from forbear_chassis.outbox import one_by_one, relay
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_chassis.worker import Pass

RECALL, PAYMENT, SUPPRESS, LIFT = "recall", "payment", "suppress", "lift"
CONTACTS_A_REQUEST_MAX = 1_000
SUPPRESSIONS_A_REQUEST_MAX = 1_000
Item = TypeVar("Item")


async def relay_requests(
    pool: Pool, topic: str, kind: type[Message], call: Callable[..., Awaitable[Any]], after: str = ""
) -> Pass:
    """Send what waits under a topic, in order, and nothing while anything waits under `after`; return how many."""
    return await relay(
        pool, topic, one_by_one(call), lambda _, bodies: kind.FromString(bodies[0]), batch_rows=1, after=after
    )


async def relay_bars(pool: Pool, apply: Callable[..., Awaitable[Any]], lift: Callable[..., Awaitable[Any]]) -> Pass:
    """Send what bars contact, then what is lifted: never a lift before its bar, which would then stand for good."""
    done = await relay_requests(pool, SUPPRESS, dispatcher_pb.ApplySuppressionsRequest, apply)
    if done.done:
        return done
    return await relay_requests(pool, LIFT, dispatcher_pb.LiftSuppressionsRequest, lift, after=SUPPRESS)


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
    return [
        dispatcher_pb.RecallContactsRequest(
            request_id=str(uuid.uuid5(tenant_id, f"recall:{cause}:{reason}:{b''.join(part).hex()}")),
            tenant_id=tenant_id.bytes, contact_ids=part, reason=reason,
        ).SerializeToString()
        for part in _parts(ids, CONTACTS_A_REQUEST_MAX)
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


def suppress_borrowers(tenant_id: UUID, begun: Sequence[Known], now: datetime) -> list[bytes]:
    """Build the requests that bar borrowers of whom their lender knows what bars contact; others need none."""
    start_time = Timestamp()
    start_time.FromDatetime(now)
    bars = [
        types_pb2.Suppression(
            suppression_id=one.circumstance_id.bytes, tenant_id=tenant_id.bytes, kind=BARS[one.kind],
            borrower_id=one.borrower_id.bytes, start_time=start_time, source="api",
        )
        for one in sorted(begun)
        if one.kind in BARS
    ]  # fmt: skip
    return [
        dispatcher_pb.ApplySuppressionsRequest(
            request_id=str(uuid.uuid5(tenant_id, "circumstances:" + b"".join(s.suppression_id for s in part).hex())),
            suppressions=part,
        ).SerializeToString()
        for part in _parts(bars, SUPPRESSIONS_A_REQUEST_MAX)
    ]


def lift_suppressions(tenant_id: UUID, ended: Sequence[Known]) -> list[bytes]:
    """Build the requests that lift them again."""
    ids = sorted(one.circumstance_id.bytes for one in ended if one.kind in BARS)
    return [
        dispatcher_pb.LiftSuppressionsRequest(
            request_id=str(uuid.uuid5(tenant_id, f"ended:{b''.join(part).hex()}")), tenant_id=tenant_id.bytes,
            suppression_ids=part, reason="file_says_otherwise",
        ).SerializeToString()
        for part in _parts(ids, SUPPRESSIONS_A_REQUEST_MAX)
    ]  # fmt: skip


def _parts(items: Sequence[Item], length: int) -> list[Sequence[Item]]:
    return [items[start : start + length] for start in range(0, len(items), length)]


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
