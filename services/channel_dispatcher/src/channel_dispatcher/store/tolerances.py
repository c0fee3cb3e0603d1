"""What is tolerated before the brake acts: read wherever it judges, changed with an entry of the ledger.

A campaign's word goes before its tenant's, and that before what the brake begins with.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher.brake import Signal
from forbear_chassis.postgres import Connection, Pool

WHOLE_TENANT = UUID(int=0)  # in place of a campaign
PUT = """
INSERT INTO brake_tolerance (tenant_id, campaign_id, signal, tolerated, reason, set_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, campaign_id, signal) DO UPDATE
    SET tolerated = excluded.tolerated, reason = excluded.reason, set_at = excluded.set_at
"""
OF_TENANTS = """
SELECT tenant_id, campaign_id, signal, tolerated, reason, set_at FROM brake_tolerance WHERE tenant_id = ANY($1::uuid[])
"""
FORGET = "DELETE FROM brake_tolerance WHERE tenant_id = $1 AND campaign_id = $2 AND signal = $3"


class Tolerance(NamedTuple):
    """What one tenant tolerates of one signal: in one campaign, or wherever a campaign says nothing else."""

    tenant_id: UUID
    campaign_id: UUID | None
    signal: Signal
    tolerated: float
    reason: str
    set_at: datetime


class Tolerances:
    """What tenants have set."""

    def __init__(self, found: Collection[Tolerance]) -> None:
        self._found = {(one.tenant_id, one.campaign_id, one.signal): one for one in found}

    def own(self, tenant: UUID, campaign: UUID | None, signal: Signal) -> Tolerance | None:
        """Return what was set for exactly this campaign, or for the tenant where it is None."""
        return self._found.get((tenant, campaign, signal))

    def of_tenant(self, tenant: UUID, signal: Signal) -> float:
        """Return the share that holds where a campaign says nothing else."""
        own = self.own(tenant, None, signal)
        return signal.tolerated if own is None else own.tolerated


async def of_tenants(connection: Connection | Pool, tenants: Collection[UUID]) -> Tolerances:
    """Return what these tenants have set."""
    rows = await connection.fetch(OF_TENANTS, list(tenants))
    return Tolerances(
        [
            Tolerance(tenant, None if campaign == WHOLE_TENANT else campaign, Signal.of_column(signal), *rest)
            for tenant, campaign, signal, *rest in rows
        ]
    )


async def put(connection: Connection, tolerance: Tolerance) -> None:
    """Set what is tolerated of a signal."""
    tenant, campaign, signal, *rest = tolerance
    await connection.execute(PUT, tenant, campaign or WHOLE_TENANT, signal.column, *rest)


async def forget(connection: Connection, tenant: UUID, campaign: UUID | None, signal: Signal) -> None:
    """Go back to what holds without it."""
    await connection.execute(FORGET, tenant, campaign or WHOLE_TENANT, signal.column)
