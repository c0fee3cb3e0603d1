"""What leaves: responses, receipts and contacts by the outbox, follow-ups when due, suppressions at once."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.model import SuppressionKind
from response_tracker.model import Attempt, Response, Suppression

RECEIPTS = "receipts"
RESPONSES = "responses"
CONTACTS = "contacts"
STATEMENTS = "statements"
RECALLS = "recalls"


async def hand_over(connection: Connection, topic: str, bodies: Sequence[bytes]) -> None:
    """Put bodies into the outbox, in order."""
    await connection.execute(
        "INSERT INTO outbox (topic, body) SELECT $1, body FROM unnest($2::bytea[]) AS body", topic, list(bodies)
    )


async def add_response(connection: Connection, response: Response) -> bool:
    """Keep a response; return whether it is new."""
    credited = response.credit.attempt
    status: str = await connection.execute(
        "INSERT INTO response "
        "(id, tenant_id, borrower_id, event_id, attempt_id, contact_id, kind, channel, attribution, event_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        response.id,
        response.of.tenant_id,
        response.of.borrower_id,
        response.event_id,
        None if credited is None else credited.id,
        None if credited is None else credited.contact_id,
        int(response.kind),
        int(response.channel),
        response.credit.attribution,
        response.at,
    )
    return status.endswith(" 1")


async def plan_follow_up(
    connection: Connection, contact_id: UUID, of: Attempt, cause_id: UUID, step: str, *, due_at: datetime, body: bytes
) -> None:
    """Plan a contact that is to follow. Idempotent by its id."""
    await connection.execute(
        "INSERT INTO follow_up (id, tenant_id, borrower_id, cause_id, step, due_at, body) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        contact_id,
        of.tenant_id,
        of.borrower_id,
        cause_id,
        step,
        due_at,
        body,
    )


async def cancel_follow_ups(
    connection: Connection, cause_id: UUID, at: datetime, released_after: datetime, steps: str
) -> list[UUID]:
    """Cancel what follows from a cause; return those that were released after an instant, for the dispatcher has them.

    `steps` is a pattern of LIKE.
    """
    rows = await connection.fetch(
        "UPDATE follow_up SET cancelled_at = $2 WHERE cause_id = $1 AND cancelled_at IS NULL AND step LIKE $4 "
        "AND (released_at IS NULL OR released_at > $3) RETURNING id, released_at",
        cause_id,
        at,
        released_after,
        steps,
    )
    return sorted(row["id"] for row in rows if row["released_at"] is not None)


async def release_follow_ups(connection: Connection, now: datetime, limit: int) -> int:
    """Hand contacts that are due to the outbox; return how many."""
    rows = await connection.fetch(
        "WITH due AS (SELECT id FROM follow_up WHERE due_at <= $1 AND released_at IS NULL AND cancelled_at IS NULL "
        "ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED) "
        "UPDATE follow_up SET released_at = $1 FROM due WHERE follow_up.id = due.id "
        "RETURNING follow_up.due_at, follow_up.id, follow_up.body",
        now,
        limit,
    )
    if rows:
        await hand_over(
            connection, CONTACTS, [row["body"] for row in sorted(rows, key=lambda r: (r["due_at"], r["id"]))]
        )
    return len(rows)


async def next_follow_up_at(connection: Connection) -> datetime | None:
    """Return when the next planned contact is due."""
    due: datetime | None = await connection.fetchval(
        "SELECT min(due_at) FROM follow_up WHERE released_at IS NULL AND cancelled_at IS NULL"
    )
    return due


async def add_suppression(connection: Connection, suppression: Suppression, body: bytes) -> None:
    """Keep a suppression that is to be put in force; `body` is its wire form. Idempotent by id."""
    await connection.execute(
        "INSERT INTO suppression (id, tenant_id, event_id, cause_id, kind, borrower_id, body, made_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        suppression.id,
        suppression.tenant_id,
        suppression.event_id,
        suppression.cause_id,
        int(suppression.kind),
        suppression.borrower_id,
        body,
        suppression.start,
    )


async def suppressions_to_apply(connection: Connection, event_id: UUID | None, limit: int) -> list[tuple[UUID, bytes]]:
    """Return suppressions that are not in force yet: those of one event, or the oldest of all."""
    rows = await connection.fetch(
        "SELECT id, body FROM suppression WHERE in_force_at IS NULL AND ($1::uuid IS NULL OR event_id = $1) "
        "ORDER BY made_at, id LIMIT $2",
        event_id,
        limit,
    )
    return [(row["id"], row["body"]) for row in rows]


async def mark_in_force(connection: Connection, ids: Sequence[UUID], at: datetime) -> None:
    """Remember that suppressions are in force."""
    await connection.execute("UPDATE suppression SET in_force_at = $2 WHERE id = ANY($1)", ids, at)


async def lift(connection: Connection, cause_id: UUID, reason: str) -> None:
    """Ask for the suppressions of a cause to be lifted."""
    await connection.execute(
        "UPDATE suppression SET lift_reason = $2 WHERE cause_id = $1 AND lift_reason IS NULL", cause_id, reason
    )


async def lift_kind(
    connection: Connection, tenant_id: UUID, borrower_id: UUID, kind: SuppressionKind, reason: str
) -> None:
    """Ask for the suppressions of one kind of a borrower to be lifted."""
    await connection.execute(
        "UPDATE suppression SET lift_reason = $4 "
        "WHERE tenant_id = $1 AND borrower_id = $2 AND kind = $3 AND lift_reason IS NULL",
        tenant_id,
        borrower_id,
        int(kind),
        reason,
    )


async def kind_in_force(
    connection: Connection, tenant_id: UUID, borrower_id: UUID, suppression_id: UUID
) -> SuppressionKind | None:
    """Return the kind of a suppression of a borrower that nobody has lifted; None where there is none of that id."""
    kind: int | None = await connection.fetchval(
        "SELECT kind FROM suppression WHERE id = $3 AND tenant_id = $1 AND borrower_id = $2 AND lift_reason IS NULL",
        tenant_id,
        borrower_id,
        suppression_id,
    )
    return None if kind is None else SuppressionKind(kind)


async def kinds_standing(
    connection: Connection, tenant_id: UUID, borrower_id: UUID, kinds: Set[SuppressionKind]
) -> frozenset[SuppressionKind]:
    """Return which of some kinds, all of which hold until they are lifted, bar contact with a borrower now."""
    rows = await connection.fetch(
        "SELECT DISTINCT kind FROM suppression "
        "WHERE tenant_id = $1 AND borrower_id = $2 AND kind = ANY($3::smallint[]) AND lift_reason IS NULL",
        tenant_id,
        borrower_id,
        [int(kind) for kind in sorted(kinds)],
    )
    return frozenset(SuppressionKind(row["kind"]) for row in rows)


async def lift_one(connection: Connection, suppression_id: UUID, reason: str) -> None:
    """Ask for one suppression to be lifted."""
    await connection.execute(
        "UPDATE suppression SET lift_reason = $2 WHERE id = $1 AND lift_reason IS NULL", suppression_id, reason
    )


async def suppressions_to_lift(connection: Connection, limit: int) -> list[tuple[UUID, UUID, str]]:
    """Return (id, tenant, reason) of suppressions in force that are to be lifted, oldest first."""
    rows = await connection.fetch(
        "SELECT id, tenant_id, lift_reason FROM suppression "
        "WHERE lift_reason IS NOT NULL AND lifted_at IS NULL AND in_force_at IS NOT NULL ORDER BY made_at, id LIMIT $1",
        limit,
    )
    return [(row["id"], row["tenant_id"], row["lift_reason"]) for row in rows]


async def mark_lifted(connection: Connection, ids: Sequence[UUID], at: datetime) -> None:
    """Remember that suppressions are lifted."""
    await connection.execute("UPDATE suppression SET lifted_at = $2 WHERE id = ANY($1)", ids, at)
