"""Clocks that disagree by ten minutes: every call between the services is refused, nothing is sent, nothing is lost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.dispatcher.v1 import dispatcher_service_pb2_grpc as pb_grpc
from forbear.types.v1 import types_pb2
from forbear_chassis import rpc
from forbear_chassis.clock import SystemClock
from forbear_chassis.errors import from_rpc_error
from forbear_chassis.outbox import relay
from forbear_chassis.worker import Activity, Pass, WorkerLoop
from tests.integration.dispatcher.stage import Stage, make_contact, open_stage
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

TEN_MINUTES = timedelta(minutes=10)


class WrongClock(SystemClock):
    """The clock of a machine that runs ahead, or behind, until somebody corrects it."""

    def __init__(self, ahead: timedelta) -> None:
        super().__init__()
        self.ahead = ahead

    def now(self) -> datetime:
        """Return what that machine believes."""
        return super().now() + self.ahead


@asynccontextmanager
async def serving(database: Database, valkey_url: str) -> AsyncIterator[tuple[Stage, int]]:
    """A dispatcher on the machine's clock, with its real doors."""
    stage = await open_stage(database, valkey_url, SystemClock())
    server = rpc.RpcServer("127.0.0.1:0", stage.clock, Activity())
    pb_grpc.add_DispatcherServiceServicer_to_server(stage.rpc, server.server)
    await server.start()
    try:
        yield stage, server.port
    finally:
        await server.stop(1)
        await stage.close()


def submit_request(request_id: str, bodies: list[bytes]) -> pb.SubmitContactsRequest:
    """Make one batch of an outbox."""
    contacts = [types_pb2.Contact.FromString(body) for body in bodies]
    return pb.SubmitContactsRequest(request_id=request_id, contacts=contacts)


@pytest.mark.parametrize("ahead", [TEN_MINUTES, -TEN_MINUTES])
async def test_a_service_whose_clock_is_off_is_refused_and_keeps_what_it_has(
    stage: Stage, database: Database, valkey_url: str, ahead: timedelta
) -> None:
    """Its worker backs off with the contact in its outbox; in the first pass on the right clock it goes, once."""
    clock = WrongClock(ahead)
    async with serving(database, valkey_url) as (dispatcher, port), rpc.connect(f"127.0.0.1:{port}", clock) as channel:
        call: Any = pb_grpc.DispatcherServiceStub(channel).SubmitContacts
        contact = make_contact(700, dispatcher.clock.now())
        await dispatcher.pool.execute(
            "INSERT INTO outbox (topic, body) VALUES ('skewed', $1)", contact.SerializeToString()
        )

        stop, told = asyncio.Event(), []

        async def tell(what: str) -> None:
            kept = await dispatcher.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'skewed'")
            queued = await dispatcher.pool.fetchval("SELECT count(*) FROM contact WHERE contact_id = $1", _id(contact))
            told.append((what, kept, queued))

        async def hand_over() -> Pass:
            try:
                made = await relay(dispatcher.pool, "skewed", call, submit_request)
            except grpc.aio.AioRpcError as error:
                fault = from_rpc_error(error)
                await tell(f"{fault.code.name} {fault.reason}")
                if len(told) == 2:
                    clock.ahead = timedelta(0)
                raise
            await tell("taken")
            stop.set()
            loop.wake()
            return made

        loop = WorkerLoop("relay", hand_over, clock)
        await loop.run(stop)

        assert [("FAILED_PRECONDITION CLOCK_SKEWED", 1, 0)] * 2 + [("taken", 0, 1)] == told
        assert [] == dispatcher.provider.sent


def _id(contact: types_pb2.Contact) -> uuid.UUID:
    return uuid.UUID(bytes=contact.contact_id)
