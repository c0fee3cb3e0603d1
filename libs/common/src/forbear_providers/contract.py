"""The one contract between the dispatcher, the tracker and a provider: plain values in both directions.

A provider is one file of this package that has a `NAME`, a `CODES` table and a class that fits `Provider`; one folder
of recorded payloads in the tests goes with it. A file that also has `OPTIONS` and `open_provider(options, now)` can be
named in an accounts file; one that has `is_authentic(options, callback)`, `parse_status(form)` and
`parse_message(form)` gets its callbacks at `/gateway/<NAME>/status` and `/gateway/<NAME>/message`; one for calls has
`parse_voice(form)`, `script(...)`, `script_later(url)` and `SCRIPT_TYPE`, and asks for each step at
`/gateway/<NAME>/voice/<attempt>`. Callbacks that are no forms are turned into one by `read_callback(body)`.

A provider never sees the database, the queue or the law, never sends twice by itself, and never raises for what the
world does: it answers with a `SendOutcome`. No address, no text and no
secret is ever part of a `code` or a `reason`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from forbear_domain.messages import Rendered
from forbear_domain.model import Channel


class SendState(IntEnum):
    """What came of asking a provider to send."""

    ACCEPTED = 1  # it took the message and named it
    REFUSED_FINAL = 2  # it will never take this message for this address
    REFUSED_TRANSIENT = 3  # it did not take it, proved; asking again later may help
    UNKNOWN = 4  # it may have taken it or not: never sent again by itself


class ReceiptState(IntEnum):
    """What a provider said later; numbers equal forbear.dispatcher.v1.ReceiptState."""

    SENT = 1
    DELIVERED = 2
    UNDELIVERED = 3
    ANSWERED = 4
    CONVERSED = 5
    MACHINE = 6
    NOT_CONNECTED = 7
    INBOUND = 8


class SendRequest(NamedTuple):
    """One message or call to be made, under a permit that the caller holds."""

    attempt_id: UUID
    channel: Channel
    address: str
    sender: str
    rendered: Rendered
    language: str
    callback_url: str = ""  # public base URL of the tracker, without a slash at its end
    die_by: datetime | None = None  # end of the lawful window: the provider must drop what it could not send by then
    reply_to: str = ""
    unsubscribe_url: str = ""
    message_id: str = ""  # of a mail, without angle brackets; made from the attempt id when empty
    sender_name: str = ""  # display name of a mail's sender: the brand


class SendOutcome(NamedTuple):
    """The answer. `reason` is snake_case from the provider's table; `code` is the provider's own code as text."""

    state: SendState
    provider_ref: str = ""
    code: str = ""
    reason: str = ""
    retry_after_s: float | None = None
    is_opted_out: bool = False
    parts: int = 0
    is_address_dead: bool = False


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one code of a provider means for us: a row of its `CODES` table."""

    state: SendState
    reason: str
    is_opted_out: bool = False
    retry_after_s: float | None = None
    is_address_dead: bool = False  # the address takes nothing on this channel, whoever sends and however often


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that a provider needs to know of an account: `form` is a pattern for the whole value."""

    meaning: str  # continues "give ..."
    default: str | None = None  # None: it must be given
    form: str = r"[^\r\n]{1,512}"


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback as it arrived, before anybody believes it."""

    url: str  # the public one that was called, with its query
    headers: Mapping[str, str]  # names in lower case
    form: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class FindRequest:
    """What is known of an attempt whose outcome is unknown, so that the provider can be asked for it.

    Ask some minutes after `sent_before` at the earliest: a list of the provider's may lag behind.
    """

    attempt_id: UUID
    address: str
    sender: str
    sent_after: datetime
    sent_before: datetime
    text: str = ""  # the rendered text, where it is still known: tells two messages to one number apart
    known_refs: frozenset[str] = field(default=frozenset())  # provider refs of other attempts: not ours to take


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has it, by this name and in this state."""

    ref: str
    state: ReceiptState


class NotFound(Enum):
    """The provider did not name it."""

    ABSENT = "absent"  # proved: the provider's whole list of that time does not hold it
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """A receipt. `is_final` says that no other state follows."""

    provider_ref: str
    state: ReceiptState
    code: str = ""
    reason: str = ""
    is_final: bool = False
    is_opted_out: bool = False
    is_address_dead: bool = False


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What a borrower wrote to us."""

    from_: str
    to: str
    text: str
    provider_ref: str
    is_stop: bool = False  # the provider itself has already taken it as an opt-out


class CallParty(Enum):
    """Who or what took a call."""

    PERSON = "person"
    MACHINE = "machine"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VoiceEvent:
    """One step of a call: what was keyed or said, and who seems to be there."""

    provider_ref: str
    digits: str = ""
    speech: str = ""
    party: CallParty = CallParty.UNKNOWN
    is_ended: bool = False


class PayloadError(ValueError):
    """A callback that lacks what we need or is no such callback. The text names the field, never its value."""


class Provider(Protocol):
    """One way out. All methods may be called side by side."""

    name: str
    channel: Channel

    async def send(self, request: SendRequest) -> SendOutcome:
        """Ask the provider once. Never raises for what the world does, never repeats what may have been taken."""

    async def find(self, request: FindRequest) -> Found | NotFound:
        """Ask the provider whether it has an attempt. Changes nothing. ABSENT is a proof, not a guess."""

    async def close(self) -> None:
        """Close the connections. The provider is not used after that."""


def number_in(text: str) -> int | None:
    """Return the number that a text of one to nine ASCII figures is, or None; `int` takes more, and fails on some."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def need(form: Mapping[str, str], key: str) -> str:
    """Return a field of a callback. Raises PayloadError, naming the field, where it is missing or empty."""
    value = form.get(key, "")
    if not value:
        raise PayloadError(f"the callback has no {key}")
    return value
