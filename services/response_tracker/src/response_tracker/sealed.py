"""Commits to words without telling them: HMAC-SHA-256 under a random salt that is kept, and erased, with the words."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Seal:
    """What is kept beside the words (`salt`), and what goes into the ledger (`commitment`)."""

    salt: bytes
    commitment: bytes


def seal(words: str) -> Seal:
    """Seal words under a fresh salt. Equal words give different commitments, so that nobody can guess them."""
    salt = secrets.token_bytes(SALT_BYTES)
    return Seal(salt, commit(salt, words))


def commit(salt: bytes, words: str) -> bytes:
    """Return the commitment to words under a salt: whoever has both can show what the ledger speaks of."""
    return hmac.digest(salt, words.encode(), hashlib.sha256)
