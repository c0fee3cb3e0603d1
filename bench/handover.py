"""Hand-over of 1,000,000 contacts from scheduler to dispatcher: PostgreSQL -> gRPC -> PostgreSQL, by their own code.

The giver runs the scheduler's release worker (claim due rows, build the contacts, stream them, mark them released);
the taker runs the dispatcher's SubmitContacts (check each contact, queue it durably, acknowledge) in a process of its
own. CPU is that of the two service processes. The reference is one call a contact, against the same taker.
Run: .venv/bin/python bench/handover.py [--contacts 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import uvloop

from channel_dispatcher.change import Changes
from channel_dispatcher.erase import Erasure
from channel_dispatcher.rpc_service import DispatcherRpc
from channel_dispatcher.signing import Signer
from contact_scheduler.release_contacts import ContactBuilder, ReleaseContacts
from contact_scheduler.store import release
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.dispatcher.v1 import dispatcher_service_pb2_grpc as pb_grpc
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import SystemClock
from forbear_chassis.postgres import migrate, open_pool
from forbear_chassis.rpc import RpcServer, connect
from forbear_chassis.worker import Activity
from forbear_domain.policy import load_packs
from forbear_sandbox.servers import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
LIMIT_US = 15.0
LEAST_RATIO = 30.0
UNARY_CONTACTS = 2_000
UNARY_AT_ONCE = 32
BORROWERS = 100_000

FILL_STEPS = (
    "INSERT INTO tenant VALUES (md5('tenant')::uuid, 'bench', 'Harbor Home Loans', 'collector', $1, now())",
    """INSERT INTO borrower (tenant_id, borrower_id, ref, place_id, language, employment, region, digest)
       SELECT md5('tenant')::uuid, md5('b' || i)::uuid, 'B' || i, 1, 'en', 0, 'NY', ''
       FROM generate_series(1, $1::int) i""",
    """INSERT INTO loan SELECT md5('tenant')::uuid, md5('l' || i)::uuid, md5('b' || i)::uuid, 'L' || i, 'mortgage',
       'USD', 18000000, 135000, 135000, 20, NULL, 0, 0, 0, '' FROM generate_series(1, $1::int) i""",
    """INSERT INTO contact_point SELECT md5('tenant')::uuid, md5('b' || i)::uuid, 1, current_date, 'import', $2
       FROM generate_series(1, $1::int) i""",
    """INSERT INTO campaign VALUES (md5('tenant')::uuid, md5('campaign')::uuid, 'bench', 'payment', '{}', '{1}', 1, 7,
       0, 8, 21, now(), NULL, 'active', NULL, now(), now())""",
    """INSERT INTO contact (tenant_id, contact_id, campaign_id, borrower_id, loan_id, channel, slot, arm, propensity,
       probability, value, treatment, template, reason, features, state, not_before, expire_at)
       SELECT md5('tenant')::uuid, md5('c' || i)::uuid, md5('campaign')::uuid, md5('b' || (i % $2::int + 1))::uuid,
       md5('l' || (i % $2::int + 1))::uuid, 1, 34, 1, 1, 0.1, 0.1, 'remind_gently', 'reminder.gentle', '{}',
       decode(repeat('00', 160), 'hex'), 0, date_trunc('hour', now()) - interval '1 hour', now() + interval '1 day'
       FROM generate_series(1, $1::int) i""",
    "ANALYZE",
)


def recipient_bytes() -> tuple[bytes, bytes]:
    """Return the stored pieces of a realistic recipient: contact point and tenant."""
    place = types_pb2.PlaceEvidence(kind=types_pb2.PLACE_EVIDENCE_KIND_ADDRESS, zone="America/New_York", region="US-NY")
    moved = types_pb2.PlaceEvidence(
        kind=types_pb2.PLACE_EVIDENCE_KIND_MOBILE_AREA_CODE, zone="America/Denver", region="US-CO"
    )
    point = types_pb2.Recipient(
        address="+12125550123", language="en", given_name="Ana", places=[place, moved], consented=True,
        address_kind="mobile", segment="day_shift",
    )  # fmt: skip
    point.consent_time.FromDatetime(datetime.now(UTC) - timedelta(days=100))
    tenant = types_pb2.Recipient(brand="Harbor Home Loans", actor="collector")
    return point.SerializeToString(), tenant.SerializeToString()


async def take(url: str) -> None:
    """The taker: the dispatcher's own service on its own database role. Ends with its parent's pipe."""
    clock, pool = SystemClock(), await open_pool(url)
    server = RpcServer("127.0.0.1:0", clock, Activity())
    signer = Signer.generate()
    erasure = Erasure(clock, Changes(pool, clock, signer), signer, load_packs())
    service = DispatcherRpc(pool, clock, erasure, cast(Any, None), lambda: None)  # capacity is not asked for here
    pb_grpc.add_DispatcherServiceServicer_to_server(service, server.server)
    await server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    while await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(f"{time.process_time()}\n")
        sys.stdout.flush()
    await server.stop(1)
    await pool.close()


class Taker:
    """The taker's process as seen from here."""

    def __init__(self, url: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, __file__, "--take", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._read())

    def cpu_s(self) -> float:
        """Return the CPU seconds it has used."""
        assert self._child.stdin is not None
        self._child.stdin.write("cpu\n")
        self._child.stdin.flush()
        return float(self._read())

    def stop(self) -> None:
        """End it."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(10)

    def _read(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline()


async def fill(pool: Any, contacts: int) -> None:
    """Write borrowers, loans, contact points and due contacts."""
    point, tenant = recipient_bytes()
    borrowers = min(BORROWERS, contacts)
    arguments = ((tenant,), (borrowers,), (borrowers,), (borrowers, point), (), (contacts, borrowers), ())
    for statement, given in zip(FILL_STEPS, arguments, strict=True):
        await pool.execute(statement, *given, timeout=600)


async def batched(pool: Any, stub: Any, taker: Taker) -> tuple[float, float, float, int]:
    """Run the release worker until nothing is due; return seconds, CPU of giver and taker, and contacts."""
    worker = ReleaseContacts(pool, SystemClock(), stub.SubmitContacts)
    taker_cpu, own_cpu, started, count = taker.cpu_s(), time.process_time(), time.monotonic(), 0
    while done := (await worker.run_once()).done:
        count += done
    return time.monotonic() - started, time.process_time() - own_cpu, taker.cpu_s() - taker_cpu, count


async def one_by_one(build: ContactBuilder, rows: list[Any], stub: Any, taker: Taker) -> tuple[float, float, float]:
    """Send the same contacts with one call each, 32 at once; return seconds and the CPU of both sides."""
    waiting = iter(rows)

    async def requests(row: Any) -> Any:
        request = pb.SubmitContactsRequest(request_id=str(row["contact_id"]))
        build.add(request, row)
        yield request

    async def caller() -> None:
        for row in waiting:
            async for _ in stub.SubmitContacts(requests(row), timeout=30):
                pass

    taker_cpu, own_cpu, started = taker.cpu_s(), time.process_time(), time.monotonic()
    await asyncio.gather(*(caller() for _ in range(UNARY_AT_ONCE)))
    return time.monotonic() - started, time.process_time() - own_cpu, taker.cpu_s() - taker_cpu


async def give(postgres: EmbeddedPostgres, contacts: int) -> None:
    """Measure both ways and print."""
    await migrate(postgres.url("forbear", "forbear_scheduler_owner"), "contact_scheduler.store.migrations", "scheduler")
    await migrate(
        postgres.url("forbear", "forbear_dispatcher_owner"), "channel_dispatcher.store.migrations", "dispatcher"
    )
    owner = await open_pool(postgres.url("forbear", "forbear_scheduler_owner"), size_max=2)
    await fill(owner, contacts + UNARY_CONTACTS)
    await owner.close()
    pool = await open_pool(postgres.url("forbear", "forbear_scheduler"))
    taker = Taker(postgres.url("forbear", "forbear_dispatcher"))
    clock = SystemClock()
    channel = connect(f"127.0.0.1:{taker.port}", clock)
    stub = pb_grpc.DispatcherServiceStub(channel)
    async with pool.acquire() as connection, connection.transaction():
        campaign = await release.hold_campaign(connection, clock.now())
        assert campaign is not None
        rows = await release.take_due(connection, campaign, clock.now(), UNARY_CONTACTS)
        unary = await one_by_one(ContactBuilder(campaign), rows, stub, taker)
        await release.mark(connection, [row["contact_id"] for row in rows], release.ContactPhase.RELEASED)
    seconds, own, other, count = await batched(pool, stub, taker)
    await channel.close()
    taker.stop()
    await pool.close()
    report(count, (seconds, own, other), unary)


def report(count: int, batched: tuple[float, float, float], unary: tuple[float, float, float]) -> None:
    """Print the table and the lines of JSON. The two ways are compared by CPU, and by the clock on the wall."""
    rate, unary_rate = count / batched[0], UNARY_CONTACTS / unary[0]
    giver, other = (value / count * 1e6 for value in batched[1:])
    unary_giver, unary_other = (value / UNARY_CONTACTS * 1e6 for value in unary[1:])
    both, unary_both = giver + other, unary_giver + unary_other
    print(f"{count:,} contacts       {'contacts/s':>12}{'giver us':>12}{'taker us':>12}{'both us':>12}")
    print(f"{'stream of batches':24}{rate:>12,.0f}{giver:>12.1f}{other:>12.1f}{both:>12.1f}")
    print(f"{'one call a contact':24}{unary_rate:>12,.0f}{unary_giver:>12.1f}{unary_other:>12.1f}{unary_both:>12.1f}")
    print(f"{'ratio':24}{rate / unary_rate:>11.1f}x{'':24}{unary_both / both:>11.1f}x")
    print(f"{'limit':24}{f'{LEAST_RATIO:.0f}x':>12}{LIMIT_US:>12.1f}{LIMIT_US:>12.1f}{f'{LEAST_RATIO:.0f}x':>12}")
    worst = max(giver, other)
    for name, value, reference, ratio, is_met, goal in (
        ("handover_cpu", worst, LIMIT_US, worst / LIMIT_US, worst <= LIMIT_US, "CPU us on the dearer side, at most 15"),
        ("handover_ratio", both, unary_both, unary_both / both, unary_both >= LEAST_RATIO * both, "CPU, at least 30x"),
        ("handover_rate", rate, unary_rate, rate / unary_rate, rate >= LEAST_RATIO * unary_rate, "wall, at least 30x"),
    ):
        result = {"name": name, "value": round(value, 1), "reference": round(reference, 1), "ratio": round(ratio, 2)}
        print(json.dumps(result | {"goal": goal, "ok": bool(is_met)}))


def main() -> None:
    """Run as giver, or as taker when the giver asks for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--take", metavar="URL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.take:
        uvloop.run(take(arguments.take))
        return
    with tempfile.TemporaryDirectory() as name, EmbeddedPostgres(Path(name)) as postgres:
        postgres.run_sql("CREATE DATABASE forbear")
        postgres.run_sql((ROOT / "deploy/sql/roles.sql").read_text(encoding="utf-8"), "forbear")
        uvloop.run(give(postgres, arguments.contacts))


if __name__ == "__main__":
    main()
