"""DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, RSA-2048 with SHA-256 or Ed25519."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

RSA_BITS_MIN = 2048
# RFC 8058 wants the one-click headers covered by the signature.
SIGNED = frozenset(
    {
        "date", "from", "to", "subject", "message-id", "reply-to", "list-unsubscribe", "list-unsubscribe-post",
        "mime-version", "content-type", "content-language",
    }
)  # fmt: skip

_SPACE_BEFORE_END = re.compile(rb"[ \t]+(?=\r\n)")
_SPACES = re.compile(rb"[ \t]+")
_FOLDS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class DkimKey:
    """The key of a domain, published in DNS at `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @classmethod
    def from_pem(cls, domain: str, selector: str, pem: bytes) -> DkimKey:
        """Read a private key. Raises ValueError for a kind or size that receivers do not trust."""
        private = load_pem_private_key(pem, password=None)
        if isinstance(private, RSAPrivateKey) and private.key_size >= RSA_BITS_MIN:
            return cls(domain, selector, private)
        if isinstance(private, Ed25519PrivateKey):
            return cls(domain, selector, private)
        raise ValueError(f"a DKIM key is Ed25519, or RSA of at least {RSA_BITS_MIN} bits")

    def __repr__(self) -> str:
        return f"DkimKey(domain={self.domain!r}, selector={self.selector!r})"


def signature(headers: Sequence[tuple[str, str]], body: bytes, key: DkimKey, signed_at_s: int) -> str:
    """Return the value of the DKIM-Signature header, which goes in front of `headers`.

    From, Subject and To are named once more than they occur, so that none can be added on the way.
    """
    covered = [(name, value) for name, value in headers if name.lower() in SIGNED]
    names = [name.lower() for name, _ in covered] + ["from", "subject", "to"]
    algorithm = "rsa-sha256" if isinstance(key.private, RSAPrivateKey) else "ed25519-sha256"
    body_hash = b64encode(sha256(_relaxed_body(body)).digest()).decode()
    tags = (
        f"v=1; a={algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector}; t={signed_at_s};\r\n"
        f" h={':'.join(names)};\r\n bh={body_hash};\r\n b="
    )
    data = "".join([_relaxed(name, value) + "\r\n" for name, value in covered]) + _relaxed("DKIM-Signature", tags)
    return tags + "\r\n ".join(_cut(b64encode(_sign(key, data.encode("ascii"))).decode()))


def _sign(key: DkimKey, data: bytes) -> bytes:
    if isinstance(key.private, RSAPrivateKey):
        return key.private.sign(data, PKCS1v15(), SHA256())
    return key.private.sign(sha256(data).digest())  # RFC 8463, section 3: Ed25519 over the SHA-256


def _relaxed(name: str, value: str) -> str:
    return f"{name.lower()}:{_FOLDS.sub(' ', value).strip()}"


def _relaxed_body(body: bytes) -> bytes:
    """Canonicalise by RFC 6376, section 3.4.4; `body` has CRLF line ends."""
    body = _SPACES.sub(b" ", _SPACE_BEFORE_END.sub(b"", body)).rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _cut(text: str) -> list[str]:
    return [text[start : start + 72] for start in range(0, len(text), 72)]
