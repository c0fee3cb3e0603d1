"""Opt-outs that a refusal told us of: which are due to be asked about, and whether the borrower told us, too."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from forbear_chassis.postgres import Pool

BEFORE = timedelta(hours=1)
"""What the borrower said is looked for from so long before the refusal on: it may have been written down first."""

TAKE_DUE = """
UPDATE suppression SET check_at = NULL FROM (
    SELECT suppression_id, EXISTS (
        SELECT FROM suppression AS said
        WHERE said.tenant_id = due.tenant_id AND said.address_key = due.address_key AND said.source <> $4
          AND said.start_at > due.start_at - $3::interval
    ) AS is_known
    FROM suppression AS due WHERE check_at <= $1 ORDER BY check_at LIMIT $2 FOR UPDATE SKIP LOCKED
) AS taken
WHERE suppression.suppression_id = taken.suppression_id
RETURNING suppression.suppression_id, suppression.channel, taken.is_known
"""


class Checked(NamedTuple):
    """One opt-out that a provider knew of, and whether its borrower told us within the time."""

    suppression_id: UUID
    channel: int
    is_known: bool


async def take_due(pool: Pool, now: datetime, at_most: int, source: str) -> list[Checked]:
    """Take opt-outs whose time is over; each is taken once. `source` is that of what refusals told us."""
    return [Checked(*row) for row in await pool.fetch(TAKE_DUE, now, at_most, BEFORE, source)]


async def next_due_at(pool: Pool) -> datetime | None:
    """Return when the next opt-out is due."""
    found: datetime | None = await pool.fetchval("SELECT min(check_at) FROM suppression WHERE check_at IS NOT NULL")
    return found
