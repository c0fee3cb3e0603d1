"""The claim transaction: takes what is due, gives the facts about it, and writes what the gate decided.

Everything is set-based: a batch of 500 costs about ten round trips and one commit, whatever the number of contacts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from channel_dispatcher.contact_codec import Queued, read_contacts
from channel_dispatcher.fair import Waiting, share_out
from channel_dispatcher.model import ADDRESS_WIDE, Claim, Contact
from channel_dispatcher.store import address_use, feed, switches
from channel_dispatcher.store.feed import Entrance
from channel_dispatcher.store.locks import BORROWER, borrower_bucket
from channel_dispatcher.switches import Stops, Switch, segment_of, stops_of
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.ids import EVERYONE
from forbear_domain.lifecycle import State
from forbear_domain.model import Channel

BARRED_FOR = timedelta(milliseconds=100)  # until a look at what is due, but locked by others or stopped by a person
PAST_MAX = 100  # attempts of one borrower that are looked at; every cap is far below

HEADS = """
WITH RECURSIVE head AS (
    (SELECT lane, tenant_id FROM contact WHERE state = 10 AND channel = $1 ORDER BY lane, tenant_id LIMIT 1)
    UNION ALL
    SELECT next.lane, next.tenant_id FROM head CROSS JOIN LATERAL (
        SELECT lane, tenant_id FROM contact
        WHERE state = 10 AND channel = $1 AND (lane, tenant_id) > (head.lane, head.tenant_id)
        ORDER BY lane, tenant_id LIMIT 1) AS next)
SELECT lane, tenant_id,
    (SELECT count(*) FROM (SELECT FROM contact AS c WHERE c.state = 10 AND c.channel = $1 AND c.lane = head.lane
        AND c.tenant_id = head.tenant_id AND c.due_at <= $2 LIMIT $3) AS due) AS due,
    (SELECT c.due_at FROM contact AS c WHERE c.state = 10 AND c.channel = $1 AND c.lane = head.lane
        AND c.tenant_id = head.tenant_id ORDER BY c.due_at LIMIT 1) AS first_due_at
FROM head
"""
"""Walks the index from one (lane, tenant) to the next: costs a few pages for each, however long the queue is."""

TAKE = """
SELECT c.borrower_id, c.body, c.attempts, c.expire_at
FROM unnest($2::smallint[], $3::uuid[], $4::integer[]) AS share(lane, tenant_id, size)
CROSS JOIN LATERAL (
    SELECT contact_id, borrower_id, body, attempts, expire_at, due_at FROM contact
    WHERE state = 10 AND channel = $1 AND lane = share.lane AND tenant_id = share.tenant_id AND due_at <= $5
      AND (campaign_id IS NULL OR campaign_id <> ALL($6::uuid[]))
    ORDER BY due_at, contact_id LIMIT share.size FOR UPDATE SKIP LOCKED) AS c
ORDER BY share.lane, c.due_at, c.contact_id
"""

SUPPRESSIONS = """
SELECT kind, tenant_id, borrower_id, loan_id, address_key, channel, start_at, end_at,
       weekdays, start_minute, end_minute, place FROM suppression
WHERE lifted_at IS NULL AND (end_at IS NULL OR end_at > $1) AND borrower_id = ANY($2::uuid[])
UNION
SELECT kind, tenant_id, borrower_id, loan_id, address_key, channel, start_at, end_at,
       weekdays, start_minute, end_minute, place FROM suppression
WHERE lifted_at IS NULL AND (end_at IS NULL OR end_at > $1) AND tenant_id = ANY($3::uuid[])
  AND address_key = ANY($4::text[]) AND address_key <> '' AND (kind = ANY($5::smallint[]) OR borrower_id IS NULL)
"""

ATTEMPTS = """
SELECT past.* FROM unnest($1::uuid[]) AS one(borrower_id) CROSS JOIN LATERAL (
    SELECT borrower_id, loan_id, channel, purpose, address_key, address_kind, state, result, claimed_at FROM attempt
    WHERE borrower_id = one.borrower_id AND claimed_at > $2 AND state <> 2
    ORDER BY claimed_at DESC LIMIT $3) AS past
"""

INBOUND = """
SELECT heard.* FROM unnest($1::uuid[]) AS one(borrower_id) CROSS JOIN LATERAL (
    SELECT r.borrower_id, r.channel, r.event_at, r.code, coalesce(a.address_key, '') AS address_key
    FROM receipt AS r LEFT JOIN attempt AS a ON a.attempt_id = r.attempt_id AND a.tenant_id = r.tenant_id
    WHERE r.state = 8 AND r.borrower_id = one.borrower_id AND r.event_at > $2
    ORDER BY r.event_at DESC LIMIT $3) AS heard
"""


class SuppressionRow(NamedTuple):
    """One suppression in force."""

    kind: int
    tenant_id: UUID
    borrower_id: UUID | None
    loan_id: UUID | None
    address_key: str
    channel: int
    start_at: datetime
    end_at: datetime | None
    weekdays: int  # bit 0 is Monday; this and the rest: of what was called inconvenient
    start_minute: int
    end_minute: int
    place: str


class AttemptRow(NamedTuple):
    """One earlier attempt that counts: accepted, unknown or in flight."""

    borrower_id: UUID
    loan_id: UUID
    channel: int
    purpose: int
    address_key: str
    address_kind: str  # "" where it was not written down
    state: int
    result: int | None
    claimed_at: datetime


class InboundRow(NamedTuple):
    """Something the borrower sent us."""

    borrower_id: UUID
    channel: int
    event_at: datetime
    code: str  # what it was read as, where that opens a door of the law
    address_key: str  # of the attempt that it answers; "" where it answers none


@dataclass(frozen=True, slots=True)
class History:
    """The facts about the borrowers of a batch, by borrower; suppressions of an address by (tenant, address).

    What bars an address for every tenant stands under (EVERYONE, everyone's key of it).
    """

    suppressions: Mapping[UUID, list[SuppressionRow]]
    address_suppressions: Mapping[tuple[UUID, str], list[SuppressionRow]]
    attempts: Mapping[UUID, list[AttemptRow]]
    inbound: Mapping[UUID, list[InboundRow]]
    shared: Mapping[tuple[UUID, str], datetime]  # since when two borrowers are to be reached at an address


@dataclass(frozen=True, slots=True)
class Batch:
    """What an open claim transaction holds. `next_due_at`: when the queue's next contact is due."""

    connection: Connection
    contacts: tuple[Contact, ...]
    next_due_at: datetime | None
    switches: tuple[Switch, ...] = ()
    entrance: Entrance | None = None  # None: nothing was due


@asynccontextmanager
async def open_claim(pool: Pool, channel: Channel, size: int, now: datetime) -> AsyncIterator[Batch]:
    """Lock what is due, at most `size`, one contact a borrower; commit at the end, or nothing at all."""
    async with pool.acquire() as connection:
        heads = await connection.fetch(HEADS, channel, now, size)
        shares = share_out([Waiting(head["lane"], head["tenant_id"], head["due"]) for head in heads], size)
        next_due_at = min((head["first_due_at"] for head in heads), default=None)
        if not shares:
            yield Batch(connection, (), next_due_at)
            return
        async with connection.transaction():
            entrance = await feed.enter(connection)
            thrown = await switches.in_force(connection)
            stops = stops_of(thrown, channel)
            contacts = () if entrance.is_deaf else await _take(connection, channel, shares, stops, now)
            next_due_at = next_due_at if contacts else now + BARRED_FOR
            yield Batch(connection, contacts, next_due_at, tuple(thrown), entrance)


async def _take(
    connection: Connection, channel: Channel, shares: Sequence[Waiting], stops: Stops, now: datetime
) -> tuple[Contact, ...]:
    open_shares = [share for share in shares if share.tenant_id not in stops.tenants]
    if stops.is_everything or not open_shares:
        return ()
    lanes, tenant_ids, sizes = (list(column) for column in zip(*open_shares, strict=True))
    rows = await connection.fetch(TAKE, channel, lanes, tenant_ids, sizes, now, list(stops.campaigns))
    first: dict[UUID, Queued] = {}  # of each borrower the first contact only
    for borrower, *queued in rows:
        first.setdefault(borrower, Queued(*queued))
    buckets = {borrower: borrower_bucket(borrower.bytes) for borrower in first}
    others = await connection.fetch(
        "SELECT bucket FROM unnest($2::integer[]) AS bucket WHERE NOT pg_try_advisory_xact_lock($1, bucket)",
        BORROWER,
        sorted(set(buckets.values())),
    )
    taken = {row["bucket"] for row in others}
    mine = [queued for borrower, queued in first.items() if buckets[borrower] not in taken]
    return tuple(read_contacts(mine))


async def history_of(connection: Connection, contacts: Sequence[Contact], now: datetime, back: timedelta) -> History:
    """Return what is known of the borrowers, in four queries, as of after their locks were taken.

    `back`: how long ago an attempt or an answer may lie and still be told.
    """
    shared = await address_use.note(connection, contacts, now)
    borrowers = [contact.borrower_id for contact in contacts]
    since = now - back
    barred = await connection.fetch(
        SUPPRESSIONS,
        now,
        borrowers,
        list({contact.tenant_id for contact in contacts} | {EVERYONE}),
        [key for contact in contacts for key in (contact.address_key, contact.everyones_key)],
        [int(kind) for kind in ADDRESS_WIDE],
    )
    suppressions: dict[UUID, list[SuppressionRow]] = {}
    by_address: dict[tuple[UUID, str], list[SuppressionRow]] = {}
    for found in barred:
        row = SuppressionRow(*found)
        if row.address_key and (row.kind in ADDRESS_WIDE or row.borrower_id is None):
            by_address.setdefault((row.tenant_id, row.address_key), []).append(row)
        elif row.borrower_id is not None:
            suppressions.setdefault(row.borrower_id, []).append(row)
    attempts: dict[UUID, list[AttemptRow]] = {}
    for found in await connection.fetch(ATTEMPTS, borrowers, since, PAST_MAX):
        attempts.setdefault(found["borrower_id"], []).append(AttemptRow(*found))
    inbound: dict[UUID, list[InboundRow]] = {}
    for found in await connection.fetch(INBOUND, borrowers, since, PAST_MAX):
        inbound.setdefault(found["borrower_id"], []).append(InboundRow(*found))
    return History(suppressions, by_address, attempts, inbound, shared)


POSTPONE = """
UPDATE contact SET due_at = row.due_at, reason = row.reason
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS row(contact_id, due_at, reason)
WHERE contact.contact_id = row.contact_id AND contact.state = 10
"""

END = """
UPDATE contact SET state = row.state, reason = row.reason, ended_at = $4, body = NULL
FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS row(contact_id, state, reason)
WHERE contact.contact_id = row.contact_id
"""

CLAIM = "UPDATE contact SET state = 11, attempts = attempts + 1 WHERE contact_id = ANY($1::uuid[]) AND state = 10"

ATTEMPT_COLUMNS = (
    "attempt_id",
    "contact_id",
    "tenant_id",
    "borrower_id",
    "loan_id",
    "channel",
    "purpose",
    "number",
    "address_key",
    "address_kind",
    "provider",
    "sender",
    "parts",
    "template",
    "segment",
    "charged",
    "owner",
    "claimed_at",
)


async def postpone(connection: Connection, rows: Sequence[tuple[UUID, datetime, str]]) -> None:
    """Let contacts wait until the instant named, for the reason named. This is no attempt."""
    if rows:
        await connection.execute(POSTPONE, *[list(column) for column in zip(*rows, strict=True)])


async def end(connection: Connection, rows: Sequence[tuple[UUID, State, str]], now: datetime) -> None:
    """End contacts for good and forget what they would have said, and to whom."""
    if rows:
        await connection.execute(END, *[list(column) for column in zip(*rows, strict=True)], now)


async def write_claims(connection: Connection, claims: Sequence[Claim], owner: int, now: datetime) -> None:
    """Write one attempt for each claim, before any provider is asked."""
    if not claims:
        return
    rows = [_attempt(claim, owner, now) for claim in claims]
    await connection.execute(CLAIM, [claim.permit.contact_id for claim in claims])
    await connection.copy_records_to_table("attempt", records=rows, columns=ATTEMPT_COLUMNS)


def _attempt(claim: Claim, owner: int, now: datetime) -> tuple[Any, ...]:
    """Return the columns of ATTEMPT_COLUMNS for a claim."""
    draft, permit = claim
    contact = draft.judged.contact
    return (
        permit.attempt_id,
        permit.contact_id,
        permit.tenant_id,
        permit.borrower_id,
        permit.loan_id,
        permit.channel,
        contact.purpose,
        draft.number,
        permit.address_key,
        contact.address_kind,
        draft.provider,
        draft.request.sender,
        draft.rendered.parts,
        contact.template,
        segment_of(contact),
        draft.demand.charged(),
        owner,
        now,
    )
