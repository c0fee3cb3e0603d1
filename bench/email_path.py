"""E-mail: client CPU time of one mail, from a rendered template to the relay's answer, beside two peers.

    .venv/bin/python bench/email_path.py

Slow way: `EmailMessage` for each mail, sent by pooled aiosmtplib. Limit of the library: pooled aiosmtplib with bytes
that were built before. All send to one relay in a process of its own, over 16 connections. Median of five rounds.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import cast

import aiosmtplib
import uvloop

from forbear_domain.messages import Rendered
from forbear_domain.model import Channel
from forbear_providers import mail
from forbear_providers.contract import SendRequest, SendState
from forbear_providers.smtp import Smtp, SmtpRelay

MAILS, CONNECTIONS, ROUNDS = 800, 16, 5
NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
TEXT = "\n\n".join(["Ana, this is Harbor Home Loans. Your payment of 1,350.00 USD is past due, and we can help."] * 12)
HTML = "".join(f"<p>{line}</p>\n" for line in TEXT.split("\n\n"))
RENDERED = Rendered("reminder.gentle", "0" * 64, "en", "A note from Harbor Home Loans", TEXT, HTML, 1)
Send = Callable[[int], Awaitable[None]]


class Relay(asyncio.Protocol):
    """Takes every mail and forgets it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)
        self._buffer, self._is_mail = b"", False
        transport.write(b"220 relay.example.com\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer what has arrived in full."""
        self._buffer += data
        while True:
            end = b"\r\n.\r\n" if self._is_mail else b"\r\n"
            line, found, rest = self._buffer.partition(end)
            if not found:
                return
            self._buffer = rest
            if self._is_mail:
                self._is_mail = False
                self._transport.write(b"250 2.0.0 queued\r\n")
            else:
                self._answer(line[:4].upper())

    def _answer(self, verb: bytes) -> None:
        if verb == b"EHLO":
            self._transport.write(b"250-relay.example.com\r\n250 8BITMIME\r\n")
        elif verb == b"DATA":
            self._is_mail = True
            self._transport.write(b"354 go ahead\r\n")
        else:
            self._transport.write(b"250 2.0.0 ok\r\n")


async def relay() -> None:
    """Serve until the parent is gone."""
    server = await asyncio.get_running_loop().create_server(Relay, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def measure(send: Send) -> float:
    """Return CPU microseconds of one mail, 16 side by side."""
    numbers = iter(range(MAILS))

    async def work() -> None:
        for number in numbers:
            await send(number)

    started = time.process_time()
    await asyncio.gather(*[work() for _ in range(CONNECTIONS)])
    return (time.process_time() - started) / MAILS * 1e6


def request(number: int) -> SendRequest:
    """Make one request."""
    attempt = uuid.UUID(int=number)
    return SendRequest(
        attempt_id=attempt, channel=Channel.EMAIL, address=f"ana{number}@example.com", sender="care@example.com",
        rendered=RENDERED, language="en", reply_to=f"reply+{attempt.hex}@example.com",
        unsubscribe_url="https://tracker.example.com/u/token", sender_name="Harbor Home Loans",
    )  # fmt: skip


def by_library(number: int) -> bytes:
    """Build the same mail with the standard library."""
    message = EmailMessage()
    message["Date"], message["From"] = format_datetime(NOW), "Harbor Home Loans <care@example.com>"
    message["To"], message["Subject"] = f"ana{number}@example.com", RENDERED.subject
    message["Message-ID"] = f"<{uuid.UUID(int=number).hex}@example.com>"
    message["Reply-To"] = f"reply+{uuid.UUID(int=number).hex}@example.com"
    message["List-Unsubscribe"] = "<https://tracker.example.com/u/token>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(TEXT)
    message.add_alternative(HTML, subtype="html")
    return message.as_bytes()


def prebuilt() -> bytes:
    """Build one mail as we do, once for all."""
    one = request(0)
    headers, body = mail.build(
        mail.Mail(
            to=one.address, sender=one.sender, subject=RENDERED.subject, text=TEXT, html=HTML, date=NOW,
            message_id="0@example.com", sender_name=one.sender_name, reply_to=one.reply_to,
            unsubscribe_url=one.unsubscribe_url, language="en",
        )
    )  # fmt: skip
    return mail.join(headers, body)


async def run(port: int) -> int:
    """Measure and print."""
    pool: asyncio.Queue[aiosmtplib.SMTP] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
        await client.connect()
        pool.put_nowait(client)
    ours = Smtp(SmtpRelay("127.0.0.1", port, "example.com", starttls=False, connections_max=CONNECTIONS), lambda: NOW)
    raw = prebuilt()

    async def pooled(number: int, message: bytes) -> None:
        client = await pool.get()
        try:
            await client.sendmail("care@example.com", [f"ana{number}@example.com"], message)
        finally:
            pool.put_nowait(client)

    async def send_ours(number: int) -> None:
        outcome = await ours.send(request(number))
        assert outcome.state is SendState.ACCEPTED

    ways: dict[str, Send] = {
        "ours": send_ours,
        "library": lambda number: pooled(number, by_library(number)),
        "limit": lambda number: pooled(number, raw),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, send in ways.items():
            taken[name].append(await measure(send))
    middle = {name: statistics.median(values) for name, values in taken.items()}
    faster, slower = middle["library"] / middle["ours"], middle["ours"] / middle["limit"]
    await ours.close()
    for name, reference, ratio, goal, ok in (
        ("email_us_beside_emailmessage", "library", faster, "at least 5 times", faster >= 5),
        ("email_us_beside_prebuilt_bytes", "limit", slower, "at most 2.5", slower <= 2.5),
    ):
        print(json.dumps({"name": name, "value": round(middle["ours"], 1), "reference": round(middle[reference], 1),
                          "ratio": round(ratio, 2), "goal": goal, "ok": bool(ok)}))  # fmt: skip
    return 0


def main() -> int:
    """Start the relay beside this process and measure."""
    if sys.argv[1:] == ["relay"]:
        uvloop.run(relay())
        return 0
    with subprocess.Popen(
        [sys.executable, __file__, "relay"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as beside:
        assert beside.stdout is not None
        assert beside.stdin is not None
        code = uvloop.run(run(int(beside.stdout.readline())))
        beside.stdin.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
