"""Erases a borrower (GDPR art. 17, PIPL art. 47): here at once, in the dispatcher's evidence as soon as law lets.

The request is durable with the deed; the dispatcher is told until it has answered, and its answer says until when law
keeps the evidence. So long the tracker keeps the words, too: it is told of that date.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

import structlog

from contact_scheduler.store import erasures
from contact_scheduler.store.erasures import ErasureRow
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear_chassis.clock import Clock, from_epoch_us
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_chassis.worker import Pass

TIMEOUT_S = 30.0

log = structlog.get_logger(__name__)


class EraseCall(Protocol):
    """The dispatcher's method."""

    def __call__(self, request: pb.EraseBorrowerRequest, /, *, timeout: float) -> Awaitable[Any]: ...


class EraseWordsCall(Protocol):
    """The tracker's method."""

    def __call__(self, request: tracker_pb.EraseBorrowerRequest, /, *, timeout: float) -> Awaitable[Any]: ...


class EraseBorrower:
    """The use case behind `POST /v1/borrowers/{ref}:erase`. Call `wake` after the commit."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    async def run(
        self, connection: Connection, tenant_id: UUID, borrower_id: UUID, asked_by: str, now: datetime
    ) -> ErasureRow | None:
        """Erase a borrower of the tenant, or return None when there is none. A repeat changes nothing."""
        found = await connection.fetchval(
            "SELECT true FROM borrower WHERE tenant_id = $1 AND borrower_id = $2 FOR UPDATE", tenant_id, borrower_id
        )
        if not found:
            return None
        await erasures.insert(connection, tenant_id, borrower_id, asked_by, now)
        log.info("borrower_erased", tenant_id=str(tenant_id), borrower_id=str(borrower_id))
        return await erasures.find(connection, tenant_id, borrower_id)


async def hand_over_erasure(pool: Pool, clock: Clock, erase: EraseCall, erase_words: EraseWordsCall) -> Pass:
    """Tell the dispatcher of one erasure, then the tracker; a crash in between tells both again."""
    async with pool.acquire() as connection, connection.transaction():
        one = await erasures.next_to_hand_over(connection)
        if one is None:
            return Pass(0)
        request = pb.EraseBorrowerRequest(
            request_id=str(uuid.uuid5(one.borrower_id, "erase")),
            tenant_id=one.tenant_id.bytes,
            borrower_id=one.borrower_id.bytes,
        )
        answer = await erase(request, timeout=TIMEOUT_S)
        until = None
        if answer.HasField("erase_time"):
            until = from_epoch_us(answer.erase_time.seconds * 1_000_000 + answer.erase_time.nanos // 1000)
        words = tracker_pb.EraseBorrowerRequest(
            request_id=request.request_id, tenant_id=request.tenant_id, borrower_id=request.borrower_id
        )
        if answer.HasField("erase_time"):
            words.keep_until_time.CopyFrom(answer.erase_time)
        await erase_words(words, timeout=TIMEOUT_S)
        await erasures.mark_handed_over(connection, one, clock.now(), until)
    return Pass(1)
