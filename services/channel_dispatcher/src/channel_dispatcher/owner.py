"""Tells other replicas, and the process itself after a restart, that this process lives: its claims are not orphans.

Each process takes a number and holds an advisory lock of that number in a session of its own. When the process dies, by
whatever cause, the server ends the session and frees the lock: its claims are orphans from that moment, without a lease
to wait for. A process that has lost its session sends nothing any more until it has a new number. The same session
hears of switches that are thrown; so a process that cannot hear of them sends nothing either.
"""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import structlog

from channel_dispatcher.store.locks import ALIVE
from channel_dispatcher.store.switches import NOTICE

log = structlog.get_logger(__name__)


class Owner:
    """The number of this process and the session that vouches for it."""

    def __init__(self, database_url: str, noticed: Callable[[], None] = lambda: None) -> None:
        self._database_url = database_url
        self._noticed = noticed
        self._connection: asyncpg.Connection | None = None
        self.number = 0

    async def ensure(self) -> int:
        """Return the number under which claims are written now; take a new one when the session was lost."""
        if self._connection is None or self._connection.is_closed():
            connection = await asyncpg.connect(self._database_url, timeout=10, command_timeout=10)
            number = await connection.fetchval("SELECT nextval('owner_number')::integer")
            await connection.execute("SELECT pg_advisory_lock($1, $2)", ALIVE, number)
            await connection.add_listener(NOTICE, lambda *_: self._noticed())
            self._connection, self.number = connection, number
            self._noticed()  # what was told while nobody listened
            log.info("owner_registered", owner=number)
        return self.number

    def objection(self) -> str:
        """Return why nothing may be sent now, or an empty text."""
        return "session_lost" if self._connection is None or self._connection.is_closed() else ""

    async def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            await self._connection.close()
