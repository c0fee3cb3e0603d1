"""Rows of the queue as they come in, are taken back and are counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from forbear_chassis.postgres import Connection, Pool
from forbear_domain.lifecycle import State, Step, advance


class Lot(NamedTuple):
    """What contacts of one campaign and hour have in common; instants in microseconds since 1970."""

    tenant_id: UUID
    campaign_id: UUID | None
    channel: int
    purpose: int
    lane: int
    due_us: int
    expire_us: int


class QueueRow(NamedTuple):
    """One contact to queue."""

    lot: Lot
    contact_id: UUID
    borrower_id: UUID
    loan_id: UUID
    body: bytes


INSERT = """
INSERT INTO contact (contact_id, tenant_id, campaign_id, borrower_id, loan_id, channel, purpose, lane, due_at,
                     expire_at, body)
SELECT contact_id, tenant_id, campaign_id, borrower_id, loan_id, channel, purpose, lane,
       timestamptz 'epoch' + due_us * interval '1 microsecond',
       timestamptz 'epoch' + expire_us * interval '1 microsecond', body
FROM unnest($8::smallint[], $9::uuid[], $10::uuid[], $11::uuid[], $12::bytea[])
  AS row(lot, contact_id, borrower_id, loan_id, body)
JOIN unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::smallint[], $5::smallint[], $6::bigint[], $7::bigint[])
  WITH ORDINALITY AS lot(tenant_id, campaign_id, channel, purpose, lane, due_us, expire_us, number)
  ON lot.number = row.lot
ON CONFLICT (contact_id) DO NOTHING
"""


async def insert(pool: Pool, rows: Sequence[QueueRow]) -> int:
    """Queue contacts in one round trip and return how many were new. What rows have in common is sent once."""
    if not rows:
        return 0
    lots, contact_ids, borrower_ids, loan_ids, bodies = zip(*rows, strict=True)
    numbers = {lot: number for number, lot in enumerate(dict.fromkeys(lots), start=1)}
    columns = [*zip(*numbers, strict=True), [numbers[lot] for lot in lots], contact_ids, borrower_ids, loan_ids, bodies]
    tag: str = await pool.execute(INSERT, *columns)
    return int(tag.rpartition(" ")[2])


class Recalled(NamedTuple):
    """A contact that was taken back."""

    contact_id: UUID
    tenant_id: UUID
    borrower_id: UUID


RECALL = """
UPDATE contact SET recall_reason = $3,
    state = CASE state WHEN $6::smallint THEN $7::smallint ELSE state END,
    reason = CASE state WHEN $6 THEN $3 ELSE reason END,
    ended_at = CASE state WHEN $6 THEN $4::timestamptz END,
    body = CASE state WHEN $6 THEN NULL ELSE body END
WHERE tenant_id = $1 AND {column} = ANY($2::uuid[]) AND state = ANY($5::smallint[])
RETURNING contact_id, tenant_id, borrower_id, state
"""
"""One statement, so that no contact slips through between two states while it runs."""


async def recall(
    connection: Connection, tenant: UUID, column: str, ids: Sequence[UUID], reason: str, now: datetime
) -> list[Recalled]:
    """Take back what waits, and mark what is in flight, so that it is not attempted again.

    `column` says what the ids name: "contact_id", "campaign_id" or "borrower_id".
    """
    rows = await connection.fetch(
        RECALL.format(column=column),
        tenant,
        list(ids),
        reason,
        now,
        [State.QUEUED, State.CLAIMED, State.UNKNOWN],
        State.QUEUED,
        advance(State.QUEUED, Step.RECALL),
    )
    return [Recalled(*tuple(row)[:3]) for row in rows if row["state"] == State.RECALLED]


async def count_queued(pool: Pool, tenant: UUID) -> dict[int, int]:
    """Return how many contacts of a tenant wait, by channel."""
    rows = await pool.fetch(
        "SELECT channel, count(*) AS queued FROM contact WHERE state = $2 AND tenant_id = $1 GROUP BY channel",
        tenant,
        State.QUEUED,
    )
    return {row["channel"]: row["queued"] for row in rows}
