"""How many contacts the dispatcher can carry, or what is assumed while it does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import numpy as np
import structlog
from numpy.typing import NDArray

from contact_scheduler.planning.networks import NetworkLimit
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear_chassis.postgres import UUID

if TYPE_CHECKING:
    from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceAsyncStub

TIMEOUT_S = 5.0
CHANNELS, HOURS = 3, 24

log = structlog.get_logger(__name__)


class DispatcherCapacity:
    """Asks the dispatcher."""

    def __init__(self, stub: DispatcherServiceAsyncStub, fallback: tuple[int, int, int]) -> None:
        self._stub = stub
        self._fallback = fallback

    async def by_hour(self, tenant_id: UUID, campaign_id: UUID | None = None) -> NDArray[np.int64]:
        """Return contacts by channel and hour [3, 24], the first hour beginning now; of a campaign, by its limits.

        A channel that is not named carries none. Where nothing at all can be sent at this moment, a plan for the whole
        day goes by what is assumed: nothing leaves the dispatcher before it can.
        """
        try:
            request = pb.GetCapacityRequest(
                tenant_id=tenant_id.bytes, campaign_id=campaign_id.bytes if campaign_id else b""
            )
            answer = await self._stub.GetCapacity(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            log.warning("capacity_assumed", error=error.code().name)
            return self._assumed()
        table = np.zeros((CHANNELS, HOURS), dtype=np.int64)
        for item in answer.channels:
            if 1 <= item.channel <= CHANNELS:
                table[item.channel - 1] = _hours(item)
        if not table.any():
            log.warning("capacity_assumed", error="nothing can be sent at present")
            return self._assumed()
        return table

    async def networks(self, tenant_id: UUID) -> list[NetworkLimit]:
        """Return the limits of destination networks; none while the dispatcher does not answer: it holds to them."""
        try:
            request = pb.GetCapacityRequest(tenant_id=tenant_id.bytes)
            answer = await self._stub.GetCapacity(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            log.warning("networks_assumed", error=error.code().name)
            return []
        return [NetworkLimit(one.network, one.length_s, one.contacts) for one in answer.networks if one.length_s > 0]

    def _assumed(self) -> NDArray[np.int64]:
        return np.repeat(np.array(self._fallback, dtype=np.int64)[:, None], HOURS, axis=1)


def _hours(item: pb.ChannelCapacity) -> NDArray[np.int64]:
    """Return the hours of a channel; a dispatcher that does not tell them apart carries the same in each."""
    told = np.array(item.contacts_by_hour[:HOURS], dtype=np.int64)
    if not len(told):
        return np.full(HOURS, item.contacts_per_hour, dtype=np.int64)
    return np.concatenate((told, np.full(HOURS - len(told), told[-1], dtype=np.int64)))
