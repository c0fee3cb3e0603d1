"""What was agreed and what was paid: promises, arrangements with their instalments, payments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.arrangements import ArrangementState, Offer, Option, PromiseState
from forbear_domain.model import Channel
from response_tracker.model import Attempt

OPEN = int(PromiseState.OPEN)  # written into the SQL: an index over the open ones serves no parameter


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise to pay."""

    id: UUID
    tenant_id: UUID
    borrower_id: UUID
    loan_id: UUID
    attempt_id: UUID
    channel: Channel
    amount_minor: int | None
    currency: str
    due_on: date
    made_at: datetime
    settle_at: datetime
    paid_minor: int
    state: PromiseState


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment of an arrangement and what was paid on it."""

    number: int
    due_on: date
    amount_minor: int
    paid_minor: int
    is_missed: bool

    @property
    def open_minor(self) -> int:
        """What is still to be paid."""
        return self.amount_minor - self.paid_minor


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A deferral or instalments, agreed. `settle_at` is when the next thing falls due that nobody did."""

    id: UUID
    tenant_id: UUID
    borrower_id: UUID
    loan_id: UUID
    attempt_id: UUID
    channel: Channel
    option: Option
    currency: str
    agreed_at: datetime
    state: ArrangementState
    parts: tuple[Part, ...]

    @property
    def next_part(self) -> Part | None:
        """The first instalment that is not paid."""
        return next((part for part in self.parts if part.open_minor > 0), None)


def _promise(row: Any) -> Promise:
    fields = {name: row[name] for name in Promise.__dataclass_fields__}
    return Promise(**fields | {"channel": Channel(row["channel"]), "state": PromiseState(row["state"])})


async def add_promise(connection: Connection, promise: Promise) -> None:
    """Keep a promise. Idempotent by id."""
    await connection.execute(
        "INSERT INTO promise (id, tenant_id, borrower_id, loan_id, attempt_id, channel, amount_minor, currency, "
        "due_on, made_at, settle_at, paid_minor, state) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
        "ON CONFLICT DO NOTHING",
        promise.id,
        promise.tenant_id,
        promise.borrower_id,
        promise.loan_id,
        promise.attempt_id,
        int(promise.channel),
        promise.amount_minor,
        promise.currency,
        promise.due_on,
        promise.made_at,
        promise.settle_at,
        promise.paid_minor,
        int(promise.state),
    )


async def open_promises(connection: Connection, tenant_id: UUID, loan_id: UUID) -> list[Promise]:
    """Lock and return the open promises about a loan, earliest due first."""
    rows = await connection.fetch(
        "SELECT * FROM promise WHERE tenant_id = $1 AND loan_id = $2 AND state = $3 ORDER BY due_on, id FOR UPDATE",
        tenant_id,
        loan_id,
        int(PromiseState.OPEN),
    )
    return [_promise(row) for row in rows]


async def missed_since(connection: Connection, tenant_id: UUID, loan_id: UUID, since: datetime) -> list[UUID]:
    """Return the promises about a loan that were missed after an instant, and the arrangements that are at risk."""
    rows = await connection.fetch(
        "SELECT id FROM promise WHERE tenant_id = $1 AND loan_id = $2 AND state = $3 AND settle_at > $4 "
        "UNION ALL SELECT id FROM arrangement WHERE tenant_id = $1 AND loan_id = $2 AND state = $5",
        tenant_id,
        loan_id,
        int(PromiseState.MISSED),
        since,
        int(ArrangementState.AT_RISK),
    )
    return [row["id"] for row in rows]


async def promises_to_settle(connection: Connection, now: datetime, limit: int) -> list[Promise]:
    """Return open promises whose time is over, oldest first. Not locked: settle under the borrower's lock."""
    rows = await connection.fetch(
        f"SELECT * FROM promise WHERE settle_at <= $1 AND state = {OPEN} ORDER BY settle_at, id LIMIT $2",
        now,
        limit,
    )
    return [_promise(row) for row in rows]


async def move_promise(connection: Connection, promise_id: UUID, state: PromiseState, paid_minor: int) -> None:
    """Write how a promise stands."""
    await connection.execute(
        "UPDATE promise SET state = $2, paid_minor = $3 WHERE id = $1", promise_id, int(state), paid_minor
    )


async def add_arrangement(
    connection: Connection, arrangement_id: UUID, of: Attempt, offer: Offer, *, at: datetime, settle_at: datetime
) -> None:
    """Keep an arrangement with its instalments. Idempotent by id."""
    status = await connection.execute(
        "INSERT INTO arrangement (id, tenant_id, borrower_id, loan_id, attempt_id, channel, option, currency, "
        "deferred_minor, agreed_at, state, settle_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
        "ON CONFLICT DO NOTHING",
        arrangement_id,
        of.tenant_id,
        of.borrower_id,
        of.loan_id,
        of.id,
        int(of.channel),
        int(offer.option),
        offer.currency,
        offer.deferred_minor,
        at,
        int(ArrangementState.ACTIVE),
        settle_at,
    )
    if status.endswith(" 1"):
        await connection.executemany(
            "INSERT INTO instalment (arrangement_id, tenant_id, number, due_on, amount_minor) "
            "VALUES ($1, $2, $3, $4, $5)",
            [(arrangement_id, of.tenant_id, part.number, part.due_on, part.amount_minor) for part in offer.schedule],
        )


_LIVE = [int(ArrangementState.ACTIVE), int(ArrangementState.AT_RISK)]


async def live_arrangements(connection: Connection, tenant_id: UUID, loan_id: UUID) -> list[Arrangement]:
    """Lock and return the arrangements about a loan that still run, oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM arrangement WHERE tenant_id = $1 AND loan_id = $2 AND state = ANY($3) "
        "ORDER BY agreed_at, id FOR UPDATE",
        tenant_id,
        loan_id,
        _LIVE,
    )
    return [await _with_parts(connection, row) for row in rows]


async def arrangements_to_settle(connection: Connection, now: datetime, limit: int) -> list[Arrangement]:
    """Return running arrangements of which something is overdue. Not locked: settle under the borrower's lock."""
    rows = await connection.fetch(
        "SELECT * FROM arrangement WHERE settle_at <= $1 ORDER BY settle_at, id LIMIT $2", now, limit
    )
    return [await _with_parts(connection, row) for row in rows]


async def _with_parts(connection: Connection, row: Any) -> Arrangement:
    parts = await connection.fetch(
        "SELECT number, due_on, amount_minor, paid_minor, is_missed FROM instalment WHERE arrangement_id = $1 "
        "ORDER BY number",
        row["id"],
    )
    return Arrangement(
        id=row["id"],
        tenant_id=row["tenant_id"],
        borrower_id=row["borrower_id"],
        loan_id=row["loan_id"],
        attempt_id=row["attempt_id"],
        channel=Channel(row["channel"]),
        option=Option(row["option"]),
        currency=row["currency"],
        agreed_at=row["agreed_at"],
        state=ArrangementState(row["state"]),
        parts=tuple(Part(**dict(part)) for part in parts),
    )


async def move_arrangement(
    connection: Connection, arrangement_id: UUID, state: ArrangementState, settle_at: datetime | None
) -> None:
    """Write how an arrangement stands and when it is to be looked at again."""
    await connection.execute(
        "UPDATE arrangement SET state = $2, settle_at = $3 WHERE id = $1", arrangement_id, int(state), settle_at
    )


async def pay_parts(connection: Connection, arrangement_id: UUID, parts: Sequence[tuple[int, int]]) -> None:
    """Write what has been paid on instalments, as (number, paid)."""
    await connection.executemany(
        "UPDATE instalment SET paid_minor = $3 WHERE arrangement_id = $1 AND number = $2",
        [(arrangement_id, number, paid) for number, paid in parts],
    )


async def miss_part(connection: Connection, arrangement_id: UUID, number: int) -> None:
    """Remember that an instalment was not paid in time."""
    await connection.execute(
        "UPDATE instalment SET is_missed = true WHERE arrangement_id = $1 AND number = $2", arrangement_id, number
    )


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that reached the lender."""

    id: UUID
    tenant_id: UUID
    borrower_id: UUID
    loan_id: UUID
    amount_minor: int
    currency: str
    paid_at: datetime
    past_due_minor: int


async def add_payment(connection: Connection, payment: Payment) -> bool:
    """Keep a payment; return whether it is new."""
    status: str = await connection.execute(
        "INSERT INTO payment (id, tenant_id, borrower_id, loan_id, amount_minor, currency, paid_at, past_due_minor) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        payment.id,
        payment.tenant_id,
        payment.borrower_id,
        payment.loan_id,
        payment.amount_minor,
        payment.currency,
        payment.paid_at,
        payment.past_due_minor,
    )
    return status.endswith(" 1")


async def past_due_after(connection: Connection, tenant_id: UUID, loan_id: UUID, since: datetime) -> int | None:
    """Return what was still past due after the last payment since an instant; None when nothing was paid."""
    past_due: int | None = await connection.fetchval(
        "SELECT past_due_minor FROM payment WHERE tenant_id = $1 AND loan_id = $2 AND paid_at >= $3 "
        "ORDER BY paid_at DESC, id DESC LIMIT 1",
        tenant_id,
        loan_id,
        since,
    )
    return past_due


async def next_settle_at(connection: Connection) -> datetime | None:
    """Return when the next promise or arrangement is to be looked at."""
    due: datetime | None = await connection.fetchval(
        f"SELECT LEAST((SELECT min(settle_at) FROM promise WHERE state = {OPEN}),"
        " (SELECT min(settle_at) FROM arrangement))"
    )
    return due
