"""Statements for the ledger: what was said, by commitment only, and what people decided. Nothing else is changed.

The words stay where they came in. Who erases them there, with the salt of their commitment, leaves an entry in the
ledger that proves that something was said and how it was read, and that nobody can turn back into words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from channel_dispatcher import evidence
from channel_dispatcher.signing import Signer
from channel_dispatcher.store import answers, ledger
from forbear_chassis.postgres import Connection
from forbear_domain.ledger import Kind


@dataclass(frozen=True, slots=True)
class NewStatement:
    """One statement. `fields` are those of its entry that are not empty."""

    statement_id: UUID
    tenant_id: UUID
    borrower_id: UUID
    kind: Kind
    fields: dict[str, Any]


async def record(connection: Connection, rows: Sequence[NewStatement], signer: Signer, now: datetime) -> int:
    """Append entries for the statements that are new; return how many. Idempotent by statement id."""
    new = await answers.claim(connection, [row.statement_id for row in rows], "RecordStatements.statement", now)
    fresh = list({row.statement_id: row for row in rows if row.statement_id in new}.values())
    entries = [
        evidence.entry(row.kind, now, row.tenant_id, row.borrower_id, statement=row.statement_id, **row.fields)
        for row in fresh
    ]
    if entries:
        await ledger.append(connection, entries, signer, now)
    return len(entries)
