"""Takes provider statuses in batches: what became of messages and calls. A status only ever moves forward.

Callbacks come in any order and any number of times. The rank of a state decides, never the order of arrival; what does
not move an attempt forward is acknowledged and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.model import ResponseKind, SuppressionKind
from forbear_providers.contract import DeliveryEvent, PayloadError, ReceiptState
from response_tracker import metrics, wire
from response_tracker.attribute import keep
from response_tracker.decision import Bar, Scope
from response_tracker.enact import bar_contact, respond
from response_tracker.events import Event
from response_tracker.forms import FormError, storable
from response_tracker.heard import hear
from response_tracker.model import Attempt, Attribution, Credit, Response, part_id
from response_tracker.store import attempts, events, outgoing

BATCH_MAX = 500
_S = ReceiptState

# Later facts outrank earlier ones; of two that contradict each other, the one that binds us more wins.
RANK: Mapping[int, int] = {
    0: 0,
    _S.SENT: 1,
    _S.NOT_CONNECTED: 2,
    _S.UNDELIVERED: 2,
    _S.DELIVERED: 3,
    _S.MACHINE: 4,
    _S.ANSWERED: 5,
    _S.CONVERSED: 6,
}
RESPONSES_OF: Mapping[ReceiptState, tuple[ResponseKind, ...]] = {
    _S.DELIVERED: (ResponseKind.DELIVERED,),
    _S.UNDELIVERED: (ResponseKind.UNDELIVERED,),
    _S.NOT_CONNECTED: (ResponseKind.UNDELIVERED,),
    _S.MACHINE: (ResponseKind.DELIVERED,),
    _S.ANSWERED: (ResponseKind.ENGAGED,),
    _S.CONVERSED: (ResponseKind.ENGAGED, ResponseKind.CONVERSED),
}

Parse = Callable[[bytes], DeliveryEvent | None]


def advances(old: int, new: ReceiptState) -> bool:
    """Return whether a new state is further than the old one (0: none yet)."""
    return RANK[new] > RANK[old]


@dataclass(frozen=True, slots=True)
class Told:
    """One status that was told of an attempt."""

    event: Event
    delivery: DeliveryEvent
    attempt_id: UUID | None


class Tracker:
    """Processes provider statuses. `parse` reads a callback as it came; None: a state that is no receipt.

    It may raise PayloadError and FormError.
    """

    def __init__(self, pool: Pool, clock: Clock, parse: Parse) -> None:
        self._pool = pool
        self._clock = clock
        self._parse = parse

    def tells_opt_out(self, event: Event) -> bool:
        """Return whether a status says that the carrier knows of an opt-out, such as by code 21610."""
        try:
            delivery = self._parse(event.body)
        except (PayloadError, FormError):
            return False
        return delivery is not None and delivery.is_opted_out

    async def take_statuses(self) -> int:
        """Process one batch of statuses; return how many."""
        async with self._pool.acquire() as connection, connection.transaction():
            now = self._clock.now()
            batch = await events.claim_statuses(connection, now, BATCH_MAX)
            if not batch:
                return 0
            fates = await self._record(connection, batch)
            for fate in sorted(set(fates.values())):
                ids = [event_id for event_id, one in fates.items() if one == fate]
                await events.finish(connection, ids, now, fate)
                metrics.FATES.labels(fate).inc(len(ids))
        return len(batch)

    async def _record(self, connection: Connection, batch: list[Event]) -> dict[UUID, str]:
        """Record what a batch tells, and return the fate of each event."""
        fates = {event.id: "recorded" for event in batch}
        told = []
        for event in batch:
            try:
                delivery = self._parse(event.body)
            except (PayloadError, FormError):
                fates[event.id] = "unreadable"
                continue
            if delivery is not None:
                told.append(
                    Told(event, delivery, event.attempt_id or await _find(connection, storable(delivery.provider_ref)))
                )
        known = await attempts.lock_states(connection, sorted({one.attempt_id for one in told if one.attempt_id}))
        for one in told:
            if one.attempt_id not in known:
                fates[one.event.id] = "unattributed"
        await record(connection, [one for one in told if one.attempt_id in known], known)
        return fates


async def _find(connection: Connection, provider_ref: str) -> UUID | None:
    found = await attempts.by_provider_ref(connection, provider_ref)
    return None if found is None else found.id


async def record(connection: Connection, told: list[Told], known: dict[UUID, tuple[Attempt, int]]) -> None:
    """Move attempts forward, and tell the dispatcher and the scheduler; `known` holds the attempts, locked."""
    states = {attempt_id: state for attempt_id, (_, state) in known.items()}
    moves: dict[UUID, tuple[UUID, ReceiptState, datetime, str]] = {}
    receipts: list[bytes] = []
    for one in told:
        if one.attempt_id is None:
            continue
        attempt, delivery, at = known[one.attempt_id][0], one.delivery, one.event.received_at
        if delivery.reason.startswith("unknown_"):
            metrics.UNKNOWN_CODES.inc()
        if delivery.is_opted_out:
            await _opt_out(connection, one.event, attempt)
        if not advances(states[attempt.id], delivery.state):
            continue
        states[attempt.id] = delivery.state
        moves[attempt.id] = (attempt.id, delivery.state, at, storable(delivery.provider_ref))
        receipts.append(wire.receipt(attempt, one.event.id, delivery.state, at, delivery.code))
        kinds = RESPONSES_OF.get(delivery.state, ())
        if delivery.is_address_dead:
            kinds = (*kinds, ResponseKind.BOUNCED)
        await _respond(connection, attempt, one.event, kinds)
    await attempts.move_states(connection, list(moves.values()))
    await outgoing.hand_over(connection, outgoing.RECEIPTS, receipts)


async def _respond(connection: Connection, attempt: Attempt, event: Event, kinds: tuple[ResponseKind, ...]) -> None:
    """Tell the scheduler, once for each attempt and kind, whatever the number of callbacks."""
    credit = Credit(attempt, Attribution.DIRECT)
    for kind in kinds:
        response_id = part_id(attempt.id, "response", kind.name)
        response = Response(response_id, attempt, credit, kind, attempt.channel, event.received_at, event.id)
        await keep(connection, response)


async def _opt_out(connection: Connection, event: Event, attempt: Attempt) -> None:
    """The carrier knows of an opt-out that we do not: it is one for us too."""
    heard = await hear(connection, event, attempt, source="provider", is_direct=True)
    await bar_contact(connection, heard, Bar(SuppressionKind.OPT_OUT, Scope.ADDRESS))
    await respond(connection, heard, ResponseKind.OPTED_OUT)
