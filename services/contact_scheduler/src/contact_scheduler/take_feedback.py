"""Takes outcomes and responses: durable before they are acknowledged, and acted upon in the same transaction.

Who paid, promised, agreed, cannot pay, wants no contact or needs a person is left in peace from this instant: what is
planned is cancelled, what was released is recalled. The model learns later, at the next tick.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from contact_scheduler import hand_over
from contact_scheduler.contacts import ANSWERS, REST
from contact_scheduler.metrics import OUTCOMES, RESPONSES
from contact_scheduler.store import channel_bars, feedback
from contact_scheduler.store.channel_bars import ClosedChannel
from contact_scheduler.store.feedback import Outcome, Pause, Response
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_domain.model import ResponseKind

log = structlog.get_logger(__name__)

# What was kept or missed ends the rest that it gave; how long the rest goes on, the response itself says.
_SETTLED = frozenset({ResponseKind.PROMISED, ResponseKind.ARRANGED, ResponseKind.KEPT, ResponseKind.BROKEN})

# A person gave the borrower back: what waited for a person, or was to be thought over, gives no more rest.
_RETURNED = frozenset({ResponseKind.HANDED_OVER, ResponseKind.HARDSHIP, ResponseKind.REPLIED})

ENDS: Mapping[ResponseKind, frozenset[ResponseKind]] = {
    ResponseKind.KEPT: _SETTLED,
    ResponseKind.BROKEN: _SETTLED,
    ResponseKind.RETURNED: _RETURNED,
}
"""What ends a rest, and of which kinds."""


class TakeFeedback:
    """The use cases behind `ReportOutcomes` and `ReportResponses`."""

    def __init__(self, pool: Pool, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._wake = wake

    async def outcomes(self, outcomes: list[Outcome]) -> None:
        """Write how contacts ended. Idempotent by contact id."""
        async with self._pool.acquire() as connection, connection.transaction():
            await feedback.settle_contacts(connection, sorted(outcomes))
            told = [(one.contact_id, one.reason, one.event_at) for one in outcomes if one.is_address_barred]
            if told:
                await close_channels(connection, await channel_bars.of_contacts(connection, told))
        for outcome in outcomes:
            OUTCOMES[outcome.state].inc()

    async def responses(self, responses: list[Response]) -> None:
        """Write what borrowers did, and act. Idempotent by response id."""
        ordered = sorted(responses, key=in_order)
        async with self._pool.acquire() as connection, connection.transaction():
            fresh = await feedback.add_responses(connection, ordered)
            new = [response for response in ordered if response.response_id in fresh]
            await feedback.mark_answered(
                connection, [(one.contact_id, one.event_at) for one in new if one.kind in ANSWERS and one.contact_id]
            )
            await feedback.set_wishes(connection, [one for one in new if one.has_wish])
            await leave_in_peace(connection, await rest(connection, new))
            dead = [
                ClosedChannel(one.tenant_id, one.borrower_id, one.channel, ResponseKind.BOUNCED.label, one.event_at)
                for one in new
                if one.kind is ResponseKind.BOUNCED
            ]
            await close_channels(connection, dead)
        self._wake()
        for response in new:
            RESPONSES[response.kind].inc()


def in_order(response: Response) -> tuple[datetime, bool, datetime, bytes]:
    """Return what sorts responses: of one instant what ends rests comes last, and of that what names the longest one.

    So where one payment keeps an instalment and a promise, the rest that the arrangement goes on to give stands.
    """
    at = response.event_at
    return at, response.kind in ENDS, response.pause_until or at, response.response_id.bytes


async def rest(connection: Connection, responses: Sequence[Response]) -> list[Pause]:
    """Begin and end rests in the order of responses, whose batch may hold both; return those that began."""
    begun: list[Pause] = []
    waiting: list[Pause] = []
    for one in responses:
        if one.kind in ENDS:
            await feedback.add_pauses(connection, waiting)
            waiting = []
            await feedback.lift_pauses(connection, one.tenant_id, one.borrower_id, one.event_at, ENDS[one.kind])
        if (pause := pause_for(one)) is not None:
            begun.append(pause)
            waiting.append(pause)
    await feedback.add_pauses(connection, waiting)
    return begun


def pause_for(response: Response) -> Pause | None:
    """Return the rest that a response brings, or None."""
    kind, until = response.kind, response.pause_until
    if kind not in REST and until is None:
        return None
    if until is None:
        rest = REST[kind]
        until = None if rest is None else response.event_at + rest
    return Pause(response.tenant_id, response.response_id, response.borrower_id, kind, response.event_at, until)


async def leave_in_peace(connection: Connection, pauses: Sequence[Pause]) -> None:
    """Cancel what is planned for borrowers that rest now, and recall what was released."""
    groups: dict[tuple[UUID, ResponseKind], set[UUID]] = defaultdict(set)
    for pause in pauses:
        groups[pause.tenant_id, pause.kind].add(pause.borrower_id)
    for (tenant_id, kind), borrowers in groups.items():
        released = await feedback.stop_contacts(connection, tenant_id, borrowers, kind.label)
        bodies = hand_over.recall_contacts(tenant_id, released, kind.label, "peace")
        await hand_over.put(connection, hand_over.RECALL, bodies)


async def close_channels(connection: Connection, closed: Sequence[ClosedChannel]) -> None:
    """Plan these channels no more, cancel what is planned on them, and recall what was released."""
    if not closed:
        return
    groups: dict[UUID, list[UUID]] = defaultdict(list)
    for tenant_id, contact_id in await channel_bars.close(connection, closed):
        groups[tenant_id].append(contact_id)
    for tenant_id, released in groups.items():
        bodies = hand_over.recall_contacts(tenant_id, released, channel_bars.BARRED, "channel")
        await hand_over.put(connection, hand_over.RECALL, bodies)
