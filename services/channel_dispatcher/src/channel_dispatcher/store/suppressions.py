"""Suppressions: put in force, lifted, and waited for until nothing that they bar is in flight."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher import evidence
from channel_dispatcher.model import ADDRESS_WIDE
from channel_dispatcher.store.ledger import Entry
from channel_dispatcher.store.locks import ALIVE, GATE
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.ledger import Kind
from forbear_domain.model import SuppressionKind, address_key

INSERT = """
INSERT INTO suppression (suppression_id, tenant_id, kind, borrower_id, loan_id, address_key, channel, start_at, end_at,
                         source, weekdays, start_minute, end_minute, place, check_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::uuid[], $6::text[], $7::smallint[],
                     $8::timestamptz[], $9::timestamptz[], $10::text[], $11::smallint[], $12::smallint[],
                     $13::smallint[], $14::text[], $15::timestamptz[])
ON CONFLICT (suppression_id) DO NOTHING RETURNING suppression_id
"""

LIFT = """
UPDATE suppression SET lifted_at = $3
WHERE tenant_id = $1 AND suppression_id = ANY($2::uuid[]) AND lifted_at IS NULL
RETURNING suppression_id, borrower_id
"""

IN_FLIGHT = """
SELECT EXISTS (
    SELECT FROM attempt
    JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) AS bar(tenant_id, borrower_id, address_key)
      ON attempt.tenant_id = bar.tenant_id
     AND (attempt.borrower_id = bar.borrower_id OR attempt.address_key = bar.address_key)
    WHERE attempt.state = 11 AND attempt.claimed_at > $4 AND EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND classid::bigint = $5 AND objid::bigint = attempt.owner))
"""

EVERY_DAY = 0b1111111
DAY_MINUTES = 1440


class NewSuppression(NamedTuple):
    """One suppression as it is stored: the address by its key only."""

    suppression_id: UUID
    tenant_id: UUID
    kind: SuppressionKind
    borrower_id: UUID | None
    loan_id: UUID | None
    address_key: str
    channel: int
    start_at: datetime
    end_at: datetime | None
    source: str
    weekdays: int = EVERY_DAY  # bit 0 is Monday
    start_minute: int = 0
    end_minute: int = DAY_MINUTES
    place: str = ""
    check_at: datetime | None = None  # when to ask whether the borrower told us, too; see `drift`


# A stop and a wrong number outlive the person's data by the hash of the address; all else forgets the address.
PART = (
    "UPDATE suppression SET borrower_id = NULL, loan_id = NULL"
    " WHERE borrower_id = $1 AND address_key <> '' AND kind = ANY($2::smallint[]) AND lifted_at IS NULL",
    "UPDATE suppression SET address_key = ''"
    " WHERE borrower_id = $1 AND address_key <> '' AND kind <> ALL($2::smallint[])",
    "UPDATE attempt SET address_key = '' WHERE borrower_id = $1 AND state <> 11 AND $2::smallint[] IS NOT NULL",
)


async def part(connection: Connection, borrower: UUID) -> None:
    """Part an erased borrower from the addresses: what bars an address names nobody, what names the borrower none."""
    kinds = [int(kind) for kind in ADDRESS_WIDE]
    for statement in PART:
        await connection.execute(statement, borrower, kinds)


async def close_gate(connection: Connection) -> None:
    """Wait for the claims that are being written, and hold back new ones until this transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1, 0)", GATE)


async def insert(connection: Connection, rows: Sequence[NewSuppression]) -> list[NewSuppression]:
    """Store suppressions and return those that were new."""
    if not rows:
        return []
    found = await connection.fetch(INSERT, *[list(column) for column in zip(*rows, strict=True)])
    new = {row["suppression_id"] for row in found}
    return [row for row in rows if row.suppression_id in new]


async def lift(
    connection: Connection, tenant: UUID, ids: Sequence[UUID], now: datetime
) -> list[tuple[UUID, UUID | None]]:
    """Lift suppressions and return id and borrower of those that were in force."""
    rows = await connection.fetch(LIFT, tenant, list(ids), now)
    return [(row["suppression_id"], row["borrower_id"]) for row in rows]


class Barred(NamedTuple):
    """Whose attempts a suppression bars: of a borrower, at an address, or both."""

    tenant_id: UUID
    borrower_id: UUID | None
    address_key: str | None


async def barred_by(pool: Pool, rows: Sequence[NewSuppression], addresses: Sequence[str]) -> list[Barred]:
    """Return what to wait for. `addresses`: those barred for every tenant; attempts know them by each tenant's key."""
    barred = [Barred(row.tenant_id, row.borrower_id, row.address_key or None) for row in rows]
    if addresses:
        tenants = await pool.fetch("SELECT DISTINCT tenant_id FROM attempt WHERE state = 11")
        for tenant in [row["tenant_id"] for row in tenants]:
            barred += [Barred(tenant, None, address_key(tenant.bytes, address)) for address in addresses]
    return barred


async def is_in_flight(pool: Pool, barred: Sequence[Barred], since: datetime) -> bool:
    """Return whether a living process may still be sending something that is barred, claimed after `since`."""
    columns = [list(column) for column in zip(*barred, strict=True)]
    return bool(await pool.fetchval(IN_FLIGHT, *columns, since, ALIVE))


def entry_of(row: NewSuppression, now: datetime) -> Entry:
    """State that a suppression came into force."""
    return evidence.entry(
        Kind.SUPPRESSION,
        now,
        row.tenant_id,
        row.borrower_id,
        suppression=row.suppression_id,
        bars=row.kind.name.lower(),
        loan=row.loan_id,
        address_key=row.address_key,
        channel=row.channel,
        start_at=row.start_at,
        end_at=row.end_at,
        source=row.source,
        **_inconvenience(row),
    )


def _inconvenience(row: NewSuppression) -> dict[str, object]:
    if row.kind is SuppressionKind.INCONVENIENT_PLACE:
        return {"place": row.place}
    if row.kind is SuppressionKind.INCONVENIENT_TIME:
        return {"weekdays": row.weekdays, "start_minute": row.start_minute, "end_minute": row.end_minute}
    return {}


def entry_of_lift(tenant: UUID, lifted: tuple[UUID, UUID | None], reason: str, now: datetime) -> Entry:
    """State that a suppression was lifted, and why."""
    return evidence.entry(Kind.LIFT, now, tenant, lifted[1], suppression=lifted[0], reason=reason)


FLIGHT_MAX = timedelta(seconds=90)
"""No attempt lives longer: a permit of 60 s, then one call of a provider of at most 30 s."""
