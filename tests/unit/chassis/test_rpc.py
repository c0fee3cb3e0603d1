"""gRPC the house way, over a real loopback connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import grpc
import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.dispatcher.v1 import dispatcher_service_pb2_grpc as pb_grpc
from forbear_chassis import rpc
from forbear_chassis.clock import SKEW_MAX, SystemClock
from forbear_chassis.errors import Fault, FieldViolation, from_rpc_error, invalid
from forbear_chassis.worker import Activity


class Servicer(pb_grpc.DispatcherServiceServicer):
    """Answers, fails or dawdles, as the tenant id says."""

    async def GetCapacity(self, request: Any, context: Any) -> Any:
        if request.tenant_id == b"bad":
            raise invalid("TENANT_INVALID", "tenant_id must be 16 bytes", FieldViolation("tenant_id", "send 16 bytes"))
        if request.tenant_id == b"away":
            raise OSError("the database is away")
        if request.tenant_id == b"dies":
            raise asyncpg.InternalClientError("got result for unknown protocol state 3")
        if request.tenant_id == b"slow":
            await asyncio.sleep(30)
        return pb.GetCapacityResponse()

    async def SubmitContacts(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        async for request in request_iterator:
            yield pb.SubmitContactsResponse(request_id=request.request_id)


class SkewedClock(SystemClock):
    """A clock that runs ahead."""

    def __init__(self, ahead: timedelta) -> None:
        super().__init__()
        self._ahead = ahead

    def now(self) -> Any:
        return super().now() + self._ahead


@asynccontextmanager
async def serving(client_ahead: timedelta = timedelta(0)) -> AsyncIterator[Any]:
    """Serve the servicer on a free port and give a stub."""
    server = rpc.RpcServer("127.0.0.1:0", SystemClock(), Activity())
    pb_grpc.add_DispatcherServiceServicer_to_server(Servicer(), server.server)
    server.add("forbear.dispatcher.v1.DispatcherService")
    await server.start()
    async with rpc.connect(f"127.0.0.1:{server.port}", SkewedClock(client_ahead)) as channel:
        yield pb_grpc.DispatcherServiceStub(channel)
    await server.stop(0)


async def fault_of(call: Any) -> Fault:
    """Await a call that must fail and return what the caller learns."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def test_a_call_with_a_deadline_is_answered() -> None:
    """The twin of all refusals below."""
    async with serving() as stub:
        assert pb.GetCapacityResponse() == await stub.GetCapacity(pb.GetCapacityRequest(), timeout=5)


async def test_a_call_without_a_deadline_is_refused_and_told_so() -> None:
    """A caller that would wait for ever is a bug of the caller."""
    async with serving() as stub:
        fault = await fault_of(stub.GetCapacity(pb.GetCapacityRequest()))

    assert (grpc.StatusCode.INVALID_ARGUMENT, "DEADLINE_MISSING") == (fault.code, fault.reason)


async def test_a_typed_error_crosses_the_wire_with_its_violations() -> None:
    """Programs read code, reason and field, never text."""
    async with serving() as stub:
        fault = await fault_of(stub.GetCapacity(pb.GetCapacityRequest(tenant_id=b"bad"), timeout=5))

    assert "TENANT_INVALID" == fault.reason
    assert (FieldViolation("tenant_id", "send 16 bytes"),) == fault.violations


@pytest.mark.parametrize("how", [b"away", b"dies"])
async def test_a_dependency_that_is_away_becomes_unavailable(how: bytes) -> None:
    """The only code that clients retry; also when it dies in the middle of an exchange."""
    async with serving() as stub:
        fault = await fault_of(stub.GetCapacity(pb.GetCapacityRequest(tenant_id=how), timeout=5))

    assert (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE") == (fault.code, fault.reason)


async def test_the_servers_own_time_runs_out_first() -> None:
    """The caller is told by the server that its time ran out; its own timer is the later one."""
    async with serving() as stub:
        fault = await fault_of(stub.GetCapacity(pb.GetCapacityRequest(tenant_id=b"slow"), timeout=0.4))

    assert grpc.StatusCode.DEADLINE_EXCEEDED == fault.code


async def test_a_caller_whose_clock_is_off_is_refused() -> None:
    """Quiet hours depend on the clock, so services that disagree do not work together."""
    async with serving(client_ahead=SKEW_MAX + timedelta(seconds=30)) as stub:
        fault = await fault_of(stub.GetCapacity(pb.GetCapacityRequest(), timeout=5))

    assert (grpc.StatusCode.FAILED_PRECONDITION, "CLOCK_SKEWED") == (fault.code, fault.reason)


async def test_each_batch_of_a_stream_is_acknowledged() -> None:
    """A stream carries many batches and their acknowledgements, in order."""

    async def batches() -> AsyncIterator[Any]:
        for number in range(3):
            yield pb.SubmitContactsRequest(request_id=str(number))

    async with serving() as stub:
        acknowledged = [response.request_id async for response in stub.SubmitContacts(batches(), timeout=5)]

    assert ["0", "1", "2"] == acknowledged
