"""Tokens of the links in our messages: they name an attempt, prove that we made them, and say nothing else.

A token is the URL-safe base64 of the 16 bytes of the attempt id and the first 16 bytes of an HMAC-SHA256 over the
purpose and the id. A token for one purpose is not valid for another: who may see the page may not unsubscribe by it.
"""

import base64
import binascii
import hmac
from typing import Literal
from uuid import UUID

Purpose = Literal["unsubscribe", "page"]

TAG_BYTES = 16
TOKEN_CHARS = 43  # 32 bytes without padding

_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # every message needs a token: base64.urlsafe_b64encode takes twice as long


def make_link_token(secret: bytes | str, purpose: Purpose, attempt_id: UUID) -> str:
    """Return the token that names `attempt_id` for `purpose`; always the same for the same arguments."""
    raw = attempt_id.bytes + _tag(secret, purpose, attempt_id.bytes)
    return binascii.b2a_base64(raw, newline=False)[:TOKEN_CHARS].translate(_URL_SAFE).decode()


def read_link_token(secret: bytes | str, purpose: Purpose, token: str) -> UUID | None:
    """Return the attempt id of a token that we made for `purpose`, or None for any other text."""
    if len(token) != TOKEN_CHARS or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    name, tag = raw[:16], raw[16:]
    return UUID(bytes=name) if hmac.compare_digest(tag, _tag(secret, purpose, name)) else None


def _tag(secret: bytes | str, purpose: str, name: bytes) -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    if not key:
        raise ValueError("the secret of the links is empty")
    return hmac.digest(key, purpose.encode() + name, "sha256")[:TAG_BYTES]
