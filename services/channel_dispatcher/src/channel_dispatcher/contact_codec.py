"""The queue keeps a contact as the bytes it was submitted as; this reads them back. Wire to domain, nothing else."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from channel_dispatcher.model import Contact, LoanTerms, Purpose
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import from_epoch_us
from forbear_chassis.postgres import UUID
from forbear_domain.ids import EVERYONE
from forbear_domain.model import Channel, address_key

NO_NOTICES: frozenset[str] = frozenset()
_CHANNELS = {channel.value: channel for channel in Channel}
_PURPOSES = {purpose.value: purpose for purpose in Purpose}


def read_contact(body: bytes, attempts: int, expire_at: datetime) -> Contact:
    """Read a contact that was checked when it was taken."""
    wire = types_pb2.Contact.FromString(body)
    who, loan = wire.recipient, wire.recipient.loan
    is_dated = who.consented and who.HasField("consent_time")
    return Contact(
        contact_id=UUID(wire.contact_id),
        tenant_id=UUID(wire.tenant_id),
        campaign_id=UUID(wire.campaign_id) if wire.campaign_id else None,
        borrower_id=UUID(wire.borrower_id),
        loan_id=UUID(wire.loan_id),
        channel=_CHANNELS[wire.channel],
        purpose=_PURPOSES[wire.purpose],
        template=wire.template,
        slots=dict(wire.slots),
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
def _instant(seconds: int) -> datetime:
    """Consents are dates: few values, asked for again and again."""
    return from_epoch_us(seconds * 1_000_000)
