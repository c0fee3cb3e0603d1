"""Answers about reassigned numbers as rows, and what they do to the points that have such a number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import IntEnum
from typing import NamedTuple

from forbear.types.v1 import types_pb2 as pb
from forbear_chassis.postgres import UUID, Connection, Pool

DUE_A_PAGE = 1_000
FRESH_DAYS = 60  # 12 CFR 1006.6(d)(5)(ii)


class Answer(IntEnum):
    """What the database said: whether the number was disconnected for good on or after the date asked about."""

    YES = 1
    NO = 2
    NO_DATA = 3


class CheckRow(NamedTuple):
    """One answer, as it is kept."""

    address_key: str
    since: date
    checked_on: date
    answer: Answer
    recipient: bytes  # wire fields that tell the gate when it was checked


INSERT = """
INSERT INTO number_check
SELECT $1, c.*, $7, $8 FROM unnest($2::text[], $3::date[], $4::date[], $5::smallint[], $6::bytea[]) AS c
ON CONFLICT DO NOTHING RETURNING address_key
"""
# A "no" about a date after the consent says nothing of the days between: the number may have changed hands in them.
KEEP_FRESH = f"""
UPDATE contact_point p SET checked_on = latest.checked_on, recipient = p.recipient || latest.recipient
FROM (
    SELECT DISTINCT ON (q.borrower_id, q.channel) q.borrower_id, q.channel, c.checked_on, c.recipient
    FROM contact_point q JOIN number_check c ON c.tenant_id = $1 AND c.address_key = q.address_key
    WHERE q.tenant_id = $1 AND q.address_key = ANY($2::text[]) AND q.address_key <> ''
      AND c.answer = {Answer.NO.value} AND c.since <= q.consent_on
    ORDER BY q.borrower_id, q.channel, c.checked_on DESC) AS latest
WHERE p.tenant_id = $1 AND p.borrower_id = latest.borrower_id AND p.channel = latest.channel
  AND (p.checked_on IS NULL OR p.checked_on < latest.checked_on)
RETURNING p.address_key
"""
HOLDERS = "SELECT address_key, borrower_id, channel FROM contact_point WHERE tenant_id = $1 AND address_key = ANY($2)"
FORGET = """
DELETE FROM number_check c WHERE tenant_id = $1 AND address_key = ANY($2::text[]) AND NOT EXISTS (
    SELECT FROM contact_point p WHERE p.tenant_id = $1 AND p.address_key = c.address_key)
"""
DUE = f"""
SELECT b.ref, p.consent_on, p.checked_on, greatest(p.consent_on, p.checked_on) + {FRESH_DAYS} AS fresh_until
FROM contact_point p JOIN borrower b ON b.tenant_id = $1 AND b.borrower_id = p.borrower_id
WHERE p.tenant_id = $1 AND p.channel = 1 AND p.consent_on IS NOT NULL AND b.ref > $2
  AND greatest(p.consent_on, p.checked_on) + {FRESH_DAYS} < $3
  AND NOT EXISTS (SELECT FROM channel_bar x WHERE x.tenant_id = $1 AND x.borrower_id = p.borrower_id
                  AND x.channel = p.channel AND x.address_key = p.address_key)
  AND EXISTS (SELECT FROM loan l WHERE l.tenant_id = $1 AND l.borrower_id = p.borrower_id AND l.past_due > 0)
ORDER BY b.ref LIMIT {DUE_A_PAGE}
"""


TURN = 0x46420101  # the advisory lock of who asks: one replica at a time
TO_ASK = f"""
SELECT p.tenant_id, p.consent_on, p.recipient FROM contact_point p
WHERE p.channel = 1 AND p.consent_on IS NOT NULL AND NOT p.is_shared AND p.address_key <> ''
  AND greatest(p.consent_on, p.checked_on) + {FRESH_DAYS} < $1
  AND NOT EXISTS (SELECT FROM number_check c WHERE c.tenant_id = p.tenant_id AND c.address_key = p.address_key
                  AND c.checked_on > $2)
  AND NOT EXISTS (SELECT FROM channel_bar x WHERE x.tenant_id = p.tenant_id AND x.borrower_id = p.borrower_id
                  AND x.channel = p.channel AND x.address_key = p.address_key)
  AND EXISTS (SELECT FROM loan l WHERE l.tenant_id = p.tenant_id AND l.borrower_id = p.borrower_id AND l.past_due > 0)
ORDER BY greatest(p.consent_on, p.checked_on), p.tenant_id, p.borrower_id LIMIT $3
"""


class Question(NamedTuple):
    """A number of a tenant's borrower, E.164, and the day from which on it must not have changed hands."""

    tenant_id: UUID
    phone: str
    since: date


class Holder(NamedTuple):
    """Who has a number, on which channel."""

    address_key: str
    borrower_id: UUID
    channel: int


class DueRow(NamedTuple):
    """One borrower whose consent to texts needs a check, and the last day on which it still is fresh."""

    borrower_ref: str
    consent_on: date
    checked_on: date | None
    fresh_until: date


async def insert(
    connection: Connection, tenant_id: UUID, rows: Sequence[CheckRow], recorded_by: str, now: datetime
) -> int:
    """Keep answers, and return how many were not known yet."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return len(await connection.fetch(INSERT, tenant_id, *columns, recorded_by, now))


async def are_kept(connection: Connection, tenant_id: UUID) -> bool:
    """Whether a tenant has recorded any answer: most have none, and an import need not look for them."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM number_check WHERE tenant_id = $1)", tenant_id))


async def keep_fresh(connection: Connection, tenant_id: UUID, address_keys: Sequence[str]) -> set[str]:
    """Let the consents at these numbers be as fresh as the answers kept make them; return the numbers changed."""
    rows = await connection.fetch(KEEP_FRESH, tenant_id, sorted(set(address_keys)))
    return {row["address_key"] for row in rows}


async def holders(connection: Connection, tenant_id: UUID, address_keys: Sequence[str]) -> list[Holder]:
    """Return who has these numbers."""
    rows = await connection.fetch(HOLDERS, tenant_id, sorted(set(address_keys)))
    return [Holder(*row.values()) for row in rows]


async def take_turn(connection: Connection) -> bool:
    """Return whether this transaction may ask: no other one does."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", TURN))


async def count_asked(connection: Connection, recorded_by: str, since: datetime) -> int:
    """Return how many answers somebody has recorded since an instant."""
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM number_check WHERE recorded_by = $1 AND recorded_at >= $2", recorded_by, since
        )
    )


async def to_ask(connection: Connection, before: date, not_since: date, limit: int) -> list[Question]:
    """Return whose consent is stale before a day, the oldest first, and whose number was not asked about since one."""
    rows = await connection.fetch(TO_ASK, before, not_since, limit)
    return [
        Question(row["tenant_id"], pb.Recipient.FromString(row["recipient"]).address, row["consent_on"]) for row in rows
    ]


async def forget(connection: Connection, tenant_id: UUID, address_keys: Sequence[str]) -> None:
    """Forget answers about numbers that no borrower has any more."""
    await connection.execute(FORGET, tenant_id, sorted(set(address_keys)))


async def due(pool: Pool, tenant_id: UUID, before: date, after_ref: str) -> list[DueRow]:
    """Return a page of borrowers, after one, whose consent to texts is not fresh on a day without another check."""
    return [DueRow(*row.values()) for row in await pool.fetch(DUE, tenant_id, after_ref, before)]
