"""Memory of a dispatcher over a million messages: within 10 % of what it is once its caches are full.

    .venv/bin/python bench/memory.py                       (1,000,000 messages, about 20 minutes, 4 GiB of disk)
    .venv/bin/python bench/memory.py --messages 200000

The dispatcher is a process of its own with PostgreSQL, Valkey and a stub of Twilio. Contacts come in batches, as the
scheduler sends them, made by another process; each goes the whole path and is told to both neighbours. Sixty thousand
borrowers take turns, eight days apart by the dispatcher's clock, so that no cap holds anybody back. The caches that
remember an address hold 65,536 of them, so the figure is compared with that after 100,000 messages.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
import uuid
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import structlog
import uvloop

from bench._processes import resident_mib
from bench._workplace import Address, Stubs, open_stubs, open_worker
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear_chassis.process import keep_freed_memory, spare_collector
from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.integration.dispatcher.conftest import warm_up
from tests.integration.dispatcher.stage import make_contact, migrate_dispatcher
from tests.kit.databases import fresh_database, make_template
from tests.kit.manual_clock import NOON_IN_NEW_YORK, ManualClock

BORROWERS, BATCH = 60_000, 500
TURN = timedelta(days=8)
REACH = 0.10
REPORTS, FULL_AT = 10, 100_000


def dispatch(told: Connection, database: Address, valkey_url: str, stubs: Stubs) -> None:
    """Be the dispatcher: take each batch that one is given, finish it, and say so."""

    async def run() -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
        clock = ManualClock()
        worker = await open_worker(database, valkey_url, clock, stubs)
        await warm_up(worker.stage, clock)
        spare_collector()  # as a service does
        keep_freed_memory()
        told.send(0)
        while given := await asyncio.to_thread(told.recv):
            now, body = given
            clock.move_to(max(now, clock.now()))
            await worker.stage.submit(*pb.SubmitContactsRequest.FromString(body).contacts)
            done = 0
            while passed := (await worker.stage.dispatch.run_once()).done:
                done += passed
            await worker.tell()
            told.send(done)
        await worker.close()

    uvloop.run(run())


def batch_of(number: int) -> tuple[datetime, bytes]:
    """Make a batch of contacts; each borrower is reached again after all others were, eight days later."""
    turn, first = divmod(number * BATCH, BORROWERS)
    now = NOON_IN_NEW_YORK + turn * TURN + timedelta(seconds=2 + number % 600)
    contacts = [
        make_contact(one, now, contact_id=uuid.uuid5(uuid.NAMESPACE_OID, f"{turn}:{one}").bytes)
        for one in range(first, first + BATCH)
    ]
    return now, pb.SubmitContactsRequest(request_id=str(uuid.uuid4()), contacts=contacts).SerializeToString()


def measure(messages: int, told: Connection, pid: int, stubs: Stubs) -> dict[int, float]:
    """Give all batches; print and return the memory in MiB after each tenth, by messages."""
    told.recv()
    sizes: dict[int, float] = {}
    batches = messages // BATCH
    print(f"{'messages':>12}{'MiB':>8}", flush=True)
    for number in range(batches):
        told.send(batch_of(number))
        told.recv()
        if (number + 1) * REPORTS // batches > number * REPORTS // batches:
            done = (number + 1) * BATCH
            sizes[done] = resident_mib(pid)
            print(f"{done:12,}{sizes[done]:8.1f}", flush=True)
    told.send(None)
    print(f"{stubs.asked.value:,} reached the provider, {stubs.twice.value} twice")
    assert stubs.asked.value >= messages * 0.99, "too few were sent: the figure would mean nothing"
    return sizes


def main(messages: int) -> None:
    """Start everything, measure, and print the verdict."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_stubs() as stubs,
        EmbeddedPostgres(Path(folder)) as postgres,
        EmbeddedValkey(Path(folder)) as valkey,
    ):
        make_template(postgres)
        with fresh_database(postgres) as database:
            asyncio.run(migrate_dispatcher(database))
            context = multiprocessing.get_context("spawn")
            near, far = context.Pipe()
            target = (far, Address.of(database), valkey.url, stubs)
            process = context.Process(target=dispatch, args=target, daemon=True)
            process.start()
            sizes = measure(messages, near, process.pid or 0, stubs)
            process.join(30)
    first, *later = [size for done, size in sizes.items() if done >= FULL_AT] or list(sizes.values())
    worst = max([first, *later], key=lambda size: abs(size - first)) / first
    line = {"name": f"memory_{messages}", "value": round(worst * first, 1), "reference": round(first, 1)}
    print(json.dumps({**line, "ratio": round(worst, 3), "goal": "0.9 to 1.1", "ok": abs(worst - 1) <= REACH}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--messages", type=int, default=1_000_000, help="a multiple of 5000, at least 200000 to mean anything"
    )
    main(parser.parse_args().messages)
