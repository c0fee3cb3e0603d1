"""A scheduler and a tracker on one database, joined by gRPC, and the scheduler's HTTP server on a port of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from contact_scheduler.credentials import digest
from contact_scheduler.store.tenants import TenantStore
from forbear.tracker.v1 import tracker_service_pb2_grpc as tracker_grpc
from forbear_chassis.http import App, HttpServer
from forbear_chassis.rpc import RpcServer, connect
from forbear_chassis.worker import Activity
from tests.integration.scheduler.conftest import scheduler as scheduler
from tests.integration.scheduler.scheduler_stage import Scheduler, add_tenant, make_csv, make_row
from tests.integration.tracker.conftest import reader as reader
from tests.integration.tracker.conftest import world as world
from tests.integration.tracker.tracker_stage import TENANT, World

if TYPE_CHECKING:
    from contact_scheduler.web.access import Api

ANSWER_MAX_S = 60.0  # the first import loads the tables of places, on whatever the machine has left
PROGRAM_KEY, ANAS_KEY, BENS_KEY = "fbk_of_a_program", "fbk_of_ana", "fbk_of_ben"


@dataclass
class Desk:
    """Where people work: `url` is the scheduler's, `world` the tracker with its peers."""

    url: str
    world: World
    key_file: Path

    def api(self, key: str = ANAS_KEY) -> httpx.AsyncClient:
        """Return a client with somebody's key."""
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=ANSWER_MAX_S)

    def browser(self) -> httpx.AsyncClient:
        """Return a client that keeps cookies and has no key."""
        return httpx.AsyncClient(base_url=self.url, timeout=ANSWER_MAX_S)

    async def hear(self, words: str) -> None:
        """Let the borrower be written to and say something, and the tracker act on it."""
        await self.world.attempt()
        await self.world.text(words)
        await self.world.pump()


@pytest.fixture
async def desk(scheduler: Scheduler, world: World, tmp_path: Path) -> AsyncIterator[Desk]:
    """The tenant of the tracker's tests, with one borrower imported, a program's key and the keys of two people."""
    now, store = scheduler.clock.now(), TenantStore(scheduler.pool)
    await add_tenant(scheduler.pool, "demo", PROGRAM_KEY, now)
    await scheduler.pool.execute("UPDATE api_key SET scopes = '{read,write,payments}' WHERE name = 'test'")
    for name, key in (("Ana Ruiz", ANAS_KEY), ("Ben Okafor", BENS_KEY)):
        await store.add_key(digest(key), TENANT, name, ["read", "cases"], now)  # type: ignore[arg-type]

    tracker = RpcServer("127.0.0.1:0", scheduler.clock, Activity())
    tracker_grpc.add_TrackerServiceServicer_to_server(world.rpc, tracker.server)
    await tracker.start()
    channel = connect(f"127.0.0.1:{tracker.port}", scheduler.clock)
    api: Api = scheduler.app.state.api
    scheduler.app.state.api = dataclasses.replace(api, tracker=tracker_grpc.TrackerServiceStub(channel))
    http = HttpServer(cast("App", scheduler.app), "127.0.0.1:0")
    await http.start()
    key_file = tmp_path / "ana.key"
    key_file.write_text(ANAS_KEY, encoding="utf-8")
    made = Desk(f"http://127.0.0.1:{http.port}", world, key_file)
    async with made.api(PROGRAM_KEY) as client:
        row = make_row(1, borrower_ref="b-1", loan_ref="l-1")
        imported = await client.post(
            "/v1/borrowers:import", content=make_csv([row]).encode(), headers={"Content-Type": "text/csv"}
        )
        assert imported.status_code == 200, imported.text
    yield made
    await http.stop(1.0)
    await channel.close()
    await tracker.stop(1.0)
