"""The world as a process of its own: with its control API, until a signal."""

from __future__ import annotations

import asyncio
import signal

import uvloop
from aiohttp import web

from forbear_sandbox.control import control_app
from forbear_sandbox.world import World, WorldSettings


async def run(settings: WorldSettings, stop: asyncio.Event) -> None:
    """Run a world until `stop` is set."""
    world = World(settings)
    await world.start()
    try:
        await world.serve(web.AppRunner(control_app(world), access_log=None), settings.control)
        await stop.wait()
    finally:
        await world.stop()


def run_until_signal(settings: WorldSettings) -> None:
    """Run a world until SIGTERM or SIGINT."""

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run(settings, stop)

    uvloop.run(main())
