"""arq: 32 jobs side by side, results not kept, one aiohttp session."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, ClassVar

import aiohttp
from arq import create_pool
from arq.connections import RedisSettings

from bench._queue_peers.form import form_of

REDIS = RedisSettings.from_dsn(os.environ["PEER_REDIS"])
QUIET = {"version": 1, "loggers": {"arq": {"level": "ERROR"}}}


async def open_session(context: dict[str, Any]) -> None:
    """Open the worker's session."""
    context["session"] = aiohttp.ClientSession(auth=aiohttp.BasicAuth("AC", "token"))


async def close_session(context: dict[str, Any]) -> None:
    """Close it."""
    await context["session"].close()


async def send(context: dict[str, Any], number: int) -> None:
    """Post one message to the stub."""
    async with context["session"].post(os.environ["PEER_URL"], data=form_of(number)) as reply:
        reply.raise_for_status()
        await reply.read()


class WorkerSettings:
    """What arq's command reads."""

    functions: ClassVar = [send]
    on_startup, on_shutdown = open_session, close_session
    redis_settings = REDIS
    max_jobs, keep_result = 32, 0


async def enqueue(count: int) -> None:
    """Put `count` jobs into the queue."""
    pool = await create_pool(REDIS)
    for number in range(count):
        await pool.enqueue_job("send", number)
    await pool.aclose()


if __name__ == "__main__":
    asyncio.run(enqueue(int(sys.argv[1])))
