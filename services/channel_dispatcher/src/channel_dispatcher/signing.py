"""The dispatcher's signatures: checkpoints of the ledger with Ed25519, permits with a key of the process.

A permit is checked by the process that issued it, right before the provider is called, so a keyed hash with a key made
at the start is enough; that it was issued is stated to the world by the signed ledger.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from channel_dispatcher.model import Contact, Permit
from forbear_chassis.clock import to_epoch_us
from forbear_domain.ledger import Checkpoint
from forbear_domain.merkle import Frontier
from forbear_domain.model import Channel, address_key
from forbear_providers.contract import SendRequest

_Stated = tuple[UUID, UUID, UUID, UUID, UUID, Channel, str, datetime]
"""What a permit states: its fields in their order, all but the signature."""

FRESH, PERMIT_AGE_MAX = timedelta(0), timedelta(seconds=60)  # DESIGN, invariant I1


class KeyFileError(RuntimeError):
    """The signing key cannot be used."""


class Signer:
    """Signs checkpoints. `key_id` is made of the public key, so that a key cannot take another's place."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self.public_key = private_key.public_key().public_bytes_raw()
        self.key_id = hashlib.sha256(self.public_key).hexdigest()[:16]
        self.known_keys: dict[UUID, AESGCM] = {}  # of borrowers, under which their entries are sealed

    @classmethod
    def from_file(cls, path: Path) -> Signer:
        """Read an Ed25519 key in PEM form. Raises KeyFileError, naming the file."""
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise KeyFileError(
                f"{path} holds no readable private key: make one with `openssl genpkey -algorithm ed25519`"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError(f"{path} holds a key of another kind; it must be Ed25519")
        return cls(key)

    @classmethod
    def generate(cls) -> Signer:
        """Make a key that lives as long as the process; for simulations and tests."""
        return cls(Ed25519PrivateKey.generate())

    def remember(self, made: Mapping[UUID, AESGCM]) -> None:
        """Keep ciphers whose keys were committed: under others nobody could open what is sealed."""
        self.known_keys.update(made)

    def sign(self, frontier: Frontier, now: datetime) -> Checkpoint:
        """State and sign the root of the tree."""
        unsigned = Checkpoint(frontier.size, frontier.root(), now, self.key_id, frontier=frontier)
        signature = self._private_key.sign(unsigned.statement())
        return Checkpoint(unsigned.size, unsigned.root, now, self.key_id, signature, frontier)


class Notary:
    """Issues permits and checks them."""

    def __init__(self, key: bytes | None = None) -> None:
        self._keyed = hashlib.blake2b(key=key or secrets.token_bytes(32), digest_size=32)

    def issue(self, contact: Contact, request: SendRequest, now: datetime) -> Permit:
        """State that this attempt may be made from `now` on, for PERMIT_AGE_MAX."""
        stated = (
            request.attempt_id,
            contact.contact_id,
            contact.tenant_id,
            contact.borrower_id,
            contact.loan_id,
            contact.channel,
            contact.address_key,
            now,
        )
        return Permit(*stated, self._tag(stated))

    def objection(self, permit: Permit, request: SendRequest, now: datetime) -> str:
        """Return why the request must not be sent under this permit, or an empty text when it may."""
        if not hmac.compare_digest(permit.signature, self._tag(permit[:-1])):
            return "permit_forged"
        if not FRESH <= now - permit.issued_at < PERMIT_AGE_MAX:
            return "permit_expired"
        is_meant = (
            permit.attempt_id == request.attempt_id
            and permit.channel == request.channel
            and permit.address_key == address_key(permit.tenant_id.bytes, request.address)
        )
        return "" if is_meant else "permit_mismatch"

    def _tag(self, stated: _Stated) -> bytes:
        """Return the keyed hash of a permit's fields; all but the last have one length, so none runs into another."""
        attempt, contact, tenant, borrower, loan, channel, address, issued_at = stated
        ids = attempt.bytes + contact.bytes + tenant.bytes + borrower.bytes + loan.bytes
        keyed = self._keyed.copy()  # the key is hashed once for all permits
        keyed.update(b"%b%c%b%b" % (ids, channel, to_epoch_us(issued_at).to_bytes(8), address.encode()))
        return keyed.digest()
