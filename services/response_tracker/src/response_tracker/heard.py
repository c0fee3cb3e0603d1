"""Who did what, where and when: what every act of the tracker starts from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.model import Channel
from response_tracker import borrower_time, wire, words
from response_tracker.attribute import credit
from response_tracker.events import Event
from response_tracker.model import Attempt, Credit, Snapshot
from response_tracker.store import commitments, conversations


@dataclass(frozen=True, slots=True)
class Heard:
    """One act of a borrower. `of` is the attempt that it answers and whose recipient is spoken to.

    `source` is one of "reply", "keypress", "one_click", "page", "provider"; `language` is the one to answer in.
    """

    event_id: UUID
    of: Attempt
    credit: Credit
    snapshot: Snapshot
    channel: Channel
    source: str
    at: datetime
    language: str

    @property
    def today(self) -> date:
        """The borrower's date."""
        return borrower_time.today(self.at, self.snapshot.zone)


async def hear(connection: Connection, event: Event, of: Attempt, *, source: str, is_direct: bool) -> Heard:
    """Put together what is known of one act, under the borrower's lock: two acts of one borrower are taken in turn."""
    await conversations.lock_borrower(connection, of.borrower_id)
    snapshot = await current(connection, of)
    return Heard(
        event_id=event.id,
        of=of,
        credit=await credit(connection, of, event.received_at, is_direct=is_direct),
        snapshot=snapshot,
        channel=of.channel,
        source=source,
        at=event.received_at,
        language=words.speak(snapshot.language),
    )


async def current(connection: Connection, of: Attempt) -> Snapshot:
    """Return the recipient of an attempt as of now: what is past due since, and the language to speak.

    The language is the one asked for, else that of the last answer to what the borrower wrote, else the record's.
    """
    snapshot = wire.snapshot(of.contact)
    past_due_minor = await commitments.past_due_after(connection, of.tenant_id, of.loan_id, of.send_at)
    if past_due_minor is not None:
        snapshot = replace(snapshot, terms=replace(snapshot.terms, past_due_minor=past_due_minor))
    spoken = await conversations.wished_language(connection, of) or await conversations.spoken_language(connection, of)
    return replace(snapshot, language=spoken) if spoken else snapshot
