"""From a borrower's reply to the scheduler's plan: the time end to end, over the real processes.

Starts PostgreSQL, Valkey and the three services on the machine's clock, imports borrowers, lets a campaign plan
contacts with them, and posts signed replies to the tracker's webhook at a steady rate, as a provider does. Measured is
the time from the first byte of a reply until the scheduler's database shows its effect: the response is there and, in
the same transaction, the borrower is left in peace and what was planned is cancelled. Limit: 5 seconds.

    python bench/feedback_latency.py
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
import asyncpg
from twilio.request_validator import RequestValidator

from forbear.tracker.v1 import tracker_service_pb2 as pb
from forbear.tracker.v1.tracker_service_pb2_grpc import TrackerServiceStub
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import SystemClock
from forbear_chassis.rpc import connect
from forbear_client.api import Api
from forbear_domain import ids
from forbear_sandbox import portfolio
from forbear_sandbox.stack import START, Options, Stack

REPLIES = 300
RATE_S = 20
POLL_S = 0.005
LIMIT_S = 5.0
WAIT_MAX_S = 60.0
SENDER = "+18005550100"
WORDS = ("I lost my job and cannot pay", "Perdí mi trabajo y no puedo pagar", "我失业了，没钱还款", "STOP")


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "portfolio.csv"
        rows = [replace(row, circumstances="") for row in portfolio.generate(REPLIES, 1, START.date())]
        portfolio.write_csv(rows, path)
        with Stack(Path(folder) / "run", Options(start=None, portfolio=path)) as stack:
            with Api(stack.scheduler_url, stack.api_key) as api:
                api.import_borrowers(path)
                campaign = api.create_campaign({"name": "Feedback"}, key="feedback")
                api.change_campaign(campaign["campaign_id"], "start")
            refs = [(row.borrower_ref, row.loan_ref) for row in rows]
            return asyncio.run(measure(stack, sorted(set(refs))[:REPLIES]))


async def measure(stack: Stack, refs: list[tuple[str, str]]) -> int:
    """Post the replies and watch the scheduler's database; print what it took."""
    numbers = {borrower: number for number, borrower in enumerate(await record_attempts(stack, refs))}
    database = await asyncpg.connect(stack.database_url())
    planned = await wait_for_plan(database)
    posted: dict[UUID, float] = {}
    answered: list[float] = []
    seen: dict[UUID, float] = {}
    watch = asyncio.create_task(watch_pauses(database, seen, len(numbers)))
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        for borrower, number in numbers.items():
            group.create_task(reply(session, stack, borrower, number, posted, answered))
            await asyncio.sleep(1 / RATE_S)
    await asyncio.wait_for(watch, WAIT_MAX_S)
    left = await database.fetchval(
        "SELECT count(*) FROM scheduler.contact JOIN scheduler.pause USING (tenant_id, borrower_id) "
        "WHERE contact.state = 0"
    )
    await database.close()
    return show([seen[borrower] - posted[borrower] for borrower in numbers], answered, planned, left)


async def wait_for_plan(database: asyncpg.Connection) -> int:
    """Return how many contacts are planned, once their number stands still."""
    planned, since = 0, perf_counter()
    while perf_counter() - since < WAIT_MAX_S:
        await asyncio.sleep(2.0)
        now: int = await database.fetchval("SELECT count(*) FROM scheduler.contact WHERE state = 0")
        if now and now == planned:
            break
        planned = now
    return planned


async def record_attempts(stack: Stack, refs: list[tuple[str, str]]) -> list[UUID]:
    """Tell the tracker of one text message to each borrower, as the dispatcher does; return the borrowers."""
    from forbear.tracker.v1 import tracker_service_pb2 as pb

    clock, tenant = SystemClock(), ids.tenant_id("demo")
    request = pb.RecordAttemptsRequest(request_id="bench")
    for number, (borrower_ref, loan_ref) in enumerate(refs):
        contact = types_pb2.Contact(
            contact_id=ids.contact_id(tenant, ids.borrower_id(tenant, borrower_ref), number).bytes,
            tenant_id=tenant.bytes, borrower_id=ids.borrower_id(tenant, borrower_ref).bytes,
            loan_id=ids.loan_id(tenant, loan_ref).bytes, channel=types_pb2.CHANNEL_SMS,
            purpose=types_pb2.PURPOSE_REMINDER, template="reminder.gentle",
            recipient=types_pb2.Recipient(
                address=phone(number), language="en", given_name="Maria", brand="Harbor Home Loans",
                loan=types_pb2.LoanTerms(
                    currency="USD", past_due_minor=61_240, instalment_minor=145_000, product="loan"
                ),
            ),
        )  # fmt: skip
        attempt = request.attempts.add(
            attempt_id=ids.attempt_id(UUID(bytes=contact.contact_id), 1).bytes, contact=contact, provider="twilio_sms",
            provider_ref=f"SM{number}", sender=SENDER, state=types_pb2.CONTACT_STATE_ACCEPTED,
        )  # fmt: skip
        attempt.send_time.FromDatetime(clock.now())

    async def requests() -> AsyncIterator[pb.RecordAttemptsRequest]:
        yield request

    channel = connect(f"127.0.0.1:{stack.ports.tracker_rpc}", clock)
    async for _ in TrackerServiceStub(channel).RecordAttempts(requests(), timeout=30):
        pass
    await channel.close()
    return [ids.borrower_id(tenant, borrower_ref) for borrower_ref, _ in refs]


def phone(number: int) -> str:
    """Return a reserved number; area codes and the last two digits tell them apart."""
    return f"+1{201 + number // 100}55501{number % 100:02d}"


async def reply(
    session: aiohttp.ClientSession,
    stack: Stack,
    borrower: UUID,
    number: int,
    posted: dict[UUID, float],
    answered: list[float],
) -> None:
    """Post one signed reply and note when it was begun and how long the answer took."""
    form = {"MessageSid": f"SMin{number}", "From": phone(number), "To": SENDER, "Body": WORDS[number % len(WORDS)]}
    url = f"{stack.tracker_url}/twilio/message"
    token = stack.environment("response-tracker")["FORBEAR_TRACKER_TWILIO_AUTH_TOKEN"]
    signature = RequestValidator(token).compute_signature(url, form)
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    posted[borrower] = perf_counter()
    async with session.post(url, data=urlencode(form), headers=headers) as answer:
        assert answer.status == 200, answer.status
    answered.append(perf_counter() - posted[borrower])


async def watch_pauses(database: asyncpg.Connection, seen: dict[UUID, float], wanted: int) -> None:
    """Note when each borrower's pause shows in the scheduler's database."""
    while len(seen) < wanted:
        for row in await database.fetch("SELECT DISTINCT borrower_id FROM scheduler.pause"):
            seen.setdefault(UUID(bytes=row["borrower_id"].bytes), perf_counter())
        await asyncio.sleep(POLL_S)


def show(latencies_s: list[float], answered_s: list[float], planned: int, left: int) -> int:
    """Print the figures beside the limit; return 0 when the limit holds and nothing stayed planned."""
    ordered, webhook = sorted(latencies_s), sorted(answered_s)
    p50, p99 = quantile(ordered, 0.50), quantile(ordered, 0.99)
    print(f"{len(ordered)} replies at {RATE_S} a second, {planned} contacts planned before them")
    print(f"reply to plan      p50 {p50:.3f} s   p99 {p99:.3f} s   max {ordered[-1]:.3f} s   limit {LIMIT_S:.0f} s")
    print(f"reply to answer    p50 {quantile(webhook, 0.50):.3f} s   p99 {quantile(webhook, 0.99):.3f} s")
    print(f"still planned for somebody who is to be left in peace: {left}")
    is_ok = p99 <= LIMIT_S and left == 0
    print(json.dumps({
        "name": "feedback_latency_p99_s", "value": round(p99, 3), "reference": LIMIT_S,
        "ratio": round(p99 / LIMIT_S, 3), "goal": LIMIT_S, "ok": is_ok,
    }))  # fmt: skip
    return 0


def quantile(ordered: list[float], share: float) -> float:
    """Return the value below which a share lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    sys.exit(main())
