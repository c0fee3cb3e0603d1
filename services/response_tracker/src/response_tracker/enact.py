"""Carries a decision out, in one transaction: suppressions, cases, responses, commitments, wishes, and one answer.

Suppressions are written here and put in force by `suppress` right after the commit, before anybody is told that the
borrower was heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.arrangements import Offer, offers
from forbear_domain.ids import EVERYONE
from forbear_domain.messages.crisis import CARE, DISTRESS
from forbear_domain.model import Channel, Purpose, ResponseKind, SuppressionKind
from forbear_providers.contract import ReceiptState
from response_tracker import commit, metrics, wire, words
from response_tracker.attribute import keep
from response_tracker.decision import WAIT_DAYS, Bar, Decision, Scope
from response_tracker.duties import DUTIES, FOLLOWING, Reason
from response_tracker.follow_up import Plan, in_writing, plan
from response_tracker.heard import Heard
from response_tracker.model import Attempt, Response, Suppression, part_id
from response_tracker.store import attempts, cases, conversations, outgoing
from response_tracker.store.conversations import Message, Table
from response_tracker.unwelcome import bar_hours, unwelcome_hours

AGREED = frozenset({ResponseKind.PROMISED, ResponseKind.ARRANGED})


async def enact(connection: Connection, heard: Heard, decision: Decision, table: Table | None = None) -> None:
    """Carry out a decision about what was heard; `table` holds the options that are open. Idempotent by event."""
    for bar in decision.bars:
        await bar_contact(connection, heard, bar)
    for reason in decision.cases:
        await open_case(connection, heard, reason)
    if decision.call_at is not None:
        await open_case(connection, heard, Reason.CALL_BACK, decision.call_at + timedelta(hours=1))
    slots: dict[str, str] = {}
    rest_until: datetime | None = None
    if decision.promise is not None:
        promise = await commit.make_promise(connection, heard, decision.promise)
        rest_until = commit.promise_rests_until(promise.settle_at)
        amount = commit.spoken_amount(promise, heard)
        slots |= words.promise_slots(amount, promise.currency, promise.due_on, heard.language)
    if decision.choice is not None and table is not None and (offer := table.take(decision.choice)):
        await commit.make_arrangement(connection, heard, offer)
        await conversations.choose(connection, table.id, decision.choice)
        rest_until = commit.arrangement_rests_until(offer.schedule[-1].due_on, heard.snapshot.zone)
        first = offer.schedule[0]
        slots |= words.instalment_slots(first.amount_minor, offer.currency, first.due_on, heard.language)
    if decision.is_offering:
        slots |= words.option_slots(await put_on_table(connection, heard), heard.language)
    if decision.wish:
        await conversations.keep_wish(connection, heard.of, heard.event_id, decision.wish, heard.at)
        await bar_hours(connection, heard, unwelcome_hours(decision.wish))
    await _report(connection, heard, decision, rest_until)
    if decision.answer:
        await answer(connection, heard, decision.answer, decision.purpose, slots)


async def put_on_table(connection: Connection, heard: Heard) -> Sequence[Offer]:
    """Put the options on the table and return them; the same event puts the same ones."""
    computed = offers(heard.snapshot.terms, heard.today)
    if computed:
        await conversations.add_offers(connection, part_id(heard.event_id, "offer"), heard.of, computed, heard.at)
    return computed


async def open_case(connection: Connection, heard: Heard, reason: Reason, due_at: datetime | None = None) -> None:
    """Put the borrower into the queue of people, with the time within which somebody must have acted.

    That time is the duty's, unless the borrower named another.

    What the case brings with it by law, such as the verification of a disputed debt, is opened as a case of its own.
    """
    due_at = due_at or DUTIES[reason].due_at(heard.at, heard.snapshot.zone)
    case_id = part_id(heard.event_id, "case", reason.value)
    if await cases.open_case(connection, case_id, heard.of, heard.event_id, reason, at=heard.at, due_at=due_at):
        metrics.CASES.labels(reason.value).inc()
    if reason in FOLLOWING:
        await open_case(connection, heard, FOLLOWING[reason])


async def answer(connection: Connection, heard: Heard, template: str, purpose: Purpose, slots: dict[str, str]) -> None:
    """Plan the one answer to what was heard; what was said in a call is confirmed in writing."""
    to = heard.of
    if heard.channel is Channel.VOICE and template == CARE:  # said in the call itself, and nowhere else
        await _write_down(connection, heard, to, template)
        return
    if heard.channel is Channel.VOICE:
        to, purpose = await in_writing(connection, heard.of), Purpose.CONFIRMATION
        if to.channel is Channel.VOICE:
            return  # nobody is called back by a machine to hear what was just said
    await plan(connection, to, Plan(heard.event_id, "answer", template, purpose, heard.at, heard.language, slots))
    await _write_down(connection, heard, to, template)


async def _write_down(connection: Connection, heard: Heard, to: Attempt, template: str) -> None:
    message = Message(
        part_id(heard.event_id, "answer"), False, to.channel, heard.at, template, words.speak(heard.language)
    )
    await conversations.add_message(connection, heard.of, message)
    metrics.ANSWERS.inc()


async def respond(
    connection: Connection,
    heard: Heard,
    kind: ResponseKind,
    decision: Decision | None = None,
    rest_until: datetime | None = None,
) -> bool:
    """Keep a response of one kind to what was heard; `rest_until` is that of what was agreed."""
    if decision is not None and (days := _rest_days(kind, decision)):
        rest_until = heard.at + timedelta(days=days)
    response = Response(
        id=part_id(heard.event_id, "response", kind.name),
        of=heard.of,
        credit=heard.credit,
        kind=kind,
        channel=heard.channel,
        at=heard.at,
        event_id=heard.event_id,
        pause_until=rest_until,
    )
    if decision is not None and kind is ResponseKind.REPLIED:
        response = _with_wish(response, decision)
    return await keep(connection, response)


def _rest_days(kind: ResponseKind, decision: Decision) -> int:
    """Return for how many days no reminder follows a response of one kind: some, while a person is waited for."""
    days = 0 if kind in decision.lasting else decision.pause_days
    is_waiting = decision.cases or decision.call_at is not None
    return max(days, WAIT_DAYS) if is_waiting and kind is ResponseKind.REPLIED else days


def _with_wish(response: Response, decision: Decision) -> Response:
    return Response(
        response.id,
        response.of,
        response.credit,
        response.kind,
        response.channel,
        response.at,
        response.event_id,
        response.pause_until,
        decision.wish,
    )


async def _report(connection: Connection, heard: Heard, decision: Decision, rest_until: datetime | None) -> None:
    """Tell the scheduler what happened, and the dispatcher that the borrower spoke: one answer is then due."""
    await respond(connection, heard, ResponseKind.REPLIED, decision)
    for kind in decision.responses:
        if kind is ResponseKind.PROMISED and decision.promise is None:
            continue
        await respond(connection, heard, kind, decision, rest_until if kind in AGREED else None)
    if any(bar.kind is SuppressionKind.WRONG_PARTY for bar in decision.bars):
        await respond(connection, heard, ResponseKind.WRONG_PARTY)
    if heard.channel is not Channel.VOICE:
        code = DISTRESS if decision.answer == CARE else ""
        receipt = wire.receipt(heard.of, heard.event_id, ReceiptState.INBOUND, heard.at, code)
        await outgoing.hand_over(connection, outgoing.RECEIPTS, [receipt])


async def bar_contact(connection: Connection, heard: Heard, bar: Bar) -> None:
    """Write a suppression; an address is barred for every tenant whom it concerns, whoever is behind it.

    A phone is answered at a number that tenants share, and a wrong party is one for all: both bar the address for
    everyone, also for whom an attempt is on its way that we have not heard of. A mail names its tenant.
    """
    tenants = [heard.of.tenant_id]
    if bar.scope in (Scope.ADDRESS, Scope.ADDRESS_CHANNEL):
        tenants = await attempts.tenants_of_sender(connection, heard.of.address, heard.of.sender) or tenants
        if heard.of.channel is not Channel.EMAIL or bar.kind is SuppressionKind.WRONG_PARTY:
            tenants = [*tenants, EVERYONE]
    for tenant_id in tenants:
        made = suppression(heard, bar, tenant_id)
        await outgoing.add_suppression(connection, made, wire.suppression(made))


def bar_id(event_id: UUID, bar: Bar, tenant_id: UUID) -> UUID:
    """Name the suppression that an event puts."""
    return part_id(event_id, "suppression", bar.kind.name, bar.scope.value, tenant_id)


def suppression(heard: Heard, bar: Bar, tenant_id: UUID) -> Suppression:
    """Return the suppression that a bar asks for."""
    by_address = bar.scope in (Scope.ADDRESS, Scope.ADDRESS_CHANNEL)
    by_channel = bar.scope in (Scope.CHANNEL, Scope.ADDRESS_CHANNEL)
    return Suppression(
        id=bar_id(heard.event_id, bar, tenant_id),
        tenant_id=tenant_id,
        kind=SuppressionKind(bar.kind),
        event_id=heard.event_id,
        cause_id=heard.event_id,
        source=heard.source,
        start=heard.at,
        end=None if bar.days is None else heard.at + timedelta(days=bar.days),
        borrower_id=heard.of.borrower_id if not by_address or tenant_id == heard.of.tenant_id else None,
        loan_id=heard.of.loan_id if bar.scope is Scope.LOAN else None,
        address=heard.of.address if by_address else "",
        channel=heard.channel if by_channel else None,
    )
