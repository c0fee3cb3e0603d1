"""A lean SMTP server that takes our mail for the borrowers, and refuses or bounces it as their servers would.

RFC 5321 with PIPELINING, 8BITMIME, SIZE, SMTPUTF8 and ENHANCEDSTATUSCODES; AUTH PLAIN takes any credentials. Written
here and not taken from a library because benchmarks talk to it: it must cost less than what it measures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

from forbear_sandbox.faults import Faults
from forbear_sandbox.people import Mail, MailFate
from forbear_sandbox.traffic import Traffic, WorldTime

LINE_BYTES_MAX = 2048
MAIL_BYTES_MAX = 10 * 1024 * 1024
RECIPIENTS_MAX = 100
END_OF_MAIL = b"\r\n.\r\n"
EXTENSIONS = ("sandbox.example.com", "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN")

Judge = Callable[[str], MailFate]
Take = Callable[[Mail], None]


class SmtpServer:
    """Listens, asks `judge` about each recipient, and gives every mail that was taken to `take` before it says so."""

    def __init__(self, time: WorldTime, traffic: Traffic, faults: Faults, judge: Judge, take: Take) -> None:
        self.time = time
        self.traffic = traffic
        self.faults = faults
        self.judge = judge
        self.take = take
        self.mails = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Session(self), host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()


class _Session(asyncio.Protocol):
    """One connection: commands line by line, then the mail up to the lone dot."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._is_data = False
        self._searched = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are not of asyncio's classes
        self._say("220 sandbox.example.com ESMTP ready")

    def data_received(self, data: bytes) -> None:
        """Take commands and mails as far as they are complete."""
        self._buffer += data
        with self._server.traffic:
            while self._take_mail() if self._is_data else self._take_line():
                continue
        limit = MAIL_BYTES_MAX if self._is_data else LINE_BYTES_MAX
        if len(self._buffer) > limit and self._transport is not None:
            self._say("552 5.3.4 too long")
            self._transport.close()

    def _take_line(self) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            return False
        line = bytes(self._buffer[:end]).rstrip(b"\r").decode("utf-8", "replace")
        del self._buffer[: end + 1]
        verb, _, argument = line.partition(" ")
        command = _COMMANDS.get(verb.upper())
        if command is None:
            self._say("500 5.5.2 command not known")
        else:
            command(self, argument)
        return True

    def _take_mail(self) -> bool:
        start = max(0, self._searched - len(END_OF_MAIL))
        # A mail may be empty: then the dot is the first line.
        end = 0 if self._buffer.startswith(b".\r\n") else self._buffer.find(END_OF_MAIL, start)
        self._searched = len(self._buffer)
        if end < 0:
            return False
        raw = bytes(self._buffer[: end + 2]) if end else b""
        del self._buffer[: end + len(END_OF_MAIL) if end else 3]
        self._is_data, self._searched = False, 0
        self._deliver(raw.replace(b"\r\n..", b"\r\n."))
        return True

    def _deliver(self, raw: bytes) -> None:
        server, sender, recipients = self._server, self._sender or "", self._recipients
        now = server.time.now()
        fault = server.faults.hit("email", ("error_500", "too_many", "cut_before"), recipients[0], now)
        if fault is not None and fault.kind == "cut_before":
            self._cut()
            return
        if fault is not None:
            self._say("451 4.3.0 try again later" if fault.kind == "too_many" else "554 5.3.0 failed")
            return
        for recipient in recipients:
            server.take(Mail(now, sender, recipient, raw))
        server.mails += 1
        self._forget()
        spoiled = server.faults.hit("email", ("cut_after", "hang", "slow"), recipients[0], now)
        if spoiled is None:
            self._say(f"250 2.0.0 queued as {server.mails}")
        elif spoiled.kind == "cut_after":
            self._cut()
        elif spoiled.kind == "slow":
            later = partial(self._say, f"250 2.0.0 queued as {server.mails}")
            asyncio.get_running_loop().call_later(spoiled.seconds, later)

    def _hello(self, argument: str) -> None:
        lines = [*EXTENSIONS, f"SIZE {MAIL_BYTES_MAX}"]
        self._forget()
        self._say("\r\n".join(f"250-{line}" for line in lines[:-1]) + f"\r\n250 {lines[-1]}")

    def _helo(self, argument: str) -> None:
        self._forget()
        self._say("250 sandbox.example.com")

    def _mail(self, argument: str) -> None:
        address = _path(argument, "FROM:")
        if address is None:
            self._say("501 5.5.4 MAIL FROM:<address> is wanted")
        elif self._sender is not None:
            self._say("503 5.5.1 one mail at a time")
        else:
            self._sender = address
            self._say("250 2.1.0 ok")

    def _rcpt(self, argument: str) -> None:
        address = _path(argument, "TO:")
        if self._sender is None:
            self._say("503 5.5.1 MAIL first")
        elif not address or "@" not in address:
            self._say("501 5.1.3 RCPT TO:<address> is wanted")
        elif len(self._recipients) >= RECIPIENTS_MAX:
            self._say("452 4.5.3 too many recipients")
        else:
            fate = self._server.judge(address)
            if fate.code == 250:
                self._recipients.append(address)
            self._say(f"{fate.code} {fate.text}")

    def _data(self, argument: str) -> None:
        if not self._recipients:
            self._say("503 5.5.1 RCPT first")
        else:
            self._is_data = True
            self._say("354 end with a lone dot")

    def _rset(self, argument: str) -> None:
        self._forget()
        self._say("250 2.0.0 ok")

    def _noop(self, argument: str) -> None:
        self._say("250 2.0.0 ok")

    def _auth(self, argument: str) -> None:
        is_plain = argument.upper().startswith("PLAIN ")
        self._say("235 2.7.0 ok" if is_plain else "504 5.5.4 AUTH PLAIN with an initial response is wanted")

    def _quit(self, argument: str) -> None:
        self._say("221 2.0.0 bye")
        if self._transport is not None:
            self._transport.close()

    def _forget(self) -> None:
        self._sender, self._recipients = None, []

    def _say(self, line: str) -> None:
        # A slow answer may come after its client was killed.
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(line.encode() + b"\r\n")

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()


_COMMANDS: dict[str, Callable[[_Session, str], None]] = {
    "EHLO": _Session._hello,
    "HELO": _Session._helo,
    "MAIL": _Session._mail,
    "RCPT": _Session._rcpt,
    "DATA": _Session._data,
    "RSET": _Session._rset,
    "NOOP": _Session._noop,
    "AUTH": _Session._auth,
    "QUIT": _Session._quit,
}


def _path(argument: str, keyword: str) -> str | None:
    """Return the address of `FROM:<address> PARAMETERS`, "" for the empty one, None when it is no such thing."""
    if not argument.upper().startswith(keyword):
        return None
    text = argument[len(keyword) :].strip()
    if not text.startswith("<") or ">" not in text:
        return None
    return text[1 : text.index(">")]
