"""Regional unemployment as rows, and what a plan reads of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from contact_scheduler.portfolio.unemployment import Rate
from forbear_chassis.postgres import UUID, Connection, Pool

PUT = """
INSERT INTO unemployment AS u SELECT $1::uuid, * FROM unnest($2::text[], $3::date[], $4::real[])
ON CONFLICT (tenant_id, region, month) DO UPDATE SET percent = excluded.percent WHERE u.percent <> excluded.percent
RETURNING xmax = 0 AS is_new
"""
LATEST = """
SELECT DISTINCT ON (n.region) n.region, n.month, n.percent, n.percent - b.percent AS change
FROM unemployment n LEFT JOIN unemployment b
  ON b.tenant_id = n.tenant_id AND b.region = n.region AND b.month = n.month - interval '1 year'
WHERE n.tenant_id = $1 AND n.month <= $2
ORDER BY n.region, n.month DESC
"""


class Latest(NamedTuple):
    """The latest rate of a region, percent, and the change in points against a year before, None where unknown."""

    region: str
    month: date
    percent: float
    change: float | None


async def put_rates(connection: Connection, tenant_id: UUID, rates: Sequence[Rate]) -> tuple[int, int]:
    """Add and correct rates; return how many were new and how many changed."""
    rows = await connection.fetch(
        PUT, tenant_id, [one.region for one in rates], [one.month for one in rates], [one.percent for one in rates]
    )
    created = sum(row["is_new"] for row in rows)
    return created, len(rows) - created


async def latest_rates(connection: Connection | Pool, tenant_id: UUID, day: date) -> dict[str, Latest]:
    """Return the latest rate of each region, by region, of months that have begun by that day."""
    return {row["region"]: Latest(*row.values()) for row in await connection.fetch(LATEST, tenant_id, day)}
