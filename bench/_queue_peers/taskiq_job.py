"""taskiq on Redis streams: 32 tasks side by side in one worker process, no result backend, one aiohttp session."""

from __future__ import annotations

import asyncio
import os
import sys

import aiohttp
from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from bench._queue_peers.form import form_of

broker = RedisStreamBroker(os.environ["PEER_REDIS"])


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def open_session(state: TaskiqState) -> None:
    """Open the worker's session."""
    state.session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("AC", "token"))


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def close_session(state: TaskiqState) -> None:
    """Close it."""
    await state.session.close()


@broker.task(task_name="send")
async def send(number: int) -> None:
    """Post one message to the stub."""
    async with broker.state.session.post(os.environ["PEER_URL"], data=form_of(number)) as reply:
        reply.raise_for_status()
        await reply.read()


async def enqueue(count: int) -> None:
    """Put `count` jobs into the queue."""
    await broker.startup()
    for number in range(count):
        await send.kiq(number)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(enqueue(int(sys.argv[1])))
