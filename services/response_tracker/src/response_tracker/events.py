"""What comes in from outside, as it came: the raw event and its name, before anybody has understood it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from forbear_domain import ids


class Kind(IntEnum):
    """Which door an event came through."""

    STATUS = 1  # a provider tells what became of a message or a call
    MESSAGE = 2  # a text message
    CALL = 3  # one step of a call
    MAIL = 4  # an inbound mail: reply, bounce or complaint
    ONE_CLICK = 5  # List-Unsubscribe-Post
    PAGE = 6  # an act on the self-service page
    RECORDING = 7  # a provider recorded a call: kept as evidence, and nothing else follows

    @property
    def label(self) -> str:
        """Return the name used in metrics and logs."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `attempt_id` is what the address it came to says; the body is kept as it came."""

    id: UUID
    kind: Kind
    attempt_id: UUID | None
    body: bytes
    received_at: datetime


_LABELS = {kind: kind.label for kind in Kind}  # looked up for every callback


def name_event(kind: Kind, *parts: str) -> UUID:
    """Name an event by the provider's own keys, so that a repeat is seen as one."""
    return ids.event_id(_LABELS[kind], ":".join(parts))


def digest(data: bytes) -> str:
    """Return a stable key of content that carries no id of its own."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
