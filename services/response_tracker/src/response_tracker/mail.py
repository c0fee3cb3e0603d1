"""Inbound mail over SMTP: a small server in the service's own loop. A mail is durable before it is acknowledged.

Sizes, recipients, commands and time are bounded; commands beyond what a relay needs are refused; nothing a peer
sends is ever echoed back. When the dispatcher could not put a suppression in force, the mail is answered 451: it is
durable already, and the relay's next try finds it done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from forbear_chassis.clock import Clock
from forbear_chassis.settings import split_address
from forbear_chassis.worker import TRANSIENT, Activity
from forbear_providers.inbound_mail import MAIL_BYTES_MAX, parse_inbound
from response_tracker.events import Event, Kind, digest, name_event

RECIPIENTS_MAX = 10
IDLE_MAX_S = 60.0
RECIPIENT = b"rcpt: "  # first line of the raw event: the envelope's recipient, which names the attempt

Take = Callable[[Event], Awaitable[object]]


def make_event(content: bytes, recipient: str, at: datetime) -> Event:
    """Name a mail by what it holds and where it went, so that a relay's second try is seen as a repeat."""
    event_id = name_event(Kind.MAIL, recipient, digest(content))
    named = parse_inbound(b"", recipient).attempt_id
    return Event(event_id, Kind.MAIL, named, RECIPIENT + recipient.encode() + b"\n" + content, at)


def split_event(body: bytes) -> tuple[str, bytes]:
    """Return recipient and mail of a raw event."""
    head, _, content = body.partition(b"\n")
    return head.removeprefix(RECIPIENT).decode("utf-8", "replace"), content


class MailHandler:
    """What our SMTP server does with a mail. `take` makes it durable and acts on it, or raises."""

    def __init__(self, take: Take, clock: Clock, activity: Activity) -> None:
        self._take = take
        self._clock = clock
        self._activity = activity

    async def handle_RCPT(  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take mail for the addresses that our own messages name, and no other: this is no relay."""
        if not address.lower().startswith(("reply+", "bounce+", "complaint@", "postmaster@")):
            return "550 no such mailbox"
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return "452 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Make the mail durable and act on it before it is acknowledged."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        with self._activity:
            try:
                now = self._clock.now()
                for address in envelope.rcpt_tos:
                    await self._take(make_event(content, address, now))
            except TRANSIENT:
                return "451 not now, try again"
        return "250 taken"


class _Server(SMTP):
    """Takes lines as long as a mail: some programs write a paragraph in one line, and RFC 5321 asks to be generous."""

    line_length_limit = MAIL_BYTES_MAX


class MailServer:
    """Listens for inbound mail until it is stopped."""

    def __init__(self, handler: MailHandler, listen: str) -> None:
        self._handler = handler
        self._host, self.port = split_address(listen)
        self._server: Any = None

    async def start(self) -> None:
        """Serve in the background; afterwards `port` is the port in use."""
        self._server = await asyncio.get_running_loop().create_server(self._make, self._host, self.port, backlog=100)
        self.port = self._server.sockets[0].getsockname()[1]

    def _make(self) -> SMTP:
        return _Server(
            self._handler,
            data_size_limit=MAIL_BYTES_MAX,
            enable_SMTPUTF8=True,
            ident="forbear",
            hostname="forbear",
            timeout=IDLE_MAX_S,
            command_call_limit={"*": 100, "VRFY": 1, "EXPN": 1},
        )

    async def stop(self, grace_s: float) -> None:
        """Refuse new connections; those open end by themselves or with the process."""
        if self._server is not None:
            self._server.close()
