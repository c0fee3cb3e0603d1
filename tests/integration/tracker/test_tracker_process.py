"""The service as a process: it starts, says that it is ready, and drains on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

from forbear_sandbox.child import free_port
from tests.integration.tracker.tracker_stage import AUTH_TOKEN, LINK_SECRET, PUBLIC_URL
from tests.kit.databases import Database

pytestmark = pytest.mark.needs_postgres

TRIES = 200


def environment(database: Database, admin_port: int, **changes: str) -> dict[str, str]:
    """Return the settings of a tracker whose peers are away."""
    settings = {
        "DATABASE_URL": database.url("forbear_tracker"),
        "MIGRATION_DATABASE_URL": database.url("forbear_tracker_owner"),
        "ADMIN_LISTEN": f"127.0.0.1:{admin_port}",
        "RPC_LISTEN": f"127.0.0.1:{free_port()}",
        "HTTP_LISTEN": f"127.0.0.1:{free_port()}",
        "SMTP_LISTEN": f"127.0.0.1:{free_port()}",
        "PUBLIC_URL": PUBLIC_URL,
        "DISPATCHER_TARGET": f"127.0.0.1:{free_port()}",
        "SCHEDULER_TARGET": f"127.0.0.1:{free_port()}",
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "LINK_SECRET": LINK_SECRET,
    } | changes
    return os.environ | {f"FORBEAR_TRACKER_{name}": value for name, value in settings.items()}


async def wait_until_ready(port: int, session: aiohttp.ClientSession) -> str:
    """Return the metrics once the process says that it is ready."""
    for _ in range(TRIES):
        try:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as reply:
                if reply.status == 200:
                    break
        except aiohttp.ClientConnectorError:
            pass
        await asyncio.sleep(0.1)
    async with session.get(f"http://127.0.0.1:{port}/metrics") as reply:
        return await reply.text()


async def test_the_process_starts_without_its_peers_and_ends_cleanly(database: Database) -> None:
    """Neighbours that are away are no reason not to take callbacks; SIGTERM ends it with code 0."""
    port = free_port()
    command = (sys.executable, "-m", "response_tracker")
    process = await asyncio.create_subprocess_exec(
        *command, env=environment(database, port), stderr=asyncio.subprocess.PIPE
    )

    async with aiohttp.ClientSession() as session:
        metrics = await wait_until_ready(port, session)
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), 30)

    assert 0 == process.returncode, errors.decode()[-2000:]
    assert 'forbear_tracker_events_total{kind="message"} 0.0' in metrics
    assert AUTH_TOKEN not in errors.decode()


async def test_a_wrong_setting_is_named_and_ends_the_process(database: Database) -> None:
    """The name of the setting, how to mend it, and code 2."""
    wrong = environment(database, free_port(), PUBLIC_URL="tracker.example.com/")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "response_tracker", env=wrong, stderr=asyncio.subprocess.PIPE
    )

    _, errors = await asyncio.wait_for(process.communicate(), 60)

    assert 2 == process.returncode
    assert "FORBEAR_TRACKER_PUBLIC_URL" in errors.decode()
