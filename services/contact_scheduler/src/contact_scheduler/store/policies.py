"""Tenants' own rules as rows: added, never changed, and marked once the dispatcher has put them in force."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from forbear_chassis.postgres import UUID, Connection, Pool

COLUMNS = "tenant_id, version, text, label, put_by, put_at, in_force_at"
LATEST = f"SELECT {COLUMNS} FROM tenant_policy WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1"
VERSIONS_SHOWN = 100


class PolicyVersion(NamedTuple):
    """One version of a tenant's own rules; an empty text withdraws them."""

    tenant_id: UUID
    version: int
    text: str
    label: str
    put_by: str
    put_at: datetime
    in_force_at: datetime | None


async def latest(connection: Connection | Pool, tenant_id: UUID) -> PolicyVersion | None:
    """Return the newest version, in force or not yet, or None."""
    row = await connection.fetchrow(LATEST, tenant_id)
    return None if row is None else PolicyVersion(*row.values())


async def versions(pool: Pool, tenant_id: UUID) -> list[PolicyVersion]:
    """Return the versions of a tenant, newest first."""
    rows = await pool.fetch(
        f"SELECT {COLUMNS} FROM tenant_policy WHERE tenant_id = $1 ORDER BY version DESC LIMIT $2",
        tenant_id,
        VERSIONS_SHOWN,
    )
    return [PolicyVersion(*row.values()) for row in rows]


async def find(pool: Pool, tenant_id: UUID, version: int) -> PolicyVersion | None:
    """Return one version, or None."""
    row = await pool.fetchrow(
        f"SELECT {COLUMNS} FROM tenant_policy WHERE tenant_id = $1 AND version = $2", tenant_id, version
    )
    return None if row is None else PolicyVersion(*row.values())


async def lock_tenant(connection: Connection, tenant_id: UUID) -> None:
    """Let one change of a tenant's rules at a time through, until this transaction ends."""
    await connection.execute("SELECT FROM tenant WHERE tenant_id = $1 FOR NO KEY UPDATE", tenant_id)


async def insert(connection: Connection, one: PolicyVersion, recipient: bytes) -> None:
    """Write a new version."""
    await connection.execute("INSERT INTO tenant_policy VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", *one, recipient)


async def next_to_hand_over(connection: Connection) -> PolicyVersion | None:
    """Return a version that the dispatcher does not hold to yet, a tenant's oldest first; held for this transaction."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM tenant_policy WHERE in_force_at IS NULL"
        " ORDER BY tenant_id, version LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return None if row is None else PolicyVersion(*row.values())


async def mark_in_force(connection: Connection, one: PolicyVersion, since: datetime) -> None:
    """Note since when the dispatcher holds to a version."""
    await connection.execute(
        "UPDATE tenant_policy SET in_force_at = $3 WHERE tenant_id = $1 AND version = $2",
        one.tenant_id,
        one.version,
        since,
    )
