"""Carries the outbox to the other services: receipts before contacts, so that an answer finds what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from forbear_chassis.outbox import StreamCall, relay
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import Pass
from response_tracker import wire
from response_tracker.store import outgoing

if TYPE_CHECKING:
    from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceAsyncStub
    from forbear.scheduler.v1.scheduler_service_pb2_grpc import SchedulerServiceAsyncStub


class Relays:
    """The ways out to the dispatcher and to the scheduler."""

    def __init__(
        self, pool: Pool, dispatcher: DispatcherServiceAsyncStub, scheduler: SchedulerServiceAsyncStub
    ) -> None:
        self._pool = pool
        self._dispatcher = dispatcher
        self._scheduler = scheduler

    async def to_dispatcher(self) -> Pass:
        """Hand over receipts until none waits, then contacts."""
        receipts = one_by_one(self._dispatcher.RecordReceipts)
        done = await relay(self._pool, outgoing.RECEIPTS, receipts, wire.receipts_request)
        if done.done:
            return done
        submit = cast(StreamCall, self._dispatcher.SubmitContacts)
        return await relay(self._pool, outgoing.CONTACTS, submit, wire.contacts_request)

    async def to_scheduler(self) -> Pass:
        """Hand over responses."""
        report = cast(StreamCall, self._scheduler.ReportResponses)
        return await relay(self._pool, outgoing.RESPONSES, report, wire.responses_request)


def one_by_one(call: Callable[..., Awaitable[Any]]) -> StreamCall:
    """Let a call of one request and one response be used like a stream of them."""

    async def stream(requests: AsyncIterator[Any], *, timeout: float) -> AsyncIterator[Any]:
        async for request in requests:
            yield await call(request, timeout=timeout)

    return cast(StreamCall, stream)
