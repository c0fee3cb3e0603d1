"""`forbear brake` over HTTP: what a tenant's operator types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from forbear_chassis.http import HttpServer
from forbear_client.cli import main
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler

pytestmark = pytest.mark.needs_postgres
Forbear = Callable[..., Awaitable[Result]]


@pytest.fixture
async def forbear(scheduler: Scheduler, tmp_path: Path) -> AsyncIterator[Forbear]:
    """Run the command beside the campaign API."""
    server = HttpServer(scheduler.app, "127.0.0.1:0")
    await server.start()
    key_file = tmp_path / "key"
    key_file.write_text(KEY, encoding="utf-8")
    where = ["--url", f"http://127.0.0.1:{server.port}", "--key-file", str(key_file)]

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, main, ["brake", *words, *where])

    yield run
    await server.stop(1.0)


async def test_a_tolerance_of_a_campaign_is_set_shown_and_reset(scheduler: Scheduler, forbear: Forbear) -> None:
    """The list says for whom it was set and why; the reset goes to the dispatcher as a share of none."""
    campaign = (await scheduler.http.post("/v1/campaigns", json={"name": "x"})).json()["campaign_id"]

    put = await forbear("set", "opted_out", "0.08", "--campaign", campaign, "--reason", "old_debts")
    shown = await forbear("show", "--campaign", campaign)
    reset = await forbear("reset", "opted_out", "--campaign", campaign, "--reason", "as_usual")
    (after,) = (await scheduler.http.get("/v1/brake", params={"campaign_id": campaign})).json()

    assert (0, "8.00% of contacts may bring opted_out\n") == (put.exit_code, put.output)
    assert ["opted_out", "8.00%", "campaign", "old_debts"] == [
        word for word in shown.output.splitlines()[1].split() if word not in ("0.00%", "to")
    ]
    assert 0 == reset.exit_code
    assert (0.0, "as_usual") == (after["tolerated"], after["reason"])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("set", "sadness", "0.02", "--reason", "x"), 2, "'sadness' is not one of"),
        (("set", "opted_out", "2", "--reason", "x"), 2, "not in the range"),
        (("set", "opted_out", "0.9", "--reason", "x"), 1, "tolerated"),
        (("set", "opted_out", "0.02", "--campaign", "0" * 32, "--reason", "x"), 1, "no such"),
    ],
)
async def test_what_cannot_be_set_is_refused_with_what_is_wrong(
    scheduler: Scheduler, forbear: Forbear, words: tuple[str, ...], code: int, said: str
) -> None:
    """By the command, by the service, or by the dispatcher; nothing is changed."""
    answer = await forbear(*words)

    assert (code, True) == (answer.exit_code, said in answer.output), answer.output
    assert [] == (await scheduler.http.get("/v1/brake")).json()
