"""Ids that follow from what they name, so that doing a thing twice gives the same id and is seen as a repeat.

All ids are UUIDs of version 5 in a namespace of ours; none holds or reveals personal data by itself, because tenants
choose their references.
"""

from hashlib import sha1
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1a8f0e-4b1d-5c86-9c35-0d6f7262ea72")
EVERYONE = UUID(int=0)
"""Stands where a tenant would, for what holds for every tenant, also one that comes later."""


def tenant_id(slug: str) -> UUID:
    """Name a tenant by its slug."""
    return uuid5(NAMESPACE, f"tenant:{slug}")


def borrower_id(tenant: UUID, reference: str) -> UUID:
    """Name a borrower by the tenant's own reference."""
    return uuid5(tenant, f"borrower:{reference}")


def loan_id(tenant: UUID, reference: str) -> UUID:
    """Name a loan by the tenant's own reference."""
    return uuid5(tenant, f"loan:{reference}")


def campaign_id(tenant: UUID, key: str) -> UUID:
    """Name a campaign by the idempotency key it was created with."""
    return uuid5(tenant, f"campaign:{key}")


def contact_id(campaign: UUID, borrower: UUID, number: int) -> UUID:
    """Name the `number`-th contact (from 1) of a campaign with a borrower."""
    return uuid5(campaign, f"contact:{borrower}:{number}")


def follow_up_id(cause: UUID, step: str) -> UUID:
    """Name the contact that follows from a response, a promise or an arrangement, by its step, such as "reminder"."""
    return uuid5(cause, f"follow_up:{step}")


def attempt_id(contact: UUID, number: int) -> UUID:
    """Name the `number`-th attempt (from 1) at a contact."""
    return UUID(bytes=attempt_bytes(contact.bytes, number))


def attempt_bytes(contact: bytes, number: int) -> bytes:
    """Return the 16 bytes of an attempt's id, from those of its contact: every message needs one, and at once.

    Source: RFC 9562, section 5.5 (version 5): the first 128 bits of a SHA-1 with version and variant put in.
    """
    return _version_5(sha1(b"%battempt:%d" % (contact, number), usedforsecurity=False).digest())


def event_id(source: str, key: str) -> UUID:
    """Name an event of the outside world by the provider it came from and the provider's own key for it."""
    name = f"event:{source}:{key}".encode()  # by hand, in a third of the time: every callback needs one
    return UUID(bytes=_version_5(sha1(NAMESPACE.bytes + name, usedforsecurity=False).digest()))


def _version_5(digest: bytes) -> bytes:
    name = bytearray(digest[:16])
    name[6] = name[6] & 0x0F | 0x50
    name[8] = name[8] & 0x3F | 0x80
    return bytes(name)
