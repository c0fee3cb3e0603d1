"""What is counted of each cell, campaign by campaign, in the transaction that learns of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher.brake import Counts, Signal
from channel_dispatcher.switches import Cell
from forbear_chassis.postgres import Connection

BLAMED_FOR = timedelta(days=3)  # an opt-out is blamed on the last contact by that channel within this time

COUNT = """
INSERT INTO brake_count AS cell (tenant_id, template, sender, segment, campaign_id, {column})
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bigint[])
ON CONFLICT (tenant_id, template, sender, segment, campaign_id)
    DO UPDATE SET {column} = cell.{column} + excluded.{column}
"""
READ = """
SELECT cell.* FROM brake_count AS cell
JOIN unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS asked(tenant_id, template, sender, segment)
  USING (tenant_id, template, sender, segment)
"""
BLAMED = """
SELECT asked.number, attempt.tenant_id, attempt.template, attempt.sender, attempt.segment, contact.campaign_id
FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[]) WITH ORDINALITY AS asked(borrower_id, channel, at, number)
CROSS JOIN LATERAL (
    SELECT * FROM attempt WHERE attempt.borrower_id = asked.borrower_id AND attempt.claimed_at <= asked.at
      AND attempt.claimed_at > asked.at - $4::interval AND (asked.channel = 0 OR attempt.channel = asked.channel)
      AND attempt.state IN (1, 5) ORDER BY claimed_at DESC LIMIT 1) AS attempt
LEFT JOIN contact USING (contact_id)
WHERE attempt.template <> ''
"""
OF_ATTEMPTS = """
SELECT attempt_id, attempt.tenant_id, template, sender, segment, contact.campaign_id
FROM attempt LEFT JOIN contact USING (contact_id)
WHERE attempt_id = ANY($1::uuid[]) AND template <> ''
"""


NO_CAMPAIGN = UUID(int=0)


class Watched(NamedTuple):
    """A cell of one tenant, as far as one campaign sends it; `NO_CAMPAIGN` for contacts that belong to none."""

    tenant_id: UUID
    cell: Cell
    campaign_id: UUID


async def count(connection: Connection, column: str, watched: Iterable[Watched]) -> None:
    """Count each of these once more in a column, always in the same order of rows."""
    counted = sorted(Counter(watched).items())
    if counted:
        rows = [(one.tenant_id, *one.cell, one.campaign_id, number) for one, number in counted]
        await connection.execute(COUNT.format(column=column), *[list(each) for each in zip(*rows, strict=True)])


async def read(connection: Connection, watched: Iterable[Watched]) -> dict[Watched, Mapping[Signal, Counts]]:
    """Return what is counted of these cells, in each of the campaigns that send them."""
    rows = sorted({(one.tenant_id, *one.cell) for one in watched})
    if not rows:
        return {}
    found = await connection.fetch(READ, *[list(each) for each in zip(*rows, strict=True)])
    return {
        _watched(row["tenant_id"], row["template"], row["sender"], row["segment"], row["campaign_id"]): {
            signal: Counts(max(row[signal.of], row[signal.column]), row[signal.column]) for signal in Signal
        }
        for row in found
    }


async def forget(connection: Connection, tenant: UUID, cell: Cell, campaign: UUID | None) -> None:
    """Begin to count a cell anew, of one campaign or of all: a person has looked at it."""
    await connection.execute(
        "DELETE FROM brake_count WHERE tenant_id = $1 AND template = $2 AND sender = $3 AND segment = $4"
        " AND ($5::uuid IS NULL OR campaign_id = $5)",
        tenant,
        *cell,
        campaign,
    )


async def blamed(connection: Connection, whom: Sequence[tuple[UUID, int, datetime]]) -> dict[int, Watched]:
    """Return the cell of the last contact before each of (borrower, channel or 0, instant), by position."""
    if not whom:
        return {}
    columns = [list(each) for each in zip(*whom, strict=True)]
    rows = await connection.fetch(BLAMED, *columns, BLAMED_FOR)
    return {number - 1: _watched(*watched) for number, *watched in rows}


async def of_attempts(connection: Connection, attempts: Sequence[UUID]) -> dict[UUID, Watched]:
    """Return the cells of attempts."""
    rows = await connection.fetch(OF_ATTEMPTS, list(attempts))
    return {attempt: _watched(*watched) for attempt, *watched in rows}


def _watched(tenant: UUID, template: str, sender: str, segment: str, campaign: UUID | None) -> Watched:
    return Watched(tenant, Cell(template, sender, segment), campaign or NO_CAMPAIGN)
