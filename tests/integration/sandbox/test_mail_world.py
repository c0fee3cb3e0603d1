"""The mail side of the world, through the real client: taking, refusing, bouncing, and answering."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
import uvloop

from forbear_sandbox import mailbox
from forbear_sandbox.child import free_port
from forbear_sandbox.faults import Faults
from forbear_sandbox.habits import Habits
from forbear_sandbox.lots import Lots
from forbear_sandbox.people import Mail, MailFate
from forbear_sandbox.smtp_server import SmtpServer
from forbear_sandbox.traffic import Traffic, WorldTime
from forbear_sandbox.world import World, WorldSettings
from tests.kit.worlds import STARTS_AT, open_world, portfolio_file, world_settings

ATTEMPT = "ab" * 16
BORROWER = "somebody@example.com"


def reminder(text: str = "Please pay $100.00 by March 9.") -> EmailMessage:
    """A mail as the dispatcher sends it."""
    message = EmailMessage()
    message["From"] = "Harbor Home Loans <care@example.com>"
    message["To"] = BORROWER
    message["Reply-To"] = f"reply+{ATTEMPT}@reply.example.com"
    message["Subject"] = "About your loan"
    message["Message-ID"] = f"<{ATTEMPT}@example.com>"
    message["List-Unsubscribe"] = "<http://127.0.0.1:9/u/token>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    return message


async def send(settings: WorldSettings, message: EmailMessage, recipient: str = BORROWER) -> None:
    """Send a mail with an envelope sender of its own, as the dispatcher does."""
    host, _, port = settings.smtp.partition(":")
    await aiosmtplib.send(
        message, sender=f"bounce+{ATTEMPT}@reply.example.com", recipients=[recipient], hostname=host, port=int(port),
        start_tls=False,
    )  # fmt: skip


@asynccontextmanager
async def open_inbox() -> AsyncIterator[tuple[str, list[Mail]]]:
    """The customer's inbound mail: an address to send to, and what came."""
    came: list[Mail] = []
    server = SmtpServer(WorldTime(STARTS_AT), Traffic(), Faults(Lots(0)), lambda _: MailFate(), came.append)
    port = await server.start("127.0.0.1", free_port())
    try:
        yield f"127.0.0.1:{port}", came
    finally:
        await server.close()


async def run_a_day(world: World) -> None:
    """Let the reactions of a day happen."""
    assert world.coordinator is not None
    await world.coordinator.run_until(STARTS_AT + timedelta(days=1))
    while world.traffic.in_flight:
        await asyncio.sleep(0.005)
    assert [] == world.traffic.failures


def change_habits(world: World, **changes: object) -> Habits:
    """Give the one borrower other habits."""
    borrower = next(iter(world.population.by_ref.values()))
    for name, value in changes.items():
        object.__setattr__(borrower.habits, name, value)
    return borrower.habits


async def test_a_mail_is_taken_and_counted_under_the_attempt_of_its_envelope(tmp_path: Path) -> None:
    """The census reads the attempt from the envelope's sender."""
    settings = world_settings(portfolio=portfolio_file(tmp_path, email=BORROWER))
    async with open_world(settings) as world:
        await send(settings, reminder())

        assert [("email", ATTEMPT, "B000001")] == [(c.channel, c.attempt, c.borrower) for c in world.census.contacts]


async def test_a_dead_mailbox_refuses_or_bounces_to_the_envelope_sender(tmp_path: Path) -> None:
    """Refused with 550 5.1.1 at once, or taken and bounced as RFC 3464 says."""
    async with open_inbox() as (address, came):
        settings = world_settings(portfolio=portfolio_file(tmp_path, email=BORROWER), tracker_smtp=address)
        async with open_world(settings) as world:
            change_habits(world, has_dead_mailbox=True)
            world.population.mail_fate = lambda recipient, at: MailFate(550, "5.1.1 no such user")  # type: ignore[method-assign]
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await send(settings, reminder())
            world.population.mail_fate = lambda recipient, at: MailFate(bounces=True)  # type: ignore[method-assign]
            await send(settings, reminder())
            await run_a_day(world)

    bounce = message_from_bytes(came[0].raw, policy=policy.default)
    assert ("", f"bounce+{ATTEMPT}@reply.example.com") == (came[0].envelope_sender, came[0].recipient)
    assert "multipart/report" == bounce.get_content_type()
    assert "5.1.1" in came[0].raw.decode()


async def test_an_engaged_reader_replies_with_the_original_quoted(tmp_path: Path) -> None:
    """The reply goes to Reply-To, from the borrower's address, with the words above the quotation."""
    async with open_inbox() as (address, came):
        settings = world_settings(portfolio=portfolio_file(tmp_path, email=BORROWER), tracker_smtp=address)
        async with open_world(settings) as world:
            change_habits(world, readiness={"sms": 99.0, "email": 99.0, "voice": 99.0}, is_wrong_person=True)
            await send(settings, reminder())
            await run_a_day(world)

    reply = message_from_bytes(came[0].raw, policy=policy.default)
    assert (BORROWER, f"reply+{ATTEMPT}@reply.example.com") == (came[0].envelope_sender, came[0].recipient)
    assert f"<{ATTEMPT}@example.com>" == reply["In-Reply-To"]
    assert "> Please pay $100.00 by March 9." in str(reply.get_body().get_content())  # type: ignore[union-attr]


async def test_pipelined_mails_on_one_connection_are_all_taken() -> None:
    """Several mails in one write, dots unstuffed (RFC 5321 section 4.5.2)."""
    async with open_inbox() as (address, came):
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        one = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"
        writer.write(b"EHLO me\r\n" + one * 3 + b"QUIT\r\n")
        answer = (await reader.read()).decode()
        writer.close()

    assert 3 == len(came) == answer.count("250 2.0.0 queued")
    assert [b"Subject: x\r\n\r\n.dot\r\n"] * 3 == [mail.raw for mail in came]


@pytest.mark.parametrize(
    ("command", "code"),
    [("NONSENSE", 500), ("RCPT TO:<b@example.com>", 503), ("DATA", 503), ("MAIL FROM:a@example.com", 501)],
)
async def test_commands_out_of_order_are_refused(command: str, code: int) -> None:
    """Each is answered with the code of RFC 5321 section 4.2, and the session goes on."""
    async with open_inbox() as (address, _):
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readline()
        writer.write(f"{command}\r\nNOOP\r\n".encode())

        assert [code, 250] == [int((await reader.readline())[:3]) for _ in range(2)]
        writer.close()


def test_a_slow_answer_to_a_client_that_has_gone_harms_nobody() -> None:
    """A dispatcher that was killed meanwhile hears nothing, and the world, on its own loop, meets no error."""
    came: list[Mail] = []
    errors: list[dict[str, object]] = []

    async def scenario() -> None:
        faults = Faults(Lots(0))
        faults.set([{"kind": "slow", "share": 1.0, "seconds": 0.05}])
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        server = SmtpServer(WorldTime(STARTS_AT), Traffic(), faults, lambda _: MailFate(), came.append)
        _, writer = await asyncio.open_connection("127.0.0.1", await server.start("127.0.0.1", free_port()))
        writer.write(b"HELO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nhello\r\n.\r\n")
        while not came:
            await asyncio.sleep(0.001)
        writer.transport.abort()
        await asyncio.sleep(0.15)
        await server.close()

    uvloop.run(scenario())

    assert 1 == len(came)
    assert [] == errors


async def test_a_borrowers_mail_server_tries_again_when_it_is_told_later() -> None:
    """451 is what the tracker answers while its database is away: the reply comes, once."""
    came: list[Mail] = []
    faults = Faults(Lots(0))
    faults.set([{"kind": "too_many", "count": 2}])
    server = SmtpServer(WorldTime(STARTS_AT), Traffic(), faults, lambda _: MailFate(), came.append)
    port = await server.start("127.0.0.1", free_port())
    await mailbox.post(reminder("I cannot pay"), BORROWER, "127.0.0.1", port)
    await server.close()

    assert [BORROWER] == [mail.envelope_sender for mail in came]
