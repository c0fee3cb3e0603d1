"""Kill switches: what must not be sent, whoever asks, until a person lifts them.

They are read in every claim transaction, so a claim that starts after one was thrown obeys it. `Switchboard` is what
this process knows between claims: the database tells it at once, and it stops claims that no provider was asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher.model import Claim, Contact, Draft
from channel_dispatcher.outlets import Outlet
from channel_dispatcher.settlement import THROWN
from forbear_domain.model import Channel

HELD_FOR = timedelta(minutes=10)  # until a contact of a stopped cell is looked at again
EVERYBODY = UUID(int=0)  # the tenant under which the ledger keeps what concerns all tenants
_PAST_DUE_DAYS = (30, 60, 90)


class Cell(NamedTuple):
    """What the brake watches and stops by itself: one template, by one sender, to one segment of borrowers."""

    template: str
    sender: str
    segment: str


CellScope = tuple[UUID | None, UUID | None, Cell]
"""A cell of a tenant's campaign; None: of every tenant, of every campaign."""


class Switch(NamedTuple):
    """One switch. What is None is not narrowed; a provider or a cell stands alone or with a channel."""

    switch_id: int
    tenant_id: UUID | None
    campaign_id: UUID | None
    channel: int | None
    provider: str | None
    cell: Cell | None
    reason: str
    source: str
    thrown_at: datetime
    is_slow: bool = False  # most contacts of the cell wait, and few go

    def stops(self, contact: Contact, provider: str, sender: str) -> bool:
        """Return whether a contact must not be sent by an account and sender."""
        return not self.is_slow and (
            (self.tenant_id is None or self.tenant_id == contact.tenant_id)
            and (self.campaign_id is None or self.campaign_id == contact.campaign_id)
            and (self.channel is None or self.channel == contact.channel)
            and (self.provider is None or self.provider == provider)
            and (self.cell is None or self.cell == Cell(contact.template, sender, segment_of(contact)))
        )


def segment_of(contact: Contact) -> str:
    """Return the segment of a contact: language, and how long the loan has been past due."""
    return _segment(contact.language, contact.loan.past_due_days)


@lru_cache(maxsize=4096)
def _segment(language: str, past_due_days: int) -> str:
    """Few languages and days stand behind many contacts, and each contact is asked for its segment twice."""
    bucket = next((str(limit) for limit in _PAST_DUE_DAYS if past_due_days <= limit), "more")
    return f"{language}/{bucket}"


@dataclass(frozen=True, slots=True)
class Stops:
    """What the switches mean for the claims of one channel."""

    is_everything: bool
    tenants: frozenset[UUID]
    campaigns: frozenset[UUID]
    providers: frozenset[str]
    cells: frozenset[CellScope]
    slow_cells: frozenset[CellScope]

    def carries(self, outlet: Outlet) -> bool:
        """Return whether an outlet may be used."""
        return outlet.label not in self.providers


def stops_of(switches: Sequence[Switch], channel: Channel) -> Stops:
    """Sort out the switches that touch a channel."""
    mine = [one for one in switches if one.channel in (None, channel)]
    broad = [one for one in mine if one.provider is None and one.cell is None]
    return Stops(
        any(one.tenant_id is None and one.campaign_id is None for one in broad),
        frozenset(one.tenant_id for one in broad if one.tenant_id and one.campaign_id is None),
        frozenset(one.campaign_id for one in broad if one.campaign_id),
        frozenset(one.provider for one in mine if one.provider),
        frozenset((one.tenant_id, one.campaign_id, one.cell) for one in mine if one.cell and not one.is_slow),
        frozenset((one.tenant_id, one.campaign_id, one.cell) for one in mine if one.cell and one.is_slow),
    )


def hold_back(
    drafts: Sequence[Draft], stops: Stops, slowed_to: int, now: datetime
) -> tuple[list[Draft], list[Contact]]:
    """Return the drafts whose cell is not stopped, and the contacts of the others.

    Of a slowed cell one contact in `slowed_to` goes. Which one changes every ten minutes, so that each gets its turn.
    """
    if not stops.cells and not stops.slow_cells:
        return list(drafts), []
    turn = int(now.timestamp()) // int(HELD_FOR.total_seconds())
    free, held = [], []
    for draft in drafts:
        contact = draft.judged.contact
        cell = Cell(contact.template, draft.request.sender, segment_of(contact))
        tenant, campaign = contact.tenant_id, contact.campaign_id
        scopes = {(None, None, cell), (tenant, None, cell), (None, campaign, cell), (tenant, campaign, cell)}
        is_slowed = scopes & stops.slow_cells and (contact.contact_id.int + turn) % slowed_to
        if scopes & stops.cells or is_slowed:
            held.append(contact)
        else:
            free.append(draft)
    return free, held


class Switchboard:
    """The switches in force, as far as this process has heard."""

    def __init__(self) -> None:
        self._thrown: tuple[Switch, ...] = ()

    def set(self, thrown: Sequence[Switch]) -> None:
        """Take over what the database said."""
        self._thrown = tuple(thrown)

    def objection(self, claim: Claim) -> str:
        """Return why a claim must not be sent now, or an empty text."""
        if not self._thrown:
            return ""
        draft = claim.draft
        contact, sender = draft.judged.contact, draft.request.sender
        return THROWN if any(one.stops(contact, draft.provider, sender) for one in self._thrown) else ""
