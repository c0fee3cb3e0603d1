"""What tenants tolerate before the brake acts: read wherever it judges, changed with an entry of the ledger."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher.brake import Signal
from forbear_chassis.postgres import Connection, Pool

PUT = """
INSERT INTO brake_tolerance (tenant_id, signal, tolerated, reason, set_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, signal) DO UPDATE
    SET tolerated = excluded.tolerated, reason = excluded.reason, set_at = excluded.set_at
"""


class Tolerance(NamedTuple):
    """What one tenant tolerates of one signal."""

    tenant_id: UUID
    signal: Signal
    tolerated: float
    reason: str
    set_at: datetime


async def of_tenants(connection: Connection | Pool, tenants: Collection[UUID]) -> dict[tuple[UUID, Signal], Tolerance]:
    """Return what these tenants have set."""
    rows = await connection.fetch(
        "SELECT tenant_id, signal, tolerated, reason, set_at FROM brake_tolerance WHERE tenant_id = ANY($1::uuid[])",
        list(tenants),
    )
    found = [Tolerance(tenant, Signal.of_column(signal), *rest) for tenant, signal, *rest in rows]
    return {(one.tenant_id, one.signal): one for one in found}


async def put(connection: Connection, tolerance: Tolerance) -> None:
    """Set what a tenant tolerates of a signal."""
    tenant, signal, *rest = tolerance
    await connection.execute(PUT, tenant, signal.column, *rest)


async def forget(connection: Connection, tenant: UUID, signal: Signal) -> None:
    """Go back to what the brake begins with."""
    await connection.execute("DELETE FROM brake_tolerance WHERE tenant_id = $1 AND signal = $2", tenant, signal.column)
