"""What the tracker and the scheduler are told: rows of the outbox, and the requests that the relays make of them.

A row is a serialised message. What many rows have in common is serialised once; a contact is put in as the bytes it
came in, and a request is read from its rows end to end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher.framing import field, repeated
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
    body = (
        _common_attempt(provider, sender, state, sent_at)
        + field(tracker_pb2.Attempt.ATTEMPT_ID_FIELD_NUMBER, attempt.bytes)
        + field(tracker_pb2.Attempt.PROVIDER_REF_FIELD_NUMBER, provider_ref.encode())
        + field(tracker_pb2.Attempt.CONTACT_FIELD_NUMBER, contact)
    )
    return OutboxRow(TRACKER, body)


def outcome_row(contact: UUID, state: State, reason: str, at: datetime, *, is_barred: bool = False) -> OutboxRow:
    """Tell the scheduler how a contact ended, and whether its address is barred or dead for good."""
    named = field(scheduler_pb2.ContactOutcome.CONTACT_ID_FIELD_NUMBER, contact.bytes)
    return OutboxRow(SCHEDULER, _common_outcome(state, reason, at, is_barred) + named)


async def write(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Add rows in the transaction of what they tell."""
    if rows:
        await connection.copy_records_to_table("outbox", records=rows, columns=OutboxRow._fields)


def attempts_request(request_id: str, bodies: Iterable[bytes]) -> tracker_pb2.RecordAttemptsRequest:
    """Build one batch for the tracker."""
    number = tracker_pb2.RecordAttemptsRequest.ATTEMPTS_FIELD_NUMBER
    request = tracker_pb2.RecordAttemptsRequest.FromString(repeated(number, bodies))
    request.request_id = request_id
    return request


def outcomes_request(request_id: str, bodies: Iterable[bytes]) -> scheduler_pb2.ReportOutcomesRequest:
    """Build one batch for the scheduler."""
    number = scheduler_pb2.ReportOutcomesRequest.OUTCOMES_FIELD_NUMBER
    request = scheduler_pb2.ReportOutcomesRequest.FromString(repeated(number, bodies))
    request.request_id = request_id
    return request


@lru_cache(maxsize=1024)
def _common_attempt(provider: str, sender: str, state: State, sent_at: datetime) -> bytes:
    message = tracker_pb2.Attempt(provider=provider, sender=sender, state=_STATES[state])
    _set_time(message.send_time, sent_at)
    return message.SerializeToString()


@lru_cache(maxsize=1024)
def _common_outcome(state: State, reason: str, at: datetime, is_barred: bool) -> bytes:
    message = scheduler_pb2.ContactOutcome(state=_STATES[state], reason=reason, is_address_barred=is_barred)
    _set_time(message.event_time, at)
    return message.SerializeToString()


def _set_time(field: object, instant: datetime) -> None:
    seconds, microseconds = divmod(to_epoch_us(instant), 1_000_000)
    field.seconds, field.nanos = seconds, microseconds * 1000  # type: ignore[attr-defined]  # a Timestamp
