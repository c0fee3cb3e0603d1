"""`kill -9` of a real dispatcher process, judged by what a counting server on the other side saw."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest

from forbear_chassis.clock import to_epoch_us
from forbear_domain.lifecycle import State
from forbear_sandbox.child import free_port
from tests.integration.dispatcher.stage import make_contact, migrate_dispatcher, open_stage
from tests.integration.dispatcher.stub_server import StubServer
from tests.kit.databases import Database
from tests.kit.manual_clock import NOON_IN_NEW_YORK, ManualClock

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

COUNT = 10
TIMEOUT_S = 60.0


@dataclass
class TimeServer:
    """Steps the clocks of the processes that connect, as the sandbox's coordinator does."""

    now: datetime = NOON_IN_NEW_YORK
    port: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._send(writer)
        while await reader.readline():
            pass

    def step(self, by: timedelta) -> None:
        self.now += by
        for writer in self._writers:
            self._send(writer)

    def _send(self, writer: asyncio.StreamWriter) -> None:
        if not writer.is_closing():
            writer.write(orjson.dumps({"op": "step", "now": to_epoch_us(self.now)}) + b"\n")

    async def stop(self) -> None:
        for writer in self._writers:
            writer.close()
        if self._server is not None:
            self._server.close()


@dataclass
class World:
    """A database, a counting server, a clock, and dispatcher processes that come and go."""

    database: Database
    connection: asyncpg.Connection
    server: StubServer
    time: TimeServer
    environment: dict[str, str]
    log: Path

    async def start_dispatcher(self) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "channel_dispatcher", env=self.environment, stderr=log
            )

    async def wait_for(self, state: State, count: int) -> None:
        """Wait until so many contacts are in a state; the clock goes on by a second now and then."""
        async with asyncio.timeout(TIMEOUT_S):
            while count != await self.connection.fetchval("SELECT count(*) FROM contact WHERE state = $1", state):
                await asyncio.sleep(0.1)
                self.time.step(timedelta(seconds=1))


@pytest.fixture
async def world(database: Database, valkey_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Ten contacts that are due, and everything a dispatcher needs to start."""
    await migrate_dispatcher(database)
    server, time = StubServer(), TimeServer()
    server.now = lambda: time.now
    await server.start()
    await time.start()
    giver = await open_stage(database, valkey_url, ManualClock())
    await giver.submit(*[make_contact(number, NOON_IN_NEW_YORK) for number in range(COUNT)])
    await giver.close()
    connection = await asyncpg.connect(database.url("forbear_dispatcher"))
    settings = {
        "DATABASE_URL": database.url("forbear_dispatcher"),
        "REDIS_URL": valkey_url,
        "RPC_LISTEN": f"127.0.0.1:{free_port()}",
        "ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
        "SCHEDULER_TARGET": "127.0.0.1:1",
        "TRACKER_TARGET": "127.0.0.1:1",
        "CLOCK": f"simulated://127.0.0.1:{time.port}",
        "CALLBACK_URL": "https://tracker.example.com",
        "LINK_SECRET": "s" * 32,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_BASE_URL": server.url,
        "SMS_SENDERS": "+12125550100",
        "SMS_CONCURRENCY": "1",
        "LIMIT_SMS_PER_SENDER_S": "1000",
        "LIMIT_SMS_PER_ACCOUNT_S": "1000",
        "LIMIT_TENANT_PER_S": "1000",
    }
    environment = {f"FORBEAR_DISPATCHER_{name}": value for name, value in settings.items()}
    made = World(database, connection, server, time, {**os.environ, **environment}, tmp_path / "dispatcher.log")
    yield made
    await connection.close()
    await time.stop()
    await server.stop()


async def test_a_dispatcher_killed_between_claim_and_send_and_between_send_and_settle(world: World) -> None:
    """One message is at the provider, nine are claimed: each arrives exactly once in the end, and none is lost."""
    world.server.hold = asyncio.Event()
    first = await world.start_dispatcher()
    await world.wait_for(State.CLAIMED, COUNT)
    async with asyncio.timeout(TIMEOUT_S):
        await world.server.arrived.wait()

    first.send_signal(signal.SIGKILL)
    await first.wait()
    world.server.hold.set()
    world.server.hold = None
    assert 1 == len(world.server.arrivals)

    second = await world.start_dispatcher()
    await world.wait_for(State.UNKNOWN, COUNT)
    assert 1 == len(world.server.arrivals), "what is unknown is not sent again by itself"
    world.time.step(timedelta(seconds=121))
    await world.wait_for(State.ACCEPTED, COUNT)

    assert {1} == set(world.server.by_number.values())
    assert COUNT == len(world.server.by_number)
    second.send_signal(signal.SIGTERM)
    assert 0 == await second.wait()


async def test_a_dispatcher_that_is_asked_to_stop_finishes_what_it_has_begun(world: World) -> None:
    """SIGTERM in the middle of a batch: what is claimed is sent and settled, then the process ends with 0."""
    world.server.hold = asyncio.Event()
    process = await world.start_dispatcher()
    await world.wait_for(State.CLAIMED, COUNT)
    async with asyncio.timeout(TIMEOUT_S):
        await world.server.arrived.wait()

    process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    world.server.hold.set()
    world.server.hold = None

    assert 0 == await process.wait()
    assert COUNT == await world.connection.fetchval(
        "SELECT count(*) FROM contact WHERE state = $1", int(State.ACCEPTED)
    )
    assert {1} == set(world.server.by_number.values())
