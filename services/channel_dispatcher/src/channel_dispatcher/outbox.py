"""What the tracker and the scheduler are told: rows of the outbox, and the requests that the relays make of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from forbear.scheduler.v1 import scheduler_service_pb2 as scheduler_pb2
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb2
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import to_epoch_us
from forbear_chassis.postgres import Connection
from forbear_domain.lifecycle import State

TRACKER, SCHEDULER = "tracker", "scheduler"
_STATES = {State(number): number for number in types_pb2.ContactState.values() if number}


class OutboxRow(NamedTuple):
    """One thing to tell, and to whom."""

    topic: str
    body: bytes


def attempt_row(
    attempt: UUID, contact: bytes, *, provider: str, provider_ref: str, sender: str, state: State, sent_at: datetime
) -> OutboxRow:
    """Tell the tracker that a provider was asked: it must know before receipts and replies come."""
    message = tracker_pb2.Attempt(
        attempt_id=attempt.bytes, provider=provider, provider_ref=provider_ref, sender=sender, state=_STATES[state]
    )
    message.contact.ParseFromString(contact)
    _set_time(message.send_time, sent_at)
    return OutboxRow(TRACKER, message.SerializeToString())


def outcome_row(contact: UUID, state: State, reason: str, at: datetime, *, is_barred: bool = False) -> OutboxRow:
    """Tell the scheduler how a contact ended, and whether its address is barred or dead for good."""
    message = scheduler_pb2.ContactOutcome(
        contact_id=contact.bytes, state=_STATES[state], reason=reason, is_address_barred=is_barred
    )
    _set_time(message.event_time, at)
    return OutboxRow(SCHEDULER, message.SerializeToString())


async def write(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Add rows in the transaction of what they tell."""
    if rows:
        await connection.execute(
            "INSERT INTO outbox (topic, body) SELECT * FROM unnest($1::text[], $2::bytea[])",
            *[list(column) for column in zip(*rows, strict=True)],
        )


def attempts_request(request_id: str, bodies: list[bytes]) -> tracker_pb2.RecordAttemptsRequest:
    """Build one batch for the tracker."""
    attempts = [tracker_pb2.Attempt.FromString(body) for body in bodies]
    return tracker_pb2.RecordAttemptsRequest(request_id=request_id, attempts=attempts)


def outcomes_request(request_id: str, bodies: list[bytes]) -> scheduler_pb2.ReportOutcomesRequest:
    """Build one batch for the scheduler."""
    outcomes = [scheduler_pb2.ContactOutcome.FromString(body) for body in bodies]
    return scheduler_pb2.ReportOutcomesRequest(request_id=request_id, outcomes=outcomes)


def _set_time(field: object, instant: datetime) -> None:
    seconds, microseconds = divmod(to_epoch_us(instant), 1_000_000)
    field.seconds, field.nanos = seconds, microseconds * 1000  # type: ignore[attr-defined]  # a Timestamp
