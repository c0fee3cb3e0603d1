"""What attempts were charged to windows that are long enough to be restored after Redis has lost them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from forbear_chassis.postgres import Pool

OLDER = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
      AND backend_type = 'client backend' AND xact_start < $1)
"""
SINCE = """
SELECT max(claimed_at) AS claimed_at, name, sum(greatest(parts, 1)) AS tokens
FROM attempt LEFT JOIN LATERAL unnest(charged) AS name ON true
WHERE charged IS DISTINCT FROM '{}' AND claimed_at >= $1 AND (name IS NULL OR name = ANY($2::text[]))
GROUP BY date_bin('10 seconds', claimed_at, 'epoch'), name
"""


class Charge(NamedTuple):
    """Tokens that were taken from the windows of a name within ten seconds; None: of attempts that name none."""

    claimed_at: datetime  # the latest of them
    name: str | None
    tokens: int


async def database_now(pool: Pool) -> datetime:
    """Return the instant by the database's clock, which transactions begin by."""
    instant: datetime = await pool.fetchval("SELECT clock_timestamp()")
    return instant


async def has_older_claims(pool: Pool, instant: datetime) -> bool:
    """Return whether a transaction of the dispatchers is open that began before an instant."""
    return bool(await pool.fetchval(OLDER, instant))


async def since(pool: Pool, instant: datetime, names: Iterable[str]) -> list[Charge]:
    """Return what was charged to windows of these names since an instant, and what nobody wrote down."""
    return [Charge(*row) for row in await pool.fetch(SINCE, instant, list(names))]
