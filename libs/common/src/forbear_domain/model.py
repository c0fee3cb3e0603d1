"""Words of the domain that every service shares. Frozen, without clock and without I/O.

Numbers equal those of the wire (forbear.types.v1), so that rows and messages need no table in between.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum


class Channel(IntEnum):
    """A way of reaching a borrower."""

    SMS = 1
    EMAIL = 2
    VOICE = 3

    @property
    def label(self) -> str:
        """Return the name used in APIs, metrics and pages: "sms", "email" or "voice"."""
        return self.name.lower()


class ContactState(IntEnum):
    """How a contact ended at the dispatcher."""

    ACCEPTED = 1
    REFUSED = 2
    EXPIRED = 3
    RECALLED = 4
    UNKNOWN = 5

    @property
    def label(self) -> str:
        """Return the name used in APIs, metrics and pages."""
        return self.name.lower()


class Purpose(IntEnum):
    """Why a contact is made."""

    REMINDER = 1
    REPLY = 2
    OPT_OUT_CONFIRMATION = 3
    FOLLOW_UP = 4
    DUTY = 5
    CARE = 6
    CONFIRMATION = 7


class ResponseKind(IntEnum):
    """What a borrower did, or a provider learned."""

    DELIVERED = 1
    UNDELIVERED = 2
    ENGAGED = 3
    REPLIED = 4
    PROMISED = 5
    PAID = 6
    ARRANGED = 7
    HARDSHIP = 8
    OPTED_OUT = 9
    KEPT = 10
    BROKEN = 11
    HANDED_OVER = 12
    CONVERSED = 13
    BOUNCED = 14
    RETURNED = 15
    WRONG_PARTY = 16

    @property
    def label(self) -> str:
        """Return the name used in APIs, metrics and pages."""
        return self.name.lower()


class SuppressionKind(IntEnum):
    """Why contact is barred."""

    OPT_OUT = 1
    CEASE = 2
    ATTORNEY = 3
    BANKRUPTCY = 4
    WRONG_PARTY = 5
    DECEASED = 6
    DISPUTE = 7
    MILITARY = 8
    DISTRESS = 9
    HARDSHIP = 10
    PROMISE = 11
    ARRANGEMENT = 12
    PAID = 13
    CHANNEL_REFUSED = 14
    INCONVENIENT_TIME = 15
    INCONVENIENT_PLACE = 16
    WORK_BARRED = 17


def mask(address: str) -> str:
    """Return an address as it may be shown: "+1***0123" or "a***@example.com"."""
    if "@" in address:
        local, _, domain = address.partition("@")
        return f"{local[:1]}***@{domain}"
    return f"{address[:2]}***{address[-4:]}" if len(address) > 6 else "***"


def address_key(tenant: bytes, address: str) -> str:
    """Return a stable key of an address within a tenant, of 32 hex digits, that does not show it."""
    return hashlib.blake2b(address.strip().casefold().encode(), key=tenant[:64], digest_size=16).hexdigest()
