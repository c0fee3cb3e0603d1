"""The suppression feed: whether everything that borrowers said is in force here, and since when nobody has said so.

Opt-outs come by the tracker. While it is away, or cannot put in force what it has taken, borrowers are not heard; then
nobody is written to either.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from channel_dispatcher.store.locks import GATE
from forbear_chassis.postgres import Connection, Pool

AGE_MAX = timedelta(minutes=5)  # the tracker speaks up every 20 s: fifteen times may fail

# The claim's lock on the gate and what it must know before it takes anything, in one round trip.
ENTER = """
SELECT pg_advisory_xact_lock_shared($1, 0), clock_timestamp() AS server_now,
       (SELECT heard_at FROM suppression_feed) AS heard_at
"""


class Entrance(NamedTuple):
    """The database's clock, and when the feed was last said to be whole on that clock; None: never."""

    server_now: datetime
    heard_at: datetime | None

    @property
    def is_deaf(self) -> bool:
        """Whether opt-outs may have been taken that are not in force here."""
        return self.heard_at is None or self.heard_at < self.server_now - AGE_MAX


async def enter(connection: Connection) -> Entrance:
    """Hold the gate open for a claim, until the end of the transaction."""
    row = await connection.fetchrow(ENTER, GATE)
    return Entrance(row["server_now"], row["heard_at"])


async def affirm(pool: Pool) -> None:
    """Note that the feed is whole as of now."""
    await pool.execute(
        "INSERT INTO suppression_feed (heard_at) VALUES (clock_timestamp()) "
        "ON CONFLICT (only_row) DO UPDATE SET heard_at = excluded.heard_at"
    )
