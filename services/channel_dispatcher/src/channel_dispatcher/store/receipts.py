"""Receipts: what became of attempts after a provider took them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_providers.contract import ReceiptState

INSERT = """
INSERT INTO receipt (receipt_id, tenant_id, attempt_id, borrower_id, channel, state, code, event_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::smallint[], $7::text[],
                     $8::timestamptz[])
ON CONFLICT (receipt_id) DO NOTHING RETURNING receipt_id
"""

STRENGTH = {
    ReceiptState.SENT: 1,
    ReceiptState.NOT_CONNECTED: 2,
    ReceiptState.UNDELIVERED: 2,
    ReceiptState.DELIVERED: 3,
    ReceiptState.MACHINE: 4,
    ReceiptState.ANSWERED: 5,
    ReceiptState.CONVERSED: 6,
}
"""Receipts come in any order: the one that reached the person furthest counts, whatever came last."""

RANK = "CASE {0} " + " ".join(f"WHEN {state.value} THEN {rank}" for state, rank in STRENGTH.items()) + " ELSE 0 END"

MARK = f"""
UPDATE attempt SET result = row.state
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[]) AS row(tenant_id, attempt_id, state)
WHERE attempt.attempt_id = row.attempt_id AND attempt.tenant_id = row.tenant_id
  AND {RANK.format("row.state")} > {RANK.format("coalesce(attempt.result, 0)")}
"""


class NewReceipt(NamedTuple):
    """One receipt as it is stored."""

    receipt_id: UUID
    tenant_id: UUID
    attempt_id: UUID | None
    borrower_id: UUID
    channel: int
    state: ReceiptState
    code: str
    event_at: datetime


async def insert(connection: Connection, rows: Sequence[NewReceipt]) -> list[NewReceipt]:
    """Store receipts, let their attempts know, and return those that were new."""
    found = await connection.fetch(INSERT, *[list(column) for column in zip(*rows, strict=True)])
    new = {row["receipt_id"] for row in found}
    fresh = [row for row in rows if row.receipt_id in new]
    strongest: dict[UUID, NewReceipt] = {}
    for row in fresh:
        if row.attempt_id is not None and row.state in STRENGTH:
            best = strongest.get(row.attempt_id)
            if best is None or STRENGTH[row.state] > STRENGTH[best.state]:
                strongest[row.attempt_id] = row
    if strongest:
        marked = sorted(strongest.values(), key=lambda row: row.attempt_id or row.receipt_id)
        await connection.execute(
            MARK, [row.tenant_id for row in marked], [row.attempt_id for row in marked], [row.state for row in marked]
        )
    return fresh
