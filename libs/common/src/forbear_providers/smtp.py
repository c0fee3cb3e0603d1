"""E-mail through an SMTP relay: a small pool of connections that stay open, one outcome per mail.

Before the first byte of the mail itself is written nothing can have been taken, so a lost connection is a refusal that
may be asked again; from then on it is unknown. The envelope sender carries the attempt (`bounce+<hex>@`), and so does
the address for replies, so that what comes back finds its attempt; `forbear_providers.inbound_mail` reads it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import aiosmtplib

from forbear_domain.model import Channel
from forbear_providers import dkim, mail
from forbear_providers.contract import (
    Consequence,
    FindRequest,
    Found,
    NotFound,
    Option,
    SendOutcome,
    SendRequest,
    SendState,
    number_in,
)

__all__ = ["CODES", "NAME", "OPTIONS", "Smtp", "SmtpRelay", "open_provider"]

NAME = "smtp"
TIMEOUT_S = 30.0
CONNECTIONS_MAX = 8
MAILS_PER_CONNECTION_MAX = 500  # relays close what talks for too long; better we do it between two mails
LOST_BEFORE_MAIL = "connection_lost_before_mail"
CLOSING = 421  # the relay closes the connection, often one that was idle for long (RFC 5321, section 3.8)

_FINAL, _TRANSIENT, _UNKNOWN = SendState.REFUSED_FINAL, SendState.REFUSED_TRANSIENT, SendState.UNKNOWN

# Enhanced status codes (RFC 3463), without their first digit, which says whether it is final.
CODES: dict[str, Consequence] = {
    "1.1": Consequence(_FINAL, "no_such_mailbox", is_address_dead=True),
    "1.2": Consequence(_FINAL, "no_such_domain", is_address_dead=True),
    "1.3": Consequence(_FINAL, "address_unusable", is_address_dead=True),
    "1.6": Consequence(_FINAL, "mailbox_moved", is_address_dead=True),
    "1.10": Consequence(_FINAL, "domain_takes_no_mail", is_address_dead=True),
    "2.1": Consequence(_FINAL, "mailbox_disabled", is_address_dead=True),
    "2.2": Consequence(_TRANSIENT, "mailbox_full", retry_after_s=3600.0),
    "3.4": Consequence(_FINAL, "mail_too_big"),
    "4.1": Consequence(_TRANSIENT, "host_does_not_answer", retry_after_s=300.0),
    "4.2": Consequence(_TRANSIENT, "bad_connection", retry_after_s=300.0),
    "4.7": Consequence(_TRANSIENT, "delivery_time_expired"),
    "7.0": Consequence(_FINAL, "policy"),
    "7.1": Consequence(_FINAL, "policy"),
    "7.8": Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    "7.26": Consequence(_FINAL, "sender_not_authenticated"),
    "7.515": Consequence(_FINAL, "sender_not_authenticated"),
}
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3}\.\d{1,3})\b")


OPTIONS = {
    "host": Option("the host of the relay", form=r"[\w.-]{1,255}"),
    "port": Option("the port of the relay", default="587", form=r"\d{1,5}"),
    "envelope_domain": Option("the domain that replies and bounces go to", form=r"[\w.-]{1,255}"),
    "username": Option("the user at the relay", default=""),
    "password": Option("the password at the relay", default=""),
    "starttls": Option("true or false: whether the relay is spoken to under TLS", default="true", form="true|false"),
    "connections": Option("how many connections are kept", default="8", form=r"[1-9]\d{0,2}"),
    "dkim_key": Option(
        "the private key that signs mail, in PEM between three quotes",
        default="",
        form=r"\s*-----BEGIN [\s\S]{50,8192}-----\s*",
    ),
    "dkim_domain": Option("the domain of the senders, which publishes the key", default="", form=r"[\w.-]{1,255}"),
    "dkim_selector": Option("the DNS selector of the key", default="forbear", form=r"[\w.-]{1,63}"),
}


@dataclass(frozen=True, slots=True)
class SmtpRelay:
    """Where and as whom we hand mails in. The password is never shown."""

    host: str
    port: int
    envelope_domain: str  # of the bounce addresses; our tracker receives its mail
    username: str = ""
    password: str = ""
    starttls: bool = True
    timeout_s: float = TIMEOUT_S
    connections_max: int = CONNECTIONS_MAX

    def __repr__(self) -> str:
        return f"SmtpRelay(host={self.host!r}, port={self.port})"


def open_provider(options: Mapping[str, str], now: Callable[[], datetime]) -> Smtp:
    """Open a relay that an accounts file names. Raises ValueError where its key is none."""
    relay = SmtpRelay(
        options["host"],
        int(options["port"]),
        options["envelope_domain"],
        username=options["username"],
        password=options["password"],
        starttls=options["starttls"] == "true",
        connections_max=int(options["connections"]),
    )
    return Smtp(relay, now, _key_of(options))


def _key_of(options: Mapping[str, str]) -> dkim.DkimKey | None:
    if not options["dkim_key"]:
        return None
    if not options["dkim_domain"]:
        raise ValueError("option dkim_domain is missing: give the domain of the senders, which publishes the key")
    try:
        pem = options["dkim_key"].strip().encode()
        return dkim.DkimKey.from_pem(options["dkim_domain"], options["dkim_selector"], pem)
    except (ValueError, TypeError):
        raise ValueError("option dkim_key: give an Ed25519 key, or RSA of 2048 bits, without a password") from None


class Smtp:
    """Sends mails. `now` is the clock of the Date header and of the end of the lawful window."""

    name = NAME
    channel = Channel.EMAIL

    def __init__(self, relay: SmtpRelay, now: Callable[[], datetime], key: dkim.DkimKey | None = None) -> None:
        self._relay = relay
        self._now = now
        self._key = key
        self._idle: deque[_Connection] = deque()
        self._free = asyncio.Semaphore(relay.connections_max)
        self._tls = ssl.create_default_context() if relay.starttls else None

    async def send(self, request: SendRequest) -> SendOutcome:
        """Hand one mail to the relay."""
        now = self._now()
        if request.die_by is not None and request.die_by <= now:
            return SendOutcome(_TRANSIENT, reason="window_over")
        try:
            envelope = mail.check_address("sender", f"bounce+{request.attempt_id.hex}@{self._relay.envelope_domain}")
            message, message_id = self._message(request, now)
        except mail.MailError:
            return SendOutcome(_FINAL, reason="address_unusable")
        life_s = None if request.die_by is None else int((request.die_by - now).total_seconds())
        async with self._free:
            outcome = await self._deliver(Envelope(envelope, request.address, life_s), message)
        if outcome.state is SendState.ACCEPTED:
            return SendOutcome(SendState.ACCEPTED, message_id, outcome.code, parts=1)
        return outcome

    async def find(self, request: FindRequest) -> Found | NotFound:
        """Say that nobody can tell: a relay keeps no list that we could ask. A bounce or a reply may tell later."""
        return NotFound.CANNOT_TELL

    async def close(self) -> None:
        """Close the connections that are open."""
        while self._idle:
            await self._idle.popleft().quit()

    def _message(self, request: SendRequest, now: datetime) -> tuple[bytes, str]:
        message_id = request.message_id or f"{request.attempt_id.hex}@{self._relay.envelope_domain}"
        rendered = request.rendered
        headers, body = mail.build(
            mail.Mail(
                to=request.address,
                sender=request.sender,
                subject=rendered.subject,
                text=rendered.text,
                html=rendered.html,
                date=now,
                message_id=message_id,
                sender_name=request.sender_name,
                reply_to=request.reply_to,
                unsubscribe_url=request.unsubscribe_url,
                language=request.language,
            )
        )
        if self._key is not None:
            signed = dkim.signature(headers, body, self._key, int(now.timestamp()))
            headers.insert(0, ("DKIM-Signature", signed))
        return mail.join(headers, body), message_id

    async def _deliver(self, envelope: Envelope, message: bytes) -> SendOutcome:
        """Use an open connection, or a new one where that has died in the meantime: nothing was written to it yet."""
        while self._idle:
            connection = self._idle.popleft()
            outcome = await self._transact(connection, envelope, message)
            if outcome.reason != LOST_BEFORE_MAIL:
                return outcome
        fresh = await self._connect()
        return fresh if isinstance(fresh, SendOutcome) else await self._transact(fresh, envelope, message)

    async def _connect(self) -> _Connection | SendOutcome:
        relay = self._relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.username or None,
            password=relay.password or None,
            start_tls=relay.starttls,
            tls_context=self._tls,
            timeout=relay.timeout_s,
            local_hostname=relay.envelope_domain,
        )
        try:
            await client.connect()
            if client.last_ehlo_response is None:  # what the relay can is asked before the first mail
                with suppress(aiosmtplib.SMTPHeloError):
                    await client.ehlo()
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            found = _refused(error.code, error.message)
            return SendOutcome(_TRANSIENT, "", found.code, "relay_refused", 60.0)
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError, TimeoutError):
            client.close()
            return SendOutcome(_TRANSIENT, reason="not_connected")
        return _Connection(client)

    async def _transact(self, connection: _Connection, envelope: Envelope, message: bytes) -> SendOutcome:
        outcome = await connection.send(envelope, message)
        if connection.is_usable:
            self._idle.append(connection)
        else:
            connection.close()
        return outcome


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends, who gets it, and for how many seconds a relay may try."""

    sender: str
    recipient: str
    life_s: int | None


class _Connection:
    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self._mails = 0

    @property
    def is_usable(self) -> bool:
        return self._client.is_connected and self._mails < MAILS_PER_CONNECTION_MAX

    async def send(self, envelope: Envelope, message: bytes) -> SendOutcome:
        """Run one mail transaction; what the relay answered decides, and where it went silent decides how."""
        self._mails += 1
        is_writing = False
        try:
            await self._client.mail(envelope.sender, options=self._life(envelope.life_s))
            await self._client.rcpt(envelope.recipient)
            is_writing = True
            reply = await self._client.data(message)
        except aiosmtplib.SMTPResponseException as error:
            if error.code == CLOSING and not is_writing:
                self._client.close()
                return SendOutcome(_TRANSIENT, "", str(CLOSING), LOST_BEFORE_MAIL)
            await self._reset()
            return _refused(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._client.close()
            is_slow = isinstance(error, TimeoutError)
            if is_writing:
                return SendOutcome(_UNKNOWN, reason="timed_out" if is_slow else "connection_lost")
            return SendOutcome(_TRANSIENT, reason="timed_out_before_mail" if is_slow else LOST_BEFORE_MAIL)
        except asyncio.CancelledError:
            self._client.close()  # an answer may still come: nothing else may be asked on this connection
            raise
        return SendOutcome(SendState.ACCEPTED, code=str(reply.code))

    def _life(self, life_s: int | None) -> list[str]:
        """Ask a relay that can (RFC 2852) to give up, and to say so, what it could not deliver in time."""
        if life_s is None or life_s < 1 or not self._client.supports_extension("deliverby"):
            return []
        least = number_in(self._client.esmtp_extensions.get("deliverby", "").partition(",")[0].strip())
        return [f"BY={life_s};R"] if least is None or life_s >= least else []

    async def _reset(self) -> None:
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            self._client.close()

    async def quit(self) -> None:
        try:
            await self._client.quit()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            self._client.close()

    def close(self) -> None:
        self._client.close()


def _refused(code: int, text: str) -> SendOutcome:
    """Read a refusal: the first digit says whether it is final, the enhanced code says why."""
    match = _ENHANCED.search(text)
    known = CODES.get(match[2]) if match else None
    name = f"{match[1]}.{match[2]}" if match else str(code)
    if 400 <= code < 500:
        reason = known.reason if known else "refused_for_now"
        return SendOutcome(_TRANSIENT, "", name, reason, known.retry_after_s if known else None)
    if 500 <= code < 600:
        if known and known.state is _TRANSIENT:
            return SendOutcome(_TRANSIENT, "", name, known.reason, known.retry_after_s)
        is_dead = known is not None and known.is_address_dead
        return SendOutcome(_FINAL, "", name, known.reason if known else "refused", is_address_dead=is_dead)
    return SendOutcome(_UNKNOWN, "", str(code), "unknown_code")
