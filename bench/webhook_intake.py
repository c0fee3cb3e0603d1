"""Webhook intake: CPU of the serving process for one provider callback, checked, durable and answered.

Three servers take the same signed callbacks over kept connections and write them with the same group commit to the same
PostgreSQL: a bare ASGI endpoint that checks nothing, the tracker's own application, and FastAPI with a form model and
the official signature check. Goals: at most 1.7 times the bare endpoint, and at least three times cheaper than FastAPI.
Then a burst of 50,000 callbacks to the tracker: no 5xx, and every one of them durable.

    python bench/webhook_intake.py            # all
    python bench/webhook_intake.py serve KIND URL   # one server, used by the bench itself
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import asyncpg
import psutil
from twilio.request_validator import RequestValidator

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PUBLIC_URL = "https://tracker.example.com"
AUTH_TOKEN = "a-token-for-benchmarks"
LINK_SECRET = "a-link-secret-for-benchmarks"
ATTEMPT = "6f1a8f0e-4b1d-5c86-9c35-0d6f7262ea72"
PATH = f"/twilio/status?attempt={ATTEMPT}"
KINDS = ("bare", "tracker", "fastapi")
REQUESTS = 8_000
ROUNDS = 5
CONNECTIONS = 64
BURST = 50_000
BURST_CONNECTIONS = 256


def main() -> int:
    """Measure and print."""
    from forbear_sandbox.servers import EmbeddedPostgres
    from tests.kit.databases import fresh_database, make_template

    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        make_template(server)
        with fresh_database(server) as database:
            owner, url = database.url("forbear_tracker_owner"), database.url("forbear_tracker")
            return asyncio.run(measure(owner, url, database.url()))


async def measure(owner_url: str, url: str, admin_url: str) -> int:
    """Run all servers in turns, so that what else the machine does falls on all alike."""
    from forbear_chassis.postgres import migrate

    await migrate(owner_url, "response_tracker.store.migrations", "tracker")
    admin = await asyncpg.connect(admin_url)
    cpu_us: dict[str, list[float]] = {kind: [] for kind in KINDS}
    servers = {kind: start(kind, url) for kind in KINDS}
    try:
        ports = {kind: read_port(process) for kind, process in servers.items()}
        for turn in range(-1, ROUNDS):
            for kind in KINDS:
                await admin.execute("TRUNCATE tracker.event")
                requests = [make_request(f"{kind}-{turn}-{number}") for number in range(REQUESTS)]
                before_s = cpu_s(servers[kind])
                statuses = await post_all(ports[kind], requests, CONNECTIONS)
                spent_us = (cpu_s(servers[kind]) - before_s) / REQUESTS * 1e6
                stored = await admin.fetchval("SELECT count(*) FROM tracker.event")
                assert statuses == {204: REQUESTS}, statuses
                assert stored == REQUESTS, stored
                if turn >= 0:  # the first turn warms up
                    cpu_us[kind].append(spent_us)
        await admin.execute("TRUNCATE tracker.event")
        burst = await post_all(ports["tracker"], [make_request(f"burst-{n}") for n in range(BURST)], BURST_CONNECTIONS)
        durable = await admin.fetchval("SELECT count(*) FROM tracker.event")
    finally:
        for process in servers.values():
            process.terminate()
            process.wait(10)
        await admin.close()
    return report(cpu_us, burst, durable)


def report(turns: dict[str, list[float]], burst: Counter[int], durable: int) -> int:
    """Print the table and the results. Ratios are medians of the ratios of each turn, so that load falls on both."""
    cpu_us = {kind: statistics.median(values) for kind, values in turns.items()}
    print(f"{'server':34}{'CPU us a callback':>18}{'beside bare':>14}")
    for kind, name in zip(KINDS, ("bare ASGI, nothing checked", "tracker", "FastAPI form model, checked"), strict=True):
        print(f"{name:34}{cpu_us[kind]:>18.1f}{cpu_us[kind] / cpu_us['bare']:>14.2f}")
    failed = sum(count for status, count in burst.items() if status >= 500)
    print(f"burst of {BURST:,}: {failed} answered 5xx, {durable:,} durable")
    to_bare = statistics.median(one / two for one, two in zip(turns["tracker"], turns["bare"], strict=True))
    to_fastapi = statistics.median(one / two for one, two in zip(turns["fastapi"], turns["tracker"], strict=True))
    ours = cpu_us["tracker"]
    rows = [
        ("webhook intake CPU us, beside bare ASGI", ours, cpu_us["bare"], to_bare, "<= 1.7", to_bare <= 1.7),
        ("webhook intake, FastAPI form model", ours, cpu_us["fastapi"], to_fastapi, ">= 3", to_fastapi >= 3),
        ("webhook burst, 5xx", failed, BURST, durable / BURST, "0", failed == 0 and durable == BURST),
    ]  # fmt: skip
    for name, value, reference, ratio, goal, ok in rows:
        row = {"name": name, "value": round(value, 1), "reference": round(reference, 1), "ratio": round(ratio, 2)}
        print(json.dumps(row | {"goal": goal, "ok": bool(ok)}))
    return 0


def make_request(sid: str) -> bytes:
    """Make one signed callback with the fields that the provider sends."""
    form = {
        "AccountSid": "AC00000000000000000000000000000000",
        "ApiVersion": "2010-04-01",
        "From": "+18885550100",
        "MessageSid": sid,
        "MessageStatus": "delivered",
        "SmsSid": sid,
        "SmsStatus": "delivered",
        "To": "+12125550123",
    }
    body = urlencode(form).encode()
    signature = RequestValidator(AUTH_TOKEN).compute_signature(PUBLIC_URL + PATH, form)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: tracker.example.com\r\nX-Twilio-Signature: {signature}\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nUser-Agent: TwilioProxy/1.1\r\n"
        f"Accept: */*\r\nI-Twilio-Idempotency-Token: {sid}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def post_all(port: int, requests: list[bytes], connections: int) -> Counter[int]:
    """Send all requests over kept connections and count the statuses."""
    waiting = iter(requests)
    statuses: Counter[int] = Counter()

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
            )
            if length:
                await reader.readexactly(length)
            statuses[int(head[9:12])] += 1
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(connections)))
    return statuses


def start(kind: str, url: str) -> subprocess.Popen[str]:
    """Start one server as a process of its own."""
    command = [sys.executable, __file__, "serve", kind, url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})


def read_port(process: subprocess.Popen[str]) -> int:
    """Wait until a server says where it listens."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def cpu_s(process: subprocess.Popen[str]) -> float:
    """Return the CPU seconds of a server so far, user and system."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


async def serve(kind: str, url: str) -> None:
    """Serve until ended."""
    from forbear_chassis.clock import SystemClock
    from forbear_chassis.http import HttpServer
    from forbear_chassis.postgres import open_pool

    pool = await open_pool(url, size_max=4)
    make = {"bare": bare_app, "tracker": tracker_app, "fastapi": fastapi_app}[kind]
    server = HttpServer(make(pool, SystemClock()), "127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def bare_app(pool: Any, clock: Any) -> Any:
    """The floor: read the body, write it with the group commit, answer 204. Nothing is checked."""
    from uuid import UUID

    from response_tracker.events import Event, Kind
    from response_tracker.intake import Intake

    intake, numbers = Intake(pool), iter(range(10**9))
    headers = [(b"content-length", b"0")]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        await intake.take(Event(UUID(int=next(numbers)), Kind.STATUS, None, body, clock.now()))
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return app


def tracker_app(pool: Any, clock: Any) -> Any:
    """The tracker's own application; what processes events later does not run here."""
    from response_tracker.gateways import read_status
    from response_tracker.http_app import HttpApp, Secrets
    from response_tracker.intake import Intake
    from response_tracker.receive import Handlers, Receiver
    from response_tracker.track import Tracker

    nothing: Any = None
    handlers = Handlers(nothing, Tracker(pool, clock, read_status), nothing, nothing, nothing)
    receiver = Receiver(pool, clock, Intake(pool), handlers, wake=lambda: None, wake_events=lambda: None)
    return HttpApp(pool, clock, receiver, nothing, nothing, PUBLIC_URL, Secrets(AUTH_TOKEN, LINK_SECRET))


def fastapi_app(pool: Any, clock: Any) -> Any:
    """The usual way: a form model, the official validator, and the same group commit."""
    from fastapi import FastAPI, Form, Request, Response
    from pydantic import BaseModel

    from response_tracker.events import Event, Kind, name_event
    from response_tracker.intake import Intake

    class Status(BaseModel):
        AccountSid: str
        ApiVersion: str
        From: str
        MessageSid: str
        MessageStatus: str
        SmsSid: str
        SmsStatus: str
        To: str
        ErrorCode: str = ""

    intake, validator, app = Intake(pool), RequestValidator(AUTH_TOKEN), FastAPI()

    async def status(request: Request, form: Annotated[Status, Form()], attempt: str = "") -> Response:
        fields = form.model_dump(exclude_unset=True)
        signature = request.headers.get("x-twilio-signature", "")
        if not validator.validate(f"{PUBLIC_URL}/twilio/status?attempt={attempt}", fields, signature):
            return Response(status_code=403)
        event_id = name_event(Kind.STATUS, form.MessageSid, form.MessageStatus, form.ErrorCode)
        await intake.take(Event(event_id, Kind.STATUS, None, form.model_dump_json().encode(), clock.now()))
        return Response(status_code=204)

    status.__annotations__ = {"request": Request, "form": Annotated[Status, Form()], "attempt": str, "return": Response}
    app.post("/twilio/status", status_code=204, response_model=None)(status)
    return app


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        import uvloop

        uvloop.run(serve(sys.argv[2], sys.argv[3]))
    else:
        raise SystemExit(main())
