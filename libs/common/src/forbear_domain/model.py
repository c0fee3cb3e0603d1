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


def mask(address: str) -> str:
    """Return an address as it may be shown: "+1***0123" or "a***@example.com"."""
    if "@" in address:
        local, _, domain = address.partition("@")
        return f"{local[:1]}***@{domain}"
    return f"{address[:2]}***{address[-4:]}" if len(address) > 6 else "***"


def address_key(tenant: bytes, address: str) -> str:
    """Return a stable key of an address within a tenant, of 32 hex digits, that does not show it."""
    return hashlib.blake2b(address.strip().casefold().encode(), key=tenant[:64], digest_size=16).hexdigest()
