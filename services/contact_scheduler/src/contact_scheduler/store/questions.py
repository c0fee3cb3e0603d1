"""Borrowers whom nobody may contact until their tenant answers a question, as rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from contact_scheduler.contacts import ContactPhase
from forbear_chassis.postgres import UUID, Pool

QUESTIONS_A_PAGE = 1_000
SHARED_RULE = "HOUSE-SHARED"  # of the packs; what the gate names where two borrowers meet at one address
SHARED_FOR = timedelta(days=7)  # how long the gate bars an address after that
REFUSED = ContactPhase.REFUSED.value

PLACES = """
SELECT place_id, zones, regions FROM place
WHERE (cardinality(zones) <> 1 OR cardinality(regions) = 0 OR '' = ANY(zones))
  AND place_id IN (SELECT place_id FROM borrower WHERE tenant_id = $1)
"""
# Only those who owe something: nobody else is to be contacted.
OPEN = f"""
SELECT b.ref, b.place_id, 0 AS channel, true AS is_unreachable, NULL::timestamptz AS rests_until FROM borrower b
WHERE b.tenant_id = $1 AND b.place_id = ANY($2) AND b.ref > $3
  AND EXISTS (SELECT FROM loan l WHERE l.tenant_id = $1 AND l.borrower_id = b.borrower_id AND l.past_due > 0)
UNION ALL
SELECT b.ref, b.place_id, p.channel, NOT EXISTS (
    SELECT FROM contact_point o WHERE o.tenant_id = $1 AND o.borrower_id = p.borrower_id AND NOT o.is_shared
      AND o.consent_on IS NOT NULL), NULL
FROM contact_point p JOIN borrower b ON b.tenant_id = $1 AND b.borrower_id = p.borrower_id
WHERE p.tenant_id = $1 AND p.is_shared AND b.ref > $3
  AND EXISTS (SELECT FROM loan l WHERE l.tenant_id = $1 AND l.borrower_id = b.borrower_id AND l.past_due > 0)
UNION ALL
SELECT b.ref, b.place_id, c.channel, NOT EXISTS (
    SELECT FROM contact_point o WHERE o.tenant_id = $1 AND o.borrower_id = c.borrower_id AND NOT o.is_shared
      AND o.address_key <> p.address_key AND o.consent_on IS NOT NULL), max(c.not_before) + $6::interval
FROM contact c JOIN borrower b ON b.tenant_id = $1 AND b.borrower_id = c.borrower_id
JOIN contact_point p ON p.tenant_id = $1 AND p.borrower_id = c.borrower_id AND p.channel = c.channel
WHERE c.tenant_id = $1 AND c.state = {REFUSED} AND c.outcome_reason = '{SHARED_RULE}'
  AND c.not_before > $5::timestamptz - $6::interval AND NOT p.is_shared AND b.ref > $3
GROUP BY b.ref, b.place_id, c.channel, c.borrower_id, p.address_key
ORDER BY ref, channel LIMIT $4
"""


class PlaceRow(NamedTuple):
    """A place whose zones are several, or not all known."""

    place_id: int
    zones: list[str]
    regions: list[str]


class QuestionRow(NamedTuple):
    """One question; `channel` 0 asks about the place, another about the address of that channel."""

    borrower_ref: str
    place_id: int
    channel: int
    is_unreachable: bool  # no other address with consent is left
    rests_until: datetime | None  # of an address that was another borrower's just before; None: it is shared


async def doubtful_places(pool: Pool, tenant_id: UUID) -> list[PlaceRow]:
    """Return the places of a tenant's borrowers that may leave no lawful hour."""
    return [PlaceRow(*row.values()) for row in await pool.fetch(PLACES, tenant_id)]


async def open_questions(
    pool: Pool, tenant_id: UUID, place_ids: list[int], after_ref: str, now: datetime
) -> tuple[list[QuestionRow], str]:
    """Return questions by borrower, after one; and after whom the next page begins, empty at the end.

    All questions of a borrower stand on one page.
    """
    rows = [
        QuestionRow(*row.values())
        for row in await pool.fetch(OPEN, tenant_id, place_ids, after_ref, QUESTIONS_A_PAGE + 1, now, SHARED_FOR)
    ]
    if len(rows) <= QUESTIONS_A_PAGE:
        return rows, ""
    cut = rows[-1].borrower_ref
    rows = [row for row in rows if row.borrower_ref != cut]
    return rows, rows[-1].borrower_ref
