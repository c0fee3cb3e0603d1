"""Who of a tenant is in a destination network that has a limit, and what plans have taken of it already."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.planning.networks import Network, NetworkLimit
from forbear.types.v1 import types_pb2 as pb
from forbear_chassis.postgres import UUID, Connection
from forbear_domain.model import Channel
from forbear_domain.networks import network_of

POINTS_A_PAGE = 20_000
OPEN = [ContactPhase.PLANNED.value, ContactPhase.RELEASED.value]
# The wire bytes are searched for what an address of the network holds; what is found is then read and compared.
POINTS = """
SELECT borrower_id, channel, recipient FROM contact_point p
WHERE tenant_id = $1 AND consent_on IS NOT NULL
  AND EXISTS (SELECT FROM unnest($2::text[]) AS part WHERE position(convert_to(part, 'UTF8') IN p.recipient) > 0)
"""
TAKEN = """
SELECT borrower_id, channel, floor(extract(epoch FROM not_before - $2) / 3600)::int AS hour FROM contact
WHERE tenant_id = $1 AND not_before >= $2 AND not_before < $3 AND state = ANY($4)
"""


async def read_networks(
    connection: Connection, tenant_id: UUID, limits: list[NetworkLimit], starts_at: datetime, hours: int,
    *, with_taken: bool = True,
) -> list[Network]:  # fmt: skip
    """Return each limit with its members and, hour by hour of a window, the contacts to them that other plans hold."""
    if not limits:
        return []
    members = await _members(connection, tenant_id, {limit.network for limit in limits})
    networks = [Network(one, members[one.network], np.zeros(hours, dtype=np.int64)) for one in limits]
    if with_taken:
        ends_at = starts_at + timedelta(hours=hours)
        async for borrower, channel, hour in connection.cursor(TAKEN, tenant_id, starts_at, ends_at, OPEN):
            for network in networks:
                network.taken[hour] += network.members.get(borrower, 0) >> channel & 1
    return networks


async def _members(connection: Connection, tenant_id: UUID, names: set[str]) -> dict[str, dict[UUID, int]]:
    members: dict[str, dict[UUID, int]] = defaultdict(dict)
    parts = [name if name.startswith("+") else f"@{name}" for name in sorted(names)]
    cursor = await connection.cursor(POINTS, tenant_id, parts)
    while rows := await cursor.fetch(POINTS_A_PAGE):
        for borrower, channel, wire in rows:
            name = network_of(Channel(channel), pb.Recipient.FromString(wire).address)
            if name in names:
                of = members[name]
                of[borrower] = of.get(borrower, 0) | 1 << channel
    return members
