"""How many contacts the dispatcher can carry, or what is assumed while it does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import structlog

from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear_chassis.postgres import UUID

if TYPE_CHECKING:
    from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceAsyncStub

TIMEOUT_S = 5.0

log = structlog.get_logger(__name__)


class DispatcherCapacity:
    """Asks the dispatcher."""

    def __init__(self, stub: DispatcherServiceAsyncStub, fallback: tuple[int, int, int]) -> None:
        self._stub = stub
        self._fallback = fallback

    async def per_hour(self, tenant_id: UUID) -> tuple[int, int, int]:
        """Return contacts an hour by SMS, e-mail and voice. A channel without limit named carries none."""
        try:
            answer = await self._stub.GetCapacity(pb.GetCapacityRequest(tenant_id=tenant_id.bytes), timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            log.warning("capacity_assumed", error=error.code().name)
            return self._fallback
        named = {int(item.channel): item.contacts_per_hour for item in answer.channels}
        return named.get(1, 0), named.get(2, 0), named.get(3, 0)
