"""Plans answers and contacts that are to follow. The dispatcher's gate has the last word on whether and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain import ids
from forbear_domain.model import Channel, Purpose
from response_tracker import wire, words
from response_tracker.model import Attempt
from response_tracker.store import attempts, outgoing

# How long a contact may wait for a lawful hour; after that it has lost its sense.
ANSWER_LIFE = timedelta(hours=24)
FOLLOW_UP_LIFE = timedelta(hours=30)
# A question after something missed keeps its sense while reminders rest: from ten to the evening of the third day.
CHECK_IN_LIFE = timedelta(hours=60)
_MAY_WAIT = frozenset({Purpose.FOLLOW_UP, Purpose.CONFIRMATION})


@dataclass(frozen=True, slots=True)
class Plan:
    """One contact to follow from a cause."""

    cause_id: UUID
    step: str
    template: str
    purpose: Purpose
    due_at: datetime
    language: str
    slots: Mapping[str, str] = field(default_factory=dict)
    life: timedelta | None = None  # None: as long as its purpose has sense


async def plan(connection: Connection, to: Attempt, planned: Plan) -> UUID:
    """Plan a contact to the recipient of an attempt; return its id. Idempotent by cause and step."""
    contact_id = ids.follow_up_id(planned.cause_id, planned.step)
    life = planned.life or (FOLLOW_UP_LIFE if planned.purpose in _MAY_WAIT else ANSWER_LIFE)
    body = wire.follow_up_contact(
        to,
        contact_id,
        template=planned.template,
        purpose=planned.purpose,
        slots=planned.slots,
        window=(planned.due_at, planned.due_at + life),
        language=words.speak(planned.language),
    )
    await outgoing.plan_follow_up(
        connection, contact_id, to, planned.cause_id, planned.step, due_at=planned.due_at, body=body
    )
    return contact_id


async def call_off(
    connection: Connection, tenant_id: UUID, cause_id: UUID, at: datetime, reason: str, *, steps: str = "%"
) -> None:
    """Cancel what is to follow from a cause, and take back what the dispatcher has been given and may not have sent."""
    given = await outgoing.cancel_follow_ups(connection, cause_id, at, at - CHECK_IN_LIFE, steps)
    if given:
        await outgoing.hand_over(connection, outgoing.RECALLS, [wire.recall(tenant_id, given, reason)])


async def in_writing(connection: Connection, of: Attempt) -> Attempt:
    """Return where a follow-up goes: what began as a call goes on in writing where we have written before."""
    if of.channel is not Channel.VOICE:
        return of
    return await attempts.last_in_writing(connection, of.tenant_id, of.borrower_id) or of
