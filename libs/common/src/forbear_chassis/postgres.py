"""PostgreSQL: pools that wait for their server, and numbered SQL migrations under a lock."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import structlog

from forbear_chassis.clock import monotonic_s

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

Pool: TypeAlias = asyncpg.Pool
Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy
UUID = asyncpg.pgproto.pgproto.UUID  # made from bytes in a tenth of the time of uuid.UUID

CONNECT_TIMEOUT_S = 30.0
COMMAND_TIMEOUT_S = 30.0
MIGRATION_LOCK = 0x666F7262  # any constant that all replicas share

log = structlog.get_logger(__name__)


class DatabaseUnavailable(RuntimeError):
    """The database did not answer in time."""


async def open_pool(url: str, *, size_max: int = 10, size_min: int = 2, timeout_s: float = CONNECT_TIMEOUT_S) -> Pool:
    """Open a pool, trying with back-off until the server answers. Raises DatabaseUnavailable after `timeout_s`."""
    deadline_s, backoff_s = monotonic_s() + timeout_s, 0.1
    while True:
        try:
            return await asyncpg.create_pool(
                url, min_size=size_min, max_size=size_max, command_timeout=COMMAND_TIMEOUT_S, timeout=10, reset=_keep
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as error:
            if monotonic_s() >= deadline_s:
                raise DatabaseUnavailable(
                    f"the database did not answer within {timeout_s:.0f} s; check that it runs and the URL is right"
                ) from error
            log.warning("database_unreachable", error=type(error).__name__, retry_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, 5.0)


async def _keep(connection: Connection) -> None:
    """Give a connection back as it is: nobody changes its session, and the usual reset is a round trip each time."""


async def migrate(url: str, package: str, schema: str) -> int:
    """Bring `schema` up to date with the files `NNNN_name.sql` of `package`; return how many were applied.

    Idempotent and safe to run from many replicas at once. The table `<schema>.migration` records what was applied; a
    file that was changed after it was applied raises RuntimeError.
    """
    pool = await open_pool(url, size_max=1, size_min=1)
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
            return await _apply(connection, _scripts(package), schema)
    finally:
        await pool.close()


def _scripts(package: str) -> list[Traversable]:
    return sorted(
        (item for item in resources.files(package).iterdir() if item.name.endswith(".sql")), key=lambda i: i.name
    )


async def _apply(connection: Connection, scripts: list[Traversable], schema: str) -> int:
    await connection.execute(
        f"CREATE TABLE IF NOT EXISTS {schema}.migration (name text PRIMARY KEY, digest text NOT NULL)"
    )
    applied = {
        row["name"]: row["digest"] for row in await connection.fetch(f"SELECT name, digest FROM {schema}.migration")
    }
    count = 0
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        digest = await connection.fetchval("SELECT md5($1)", text)
        if script.name not in applied:
            await connection.execute(f"SET LOCAL search_path TO {schema}")
            await connection.execute(text)
            await connection.execute(f"INSERT INTO {schema}.migration VALUES ($1, $2)", script.name, digest)
            count += 1
        elif applied[script.name] != digest:
            raise RuntimeError(f"{script.name} was changed after it was applied; add a new file instead")
    return count
