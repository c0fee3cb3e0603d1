"""At the edge of a process a bug ends one request, and the log says where, without the message."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import httpx
import pytest

from forbear_chassis import logs
from forbear_chassis.http import HttpServer, admin_app
from forbear_chassis.worker import Activity

CANARY = "+12025550142"


async def broken(scope: Any, receive: Any, send: Any) -> None:
    """An application whose bug quotes personal data."""
    raise ValueError(f"cannot call {CANARY}")


async def test_a_bug_answers_500_and_logs_its_place_but_not_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception may quote what a borrower wrote; the log must not."""
    logs.configure("test", "info")
    server = HttpServer(broken, "127.0.0.1:0", Activity())
    await server.start()
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/")
    await server.stop(1)

    printed = capsys.readouterr().err
    (line,) = [json.loads(text) for text in printed.splitlines() if "request_failed" in text]
    assert 500 == answer.status_code
    assert "ValueError" == line["error"]
    assert any("test_edges.py" in place and "broken" in place for place in line["at"])
    assert CANARY not in printed


async def dead_database(scope: Any, receive: Any, send: Any) -> None:
    """An application whose database died in the middle of an exchange."""
    raise asyncpg.InternalClientError("got result for unknown protocol state 3")


async def dead_readiness() -> bool:
    """A readiness check that meets the same."""
    raise asyncpg.InternalClientError("got result for unknown protocol state 3")


@pytest.mark.parametrize(("app", "path"), [(dead_database, "/"), (admin_app(dead_readiness), "/readyz")])
async def test_a_database_that_dies_in_the_middle_is_no_bug_of_ours(app: Any, path: str) -> None:
    """The caller is told to come again, with 503: on the way of a request and when the orchestrator asks."""
    server = HttpServer(app, "127.0.0.1:0", Activity())
    await server.start()
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}{path}")
    await server.stop(1)

    assert 503 == answer.status_code
