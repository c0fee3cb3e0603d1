"""Jobs per CPU second: our dispatcher's whole path beside task queues that do nothing but the send.

    .venv/bin/python bench/queue_peers.py      (about two minutes; the first time it installs the peers)

Ours: taking contacts in, lease, gate, limits, rendering, claim, the official client, settlement, ledger and the
hand-over to tracker and scheduler, in PostgreSQL with default durability. Theirs: take a job from Valkey, post the same
form, acknowledge. All post to one stub in a process of its own, 32 side by side where the peer can; the peers run in
venvs of their own with the versions of `requirements/bench_queues/`. Rounds are taken in turns, medians of five. CPU
is the worker's with its children; in a column of its own also that of the database or queue server behind it.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import structlog
import uvloop

from bench._peer_venvs import install_peer
from bench._processes import cpu_s, named, tree_cpu_s
from bench._workplace import CONCURRENCY, Stubs, Worker, open_stubs, open_worker
from bench.sms_path import ACCOUNT
from forbear_chassis.process import keep_freed_memory, spare_collector
from forbear_providers.twilio_http import Transport
from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.integration.dispatcher.conftest import warm_up
from tests.integration.dispatcher.stage import make_contact, migrate_dispatcher
from tests.kit.databases import Database, fresh_database, make_template
from tests.kit.manual_clock import ManualClock

ROOT = Path(__file__).parents[1]
ROUNDS, JOBS = 5, 1_500
TRANSPORTS: tuple[Transport, ...] = ("library", "lean")
WAIT_S = 120.0
VENVS, WANTED = ROOT / "run" / "bench-queues", ROOT / "requirements" / "bench_queues"
ARQ = ["arq", "bench._queue_peers.arq_job.WorkerSettings"]
PEERS = {
    "celery": ["celery", "-A", "bench._queue_peers.celery_job", "worker", "-P", "prefork", "-c", "2", "-l", "ERROR"],
    "arq": [*ARQ, "--custom-log-dict", "bench._queue_peers.arq_job.QUIET"],
    "arq, its log on": ARQ,  # as its command starts it: two lines a job
    "taskiq": [
        *["taskiq", "worker", "bench._queue_peers.taskiq_job:broker", "--workers", "1"],
        *["--max-async-tasks", str(CONCURRENCY), "--log-level", "ERROR"],
    ],
}
GOALS = {"celery": 6.0, "arq": 3.0, "taskiq": 2.0}


class Cost(NamedTuple):
    """CPU us of one job: of the worker alone, and with the servers behind it."""

    worker: float
    with_store: float


class Peer:
    """One task queue: its worker, and a queue of its own on the Valkey they share."""

    def __init__(self, name: str, url: str, valkey: EmbeddedValkey, answered: Any) -> None:
        self._name, self._answered, self.costs = name, answered, list[Cost]()
        command, *words = PEERS[name]
        self._commands = install_peer(WANTED / f"{command}.in", VENVS / command)
        database = 1 + list(PEERS).index(name)
        self._env = {**os.environ, "PEER_URL": url, "PEER_REDIS": f"{valkey.url.rpartition('/')[0]}/{database}"}
        self._env["PYTHONPATH"] = str(ROOT)
        self._worker = subprocess.Popen(
            [str(self._commands / command), *words],
            env=self._env,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._enqueue = [str(self._commands / "python"), "-m", f"bench._queue_peers.{command}_job"]

    def run(self, jobs: int) -> None:
        """Have the worker do `jobs` jobs, and note what they cost."""
        until = self._answered.value + jobs
        store = named("valkey-server")
        before, before_store = tree_cpu_s(self._worker.pid), cpu_s(store)
        subprocess.run([*self._enqueue, str(jobs)], env=self._env, cwd=ROOT, check=True)
        deadline = time.monotonic() + WAIT_S
        while self._answered.value < until:
            if self._worker.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self._name}: {until - self._answered.value} of {jobs} jobs were never done")
            time.sleep(0.02)
        time.sleep(0.2)  # the last acknowledgements
        worker, behind = tree_cpu_s(self._worker.pid) - before, cpu_s(store) - before_store
        self.costs.append(Cost(worker / jobs * 1e6, (worker + behind) / jobs * 1e6))

    def stop(self) -> None:
        """End the worker."""
        self._worker.terminate()
        try:
            self._worker.wait(20)
        except subprocess.TimeoutExpired:
            self._worker.kill()


class Ours:
    """One dispatcher; it takes its contacts in, as the scheduler hands them over, and finishes them."""

    def __init__(self, worker: Worker, first: int) -> None:
        self.worker, self._next, self.costs = worker, first, list[Cost]()

    async def run(self, jobs: int) -> None:
        """Finish `jobs` contacts, and note what they cost."""
        stage, now = self.worker.stage, self.worker.stage.clock.now()
        batches = [
            [make_contact(number, now) for number in range(first, min(first + 500, self._next + jobs))]
            for first in range(self._next, self._next + jobs, 500)
        ]
        self._next += jobs
        store = [*named("postgres"), *named("valkey-server")]
        started, before_store = time.process_time(), cpu_s(store)
        for batch in batches:
            await stage.submit(*batch)
        await stage.run()
        await self.worker.tell()
        worker, behind = time.process_time() - started, cpu_s(store) - before_store
        self.costs.append(Cost(worker / jobs * 1e6, (worker + behind) / jobs * 1e6))


async def measure(database: Database, valkey: EmbeddedValkey, stubs: Stubs) -> dict[str, list[Cost]]:
    """Take the rounds in turns and return what each way cost; the first round of each is warm-up and left out."""
    clock = ManualClock()
    ours = {
        transport: Ours(await open_worker(database, valkey.url, clock, stubs, transport), number * 1_000_000)
        for number, transport in enumerate(TRANSPORTS)
    }
    await warm_up(ours["library"].worker.stage, clock)
    spare_collector()  # as a service does
    keep_freed_memory()
    url = f"{stubs.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    peers = {name: Peer(name, url, valkey, stubs.asked) for name in PEERS}
    try:
        for _ in range(ROUNDS + 1):
            for one in ours.values():
                await one.run(JOBS)
            for peer in peers.values():
                await asyncio.to_thread(peer.run, JOBS)
    finally:
        for peer in peers.values():
            peer.stop()
        for one in ours.values():
            await one.worker.close()
    costs = {f"ours, {transport}": one.costs[1:] for transport, one in ours.items()}
    return costs | {name: peer.costs[1:] for name, peer in peers.items()}


def report(costs: dict[str, list[Cost]]) -> None:
    """Print the table and the verdicts: the default transport, and the lean one, against each peer."""
    print(f"{ROUNDS} rounds of {JOBS} jobs; medians\n")
    print(f"{'':16}{'CPU us a job':>14}{'jobs/CPU s':>12}{'with its store':>16}{'jobs/CPU s':>12}")
    medians = {
        name: Cost(*(statistics.median(column) for column in zip(*rows, strict=True))) for name, rows in costs.items()
    }
    for name, (worker, with_store) in medians.items():
        print(f"{name:16}{worker:14.0f}{1e6 / worker:12,.0f}{with_store:16.0f}{1e6 / with_store:12,.0f}")
    print()
    for transport in TRANSPORTS:
        our = medians[f"ours, {transport}"]
        for name, goal in GOALS.items():
            ratio, whole = medians[name].worker / our.worker, medians[name].with_store / our.with_store
            print(f"{transport} / {name}: {ratio:.2f}x, with stores {whole:.2f}x (goal {goal:g}x)")
            line = {"name": f"jobs_per_cpu_s_{transport}_vs_{name}", "value": round(1e6 / our.worker)}
            line |= {"reference": round(1e6 / medians[name].worker), "ratio": round(ratio, 2)}
            print(json.dumps({**line, "goal": goal, "ok": ratio >= goal}))


async def main(stubs: Stubs) -> None:
    """Start the servers and measure."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder)) as postgres,
        EmbeddedValkey(Path(folder)) as valkey,
    ):
        make_template(postgres)
        with fresh_database(postgres) as database:
            await migrate_dispatcher(database)
            report(await measure(database, valkey, stubs))


if __name__ == "__main__":
    with open_stubs() as running:
        uvloop.run(main(running))
