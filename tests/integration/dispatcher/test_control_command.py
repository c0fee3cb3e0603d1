"""`forbear switch` and `forbear limit` against a dispatcher's own gRPC server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from click.testing import CliRunner, Result

from channel_dispatcher.control_rpc import ControlRpc
from channel_dispatcher.controls import Controls
from forbear.dispatcher.v1 import control_service_pb2_grpc as control_grpc
from forbear_chassis.clock import SystemClock
from forbear_chassis.rpc import RpcServer
from forbear_chassis.worker import Activity
from forbear_client.cli import main
from tests.integration.dispatcher.stage import Stage, make_contact

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
Forbear = Callable[..., "asyncio.Future[Result]"]


@pytest.fixture
async def forbear(stage: Stage) -> AsyncIterator[Forbear]:
    """Run the command beside the server."""
    server = RpcServer("127.0.0.1:0", SystemClock(), Activity())
    controls = Controls(stage.pool, stage.clock, stage.signer)
    rpc = ControlRpc(stage.pool, stage.clock, controls, frozenset({"stub"}))
    control_grpc.add_ControlServiceServicer_to_server(rpc, server.server)
    await server.start()

    def run(*words: str) -> asyncio.Future[Result]:
        environment = {"FORBEAR_DISPATCHER": f"127.0.0.1:{server.port}"}
        return asyncio.ensure_future(asyncio.to_thread(CliRunner().invoke, main, words, env=environment))

    yield run
    await server.stop(1.0)


async def test_an_operator_stops_an_account_sees_it_and_lets_it_go_on(stage: Stage, forbear: Forbear) -> None:
    """The whole round by hand."""
    await stage.submit(make_contact(1, stage.clock.now()))

    thrown = await forbear("switch", "throw", "--provider", "stub", "--reason", "outage")
    await stage.run()
    while_thrown = len(stage.provider.sent)
    listed = await forbear("switch", "list")
    lifted = await forbear("switch", "lift", "1", "--reason", "mended")
    await stage.run()

    assert "switch 1 is thrown" in thrown.output
    assert 0 == while_thrown
    assert "provider stub" in listed.output
    assert "outage" in listed.output
    assert "switch 1 is lifted" in lifted.output
    assert 1 == len(stage.provider.sent)


async def test_an_operator_sets_lists_and_lifts_a_limit(stage: Stage, forbear: Forbear) -> None:
    """A warm-up of a new domain."""
    put = await forbear(
        "limit", "put", "domain", "News.example.com", "--per", "86400", "--tokens", "50", "--growth", "2", "--until",
        "20000", "--reason", "warm_up",
    )  # fmt: skip
    listed = await forbear("limit", "list")
    lifted = await forbear("limit", "lift", "1", "--reason", "done")

    assert "limit 1 is in force" in put.output
    assert "news.example.com" in listed.output
    assert "50 in 86400 s, x2 a day" in listed.output
    assert "limit 1 is lifted" in lifted.output
    assert "no limit" in (await forbear("limit", "list")).output


async def test_a_refusal_is_told_with_its_field_and_its_mend(forbear: Forbear) -> None:
    """Exit code 1."""
    refused = await forbear("switch", "throw", "--reason", "oops")

    assert 1 == refused.exit_code
    assert "everything: say so to stop everything" in refused.output


async def test_a_dispatcher_that_is_not_there_is_named(forbear: Forbear) -> None:
    """With the address that was asked."""
    away = await forbear("switch", "list", "--dispatcher", "127.0.0.1:1")

    assert 1 == away.exit_code
    assert "no dispatcher answers at 127.0.0.1:1" in away.output
