"""Puts suppressions in force at the dispatcher, and lifts them. Nobody is told "heard" before this has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear_chassis.clock import Clock, monotonic_s
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import Pass
from response_tracker import metrics, wire
from response_tracker.model import part_id
from response_tracker.store import outgoing

if TYPE_CHECKING:
    from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceAsyncStub

BATCH_MAX = 500
AFFIRM_EVERY_S = 20.0  # of real time, whatever the clock says
TIMEOUT_S = 10.0  # providers wait 15 s for our answer to a webhook


class Suppressor:
    """Carries suppressions to the dispatcher."""

    def __init__(self, pool: Pool, dispatcher: DispatcherServiceAsyncStub, clock: Clock) -> None:
        self._pool = pool
        self._dispatcher = dispatcher
        self._clock = clock
        self._affirmed_s = -AFFIRM_EVERY_S

    async def enforce(self, event_id: UUID | None = None) -> int:
        """Put in force what one event asks for, or whatever waits; return how many.

        Raises AioRpcError when the dispatcher did not say that they are in force: they then stay durable and wait.
        """
        started_s = monotonic_s()
        async with self._pool.acquire() as connection:
            rows = await outgoing.suppressions_to_apply(connection, event_id, BATCH_MAX)
        if not rows:
            return 0
        request_id = str(part_id(rows[0][0], "apply", rows[-1][0], len(rows)))
        await self._dispatcher.ApplySuppressions(
            wire.suppressions_request(request_id, [body for _, body in rows]), timeout=TIMEOUT_S
        )
        async with self._pool.acquire() as connection:
            await outgoing.mark_in_force(connection, [row_id for row_id, _ in rows], self._clock.now())
        metrics.SUPPRESSION_S.observe(monotonic_s() - started_s)
        return len(rows)

    async def lift(self) -> int:
        """Lift what is to be lifted; return how many. Raises AioRpcError when the dispatcher is away."""
        async with self._pool.acquire() as connection:
            rows = await outgoing.suppressions_to_lift(connection, BATCH_MAX)
        groups: dict[tuple[UUID, str], list[UUID]] = {}
        for suppression_id, tenant_id, reason in rows:
            groups.setdefault((tenant_id, reason), []).append(suppression_id)
        for (tenant_id, reason), ids in groups.items():
            request_id = str(part_id(ids[0], "lift", ids[-1], len(ids)))
            request = wire.lift_request(request_id, tenant_id, ids, reason)
            await self._dispatcher.LiftSuppressions(request, timeout=TIMEOUT_S)
            async with self._pool.acquire() as connection:
                await outgoing.mark_lifted(connection, ids, self._clock.now())
        return len(rows)

    async def affirm(self) -> None:
        """Tell the dispatcher that nothing waits to be put in force; without that it soon sends nothing any more."""
        request = dispatcher_pb.AffirmSuppressionsRequest(request_id=str(uuid4()))
        await self._dispatcher.AffirmSuppressions(request, timeout=TIMEOUT_S)
        self._affirmed_s = monotonic_s()

    async def run_once(self) -> Pass:
        """Make one pass of the worker loop: what a webhook could not finish is finished here."""
        done = await self.enforce() + await self.lift()
        if not done and monotonic_s() - self._affirmed_s >= AFFIRM_EVERY_S:
            await self.affirm()
        return Pass(done)
