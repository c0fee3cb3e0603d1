"""Settles promises and arrangements: thanks when they are kept, one kind question when they are not.

Payments settle in order: instalments of a running arrangement first, oldest first, then promises. What is not kept in
its time, grace included, is looked at once by `run_due`; nothing here ever presses.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.arrangements import (
    AT_RISK_DAYS,
    ArrangementEvent,
    ArrangementState,
    PromiseEvent,
    PromiseState,
    advance_arrangement,
    advance_promise,
    allocate,
    is_promise_met,
)
from forbear_domain.model import Purpose, ResponseKind
from response_tracker import borrower_time, words
from response_tracker.attribute import NO_CREDIT, credit_payment, keep
from response_tracker.commit import (
    arrangement_rests_until,
    call_off_questions,
    instalment_settles_at,
    promise_rests_until,
)
from response_tracker.duties import Reason
from response_tracker.follow_up import CHECK_IN_LIFE, Plan, call_off, plan
from response_tracker.heard import current
from response_tracker.model import Attempt, Response, Snapshot, part_id
from response_tracker.store import attempts, cases, commitments, conversations, outgoing
from response_tracker.store.commitments import Arrangement, Part, Payment, Promise

BATCH_MAX = 200


class Settler:
    """Settles what was agreed, by payments and by time."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def take_payments(self, payments: list[Payment]) -> int:
        """Take payments in the order in which they were made; return how many are new. Idempotent by payment id."""
        taken = 0
        for payment in sorted(payments, key=lambda one: (one.paid_at, one.id)):
            async with self._pool.acquire() as connection, connection.transaction():
                await conversations.lock_borrower(connection, payment.borrower_id)
                if await commitments.add_payment(connection, payment):
                    await _settle_payment(connection, payment, self._clock.now())
                    taken += 1
        return taken

    async def run_due(self) -> int:
        """Look at what fell due and was not done; return how many promises and arrangements were settled."""
        now = self._clock.now()
        async with self._pool.acquire() as connection:
            promises = await commitments.promises_to_settle(connection, now, BATCH_MAX)
            arrangements = await commitments.arrangements_to_settle(connection, now, BATCH_MAX)
        for promise in promises:
            async with self._pool.acquire() as connection, connection.transaction():
                await conversations.lock_borrower(connection, promise.borrower_id)
                for still_open in await commitments.open_promises(connection, promise.tenant_id, promise.loan_id):
                    if still_open.settle_at <= now:
                        await _lapse(connection, still_open, now)
        for arrangement in arrangements:
            async with self._pool.acquire() as connection, connection.transaction():
                await conversations.lock_borrower(connection, arrangement.borrower_id)
                await _look_at(connection, arrangement, now)
        return len(promises) + len(arrangements)


async def _settle_payment(connection: Connection, payment: Payment, now: datetime) -> None:
    of = await attempts.last_of_borrower(connection, payment.tenant_id, payment.borrower_id)
    if of is None:
        return  # nobody was ever contacted: nothing was agreed and nothing is to be credited
    await keep(
        connection,
        Response(
            id=part_id(payment.id, "response", "PAID"),
            of=of,
            credit=await credit_payment(connection, of, payment.paid_at),
            kind=ResponseKind.PAID,
            channel=of.channel,
            at=payment.paid_at,
        ),
    )
    await cases.close_reason(connection, of, Reason.CHECK_PAYMENT, at=now, closed_by="payment")
    await call_off_questions(connection, payment.tenant_id, payment.loan_id, now, "paid")
    rest = payment.amount_minor
    for arrangement in await commitments.live_arrangements(connection, payment.tenant_id, payment.loan_id):
        rest = await _pay_arrangement(connection, arrangement, payment, rest, now)
    for promise in await commitments.open_promises(connection, payment.tenant_id, payment.loan_id):
        rest = await _pay_promise(connection, promise, payment, rest, now)


async def _pay_promise(connection: Connection, promise: Promise, payment: Payment, rest: int, now: datetime) -> int:
    """Count what is left of a payment towards a promise; return what is left after it."""
    wanted = rest if promise.amount_minor is None else promise.amount_minor - promise.paid_minor
    (given,), rest = allocate(rest, [wanted])
    paid = promise.paid_minor + given
    if not is_promise_met(promise.amount_minor, paid, payment.past_due_minor):
        await commitments.move_promise(connection, promise.id, promise.state, paid)
        return rest
    await commitments.move_promise(connection, promise.id, advance_promise(promise.state, PromiseEvent.PAID), paid)
    await call_off(connection, promise.tenant_id, promise.id, now, "paid")
    await outgoing.lift(connection, promise.id, "kept")
    to, snapshot = await _recipient(connection, promise.attempt_id)
    language = words.speak(snapshot.language)
    slots = words.promise_slots(paid or payment.amount_minor, promise.currency, promise.due_on, language)
    await plan(connection, to, Plan(promise.id, "kept", "promise.kept", Purpose.FOLLOW_UP, now, language, slots))
    await _report(connection, to, promise.id, ResponseKind.KEPT, now)
    return rest


async def _lapse(connection: Connection, promise: Promise, now: datetime) -> None:
    """A promise was not kept: ask once, kindly, at a kind hour; reminders go on some days after that."""
    state = advance_promise(promise.state, PromiseEvent.LAPSED)
    if state is not PromiseState.MISSED:
        return
    await commitments.move_promise(connection, promise.id, state, promise.paid_minor)
    to, snapshot = await _recipient(connection, promise.attempt_id)
    language = words.speak(snapshot.language)
    amount = promise.amount_minor if promise.amount_minor is not None else snapshot.terms.past_due_minor
    slots = words.promise_slots(amount, promise.currency, promise.due_on, language)
    at = borrower_time.next_kind_hour(now, snapshot.zone)
    question = Plan(promise.id, "missed", "promise.missed", Purpose.FOLLOW_UP, at, language, slots, life=CHECK_IN_LIFE)
    await plan(connection, to, question)
    rest_until = promise_rests_until(promise.settle_at)
    await _report(connection, to, promise.id, ResponseKind.BROKEN, now, rest_until)


async def _pay_arrangement(
    connection: Connection, arrangement: Arrangement, payment: Payment, rest: int, now: datetime
) -> int:
    """Pay instalments in their order; return what is left of the payment."""
    given, rest = allocate(rest, [part.open_minor for part in arrangement.parts])
    paid = [(part, part.paid_minor + more) for part, more in zip(arrangement.parts, given, strict=True) if more]
    await commitments.pay_parts(connection, arrangement.id, [(part.number, total) for part, total in paid])
    filled = [part for part, total in paid if total >= part.amount_minor]
    if not filled:
        return rest
    amounts = {part.number: total for part, total in paid}
    still_open = [part for part in arrangement.parts if amounts.get(part.number, part.paid_minor) < part.amount_minor]
    to, snapshot = await _recipient(connection, arrangement.attempt_id)
    rest_until = arrangement_rests_until(still_open[-1].due_on, snapshot.zone) if still_open else None
    for part in filled:
        await call_off(connection, arrangement.tenant_id, part_id(arrangement.id, part.number), now, "paid")
        await _report(connection, to, part_id(arrangement.id, part.number), ResponseKind.KEPT, now, rest_until)
    event = ArrangementEvent.INSTALMENT_PAID if still_open else ArrangementEvent.ALL_PAID
    state = advance_arrangement(arrangement.state, event)
    settle_at = instalment_settles_at(still_open[0].due_on, snapshot.zone) if still_open else None
    await commitments.move_arrangement(connection, arrangement.id, state, settle_at)
    if state is ArrangementState.KEPT:
        await outgoing.lift(connection, arrangement.id, "kept")
    step = f"kept:{filled[-1].number}"
    thanks = Plan(arrangement.id, step, "arrangement.kept", Purpose.FOLLOW_UP, now, words.speak(snapshot.language))
    await plan(connection, to, thanks)
    return rest


async def _look_at(connection: Connection, seen: Arrangement, now: datetime) -> None:
    """Something of an arrangement is overdue: ask once; when it is not made good, let the arrangement end."""
    live = await commitments.live_arrangements(connection, seen.tenant_id, seen.loan_id)
    arrangement = next((one for one in live if one.id == seen.id), None)
    part = None if arrangement is None else arrangement.next_part
    if arrangement is None or part is None:
        return  # somebody settled it meanwhile
    to, snapshot = await _recipient(connection, arrangement.attempt_id)
    due_at = instalment_settles_at(part.due_on, snapshot.zone)
    if due_at > now:
        await commitments.move_arrangement(connection, arrangement.id, arrangement.state, due_at)
    elif arrangement.state is ArrangementState.ACTIVE:
        await _miss(connection, arrangement, part, to, snapshot, now)
    elif due_at + timedelta(days=AT_RISK_DAYS) <= now:
        state = advance_arrangement(arrangement.state, ArrangementEvent.NOT_MADE_GOOD)
        await commitments.move_arrangement(connection, arrangement.id, state, None)
        for later in arrangement.parts:
            await call_off(connection, arrangement.tenant_id, part_id(arrangement.id, later.number), now, "broken")
        await outgoing.lift(connection, arrangement.id, "broken")
    else:
        check_at = due_at + timedelta(days=AT_RISK_DAYS)
        await commitments.move_arrangement(connection, arrangement.id, arrangement.state, check_at)


async def _miss(
    connection: Connection, arrangement: Arrangement, part: Part, to: Attempt, snapshot: Snapshot, now: datetime
) -> None:
    state = advance_arrangement(arrangement.state, ArrangementEvent.INSTALMENT_MISSED)
    check_at = instalment_settles_at(part.due_on, snapshot.zone) + timedelta(days=AT_RISK_DAYS)
    await commitments.miss_part(connection, arrangement.id, part.number)
    await commitments.move_arrangement(connection, arrangement.id, state, check_at)
    language = words.speak(snapshot.language)
    slots = words.instalment_slots(part.open_minor, arrangement.currency, part.due_on, language)
    at = borrower_time.next_kind_hour(now, snapshot.zone)
    step = f"missed:{part.number}"
    question = Plan(
        arrangement.id, step, "arrangement.missed", Purpose.FOLLOW_UP, at, language, slots, life=CHECK_IN_LIFE
    )
    await plan(connection, to, question)
    await _report(connection, to, part_id(arrangement.id, part.number), ResponseKind.BROKEN, now, check_at)


async def _recipient(connection: Connection, attempt_id: UUID) -> tuple[Attempt, Snapshot]:
    attempt = await attempts.by_id(connection, attempt_id)
    assert attempt is not None, "what was agreed names an attempt that we know"
    return attempt, await current(connection, attempt)


async def _report(
    connection: Connection,
    of: Attempt,
    cause_id: UUID,
    kind: ResponseKind,
    at: datetime,
    rest_until: datetime | None = None,
) -> None:
    """Tell the scheduler that something was kept or not, and how long reminders rest on; no attempt is credited."""
    response_id = part_id(cause_id, "response", kind.name)
    await keep(connection, Response(response_id, of, NO_CREDIT, kind, of.channel, at, pause_until=rest_until))
