"""What came back: outcomes, responses, pauses, wishes, payments. Each function is one statement for a whole batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.payments import Payment
from forbear_chassis.postgres import UUID, Connection
from forbear_domain.model import ResponseKind

PLANNED, RELEASED = ContactPhase.PLANNED.value, ContactPhase.RELEASED.value
CANCELLED, UNKNOWN = ContactPhase.CANCELLED.value, ContactPhase.UNKNOWN.value
SENT = (ContactPhase.ACCEPTED.value, UNKNOWN)

# A final state stays, except that an unknown one may become known.
SETTLE = f"""
UPDATE contact c SET state = o.state, outcome_reason = o.reason,
    sent_at = CASE WHEN o.state IN {SENT} THEN coalesce(c.sent_at, o.event_at) END
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::timestamptz[]) AS o (contact_id, state, reason, event_at)
WHERE c.contact_id = o.contact_id AND c.state IN ({PLANNED}, {RELEASED}, {CANCELLED}, {UNKNOWN})
"""
ADD_RESPONSES = """
INSERT INTO response (tenant_id, response_id, borrower_id, contact_id, kind, channel, event_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::smallint[], $7::timestamptz[])
ON CONFLICT DO NOTHING RETURNING response_id
"""
# The earliest answer counts, in whatever order they are reported.
MARK_ANSWERED = """
UPDATE contact c SET responded_at = least(c.responded_at, a.event_at)
FROM (SELECT contact_id, min(event_at) AS event_at
      FROM unnest($1::uuid[], $2::timestamptz[]) AS u (contact_id, event_at) GROUP BY contact_id ORDER BY contact_id) a
WHERE c.contact_id = a.contact_id
"""
ADD_PAUSES = """
INSERT INTO pause (tenant_id, pause_id, borrower_id, kind, since, until)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::timestamptz[], $6::timestamptz[])
ON CONFLICT DO NOTHING
"""
LIFT_PAUSES = """
UPDATE pause SET lifted_at = $3
WHERE tenant_id = $1 AND borrower_id = $2 AND since <= $3 AND kind = ANY($4::smallint[]) AND lifted_at IS NULL
"""
# Waits for a release that holds the row; what it released meanwhile is returned for recall.
STOP_CONTACTS = f"""
UPDATE contact SET state = CASE WHEN state = {PLANNED} THEN {CANCELLED} ELSE state END, outcome_reason = $3
WHERE tenant_id = $1 AND borrower_id = ANY($2) AND state IN ({PLANNED}, {RELEASED})
RETURNING contact_id, state
"""
# Hours and days replace those of an earlier wish together, as they do at the gate.
SET_WISH = """
UPDATE borrower SET wished_at = $3, wished_channel = coalesce($4, wished_channel),
    wished_hour_start = CASE WHEN $8 THEN $5 ELSE wished_hour_start END,
    wished_hour_end = CASE WHEN $8 THEN $6 ELSE wished_hour_end END,
    wished_days = CASE WHEN $8 THEN $9 ELSE wished_days END,
    wish = CASE WHEN length($7::bytea) > 0 THEN $7 ELSE wish END
WHERE tenant_id = $1 AND borrower_id = $2 AND (wished_at IS NULL OR wished_at <= $3)
"""


class Outcome(NamedTuple):
    """How a contact ended at the dispatcher."""

    contact_id: UUID
    state: ContactPhase
    reason: str
    event_at: datetime
    is_address_barred: bool = False


class Response(NamedTuple):
    """What a borrower did. `wish` holds wire fields of Recipient, such as another language."""

    tenant_id: UUID
    response_id: UUID
    borrower_id: UUID
    contact_id: UUID | None
    kind: ResponseKind
    channel: int
    event_at: datetime
    pause_until: datetime | None = None
    wished_channel: int | None = None
    wished_hour_start: int | None = None
    wished_hour_end: int | None = None
    wish: bytes = b""
    wished_days: int | None = None  # bit per day of the week, bit 0 for Monday

    @property
    def is_timed(self) -> bool:
        """Whether the borrower asked for hours or days."""
        return self.wished_hour_start is not None or self.wished_days is not None

    @property
    def has_wish(self) -> bool:
        """Whether the borrower asked for a channel, hours, days or a language."""
        return self.wished_channel is not None or self.is_timed or bool(self.wish)


class Pause(NamedTuple):
    """A reason to leave a borrower in peace."""

    tenant_id: UUID
    pause_id: UUID
    borrower_id: UUID
    kind: ResponseKind
    since: datetime
    until: datetime | None


async def settle_contacts(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write final states; unknown contacts (of other services) are passed over."""
    if outcomes:
        await connection.execute(SETTLE, *_columns([outcome[:4] for outcome in outcomes]))


async def add_responses(connection: Connection, responses: Sequence[Response]) -> set[UUID]:
    """Write responses; return the ids of those that are new."""
    if not responses:
        return set()
    rows = await connection.fetch(ADD_RESPONSES, *_columns([response[:7] for response in responses]))
    return {row["response_id"] for row in rows}


async def mark_answered(connection: Connection, answers: Sequence[tuple[UUID, datetime]]) -> None:
    """Note when contacts were answered."""
    if answers:
        await connection.execute(MARK_ANSWERED, *_columns(answers))


async def add_pauses(connection: Connection, pauses: Sequence[Pause]) -> None:
    """Write pauses."""
    if pauses:
        await connection.execute(ADD_PAUSES, *_columns(pauses))


async def lift_pauses(
    connection: Connection, tenant_id: UUID, borrower_id: UUID, at: datetime, kinds: Iterable[ResponseKind]
) -> None:
    """Lift the pauses of some kinds that a borrower had at an instant."""
    await connection.execute(LIFT_PAUSES, tenant_id, borrower_id, at, sorted(kinds))


async def stop_contacts(connection: Connection, tenant_id: UUID, borrowers: set[UUID], reason: str) -> list[UUID]:
    """Cancel what is planned for borrowers; return what is released already, to be recalled."""
    rows = await connection.fetch(STOP_CONTACTS, tenant_id, sorted(borrowers), reason)
    return [row["contact_id"] for row in rows if row["state"] == RELEASED]


async def set_wishes(connection: Connection, responses: Sequence[Response]) -> None:
    """Write what borrowers asked for; the latest wish stays."""
    await connection.executemany(
        SET_WISH,
        [
            (
                one.tenant_id, one.borrower_id, one.event_at, one.wished_channel, one.wished_hour_start,
                one.wished_hour_end, one.wish, one.is_timed, one.wished_days,
            )
            for one in responses
        ],
    )  # fmt: skip


class LoanState(NamedTuple):
    """What a payment changes."""

    loan_id: UUID
    borrower_id: UUID
    currency: str
    past_due: int


async def lock_loans(connection: Connection, tenant_id: UUID, loan_ids: set[UUID]) -> dict[UUID, LoanState]:
    """Return loans by id, held for this transaction."""
    rows = await connection.fetch(
        "SELECT loan_id, borrower_id, currency, past_due FROM loan WHERE tenant_id = $1 AND loan_id = ANY($2) "
        "ORDER BY loan_id FOR UPDATE",
        tenant_id, sorted(loan_ids),
    )  # fmt: skip
    return {row["loan_id"]: LoanState(*row.values()) for row in rows}


async def known_payments(connection: Connection, tenant_id: UUID, payment_ids: list[UUID]) -> set[UUID]:
    """Return which payments were taken before."""
    rows = await connection.fetch(
        "SELECT payment_id FROM payment WHERE tenant_id = $1 AND payment_id = ANY($2)", tenant_id, payment_ids
    )
    return {row["payment_id"] for row in rows}


async def book_payments(connection: Connection, tenant_id: UUID, payments: list[Payment]) -> None:
    """Write payments and what they leave past due."""
    await connection.executemany(
        "INSERT INTO payment VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [(tenant_id, p.payment_id, p.borrower_id, p.loan_id, p.amount, p.currency, p.paid_at) for p in payments],
    )
    await connection.executemany(
        "UPDATE loan SET past_due = $3::bigint, balance = greatest(0, balance - $4::bigint), "
        "past_due_days = CASE WHEN $3::bigint = 0 THEN 0 ELSE past_due_days END WHERE tenant_id = $1 AND loan_id = $2",
        [(tenant_id, p.loan_id, p.past_due_after, p.amount) for p in payments],
    )


async def paid_up(connection: Connection, tenant_id: UUID, borrowers: set[UUID]) -> set[UUID]:
    """Return which borrowers have nothing past due any more."""
    rows = await connection.fetch(
        "SELECT borrower_id FROM loan WHERE tenant_id = $1 AND borrower_id = ANY($2) "
        "GROUP BY borrower_id HAVING max(past_due) = 0",
        tenant_id, sorted(borrowers),
    )  # fmt: skip
    return {row["borrower_id"] for row in rows}


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
