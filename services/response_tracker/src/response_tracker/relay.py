"""Carries the outbox to the other services: receipts before contacts, so that an answer finds what it answers.

An answer whose receipt is not there yet would look like a contact that nobody asked for, and the gate would refuse it.
What is taken back goes after the contacts: nothing can be taken back that is not there yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from forbear_chassis.outbox import StreamCall, one_by_one, relay
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
        """Hand over receipts and statements until none waits, then contacts, then what is taken back."""
        receipts = one_by_one(self._dispatcher.RecordReceipts)
        done = await relay(self._pool, outgoing.RECEIPTS, receipts, wire.receipts_request)
        if done.done:
            return done
        statements = one_by_one(self._dispatcher.RecordStatements)
        done = await relay(self._pool, outgoing.STATEMENTS, statements, wire.statements_request)
        if done.done:
            return done
        submit = cast(StreamCall, self._dispatcher.SubmitContacts)
        done = await relay(self._pool, outgoing.CONTACTS, submit, wire.contacts_request, after=outgoing.RECEIPTS)
        if done.done:
            return done
        recall = one_by_one(self._dispatcher.RecallContacts)
        return await relay(
            self._pool, outgoing.RECALLS, recall, wire.recall_request, batch_rows=1, after=outgoing.CONTACTS
        )

    async def to_scheduler(self) -> Pass:
        """Hand over responses."""
        report = cast(StreamCall, self._scheduler.ReportResponses)
        return await relay(self._pool, outgoing.RESPONSES, report, wire.responses_request)
