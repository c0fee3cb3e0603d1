"""Tell the scheduler, as its peers do, what became of contacts and what borrowers answered."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_domain import ids
from tests.integration.scheduler.scheduler_stage import Scheduler


async def report_outcomes(scheduler: Scheduler, state: int = types_pb2.CONTACT_STATE_ACCEPTED) -> list[bytes]:
    """Report one final state for everything that the dispatcher has and that was not reported yet."""
    open_ids = await scheduler.pool.fetch(
        "SELECT contact_id, not_before FROM contact WHERE state = 6 ORDER BY contact_id"
    )
    request = pb.ReportOutcomesRequest(request_id=str(uuid.uuid4()))
    for row in open_ids:
        outcome = request.outcomes.add(contact_id=row["contact_id"].bytes, state=state)  # type: ignore[arg-type]
        outcome.event_time.FromDatetime(max(row["not_before"], scheduler.clock.now()))
    if open_ids:
        await stream(scheduler.rpc.ReportOutcomes, request)
    return [row["contact_id"].bytes for row in open_ids]


async def report_response(
    scheduler: Scheduler,
    borrower_ref: str,
    kind: int,
    contact_id: bytes = b"",
    at: datetime | None = None,
    **fields: Any,
) -> None:
    """Report one response."""
    borrower_id = ids.borrower_id(scheduler.tenant_id, borrower_ref)
    response = pb.Response(
        response_id=uuid.uuid4().bytes, tenant_id=scheduler.tenant_id.bytes, borrower_id=borrower_id.bytes,
        contact_id=contact_id, kind=kind, channel=1, **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    response.event_time.FromDatetime(at or scheduler.clock.now())
    await stream(scheduler.rpc.ReportResponses, pb.ReportResponsesRequest(request_id="r", responses=[response]))


async def report_answers(scheduler: Scheduler, contact_ids: list[bytes]) -> None:
    """Let the borrowers of these contacts answer at once."""
    request = pb.ReportResponsesRequest(request_id=str(uuid.uuid4()))
    for row in await scheduler.pool.fetch(
        "SELECT borrower_id, contact_id, channel, sent_at FROM contact WHERE contact_id = ANY($1)",
        [uuid.UUID(bytes=one) for one in contact_ids],
    ):
        response = request.responses.add(
            response_id=uuid.uuid4().bytes, tenant_id=scheduler.tenant_id.bytes, borrower_id=row["borrower_id"].bytes,
            contact_id=row["contact_id"].bytes, kind=types_pb2.RESPONSE_KIND_ENGAGED, channel=row["channel"],
        )  # fmt: skip
        response.event_time.FromDatetime(row["sent_at"])
    if request.responses:
        await stream(scheduler.rpc.ReportResponses, request)


async def stream(method: Any, request: Any) -> None:
    """Send one request over a stream and wait for its acknowledgement."""

    async def requests():
        yield request

    assert [request.request_id] == [answer.request_id async for answer in method(requests(), timeout=10)]
