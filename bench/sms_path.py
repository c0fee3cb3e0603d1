"""One SMS through the whole path, beside the bare client on the same stub.

    .venv/bin/python bench/sms_path.py [library | lean]

The path: lease, gate, limits, rendering, claim, the official Twilio client, settlement, ledger, and the hand-over to
tracker and scheduler; PostgreSQL with default durability, Valkey, and a stub of Twilio and of both neighbours in a
process of its own. It is taken twice: with the HTTP library that the official client uses, the default, and with our
own small client under it. The reference: the same form posted by aiohttp with nothing around it. All with 32 requests
side by side; CPU of this process a message, rounds taken in turns, medians of five. A dispatcher has one transport:
name it to measure it as it runs in a service, for two in one process take the processor's caches from each other.
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

from bench._stages import Stopwatch
from channel_dispatcher import decisions, dispatch, outbox
from channel_dispatcher.compose import Composer
from channel_dispatcher.limits import Limiter
from channel_dispatcher.outlets import Outlet
from channel_dispatcher.sending import Sender
from channel_dispatcher.settle import Settlement
from channel_dispatcher.store import claims, ledger
from forbear.scheduler.v1 import scheduler_service_pb2 as scheduler_pb
from forbear.scheduler.v1 import scheduler_service_pb2_grpc as scheduler_grpc
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear.tracker.v1 import tracker_service_pb2_grpc as tracker_grpc
from forbear_chassis.outbox import relay
from forbear_chassis.process import keep_freed_memory, spare_collector
from forbear_domain.messages import Rendered
from forbear_domain.model import Channel
from forbear_providers.contract import SendRequest
from forbear_providers.twilio_http import Transport, TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.integration.dispatcher.conftest import warm_up
from tests.integration.dispatcher.stage import SENDERS, Stage, make_contact, migrate_dispatcher, open_stage
from tests.kit.databases import Database, fresh_database, make_template
from tests.kit.manual_clock import ManualClock

ROUNDS, MESSAGES, CONCURRENCY = 5, 1_500, 32
GOALS: dict[Transport, float] = {"library": 4.0, "lean": 2.5}
STAGES = (
    (claims, "_take", "lease what is due"),
    (claims, "history_of", "read its facts"),
    (dispatch, "judge", "gate"),
    (Composer, "compose", "render"),
    (Limiter, "take", "limits"),
    (dispatch, "put_under_permits", "permits"),
    (decisions, "sort_out", "evidence"),
    (claims, "write_claims", "claim"),
    (ledger, "append", "ledger, twice"),
    (Sender, "send", "send"),
    (Settlement, "settle", "settle"),
    (dispatch.Dispatch, "run_once", "the rest"),
)
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


class StubScheduler(scheduler_grpc.SchedulerServiceServicer):
    """Acknowledges outcomes."""

    async def ReportOutcomes(self, requests: AsyncIterator[Any], context: object) -> AsyncIterator[Any]:
        async for request in requests:
            yield scheduler_pb.ReportOutcomesResponse(request_id=request.request_id)


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


class WholePath:
    """One dispatcher, and what its rounds took."""

    def __init__(self, stage: Stage, first: int, tell: Callable[[], Any], watch: Stopwatch) -> None:
        self._stage, self._next, self._tell, self._watch = stage, first, tell, watch
        self.cpu_us: list[float] = []
        self.commits: list[float] = []
        self.stages_us: list[dict[str, float]] = []

    async def run(self) -> None:
        """Take MESSAGES contacts through the whole path."""
        stage = self._stage
        for start in range(self._next, self._next + MESSAGES, 500):
            await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(start, start + 500)])
        self._next += MESSAGES
        commits = await count_commits(stage)
        self._watch.cpu_s.clear()
        started = time.process_time()
        await stage.run()
        self._watch.begin("tell the neighbours")
        await self._tell()
        self._watch.end()
        self.cpu_us.append((time.process_time() - started) / MESSAGES * 1e6)
        self.commits.append((await count_commits(stage) - commits) / MESSAGES * 100)
        self.stages_us.append({name: cpu_s / MESSAGES * 1e6 for name, cpu_s in self._watch.cpu_s.items()})


async def count_commits(stage: Stage) -> int:
    """Return the transactions that wrote something: each leaves one checkpoint, or one emptied outbox."""
    return int(await stage.pool.fetchval("SELECT txid_snapshot_xmax(txid_current_snapshot())"))


async def main(http_port: int, rpc_port: int) -> None:
    """Measure the ways that the command line names, or all, in turns, and print what came of it."""
    wanted = [transport for transport in GOALS if transport in sys.argv[1:]] or list(GOALS)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    watch = Stopwatch()
    for owner, name, label in STAGES:
        watch.watch(owner, name, label)
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder)) as postgres,
        EmbeddedValkey(Path(folder)) as valkey,
    ):
        make_template(postgres)
        with fresh_database(postgres) as database:
            await migrate_dispatcher(database)
            await measure(database, valkey.url, (f"http://127.0.0.1:{http_port}", rpc_port), wanted, watch)


async def measure(
    database: Database, valkey_url: str, stubs: tuple[str, int], wanted: list[Transport], watch: Stopwatch
) -> None:
    """Take the rounds in turns: the bare client, then for each transport the official client alone and the path."""
    base, rpc_port = stubs
    clock, channel = ManualClock(), grpc.aio.insecure_channel(f"127.0.0.1:{rpc_port}")
    attempts: Any = tracker_grpc.TrackerServiceStub(channel).RecordAttempts
    outcomes: Any = scheduler_grpc.SchedulerServiceStub(channel).ReportOutcomes
    floors: list[float] = []
    alone: dict[Transport, list[float]] = {}
    paths: dict[Transport, WholePath] = {}
    providers: dict[Transport, TwilioSms] = {}
    stages: dict[Transport, Stage] = {}
    for number, transport in enumerate(wanted):
        provider = TwilioSms(TwilioAccount(ACCOUNT, "token", base, transport=transport), clock.now)
        outlet = Outlet(provider, SENDERS, CONCURRENCY, 1_000_000)
        stage = await open_stage(database, valkey_url, clock, outlet=lambda _, outlet=outlet: outlet)
        if not stages:
            await warm_up(stage, clock)

        async def tell(pool: Any = stage.pool) -> None:
            while (await relay(pool, outbox.TRACKER, attempts, outbox.attempts_request)).done:
                pass
            while (await relay(pool, outbox.SCHEDULER, outcomes, outbox.outcomes_request)).done:
                pass

        providers[transport], stages[transport], alone[transport] = provider, stage, []
        paths[transport] = WholePath(stage, number * 1_000_000, tell, watch)
    form = {"To": "+12125550100", "From": SENDERS[0], "Body": "x" * 300, "ValidityPeriod": "3600"}
    url, body = f"{base}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", urlencode(form).encode()
    spare_collector()  # as a service does
    keep_freed_memory()
    for _ in range(ROUNDS + 1):
        floors.append(await bare(url, body))
        for transport, path in paths.items():
            alone[transport].append(await provider_alone(providers[transport], stages[transport]))
            await path.run()
    await channel.close()
    for transport, stage in stages.items():
        await providers[transport].close()
        await stage.close()
    report(statistics.median(floors[1:]), alone, paths)


def report(floor_us: float, alone: dict[Transport, list[float]], paths: dict[Transport, WholePath]) -> None:
    """Print the tables and the verdicts; the first round of each was warm-up."""
    print(f"{ROUNDS} rounds of {MESSAGES} messages, {CONCURRENCY} side by side; CPU us a message, medians\n")
    print(f"{'':24}" + "".join(f"{transport:>12}" for transport in paths))
    names = [name for name in next(iter(paths.values())).stages_us[-1] if name != "send"]
    for name in [*names, "send"]:
        medians = [statistics.median(row[name] for row in path.stages_us[1:]) for path in paths.values()]
        print(f"  {name:22}" + "".join(f"{median:12.1f}" for median in medians))
    wholes = {transport: statistics.median(path.cpu_us[1:]) for transport, path in paths.items()}
    print(f"{'the whole path':24}" + "".join(f"{whole:12.0f}" for whole in wholes.values()))
    print(f"{'official client alone':24}" + "".join(f"{statistics.median(one[1:]):12.0f}" for one in alone.values()))
    print(f"{'bare aiohttp':24}" + f"{floor_us:12.0f}" * len(paths))
    ratios = {transport: whole / floor_us for transport, whole in wholes.items()}
    print(f"{'path / bare aiohttp':24}" + "".join(f"{ratio:11.2f}x" for ratio in ratios.values()))
    print(f"{'goal':24}" + "".join(f"{GOALS[transport]:11.1f}x" for transport in paths))
    commits = max(statistics.median(path.commits[1:]) for path in paths.values())
    print(f"{'commits for 100':24}{commits:12.2f}   (goal 1)\n")
    line = {"name": "sms_commits_per_100", "value": round(commits, 2), "reference": 1, "ratio": round(commits, 2)}
    print(json.dumps({**line, "goal": 1, "ok": commits <= 1}))
    for transport, ratio in ratios.items():
        line = {"name": f"sms_path_{transport}", "value": round(wholes[transport], 1), "reference": round(floor_us, 1)}
        is_met = ratio <= GOALS[transport]
        print(json.dumps({**line, "ratio": round(ratio, 2), "goal": GOALS[transport], "ok": is_met}))


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    stubs = context.Process(target=serve_stubs, args=(theirs,), daemon=True)
    stubs.start()
    uvloop.run(main(*ours.recv()))
    stubs.terminate()
