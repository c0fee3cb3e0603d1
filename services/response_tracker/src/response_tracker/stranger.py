"""Heeds somebody whom we never wrote to, as far as we know: a stop from an address is one, whoever is behind it.

An attempt may still be on its way to us when its answer comes; a number may have changed hands; somebody may answer a
message of a tenant who is gone. Nobody can be credited and nothing can be answered, but whatever would bar contact with
a borrower bars this address, for every tenant, before the message is acknowledged.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.ids import EVERYONE
from forbear_domain.model import SuppressionKind
from response_tracker import wire
from response_tracker.converse import Reader
from response_tracker.decision import ACTS
from response_tracker.model import Suppression, part_id
from response_tracker.store import outgoing


async def heed(
    connection: Connection,
    reader: Reader,
    event: tuple[UUID, datetime],
    *,
    address: str,
    text: str,
    channel: str,
    is_stop: bool = False,
) -> str:
    """Bar an address for everyone if what came from it asks for that; return the fate. `event`: id and arrival."""
    event_id, at = event
    reading = reader.read(text, lang=None, channel=channel, received_at=at)
    if not is_stop and not any(ACTS[label].bar for label in reading.labels):
        return "unattributed"
    made = Suppression(
        id=part_id(event_id, "suppression", "stranger"),
        tenant_id=EVERYONE,
        kind=SuppressionKind.OPT_OUT,
        event_id=event_id,
        cause_id=event_id,
        source="reply",
        start=at,
        address=address,
    )
    await outgoing.add_suppression(connection, made, wire.suppression(made))
    return "stranger_barred"
