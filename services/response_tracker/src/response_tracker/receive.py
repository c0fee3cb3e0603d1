"""Processes events: each once, in a transaction of its own, whether the door that took it waits or a worker finds it.

An event is done when what follows from it is durable, and in force where it is a suppression: `settle` says so, and
only then may a door tell anybody that the borrower was heard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection, Pool
from forbear_chassis.worker import Pass
from forbear_domain.model import Channel, ResponseKind, SuppressionKind
from forbear_providers.contract import DeliveryEvent, PayloadError, ReceiptState
from forbear_providers.inbound_mail import MailKind, parse_inbound
from response_tracker import metrics, wire
from response_tracker.converse import Reader, Words, converse
from response_tracker.decision import Bar, Decision, Scope
from response_tracker.duties import Reason
from response_tracker.enact import enact
from response_tracker.events import Event, Kind
from response_tracker.forms import FormError, read_form, storable
from response_tracker.gateways import read_message
from response_tracker.heard import hear
from response_tracker.intake import Intake
from response_tracker.mail import split_event
from response_tracker.model import Attempt
from response_tracker.page import Page
from response_tracker.store import attempts, events
from response_tracker.stranger import heed
from response_tracker.suppress import Suppressor
from response_tracker.track import Told, Tracker, record
from response_tracker.voice import Voice

BATCH_MAX = 100
STATUS_PASSES_MAX = 100  # of 500 statuses each: those that wait before one that tells of an opt-out
WAITING = "waiting"
REPEATED = "repeated"
UNREADABLE = "unreadable"

# By link, and by a complaint to the mailbox provider: the address is barred, and silence is the answer.
LEAVE = Decision(bars=(Bar(SuppressionKind.OPT_OUT, Scope.ADDRESS),), responses=(ResponseKind.OPTED_OUT,))


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who acts on what kind of event."""

    reader: Reader
    tracker: Tracker
    voice: Voice
    page: Page
    suppressor: Suppressor


class Receiver:
    """Takes events and processes them.

    `wake` tells the loops that carry on what was written, `wake_events` the one that processes what was only taken.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        intake: Intake,
        handlers: Handlers,
        *,
        wake: Callable[[], None],
        wake_events: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._intake = intake
        self._by = handlers
        self._wake = wake
        self._wake_events = wake_events

    async def take(self, event: Event) -> None:
        """Make an event durable; a worker processes it."""
        await self._keep(event)
        self._wake_events()

    async def take_status(self, event: Event) -> None:
        """Make a provider's status durable; when it tells of an opt-out, also put that in force.

        A status that came before its attempt waits, durable; a worker puts it in force once the attempt is known.
        """
        await self.take(event)
        if not self._by.tracker.tells_opt_out(event):
            return
        for _ in range(STATUS_PASSES_MAX):
            if not await self._by.tracker.take_statuses():
                break
        await self._by.suppressor.enforce(event.id)

    async def settle(self, event: Event) -> str:
        """Make an event durable, act on it, and return its fate; all that it asks for is then in force.

        WAITING means that it waits, durable, for its attempt to become known. Raises what the database or the
        dispatcher raised; the event is then durable too, or was never taken, and the sender comes again.
        """
        await self._keep(event)
        fate = WAITING
        try:
            fate = await self.process(event.id)
            await self._by.suppressor.enforce(event.id)
        finally:
            self._wake()
            if fate == WAITING:
                self._wake_events()  # the worker comes back to what could not be finished here
        return fate

    async def _keep(self, event: Event) -> None:
        is_new = await self._intake.take(event)
        (metrics.EVENT_OF if is_new else metrics.REPEAT_OF)[event.kind].inc()

    async def process(self, event_id: UUID) -> str:
        """Process one event, unless somebody did, and return its fate."""
        async with self._pool.acquire() as connection, connection.transaction():
            event = await events.claim(connection, event_id)
            if event is None:  # a repeat, which is told what the first was
                return await events.fate_of(connection, event_id) or REPEATED
            of = await self._attempt(connection, event)
            now = self._clock.now()
            if of is None and event.attempt_id is not None and event.received_at + events.ATTEMPT_WAIT > now:
                return WAITING
            fate = await self._act(connection, event, of)
            tenant_id = None if of is None else of.tenant_id
            await events.finish(connection, [event.id], now, fate, tenant_id)
        metrics.FATES.labels(fate).inc()
        return fate

    async def run_once(self) -> Pass:
        """Make one pass of the worker loop: statuses in a batch, the rest one by one, oldest first."""
        done = await self._by.tracker.take_statuses()
        now = self._clock.now()
        async with self._pool.acquire() as connection:
            waiting = await events.waiting(connection, now, BATCH_MAX)
        for event_id in waiting:
            done += await self._try(event_id)
        if done:
            self._wake()
            return Pass(done)
        async with self._pool.acquire() as connection:
            return Pass(0, await events.next_due_at(connection))

    async def _try(self, event_id: UUID) -> int:
        async with self._pool.acquire() as connection:
            tries = await events.count_try(connection, event_id)
            if tries > events.TRIES_MAX:
                await events.finish(connection, [event_id], self._clock.now(), "put_aside")
                metrics.PUT_ASIDE.inc()
                return 1
        return 0 if await self.process(event_id) == WAITING else 1

    async def _attempt(self, connection: Connection, event: Event) -> Attempt | None:
        """Find the attempt that an event answers."""
        if event.attempt_id is not None:
            return await attempts.by_id(connection, event.attempt_id)
        if event.kind is Kind.MESSAGE:
            try:
                message = read_message(event.body)
            except (PayloadError, FormError):
                return None
            of = await attempts.last_to_address(
                connection, storable(message.from_), storable(message.to), event.received_at
            )
            if of is None or of.channel is not Channel.VOICE:
                return of
            return await attempts.last_text_to(connection, of) or wire.as_text(of)  # a text to a call is no call
        if event.kind is Kind.RECORDING:
            return await attempts.by_provider_ref(connection, storable(read_form(event.body).get("CallSid", "")))
        if event.kind is Kind.MAIL:
            recipient, content = split_event(event.body)
            named = parse_inbound(content, recipient).attempt_id
            return None if named is None else await attempts.by_id(connection, named)
        return None

    async def _act(self, connection: Connection, event: Event, of: Attempt | None) -> str:
        try:
            if of is None:
                return await self._heed_stranger(connection, event)
            if event.kind is Kind.MESSAGE:
                message = read_message(event.body)
                words = Words(of, storable(message.text), is_direct=False, is_stop=message.is_stop)
                return await converse(connection, self._by.reader, event, words)
            if event.kind is Kind.RECORDING:
                return "recorded"
            if event.kind is Kind.CALL:
                return await self._by.voice.act(connection, event, of)
            if event.kind is Kind.MAIL:
                return await self._read_mail(connection, event, of)
            if event.kind is Kind.PAGE:
                return await self._by.page.act(connection, event, of)
        except (PayloadError, FormError):
            return UNREADABLE
        await enact(connection, await hear(connection, event, of, source="one_click", is_direct=True), LEAVE)
        return "silent"

    async def _heed_stranger(self, connection: Connection, event: Event) -> str:
        """Act on words from an address that no attempt of ours is known to have reached."""
        came = event.id, event.received_at
        if event.kind is Kind.MESSAGE:
            message = read_message(event.body)
            return await heed(
                connection, self._by.reader, came, address=storable(message.from_), text=storable(message.text),
                channel="sms", is_stop=message.is_stop,
            )  # fmt: skip
        if event.kind is Kind.MAIL:
            recipient, content = split_event(event.body)
            mail = parse_inbound(content, recipient)
            address = storable(mail.from_)
            if mail.kind is MailKind.REPLY and address:
                return await heed(
                    connection, self._by.reader, came, address=address, text=storable(mail.text), channel="email"
                )
        return "unattributed"

    async def _read_mail(self, connection: Connection, event: Event, of: Attempt) -> str:
        recipient, content = split_event(event.body)
        mail = parse_inbound(content, recipient)
        if mail.kind is MailKind.REPLY:
            return await converse(connection, self._by.reader, event, Words(of, storable(mail.text), is_direct=True))
        if mail.kind is MailKind.BOUNCE:
            if mail.is_final:
                delivery = DeliveryEvent(
                    str(of.id), ReceiptState.UNDELIVERED, mail.code, is_final=True, is_address_dead=mail.is_address_dead
                )
                told = Told(event, delivery, of.id)
                await record(connection, [told], await attempts.lock_states(connection, [of.id]))
            return "bounced"
        if mail.kind is MailKind.COMPLAINT:
            heard = await hear(connection, event, of, source="provider", is_direct=True)
            await enact(connection, heard, LEAVE)
            return "complained"
        if mail.kind is MailKind.UNREADABLE:  # nobody knows what it asks for: somebody looks
            heard = await hear(connection, event, of, source="reply", is_direct=True)
            await enact(connection, heard, Decision(cases=(Reason.UNREADABLE,)))
            return UNREADABLE
        return "silent"
