"""Makes promises and arrangements: kept, confirmed, followed up, and the borrower left in peace meanwhile."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from forbear_chassis.postgres import Connection
from forbear_domain.arrangements import (
    AT_RISK_DAYS,
    CHECK_IN_DAYS,
    INSTALMENT_GRACE_DAYS,
    PROMISE_GRACE_DAYS,
    ArrangementEvent,
    Offer,
    PromiseEvent,
    PromiseState,
    advance_arrangement,
    advance_promise,
)
from forbear_domain.model import Purpose, SuppressionKind
from response_tracker import borrower_time, wire, words
from response_tracker.follow_up import CHECK_IN_LIFE, Plan, call_off, in_writing, plan
from response_tracker.heard import Heard
from response_tracker.model import PromiseTerms, Suppression, part_id
from response_tracker.store import commitments, outgoing


def promise_settles_at(due_on: date, zone: ZoneInfo) -> datetime:
    """Return when a promise counts as missed: after its day and a day of grace, on the borrower's clock."""
    return borrower_time.day_starts(due_on + timedelta(days=1 + PROMISE_GRACE_DAYS), zone)


def instalment_settles_at(due_on: date, zone: ZoneInfo) -> datetime:
    """Return when an instalment counts as missed: after its day and three days of grace."""
    return borrower_time.day_starts(due_on + timedelta(days=1 + INSTALMENT_GRACE_DAYS), zone)


def promise_rests_until(settle_at: datetime) -> datetime:
    """Return until when reminders rest for a promise: when it is missed, the kind question comes first."""
    return settle_at + timedelta(days=CHECK_IN_DAYS)


def arrangement_rests_until(last_due_on: date, zone: ZoneInfo) -> datetime:
    """Return when an arrangement has come to its end at the latest, by its last instalment that is open."""
    return instalment_settles_at(last_due_on, zone) + timedelta(days=AT_RISK_DAYS)


def reminder_step(number: int) -> str:
    """Name the reminder of an instalment."""
    return f"reminder:{number}"


async def make_promise(connection: Connection, heard: Heard, terms: PromiseTerms) -> commitments.Promise:
    """Keep a promise in place of an earlier one about the loan; reminders rest until it is settled."""
    await _supersede_promises(connection, heard)
    zone, of = heard.snapshot.zone, heard.of
    promise = commitments.Promise(
        id=part_id(heard.event_id, "promise"),
        tenant_id=of.tenant_id,
        borrower_id=of.borrower_id,
        loan_id=of.loan_id,
        attempt_id=(await in_writing(connection, of)).id,
        channel=heard.channel,
        amount_minor=terms.amount_minor,
        currency=heard.snapshot.terms.currency,
        due_on=terms.due_on,
        made_at=heard.at,
        settle_at=promise_settles_at(terms.due_on, zone),
        paid_minor=0,
        state=PromiseState.OPEN,
    )
    await commitments.add_promise(connection, promise)
    await _rest(connection, heard, SuppressionKind.PROMISE, promise.id, promise_rests_until(promise.settle_at))
    remind_at = borrower_time.kind_hour(terms.due_on - timedelta(days=1), zone)
    if remind_at > heard.at + timedelta(hours=12):
        slots = words.promise_slots(spoken_amount(promise, heard), promise.currency, terms.due_on, heard.language)
        reminder = Plan(promise.id, "reminder", "promise.reminder", Purpose.FOLLOW_UP, remind_at, heard.language, slots)
        await plan(connection, await in_writing(connection, of), reminder)
    return promise


def spoken_amount(promise: commitments.Promise, heard: Heard) -> int:
    """Return the amount to name: the one promised, or what is past due where none was named."""
    return heard.snapshot.terms.past_due_minor if promise.amount_minor is None else promise.amount_minor


async def make_arrangement(connection: Connection, heard: Heard, offer: Offer) -> UUID:
    """Keep an arrangement in place of whatever ran about the loan; reminders rest while it is kept."""
    await _supersede_promises(connection, heard)
    await _supersede_arrangements(connection, heard)
    arrangement_id = part_id(heard.event_id, "arrangement")
    zone, to = heard.snapshot.zone, await in_writing(connection, heard.of)
    settle_at = instalment_settles_at(offer.schedule[0].due_on, zone)
    await commitments.add_arrangement(connection, arrangement_id, to, offer, at=heard.at, settle_at=settle_at)
    await _rest(connection, heard, SuppressionKind.ARRANGEMENT, arrangement_id, None)
    await outgoing.lift_kind(connection, heard.of.tenant_id, heard.of.borrower_id, SuppressionKind.HARDSHIP, "arranged")
    for part in offer.schedule:
        slots = words.instalment_slots(part.amount_minor, offer.currency, part.due_on, heard.language)
        remind_at = borrower_time.kind_hour(part.due_on - timedelta(days=1), zone)
        reminder = Plan(
            part_id(arrangement_id, part.number),
            reminder_step(part.number),
            "arrangement.reminder",
            Purpose.FOLLOW_UP,
            remind_at,
            heard.language,
            slots,
        )
        await plan(connection, to, reminder)
    return arrangement_id


async def _rest(
    connection: Connection, heard: Heard, kind: SuppressionKind, cause_id: UUID, end: datetime | None
) -> None:
    """Let reminders about the loan rest."""
    suppression = Suppression(
        id=part_id(cause_id, "suppression"),
        tenant_id=heard.of.tenant_id,
        kind=kind,
        event_id=heard.event_id,
        cause_id=cause_id,
        source=heard.source,
        start=heard.at,
        end=end,
        borrower_id=heard.of.borrower_id,
        loan_id=heard.of.loan_id,
    )
    await outgoing.add_suppression(connection, suppression, wire.suppression(suppression))


async def call_off_questions(
    connection: Connection, tenant_id: UUID, loan_id: UUID, now: datetime, reason: str
) -> None:
    """Ask nobody about what was missed who has paid or said more since: the question may wait for its kind hour."""
    for cause_id in await commitments.missed_since(connection, tenant_id, loan_id, now - CHECK_IN_LIFE):
        await call_off(connection, tenant_id, cause_id, now, reason, steps="missed%")


async def _supersede_promises(connection: Connection, heard: Heard) -> None:
    await call_off_questions(connection, heard.of.tenant_id, heard.of.loan_id, heard.at, "superseded")
    for promise in await commitments.open_promises(connection, heard.of.tenant_id, heard.of.loan_id):
        state = advance_promise(promise.state, PromiseEvent.SUPERSEDED)
        await commitments.move_promise(connection, promise.id, state, promise.paid_minor)
        await call_off(connection, promise.tenant_id, promise.id, heard.at, "superseded")
        await outgoing.lift(connection, promise.id, "superseded")


async def _supersede_arrangements(connection: Connection, heard: Heard) -> None:
    for arrangement in await commitments.live_arrangements(connection, heard.of.tenant_id, heard.of.loan_id):
        state = advance_arrangement(arrangement.state, ArrangementEvent.SUPERSEDED)
        await commitments.move_arrangement(connection, arrangement.id, state, None)
        for part in arrangement.parts:
            await call_off(
                connection, arrangement.tenant_id, part_id(arrangement.id, part.number), heard.at, "superseded"
            )
        await outgoing.lift(connection, arrangement.id, "superseded")
