"""Tenants' own rules: kept for good, and read by the gate in every claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.policy import Packs, TenantPolicy, read_tenant_policy

LATEST = """
SELECT one.tenant_id, latest.version FROM unnest($1::uuid[]) AS one(tenant_id) CROSS JOIN LATERAL (
    SELECT version FROM tenant_policy WHERE tenant_id = one.tenant_id ORDER BY version DESC LIMIT 1) AS latest
"""


class InForce(NamedTuple):
    """The version in force for a tenant, and its rules; None where the tenant withdrew them."""

    version: int
    policy: TenantPolicy | None


UNKNOWN_POLICY = "HOUSE-TENANT-POLICY"  # the reason of contacts that wait for a version that has not come yet
NEVER_WRITTEN = InForce(0, None)


class Policies:
    """Reads what is in force. A version never changes, so its text is read once by each process."""

    def __init__(self, packs: Packs) -> None:
        self._packs = packs
        self._read: dict[UUID, InForce] = {}

    async def of(self, connection: Connection, tenants: Iterable[UUID]) -> Mapping[UUID, InForce]:
        """Return what is in force for each of the tenants who ever wrote rules of their own."""
        rows = await connection.fetch(LATEST, list(tenants))
        found: dict[UUID, InForce] = {}
        for tenant, version in rows:
            known = self._read.get(tenant, NEVER_WRITTEN)
            if known.version != version:
                known = self._read[tenant] = await self._load(connection, tenant, version)
            found[tenant] = known
        return found

    async def _load(self, connection: Connection, tenant: UUID, version: int) -> InForce:
        text = await connection.fetchval(
            "SELECT text FROM tenant_policy WHERE tenant_id = $1 AND version = $2", tenant, version
        )
        return InForce(version, read_tenant_policy(text, version, self._packs) if text else None)


async def version_in_force(connection: Connection, tenant: UUID) -> tuple[int, datetime] | None:
    """Return the tenant's latest version and since when it holds, or None."""
    row = await connection.fetchrow(
        "SELECT version, in_force_at FROM tenant_policy WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1", tenant
    )
    return (row["version"], row["in_force_at"]) if row else None


async def insert(connection: Connection, tenant: UUID, version: int, text: str, now: datetime) -> None:
    """Store a version; the gate is closed by the caller. What waited for it is due at once."""
    await connection.execute("INSERT INTO tenant_policy VALUES ($1, $2, $3, $4)", tenant, version, text, now)
    await connection.execute(
        "UPDATE contact SET due_at = $2 WHERE tenant_id = $1 AND state = 10 AND reason = $3 AND due_at > $2",
        tenant,
        now,
        UNKNOWN_POLICY,
    )
