"""The personal part of evidence, sealed under a key of one borrower. Who destroys the key erases the person.

The ledger hashes the sealed bytes, so that every proof holds whether or not anybody can still open them. AES-256-GCM
(NIST SP 800-38D) with a random nonce of 96 bits for each entry; the borrower's id is authenticated with it, so that a
sealed part cannot be moved to somebody else. Pure: keys and nonces are handed in.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class SealError(ValueError):
    """The sealed part cannot be opened with this key."""


def seal(cipher: AESGCM, nonce: bytes, plain: bytes, borrower: bytes) -> bytes:
    """Return the sealed part in base64. A nonce serves once for a key."""
    return b2a_base64(nonce + cipher.encrypt(nonce, plain, borrower), newline=False)


def unseal(key: bytes, sealed: str, borrower: bytes) -> bytes:
    """Return the plain part. Raises SealError for another key, another borrower or bytes that were changed."""
    try:
        packed = b64decode(sealed, validate=True)
        return _cipher(key).decrypt(packed[:NONCE_BYTES], packed[NONCE_BYTES:], borrower)
    except (InvalidTag, Base64Error, ValueError) as error:
        raise SealError("it cannot be opened with this key") from error


@lru_cache(maxsize=4_096)
def _cipher(key: bytes) -> AESGCM:
    """A reader goes from entry to entry of the same borrowers."""
    return AESGCM(key)
