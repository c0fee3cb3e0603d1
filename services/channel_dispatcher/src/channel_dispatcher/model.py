"""The words of the dispatcher: what waits, what was decided, what was sent. Frozen, without I/O.

Named tuples, because each contact makes one of each and a frozen dataclass costs ten times as much to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from forbear_domain.model import Channel, Purpose, SuppressionKind

if TYPE_CHECKING:
    from channel_dispatcher.limits import Demand
    from forbear_domain.messages import Rendered
    from forbear_domain.policy import Facts, Verdict
    from forbear_providers.contract import SendOutcome, SendRequest


class Lane(IntEnum):
    """Which contacts pass others: the lower number goes first, and none starves."""

    ANSWERS = 0
    PROMISED = 1
    BULK = 2


LANES = {
    Purpose.CARE: Lane.ANSWERS,
    Purpose.CONFIRMATION: Lane.ANSWERS,
    Purpose.REPLY: Lane.ANSWERS,
    Purpose.OPT_OUT_CONFIRMATION: Lane.ANSWERS,
    Purpose.FOLLOW_UP: Lane.PROMISED,
    Purpose.DUTY: Lane.PROMISED,
    Purpose.REMINDER: Lane.BULK,
}


INCONVENIENT = frozenset({SuppressionKind.INCONVENIENT_TIME, SuppressionKind.INCONVENIENT_PLACE})
"""Kinds that bar some hours or a place, not the borrower."""
ADDRESS_WIDE = frozenset({SuppressionKind.OPT_OUT, SuppressionKind.WRONG_PARTY})
"""Kinds that bar the address itself, whoever is meant to be reached by it."""


class LoanTerms(NamedTuple):
    """The loan as it stood when the contact was planned; money in minor units."""

    currency: str
    balance_minor: int
    past_due_minor: int
    instalment_minor: int
    past_due_days: int
    product: str


class Contact(NamedTuple):
    """One contact of the queue, read back from the bytes it was submitted as."""

    contact_id: UUID
    tenant_id: UUID
    campaign_id: UUID | None
    borrower_id: UUID
    loan_id: UUID
    channel: Channel
    purpose: Purpose
    template: str
    slots: Mapping[str, str]
    expire_at: datetime
    address: str
    address_key: str
    everyones_key: str  # of the address, as what bars it for every tenant names it
    address_kind: str
    language: str
    given_name: str
    places: tuple[tuple[int, str, str], ...]  # kind of evidence, zone, region
    consented_at: datetime | None  # None: no consent
    checked_at: datetime | None  # when the number was last known not to be somebody else's; None: never checked
    brand: str
    actor: str
    notices: frozenset[str]  # written ones that were given about the loan
    policy_version: int  # of the tenant's own rules when the contact was made; 0: none
    loan: LoanTerms
    attempts: int
    body: bytes


class Judged(NamedTuple):
    """A contact and what the gate says of it at this instant."""

    contact: Contact
    facts: Facts
    verdict: Verdict
    closes_at: datetime  # when a rule by the clock objects next; of an allowed contact only


class Draft(NamedTuple):
    """An allowed contact, ready to go once the limits grant it: what would be sent, by whom, and what it costs."""

    judged: Judged
    request: SendRequest
    rendered: Rendered
    provider: str
    number: int  # of the attempt, from 1
    demand: Demand


class Permit(NamedTuple):
    """The signed statement under which one attempt is made: this person, debt, address, channel and instant."""

    attempt_id: UUID
    contact_id: UUID
    tenant_id: UUID
    borrower_id: UUID
    loan_id: UUID
    channel: Channel
    address_key: str
    issued_at: datetime
    signature: bytes


class Claim(NamedTuple):
    """A draft that was granted, committed as CLAIMED, and may now be sent under its permit."""

    draft: Draft
    permit: Permit


class Sent(NamedTuple):
    """What came of a claim."""

    claim: Claim
    outcome: SendOutcome
