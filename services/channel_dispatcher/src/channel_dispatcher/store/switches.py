"""Kill switches in the database: thrown and lifted in the caller's transaction, and told to every dispatcher."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from channel_dispatcher.store.locks import ALIVE
from channel_dispatcher.switches import Cell, Switch
from forbear_chassis.postgres import Connection, Pool

NOTICE = "forbear_switches"  # the channel on which the database tells that switches have changed
COLUMNS = """kill_switch_id, tenant_id, campaign_id, channel, provider, template, sender, segment, reason, source,
       thrown_at, is_slow"""
IN_FORCE = f"SELECT {COLUMNS} FROM kill_switch WHERE lifted_at IS NULL ORDER BY kill_switch_id"
SAME = """
SELECT kill_switch_id FROM kill_switch
WHERE lifted_at IS NULL AND tenant_id IS NOT DISTINCT FROM $1 AND campaign_id IS NOT DISTINCT FROM $2
  AND channel IS NOT DISTINCT FROM $3 AND provider IS NOT DISTINCT FROM $4 AND template IS NOT DISTINCT FROM $5
  AND sender IS NOT DISTINCT FROM $6 AND segment IS NOT DISTINCT FROM $7 AND is_slow = $8
"""
INSERT = """
INSERT INTO kill_switch (tenant_id, campaign_id, channel, provider, template, sender, segment, reason, source,
                         is_slow, thrown_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $9, $10, $8, $11) ON CONFLICT DO NOTHING RETURNING kill_switch_id
"""
IN_FLIGHT = """
SELECT EXISTS (
    SELECT FROM attempt JOIN contact USING (contact_id)
    WHERE attempt.state = 11 AND attempt.claimed_at > $1
      AND ($2::uuid IS NULL OR attempt.tenant_id = $2) AND ($3::uuid IS NULL OR contact.campaign_id = $3)
      AND ($4::smallint IS NULL OR attempt.channel = $4) AND ($5::text IS NULL OR attempt.provider = $5)
      AND ($6::text IS NULL OR attempt.sender = $6)
      AND EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND classid::bigint = $7 AND objid::bigint = attempt.owner))
"""


async def in_force(connection: Connection | Pool) -> list[Switch]:
    """Return the switches that are thrown, oldest first."""
    return [_switch(row) for row in await connection.fetch(IN_FORCE)]


async def throw(connection: Connection, switch: Switch) -> tuple[int, bool]:
    """Throw a switch, unless the very same one is thrown; return its id, and whether it is new."""
    scope = _scope(switch)
    same: int | None = await connection.fetchval(SAME, *scope)
    if same is not None:
        return same, False
    made: int | None = await connection.fetchval(INSERT, *scope, switch.reason, switch.source, switch.thrown_at)
    if made is None:  # another dispatcher has thrown it since, and somebody may have lifted it already
        return await throw(connection, switch)
    await connection.execute("SELECT pg_notify($1, '')", NOTICE)
    return made, True


async def lift(connection: Connection, switch_id: int, now: datetime, tenant: UUID | None) -> Switch | None:
    """Lift a switch and return it, or None where it is not thrown, or not the tenant's."""
    row = await connection.fetchrow(
        "UPDATE kill_switch SET lifted_at = $2 WHERE kill_switch_id = $1 AND lifted_at IS NULL"
        f" AND ($3::uuid IS NULL OR tenant_id = $3) RETURNING {COLUMNS}",
        switch_id,
        now,
        tenant,
    )
    await connection.execute("SELECT pg_notify($1, '')", NOTICE)
    return None if row is None else _switch(row)


async def is_in_flight(pool: Pool, switch: Switch, since: datetime) -> bool:
    """Return whether a living process may still be sending something in the switch's scope, claimed after `since`."""
    sender = switch.cell.sender if switch.cell else None
    scope = (switch.tenant_id, switch.campaign_id, switch.channel, switch.provider, sender)
    return bool(await pool.fetchval(IN_FLIGHT, since, *scope, ALIVE))


def _scope(switch: Switch) -> tuple[Any, ...]:
    cell = switch.cell or (None, None, None)
    return switch.tenant_id, switch.campaign_id, switch.channel, switch.provider, *cell, switch.is_slow


def _switch(row: Any) -> Switch:
    number, tenant, campaign, channel, provider, template, sender, segment, reason, source, thrown_at, is_slow = row
    cell = Cell(template, sender, segment) if template is not None else None
    return Switch(number, tenant, campaign, channel, provider, cell, reason, source, thrown_at, is_slow)
