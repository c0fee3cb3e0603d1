"""Conversations: the transcript, the options on the table, and the wishes stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from forbear_chassis.postgres import Connection
from forbear_domain.arrangements import Instalment, Offer, Option
from forbear_domain.model import Channel
from response_tracker.model import Attempt, Wish
from response_tracker.store import erasures

OFFER_DAYS = 14


async def lock_borrower(connection: Connection, borrower_id: UUID) -> None:
    """Let one transaction at a time act on what a borrower does; what it writes of an erased one is erased again."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(borrower_id))
    await erasures.reopen(connection, [borrower_id])


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the transcript; outbound, `text` is the template's id. `salt` is that of its seal in the ledger."""

    id: UUID
    is_inbound: bool
    channel: Channel
    at: datetime
    text: str
    language: str
    labels: tuple[str, ...] = ()
    confidence: float | None = None
    salt: bytes | None = None


async def add_message(connection: Connection, of: Attempt, message: Message) -> None:
    """Add a line to the transcript of a borrower. Idempotent by id."""
    await connection.execute(
        "INSERT INTO message (id, tenant_id, borrower_id, is_inbound, channel, at, text, labels, confidence, language, "
        "salt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        message.id,
        of.tenant_id,
        of.borrower_id,
        message.is_inbound,
        int(message.channel),
        message.at,
        message.text,
        list(message.labels),
        message.confidence,
        message.language,
        message.salt,
    )


async def count_answers(connection: Connection, of: Attempt, since: datetime) -> int:
    """Return how often the machine has answered a borrower since an instant."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM message WHERE tenant_id = $1 AND borrower_id = $2 AND NOT is_inbound AND at >= $3",
        of.tenant_id,
        of.borrower_id,
        since,
    )
    return count


async def count_same_words(connection: Connection, of: Attempt, text: str, since: datetime) -> int:
    """Return how often a borrower has written the very same words since an instant."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM message "
        "WHERE tenant_id = $1 AND borrower_id = $2 AND is_inbound AND at >= $3 AND text = $4",
        of.tenant_id,
        of.borrower_id,
        since,
        text,
    )
    return count


async def last_said(connection: Connection, of: Attempt, since: datetime) -> str | None:
    """Return the template of the machine's last answer to a borrower since an instant."""
    template: str | None = await connection.fetchval(
        "SELECT text FROM message WHERE tenant_id = $1 AND borrower_id = $2 AND NOT is_inbound AND at >= $3 "
        "ORDER BY at DESC, id DESC LIMIT 1",
        of.tenant_id,
        of.borrower_id,
        since,
    )
    return template


async def add_offers(
    connection: Connection, offer_id: UUID, of: Attempt, offers: Sequence[Offer], at: datetime
) -> None:
    """Put options on the table for two weeks. Idempotent by id."""
    await connection.execute(
        "INSERT INTO offer (id, tenant_id, borrower_id, loan_id, terms, offered_at, expire_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        offer_id,
        of.tenant_id,
        of.borrower_id,
        of.loan_id,
        orjson.dumps([_dump(offer) for offer in offers]).decode(),
        at,
        at + timedelta(days=OFFER_DAYS),
    )


@dataclass(frozen=True, slots=True)
class Table:
    """The options that are open to a borrower now."""

    id: UUID
    loan_id: UUID
    offers: tuple[Offer, ...]

    def take(self, option: Option) -> Offer | None:
        """Return the offer of an option, if it is on the table."""
        return next((offer for offer in self.offers if offer.option is option), None)


async def open_offers(connection: Connection, of: Attempt, now: datetime) -> Table | None:
    """Return the options last put to a borrower, unless one was chosen or they expired."""
    row = await connection.fetchrow(
        "SELECT id, loan_id, terms, chosen, expire_at FROM offer WHERE tenant_id = $1 AND borrower_id = $2 "
        "ORDER BY offered_at DESC, id DESC LIMIT 1",
        of.tenant_id,
        of.borrower_id,
    )
    if row is None or row["chosen"] is not None or row["expire_at"] <= now:
        return None
    return Table(row["id"], row["loan_id"], tuple(_load(item) for item in orjson.loads(row["terms"])))


async def choose(connection: Connection, offer_id: UUID, option: Option) -> None:
    """Take the options off the table: one was chosen."""
    await connection.execute("UPDATE offer SET chosen = $2 WHERE id = $1", offer_id, int(option))


def _dump(offer: Offer) -> dict[str, Any]:
    return {
        "option": int(offer.option),
        "currency": offer.currency,
        "deferred_minor": offer.deferred_minor,
        "schedule": [[part.number, part.due_on.isoformat(), part.amount_minor] for part in offer.schedule],
    }


def _load(item: dict[str, Any]) -> Offer:
    schedule = tuple(Instalment(number, date.fromisoformat(due), amount) for number, due, amount in item["schedule"])
    return Offer(Option(item["option"]), item["currency"], item["deferred_minor"], schedule)


async def keep_wish(connection: Connection, of: Attempt, event_id: UUID, wish: Wish, at: datetime) -> None:
    """Keep what a borrower asked for; a later wish of the same kind replaces an earlier one."""
    values: dict[str, Any] = {}
    if wish.channel is not None or wish.other_channel:
        values["channel"] = wish.channel.label if wish.channel is not None else wish.other_channel
    if wish.hour_start is not None or wish.hour_end is not None or wish.days:
        values["hours"] = {"start": wish.hour_start, "end": wish.hour_end, "days": list(wish.days)}
    if wish.language:
        values["language"] = wish.language
    for kind, value in values.items():
        await connection.execute(
            "INSERT INTO preference (tenant_id, borrower_id, kind, value, event_id, stated_at) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, borrower_id, kind) DO UPDATE "
            "SET value = EXCLUDED.value, event_id = EXCLUDED.event_id, stated_at = EXCLUDED.stated_at "
            "WHERE preference.stated_at <= EXCLUDED.stated_at",
            of.tenant_id,
            of.borrower_id,
            kind,
            orjson.dumps(value).decode(),
            event_id,
            at,
        )


async def wished_language(connection: Connection, of: Attempt) -> str:
    """Return the language that a borrower asked for, or nothing."""
    value: str | None = await connection.fetchval(
        "SELECT value FROM preference WHERE tenant_id = $1 AND borrower_id = $2 AND kind = 'language'",
        of.tenant_id,
        of.borrower_id,
    )
    return "" if value is None else str(orjson.loads(value))


async def spoken_language(connection: Connection, of: Attempt) -> str:
    """Return the language of the machine's last answer to a borrower, or nothing."""
    language: str | None = await connection.fetchval(
        "SELECT language FROM message WHERE tenant_id = $1 AND borrower_id = $2 AND NOT is_inbound "
        "ORDER BY at DESC, id DESC LIMIT 1",
        of.tenant_id,
        of.borrower_id,
    )
    return language or ""
