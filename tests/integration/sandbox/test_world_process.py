"""The sandbox as a process of its own, as demos, benchmarks and end-to-end tests start it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiosmtplib
import pytest

from forbear_sandbox.child import Child, free_port
from forbear_sandbox.stack import _answers
from forbear_sandbox.world import WorldSettings
from forbear_sandbox.world_client import WorldClient, WorldError
from tests.kit.worlds import ACCOUNT, SENDER, STARTS_AT, TOKEN, open_twilio, portfolio_file, world_settings


@pytest.fixture
def world_process(tmp_path: Path) -> Iterator[tuple[WorldSettings, WorldClient]]:
    """A stepped world that waits for nobody, with one borrower."""
    settings = world_settings()
    command = [
        sys.executable, "-m", "forbear_sandbox", "world", "--twilio", settings.twilio, "--smtp", settings.smtp,
        "--clock", settings.clock, "--control", settings.control, "--start", STARTS_AT.isoformat(), "--expect", "",
        "--account-sid", ACCOUNT, "--auth-token", TOKEN, "--senders", SENDER, "--data-dir", str(tmp_path),
        "--portfolio", str(portfolio_file(tmp_path, mobile="+12125550142", email="somebody@example.com")),
        "--tracker-url", f"http://127.0.0.1:{free_port()}",
    ]  # fmt: skip
    child = Child("world", command, tmp_path / "world.log")
    child.start()
    client = WorldClient(f"http://{settings.control}")
    try:
        while not _answers(f"{client.base_url}/state"):
            assert child.is_running, child.log_tail()
        yield settings, client
    finally:
        child.stop()
    assert 0 == child.exit_code, child.log_tail()


async def test_texts_and_mails_are_counted_and_the_time_is_stepped(
    world_process: tuple[WorldSettings, WorldClient],
) -> None:
    """The official clients on one side, the control API on the other."""
    settings, world = world_process
    host, _, port = settings.smtp.partition(":")
    async with open_twilio(settings) as client:
        await client.messages.create_async(to="+12125550142", from_=SENDER, body="hello")
    sender = f"bounce+{'ab' * 16}@reply.example.com"
    mail = b"Message-ID: <one@example.com>\r\nSubject: hello\r\n\r\nhello\r\n"
    await aiosmtplib.send(
        mail, sender=sender, recipients=["somebody@example.com"], hostname=host, port=int(port), start_tls=False
    )
    state = await asyncio.to_thread(world.run_until, STARTS_AT)

    contacts = world.contacts()
    assert [("sms", "B000001"), ("email", "B000001")] == [(c["channel"], c["borrower"]) for c in contacts]
    assert "one@example.com" == contacts[1]["provider_ref"]
    assert 1 == world.compare(["ab" * 16])["agreed"]
    assert (2, []) == (state["contacts"], state["failures"])


def test_wrong_questions_are_answered_with_what_is_wrong(world_process: tuple[WorldSettings, WorldClient]) -> None:
    """400 or 404 with a sentence, never a trace."""
    _, world = world_process

    with pytest.raises(WorldError, match="unknown fault 'x'"):
        world.set_faults([{"kind": "x"}])
    with pytest.raises(WorldError, match="no borrower 'nobody'"):
        world.say("nobody", "hello")


def test_the_command_line_writes_a_portfolio(tmp_path: Path) -> None:
    """And says how many borrowers are in it."""
    out = tmp_path / "portfolio.csv"
    command = [sys.executable, "-m", "forbear_sandbox", "portfolio", "--count", "20", "--out", str(out)]

    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert result.stdout.startswith("20 borrowers")
    assert 21 == len(out.read_text(encoding="utf-8").splitlines())
