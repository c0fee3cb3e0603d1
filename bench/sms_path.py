"""One SMS through the whole path, beside the bare client on the same stub.

    .venv/bin/python bench/sms_path.py

The path: lease, gate, limits, rendering, claim, the official Twilio client, settlement, ledger, and the hand-over to
tracker and scheduler; PostgreSQL with default durability, Valkey, and a stub of Twilio and of both neighbours in a
process of its own. The reference: the same form posted by aiohttp with nothing around it. Both with 32 requests side by
side; CPU of this process a message, rounds taken in turns, medians of five.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

import aiohttp
import grpc
import structlog
import uvloop

from channel_dispatcher import outbox
from channel_dispatcher.outlets import Outlet
from forbear.scheduler.v1 import scheduler_service_pb2 as scheduler_pb
from forbear.scheduler.v1 import scheduler_service_pb2_grpc as scheduler_grpc
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear.tracker.v1 import tracker_service_pb2_grpc as tracker_grpc
from forbear_chassis.outbox import relay
from forbear_chassis.process import spare_collector
from forbear_domain.messages import Rendered
from forbear_domain.model import Channel
from forbear_providers.contract import SendRequest
from forbear_providers.twilio_api import TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.integration.dispatcher.conftest import warm_up
from tests.integration.dispatcher.stage import SENDERS, Stage, make_contact, migrate_dispatcher, open_stage
from tests.kit.databases import fresh_database, make_template
from tests.kit.manual_clock import ManualClock

ROUNDS, MESSAGES, CONCURRENCY = 5, 1_500, 32
GOAL = 4.0
ACCOUNT = "AC" + "0" * 32
REPLY = json.dumps({"sid": "SM" + "0" * 32, "status": "queued", "num_segments": "3", "error_code": None}).encode()


class StubTwilio(asyncio.Protocol):
    """Answers every complete request with 201; reads no more than it must."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:head_end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self._buffer) < head_end + 4 + length:
                return
            self._buffer = self._buffer[head_end + 4 + length :]
            self._transport.write(
                b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(REPLY), REPLY)
            )


class StubTracker(tracker_grpc.TrackerServiceServicer):
    """Acknowledges attempts."""

    async def RecordAttempts(self, requests: AsyncIterator[Any], context: object) -> AsyncIterator[Any]:
        async for request in requests:
            yield tracker_pb.RecordAttemptsResponse(request_id=request.request_id)

    async def RecordPayments(self, request: Any, context: object) -> Any:
        raise NotImplementedError

    async def GetResponseRates(self, request: Any, context: object) -> Any:
        raise NotImplementedError


class StubScheduler(scheduler_grpc.SchedulerServiceServicer):
    """Acknowledges outcomes."""

    async def ReportOutcomes(self, requests: AsyncIterator[Any], context: object) -> AsyncIterator[Any]:
        async for request in requests:
            yield scheduler_pb.ReportOutcomesResponse(request_id=request.request_id)

    async def ReportResponses(self, requests: Any, context: object) -> AsyncIterator[Any]:
        raise NotImplementedError
        yield

    async def ExplainNextContact(self, request: Any, context: object) -> Any:
        raise NotImplementedError


def serve_stubs(ready: Connection) -> None:
    """Serve Twilio, tracker and scheduler until killed."""

    async def serve() -> None:
        http = await asyncio.get_running_loop().create_server(StubTwilio, "127.0.0.1", 0)
        rpc = grpc.aio.server()
        tracker_grpc.add_TrackerServiceServicer_to_server(StubTracker(), rpc)
        scheduler_grpc.add_SchedulerServiceServicer_to_server(StubScheduler(), rpc)
        rpc_port = rpc.add_insecure_port("127.0.0.1:0")
        await rpc.start()
        ready.send((http.sockets[0].getsockname()[1], rpc_port))
        await http.serve_forever()

    uvloop.run(serve())


async def bare(url: str, body: bytes) -> float:
    """Return CPU us a message of the bare client."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic x"}
    left = iter(range(MESSAGES))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:

        async def work() -> None:
            for _ in left:
                async with session.post(url, data=body, headers=headers) as reply:
                    await reply.read()

        started = time.process_time()
        await asyncio.gather(*[work() for _ in range(CONCURRENCY)])
        return (time.process_time() - started) / MESSAGES * 1e6


async def provider_alone(provider: TwilioSms, stage: Stage) -> float:
    """Return CPU us a message of the provider's own code: what a message costs before anything of the path is done."""
    rendered = Rendered("reminder.gentle", "", "en", "", "x" * 300, "", 2)
    request = SendRequest(
        uuid.UUID(int=1),
        Channel.SMS,
        "+12125550100",
        SENDERS[0],
        rendered,
        "en",
        callback_url="https://tracker.example.com",
        die_by=stage.clock.now() + timedelta(hours=1),
    )
    left = iter(range(MESSAGES))

    async def work() -> None:
        for _ in left:
            await provider.send(request)

    started = time.process_time()
    await asyncio.gather(*[work() for _ in range(CONCURRENCY)])
    return (time.process_time() - started) / MESSAGES * 1e6


async def whole_path(stage: Stage, number: int, tell: Callable[[], Any]) -> tuple[float, float]:
    """Return CPU us a message of the whole path, and commits for 100 messages."""
    first = number * MESSAGES
    for start in range(first, first + MESSAGES, 500):
        await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(start, start + 500)])
    commits = await count_commits(stage)
    started = time.process_time()
    await stage.run()
    await tell()
    cpu_us = (time.process_time() - started) / MESSAGES * 1e6
    return cpu_us, (await count_commits(stage) - commits) / MESSAGES * 100


async def count_commits(stage: Stage) -> int:
    """Return the transactions that wrote something: each leaves one checkpoint, or one emptied outbox."""
    return int(await stage.pool.fetchval("SELECT txid_snapshot_xmax(txid_current_snapshot())"))


async def main(http_port: int, rpc_port: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    base, clock = f"http://127.0.0.1:{http_port}", ManualClock()
    account = TwilioAccount(ACCOUNT, "token", base)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder)) as postgres,
        EmbeddedValkey(Path(folder)) as valkey,
    ):
        make_template(postgres)
        with fresh_database(postgres) as database:
            await migrate_dispatcher(database)
            provider = TwilioSms(account, clock.now)
            outlet = Outlet(provider, SENDERS, CONCURRENCY, 1_000_000)
            stage = await open_stage(database, valkey.url, clock, outlet=lambda _: outlet)
            await warm_up(stage, clock)
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{rpc_port}")
            attempts: Any = tracker_grpc.TrackerServiceStub(channel).RecordAttempts
            outcomes: Any = scheduler_grpc.SchedulerServiceStub(channel).ReportOutcomes

            async def tell() -> None:
                while (await relay(stage.pool, outbox.TRACKER, attempts, outbox.attempts_request)).done:
                    pass
                while (await relay(stage.pool, outbox.SCHEDULER, outcomes, outbox.outcomes_request)).done:
                    pass

            form = {"To": "+12125550100", "From": SENDERS[0], "Body": "x" * 300, "ValidityPeriod": "3600"}
            url, body = f"{base}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", urlencode(form).encode()
            spare_collector()  # as a service does
            floors, alone, paths, commits = [], [], [], []
            for number in range(ROUNDS + 1):
                floors.append(await bare(url, body))
                alone.append(await provider_alone(provider, stage))
                cpu_us, per_hundred = await whole_path(stage, number, tell)
                paths.append(cpu_us)
                commits.append(per_hundred)
            await channel.close()
            await provider.close()
            await stage.close()
    report(*[statistics.median(values[1:]) for values in (floors, alone, paths, commits)])


def report(floor_us: float, alone_us: float, path_us: float, commits: float) -> None:
    """Print the table and the verdicts; the first round of each was warm-up."""
    print(f"{ROUNDS} rounds of {MESSAGES} messages, {CONCURRENCY} side by side; CPU us a message, medians\n")
    print(f"bare aiohttp            {floor_us:8.0f}")
    print(f"official client alone   {alone_us:8.0f}   {alone_us / floor_us:.2f}x")
    print(f"the whole path          {path_us:8.0f}   {path_us / floor_us:.2f}x (goal {GOAL}x)")
    print(f"commits for 100         {commits:8.2f}   (goal 1)\n")
    ratio = path_us / floor_us
    line = {"name": "sms_commits_per_100", "value": round(commits, 2), "reference": 1, "ratio": round(commits, 2)}
    print(json.dumps({**line, "goal": 1, "ok": commits <= 1}))
    line = {"name": "sms_path", "value": round(path_us, 1), "reference": round(floor_us, 1), "ratio": round(ratio, 2)}
    print(json.dumps({**line, "goal": GOAL, "ok": ratio <= GOAL}))


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    stubs = context.Process(target=serve_stubs, args=(theirs,), daemon=True)
    stubs.start()
    uvloop.run(main(*ours.recv()))
    stubs.terminate()
