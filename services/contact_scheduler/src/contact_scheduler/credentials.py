"""API keys and console sessions: made from the system's randomness, kept only as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from forbear_chassis.postgres import UUID

KEY_PREFIX = "fbk_"
KEY_BYTES = 32
TENANT_SCOPES = ("read", "write", "payments")  # of the key that comes with a tenant: a program's
SCOPES = (*TENANT_SCOPES, "cases")  # cases show borrowers' words, and every act on them stands under a person's name


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what the key may do."""

    tenant_id: UUID
    scopes: Collection[str]
    key_name: str  # as it was called when it was made: what audit trails show


def new_key() -> str:
    """Return a fresh key; it is shown once."""
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)


def digest(secret: str) -> bytes:
    """Return what is stored of a key. The key is random and long, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).digest()
