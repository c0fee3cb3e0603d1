"""The queue keeps a contact as the bytes it was submitted as; this reads them back. Wire to domain, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from channel_dispatcher.framing import repeated
from channel_dispatcher.model import Contact, LoanTerms
from forbear.dispatcher.v1.dispatcher_service_pb2 import SubmitContactsRequest
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import from_epoch_us
from forbear_chassis.postgres import UUID
from forbear_domain.ids import EVERYONE
from forbear_domain.model import Channel, Purpose, address_key

NO_NOTICES: frozenset[str] = frozenset()
_CHANNELS = {channel.value: channel for channel in Channel}
_PURPOSES = {purpose.value: purpose for purpose in Purpose}


class Queued(NamedTuple):
    """What the queue keeps of a contact: the bytes, and what has changed since."""

    body: bytes
    attempts: int
    expire_at: datetime


def read_contacts(rows: Sequence[Queued]) -> list[Contact]:
    """Read contacts that were checked when they were taken.

    They are read as the one request that they make: protobuf takes memory for each message that it reads by itself, and
    at every 10,000th piece of it gives all free memory back to the kernel, to ask for it again at the next batch.
    """
    request = SubmitContactsRequest.FromString(
        repeated(SubmitContactsRequest.CONTACTS_FIELD_NUMBER, [row.body for row in rows])
    )
    return [_contact(wire, *row) for wire, row in zip(request.contacts, rows, strict=True)]


def read_address(body: bytes) -> str:
    """Read the address that a contact is made at."""
    address: str = types_pb2.Contact.FromString(body).recipient.address
    return address


def _contact(wire: types_pb2.Contact, body: bytes, attempts: int, expire_at: datetime) -> Contact:
    who, loan = wire.recipient, wire.recipient.loan
    is_dated = who.consented and who.HasField("consent_time")
    return Contact(
        contact_id=UUID(wire.contact_id),
        tenant_id=_common_id(wire.tenant_id),
        campaign_id=_common_id(wire.campaign_id) if wire.campaign_id else None,
        borrower_id=UUID(wire.borrower_id),
        loan_id=UUID(wire.loan_id),
        channel=_CHANNELS[wire.channel],
        purpose=_PURPOSES[wire.purpose],
        template=wire.template,
        slots=dict(wire.slots) if wire.slots else {},
        expire_at=expire_at,
        address=who.address,
        address_key=address_key(wire.tenant_id, who.address),
        everyones_key=address_key(EVERYONE.bytes, who.address),
        address_kind=who.address_kind,
        language=who.language,
        given_name=who.given_name,
        places=tuple([(place.kind, place.zone, place.region) for place in who.places]),
        consented_at=_instant(who.consent_time.seconds) if is_dated else None,
        checked_at=_instant(who.number_check_time.seconds) if who.HasField("number_check_time") else None,
        brand=who.brand,
        actor=who.actor,
        notices=frozenset(who.notices) if who.notices else NO_NOTICES,
        policy_version=who.policy_version,
        loan=LoanTerms(
            loan.currency,
            loan.balance_minor,
            loan.past_due_minor,
            loan.instalment_minor,
            loan.past_due_days,
            loan.product,
        ),
        attempts=attempts,
        body=body,
    )


@lru_cache(maxsize=4096)
def _common_id(value: bytes) -> UUID:
    """Tenants and campaigns are few, and one id is compared with itself faster than with another of its value."""
    return UUID(value)


@lru_cache(maxsize=4096)
def _instant(seconds: int) -> datetime:
    """Consents are dates: few values, asked for again and again."""
    return from_epoch_us(seconds * 1_000_000)
