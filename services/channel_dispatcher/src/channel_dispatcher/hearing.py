"""Hears of switches that others throw or lift, and looks at once what is in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from channel_dispatcher.store import switches
from channel_dispatcher.switches import Switchboard
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import TRANSIENT

log = structlog.get_logger(__name__)


class Hearing:
    """Brings the switchboard up to date after each notice of the database; `wake` lets the workers look again."""

    def __init__(self, pool: Pool, switchboard: Switchboard, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._switchboard = switchboard
        self._wake = wake
        self._looks: set[asyncio.Task[None]] = set()

    def notice(self) -> None:
        """Take a notice; called by the session that listens."""
        look = asyncio.get_running_loop().create_task(self._look(), name="switches")
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    async def close(self) -> None:
        """Stop looking."""
        for look in list(self._looks):
            look.cancel()
        await asyncio.gather(*self._looks, return_exceptions=True)

    async def _look(self) -> None:
        try:
            self._switchboard.set(await switches.in_force(self._pool))
        except TRANSIENT as error:
            log.warning("switches_not_read", error=type(error).__name__)  # the next claim reads them, or claims nothing
        self._wake()
