"""What the benches of the dispatcher stand on: stubs in a process of their own, and one dispatcher with real servers.

The stub of Twilio counts what it was asked, for all to see, and how much of it came twice; it may take its time, as a
provider far away does.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import grpc
import uvloop

from bench.sms_path import ACCOUNT, REPLY, StubScheduler, StubTracker
from channel_dispatcher import outbox
from channel_dispatcher.outlets import Outlet
from forbear.scheduler.v1 import scheduler_service_pb2_grpc as scheduler_grpc
from forbear.tracker.v1 import tracker_service_pb2_grpc as tracker_grpc
from forbear_chassis.clock import Clock
from forbear_chassis.outbox import relay
from forbear_providers.twilio_http import Transport, TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from tests.integration.dispatcher.stage import SENDERS, Stage, open_stage
from tests.kit.databases import Database

CONCURRENCY = 32
ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(REPLY), REPLY)


class Stubs(NamedTuple):
    """Where the stubs are, and what was asked of Twilio's: requests, and attempts that came more than once."""

    http_port: int
    rpc_port: int
    asked: Any
    twice: Any

    @property
    def url(self) -> str:
        """Return the base URL of Twilio's API."""
        return f"http://127.0.0.1:{self.http_port}"


class CountingTwilio(asyncio.Protocol):
    """Answers every complete request with 201 after `latency_s`, and counts it."""

    asked: Any
    twice: Any
    latency_s = 0.0
    seen: set[bytes]

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:head_end].lower()
            end = head_end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self._buffer) < end:
                return
            self._count(self._buffer[head_end + 4 : end])
            self._buffer = self._buffer[end:]
            if self.latency_s:
                asyncio.get_running_loop().call_later(self.latency_s, self._transport.write, ANSWER)
            else:
                self._transport.write(ANSWER)

    def _count(self, form: bytes) -> None:
        self.asked.value += 1  # this process alone writes it
        attempt = form.partition(b"attempt%3D")[2][:36]
        if attempt:
            self.twice.value += attempt in self.seen
            self.seen.add(attempt)


def serve(ready: Connection, asked: Any, twice: Any, latency_s: float) -> None:
    """Serve Twilio, tracker and scheduler until killed."""
    CountingTwilio.asked, CountingTwilio.twice, CountingTwilio.seen = asked, twice, set()
    CountingTwilio.latency_s = latency_s

    async def run() -> None:
        http = await asyncio.get_running_loop().create_server(CountingTwilio, "127.0.0.1", 0)
        rpc = grpc.aio.server()
        tracker_grpc.add_TrackerServiceServicer_to_server(StubTracker(), rpc)
        scheduler_grpc.add_SchedulerServiceServicer_to_server(StubScheduler(), rpc)
        rpc_port = rpc.add_insecure_port("127.0.0.1:0")
        await rpc.start()
        ready.send((http.sockets[0].getsockname()[1], rpc_port))
        await http.serve_forever()

    uvloop.run(run())


@contextmanager
def open_stubs(latency_s: float = 0.0) -> Iterator[Stubs]:
    """Start the stubs, and end them afterwards."""
    context = multiprocessing.get_context("spawn")
    asked, twice = context.Value("Q", 0, lock=False), context.Value("Q", 0, lock=False)
    near, far = context.Pipe()
    process = context.Process(target=serve, args=(far, asked, twice, latency_s), daemon=True)
    process.start()
    try:
        yield Stubs(*near.recv(), asked, twice)
    finally:
        process.terminate()
        process.join()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is, for another process."""

    urls: dict[str, str]

    @classmethod
    def of(cls, database: Database) -> Address:
        """Return where a database is for the dispatcher's role."""
        return cls({"forbear_dispatcher": database.url("forbear_dispatcher")})

    def url(self, role: str) -> str:
        """Return the URL as a role sees it."""
        return self.urls[role]


class Worker(NamedTuple):
    """One dispatcher of SMS; `tell` empties its outbox to the neighbours."""

    stage: Stage
    tell: Callable[[], Awaitable[None]]
    close: Callable[[], Awaitable[None]]


async def open_worker(
    database: Any, valkey_url: str, clock: Clock, stubs: Stubs, transport: Transport = "library"
) -> Worker:
    """Put a dispatcher together; `database` gives the URL of a role."""
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{stubs.rpc_port}")
    attempts: Any = tracker_grpc.TrackerServiceStub(channel).RecordAttempts
    outcomes: Any = scheduler_grpc.SchedulerServiceStub(channel).ReportOutcomes
    provider = TwilioSms(TwilioAccount(ACCOUNT, "token", stubs.url, transport=transport), clock.now)
    outlet = Outlet(provider, SENDERS, CONCURRENCY, 1_000_000)
    stage = await open_stage(database, valkey_url, clock, outlet=lambda _: outlet)

    async def tell() -> None:
        while (await relay(stage.pool, outbox.TRACKER, attempts, outbox.attempts_request)).done:
            pass
        while (await relay(stage.pool, outbox.SCHEDULER, outcomes, outbox.outcomes_request)).done:
            pass

    async def close() -> None:
        await channel.close()
        await provider.close()
        await stage.close()

    return Worker(stage, tell, close)
