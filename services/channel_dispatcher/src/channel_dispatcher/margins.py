"""How long before the end of the lawful hours a message must die: learned from each account's own slowest deliveries.

A provider drops what it could not hand over by `die_by`, but what it handed over just before may still take its time in
the network. The margin is the time in which 99 of 100 of the last delivered messages arrived.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from channel_dispatcher import metrics
from forbear_chassis.postgres import Connection

UNLEARNED = timedelta(seconds=metrics.UNLEARNED_MARGIN_S)
LEAST, MOST = timedelta(seconds=5), timedelta(minutes=30)
ENOUGH = 50  # receipts below which a tail says nothing
EVERY = timedelta(minutes=10)
LOOKED_AT = 2000

TAILS = """
SELECT attempt.provider, count(*) AS receipts,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY latest.event_at - attempt.claimed_at) AS tail
FROM (SELECT attempt_id, event_at FROM receipt WHERE state = 2 ORDER BY event_at DESC LIMIT $1) AS latest
JOIN attempt USING (attempt_id) GROUP BY attempt.provider
"""


class Margins:
    """The margins in force; each process learns them anew every ten minutes in which it sends."""

    def __init__(self) -> None:
        self._margins: dict[str, timedelta] = {}
        self._learned_at: datetime | None = None

    def of(self, account: str) -> timedelta:
        """Return how long before the end of the lawful hours a message of an account must die."""
        return self._margins.get(account, UNLEARNED)

    async def learn(self, connection: Connection, now: datetime) -> None:
        """Look at the latest receipts, unless that was done a short while ago."""
        if self._learned_at is not None and now < self._learned_at + EVERY:
            return
        self._learned_at = now
        for account, receipts, tail in await connection.fetch(TAILS, LOOKED_AT):
            if receipts >= ENOUGH:
                self._margins[account] = min(max(tail, LEAST), MOST)
                metrics.MARGIN.labels(account).set(self._margins[account].total_seconds())
