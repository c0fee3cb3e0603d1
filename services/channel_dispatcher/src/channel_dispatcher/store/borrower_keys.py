"""The keys under which borrowers' ledger entries are sealed: made at the first entry, looked at when the evidence may
have been kept long enough, destroyed once. An entry that comes later is sealed under a key that nobody keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from secrets import token_bytes
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from forbear_chassis.postgres import Connection
from forbear_domain.ledger import open_entry
from forbear_domain.sealing import KEY_BYTES

FIRST_REVIEW = timedelta(days=365)  # no pack lets evidence go sooner unasked
KNOWN_MAX = 200_000  # keys that a process remembers: about 25 MB
FACTS_LOOKED_AT = 20  # latest entries that are opened to learn where the borrower lived, and who spoke

FIND = """
SELECT borrower_id, key, xmin = pg_current_xact_id()::xid AS is_ours FROM borrower_key
WHERE borrower_id = ANY($1::uuid[])
"""
MAKE = """
INSERT INTO borrower_key (borrower_id, tenant_id, key, review_at)
SELECT made.*, $4::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS made(borrower_id, tenant_id, key)
ON CONFLICT (borrower_id) DO NOTHING
"""
TO_REVIEW = """
SELECT borrower_id, tenant_id, key, asked_at FROM borrower_key WHERE key IS NOT NULL AND review_at <= $1
ORDER BY review_at, borrower_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
LAST_ACTIVITY = "SELECT max(claimed_at) FROM attempt WHERE borrower_id = $1"


class BorrowerKey(NamedTuple):
    """A key that exists."""

    borrower_id: UUID
    tenant_id: UUID
    key: bytes
    asked_at: datetime | None


async def of(
    connection: Connection, owners: Mapping[UUID, UUID], known: dict[UUID, AESGCM], now: datetime
) -> Mapping[UUID, AESGCM]:
    """Return the ciphers of these borrowers (each with its tenant), making the keys that are missing.

    `known` is what the process remembers. A key that this transaction made is not remembered here: the transaction may
    still be rolled back, and what was sealed under the key afterwards could never be opened.
    """
    missing = _in_order(borrower for borrower in owners if borrower not in known)
    if not missing:
        return known
    if len(known) + len(missing) > KNOWN_MAX:
        known.clear()
        missing = _in_order(owners)
    found = await _find(connection, missing, known)
    fresh = [borrower for borrower in missing if borrower not in found]
    if fresh:
        random = token_bytes(KEY_BYTES * len(fresh))
        keys = [random[start : start + KEY_BYTES] for start in range(0, len(random), KEY_BYTES)]
        tenants = [owners[borrower] for borrower in fresh]
        made: str = await connection.execute(MAKE, fresh, tenants, keys, now + FIRST_REVIEW)
        if made == f"INSERT 0 {len(fresh)}":
            found |= {borrower: AESGCM(key) for borrower, key in zip(fresh, keys, strict=True)}
        else:  # another process was faster with some of them
            found |= await _find(connection, fresh, known)
    return {borrower: found.get(borrower) or known[borrower] for borrower in owners}


async def _find(connection: Connection, borrowers: list[UUID], known: dict[UUID, AESGCM]) -> dict[UUID, AESGCM]:
    """Return the ciphers of keys that exist, and remember those that are committed."""
    rows = await connection.fetch(FIND, borrowers)
    found = {row["borrower_id"]: AESGCM(row["key"] or token_bytes(KEY_BYTES)) for row in rows}
    known.update({row["borrower_id"]: found[row["borrower_id"]] for row in rows if not row["is_ours"]})
    return found


def _in_order(borrowers: Iterable[UUID]) -> list[UUID]:
    """Rows are made in one order everywhere; numbers compare in C, ids do not."""
    return sorted(borrowers, key=attrgetter("int"))


async def lock(connection: Connection, tenant: UUID, borrower: UUID) -> BorrowerKey | None:
    """Return the key of a borrower, held for this transaction; None where there is none, or none any more."""
    row = await connection.fetchrow(
        "SELECT borrower_id, tenant_id, key, asked_at FROM borrower_key"
        " WHERE tenant_id = $1 AND borrower_id = $2 AND key IS NOT NULL FOR UPDATE",
        tenant,
        borrower,
    )
    return BorrowerKey(*row.values()) if row else None


async def to_review(connection: Connection, now: datetime, count: int) -> list[BorrowerKey]:
    """Return keys that are due for a look, held for this transaction."""
    return [BorrowerKey(*row.values()) for row in await connection.fetch(TO_REVIEW, now, count)]


async def next_review(connection: Connection) -> datetime | None:
    """Return when the next key is due for a look."""
    due: datetime | None = await connection.fetchval("SELECT min(review_at) FROM borrower_key WHERE key IS NOT NULL")
    return due


async def destroy(connection: Connection, borrower: UUID, now: datetime) -> None:
    """Destroy a key: nobody can open the borrower's entries any more."""
    await connection.execute(
        "UPDATE borrower_key SET key = NULL, destroyed_at = $2 WHERE borrower_id = $1", borrower, now
    )


async def put_off(connection: Connection, borrower: UUID, until: datetime, asked_at: datetime | None) -> None:
    """Look at a key again at `until`."""
    await connection.execute(
        "UPDATE borrower_key SET review_at = $2, asked_at = $3 WHERE borrower_id = $1", borrower, until, asked_at
    )


async def last_activity(connection: Connection, borrower: UUID) -> datetime | None:
    """Return when we last tried to reach a borrower, or None."""
    last_at: datetime | None = await connection.fetchval(LAST_ACTIVITY, borrower)
    return last_at


class Seen(NamedTuple):
    """Where a borrower may have been, and in which roles we spoke, by the latest decisions on record."""

    jurisdictions: frozenset[str]
    actors: frozenset[str]


async def seen_of(connection: Connection, one: BorrowerKey) -> Seen:
    """Return what the latest entries tell; empty where none tells."""
    rows = await connection.fetch(
        "SELECT body FROM ledger_entry WHERE borrower_id = $1 ORDER BY sequence DESC LIMIT $2",
        one.borrower_id,
        FACTS_LOOKED_AT,
    )
    told: list[Any] = [open_entry(row["body"], one.key).get("facts") for row in rows]
    facts = [one for one in told if one]
    places = frozenset[str]().union(*[one["jurisdictions"] for one in facts])
    return Seen(places, frozenset([one["actor"] for one in facts]))
