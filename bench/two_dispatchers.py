"""Contacts a second of one dispatcher and of two on the same queue, and that nothing is sent twice between them.

    .venv/bin/python bench/two_dispatchers.py --rounds 3 --contacts 5000      (about two minutes)

Each dispatcher is a process of its own, with PostgreSQL in default durability, Valkey, and the stub of Twilio. Once the
stub takes 50 ms to answer, as a provider far away does: then a dispatcher waits more than it works, and two cores carry
two. Once it answers at once: then the dispatchers, PostgreSQL and the stub are all after the same cores, and how busy
those are says what two can gain. The wall time is from the start to the end of the last; medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import structlog
import uvloop

from bench._processes import tree_cpu_s
from bench._workplace import Address, Stubs, Worker, open_stubs, open_worker
from forbear_chassis.process import keep_freed_memory, spare_collector
from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.integration.dispatcher.conftest import warm_up
from tests.integration.dispatcher.stage import make_contact, migrate_dispatcher
from tests.kit.databases import Database, fresh_database, make_template
from tests.kit.manual_clock import ManualClock

FAR_S = 0.05
FIRST = 10_000  # the numbers before it include the contact that warmed the limiter up
GOAL = 1.8


class Run(NamedTuple):
    """What one round came to."""

    per_s: float
    busy: float  # of all cores, by all that the bench started


def dispatch(told: Connection, database: Address, valkey_url: str, stubs: Stubs, now: datetime) -> None:
    """Be a dispatcher: empty the queue each time one is told to, and say when it was empty."""

    async def run() -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
        worker = await open_worker(database, valkey_url, ManualClock(now), stubs, "lean")
        spare_collector()  # as a service does
        keep_freed_memory()
        told.send("ready")
        while await asyncio.to_thread(told.recv):
            await empty_the_queue(worker)
            told.send(time.monotonic())
        await worker.close()

    uvloop.run(run())


async def empty_the_queue(worker: Worker) -> None:
    """Make passes until no contact is queued or in flight; what the other has locked is looked at again."""
    while True:
        if not (await worker.stage.dispatch.run_once()).done:
            if not await worker.stage.pool.fetchval("SELECT EXISTS (SELECT FROM contact WHERE state IN (10, 11))"):
                return
            await asyncio.sleep(0.005)
        await worker.tell()


class Bench:
    """One database, and two dispatchers that wait to be told."""

    def __init__(self, database: Database, valkey_url: str, stubs: Stubs, now: datetime, contacts: int) -> None:
        address = Address.of(database)
        context = multiprocessing.get_context("spawn")
        self._stubs, self._contacts, self._next = stubs, contacts, FIRST
        self._ends: list[Connection] = []
        for _ in range(2):
            near, far = context.Pipe()
            process = context.Process(target=dispatch, args=(far, address, valkey_url, stubs, now), daemon=True)
            process.start()
            self._ends.append(near)
        for end in self._ends:
            end.recv()

    async def run(self, giver: Worker, dispatchers: int) -> Run:
        """Have so many dispatchers empty a queue."""
        now = giver.stage.clock.now()
        for first in range(self._next, self._next + self._contacts, 500):
            await giver.stage.submit(*[make_contact(number, now) for number in range(first, first + 500)])
        self._next += self._contacts
        asked, cpu = self._stubs.asked.value, tree_cpu_s(os.getpid())
        started = time.monotonic()
        for end in self._ends[:dispatchers]:
            end.send(True)
        ended = max([await asyncio.to_thread(end.recv) for end in self._ends[:dispatchers]])
        wall_s, cpu_s = ended - started, tree_cpu_s(os.getpid()) - cpu
        sent = self._stubs.asked.value - asked
        assert sent == self._contacts, f"{sent} of {self._contacts} contacts were sent: some were lost, or sent twice"
        return Run(self._contacts / wall_s, cpu_s / wall_s / (os.cpu_count() or 1))

    def stop(self) -> None:
        """Let both go."""
        for end in self._ends:
            end.send(False)


async def measure(latency_s: float, rounds: int, contacts: int) -> dict[int, Run]:
    """Return the median round of one dispatcher and of two; the first of each is warm-up."""
    runs: dict[int, list[Run]] = {1: [], 2: []}
    with (
        tempfile.TemporaryDirectory() as folder,
        open_stubs(latency_s) as stubs,
        EmbeddedPostgres(Path(folder)) as postgres,
        EmbeddedValkey(Path(folder)) as valkey,
    ):
        make_template(postgres)
        with fresh_database(postgres) as database:
            await migrate_dispatcher(database)
            clock = ManualClock()
            giver = await open_worker(database, valkey.url, clock, stubs)
            await warm_up(giver.stage, clock)
            bench = Bench(database, valkey.url, stubs, clock.now(), contacts)
            for _ in range(rounds + 1):
                for dispatchers, done in runs.items():
                    done.append(await bench.run(giver, dispatchers))
            bench.stop()
            await giver.close()
            assert stubs.twice.value == 0, f"{stubs.twice.value} attempts came twice"
    return {
        number: Run(*[statistics.median(column) for column in zip(*done[1:], strict=True)])
        for number, done in runs.items()
    }


def main(rounds: int, contacts: int) -> None:
    """Measure with a provider far away and with one that answers at once."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    print(f"{rounds} rounds of {contacts} contacts on {os.cpu_count()} cores; medians\n")
    print(f"{'answers after':>16}{'one: per s':>12}{'cores busy':>12}{'two: per s':>12}{'cores busy':>12}  ratio")
    lines = []
    for latency_s, goal in ((FAR_S, GOAL), (0.0, None)):
        one, two = uvloop.run(measure(latency_s, rounds, contacts)).values()
        ratio = two.per_s / one.per_s
        cells = "".join(f"{run.per_s:12,.0f}{run.busy:12.0%}" for run in (one, two))
        print(f"{latency_s * 1000:13.0f} ms{cells}{ratio:6.2f}x", flush=True)
        name = f"two_dispatchers_{latency_s * 1000:.0f}_ms"
        line = {"name": name, "value": round(two.per_s), "reference": round(one.per_s), "ratio": round(ratio, 2)}
        lines.append({**line, "goal": goal, "ok": goal is None or ratio >= goal})
    print("\nno attempt came twice, and none was lost")
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contacts", type=int, default=5_000, help="of one round, a multiple of 500")
    given = parser.parse_args()
    main(given.rounds, given.contacts)
