"""Circumstances as rows: what a batch of a file says begins, what it no longer says ends."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from contact_scheduler.circumstances import FIRST_HELD, Circumstance
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_domain.model import ResponseKind

PROTECTED = f"{ResponseKind.HARDSHIP.value}, {ResponseKind.HANDED_OVER.value}"
END = """
UPDATE circumstance c SET ended_at = $5, ended_by = $6
WHERE c.tenant_id = $1 AND c.borrower_id = ANY($2) AND c.ended_at IS NULL
  AND NOT EXISTS (SELECT FROM unnest($3::uuid[], $4::smallint[]) AS said (borrower_id, kind)
                  WHERE said.borrower_id = c.borrower_id AND said.kind = c.kind)
RETURNING c.circumstance_id, c.borrower_id, c.kind
"""
BEGIN = """
INSERT INTO circumstance (tenant_id, circumstance_id, borrower_id, kind, since, import_id)
SELECT $1, said.*, $5, $6 FROM unnest($2::uuid[], $3::uuid[], $4::smallint[]) AS said
ON CONFLICT (tenant_id, borrower_id, kind) WHERE ended_at IS NULL DO NOTHING
RETURNING circumstance_id, borrower_id, kind
"""


class Known(NamedTuple):
    """One circumstance of one borrower that began or ended."""

    circumstance_id: UUID
    borrower_id: UUID
    kind: Circumstance


def is_held(of: str) -> str:
    """Return the SQL of whether a circumstance holds the borrower of the row `of`.

    At whatever instant it is asked: what a lender knows now also binds a plan for the day that has begun.
    """
    return (
        f"EXISTS (SELECT FROM circumstance h WHERE h.tenant_id = {of}.tenant_id AND h.borrower_id = {of}.borrower_id"
        f" AND h.kind >= {FIRST_HELD.value} AND h.ended_at IS NULL)"
    )


def is_protected(of: str, at: str) -> str:
    """Return the SQL of whether nothing may be tried out with the borrower of the row `of` at the instant `at`.

    A file said a circumstance, or a reply spoke of hardship or was handed over to a person (disputes, lawyers, the
    vulnerable), less than a year ago. Replies count as they stood at that instant, circumstances as they are known now.
    """
    return (
        f"(EXISTS (SELECT FROM circumstance e WHERE e.tenant_id = {of}.tenant_id AND e.borrower_id = {of}.borrower_id"
        f" AND coalesce(e.ended_at, {at}) > {at} - interval '1 year')"
        f" OR EXISTS (SELECT FROM pause a WHERE a.tenant_id = {of}.tenant_id AND a.borrower_id = {of}.borrower_id"
        f" AND a.since < {at} AND a.kind IN ({PROTECTED})"
        f" AND coalesce(a.lifted_at, a.until, {at}) > {at} - interval '1 year'))"
    )


async def write(
    connection: Connection,
    tenant_id: UUID,
    import_id: UUID,
    said: Mapping[UUID, Sequence[Circumstance]],
    now: datetime,
) -> tuple[list[Known], list[Known]]:
    """Write what a file says of these borrowers, and of no others; return what began and what ended."""
    holders = [borrower for borrower, words in said.items() for _ in words]
    kinds = [kind.value for words in said.values() for kind in words]
    ended = await connection.fetch(END, tenant_id, list(said), holders, kinds, now, import_id) if said else []
    ids = [uuid.uuid4() for _ in kinds]
    begun = await connection.fetch(BEGIN, tenant_id, ids, holders, kinds, now, import_id) if kinds else []
    return _known(begun), _known(ended)


async def in_force(pool: Pool, tenant_id: UUID, borrower_id: UUID) -> list[tuple[Circumstance, datetime]]:
    """Return what is known of a borrower now and since when, oldest first."""
    rows = await pool.fetch(
        "SELECT kind, since FROM circumstance WHERE tenant_id = $1 AND borrower_id = $2 AND ended_at IS NULL "
        "ORDER BY since, kind",
        tenant_id, borrower_id,
    )  # fmt: skip
    return [(Circumstance(row["kind"]), row["since"]) for row in rows]


def _known(rows: Sequence[dict[str, object]]) -> list[Known]:
    return [Known(row["circumstance_id"], row["borrower_id"], Circumstance(row["kind"])) for row in rows]  # type: ignore[arg-type]
