"""Inbound mail over real SMTP: replies, bounces, complaints, and whatever else arrives."""

from __future__ import annotations

import base64
import gzip
import resource
from email.message import EmailMessage
from uuid import UUID

import aiosmtplib
import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear_domain.model import Channel
from tests.integration.tracker.tracker_stage import MAIL, World, make_attempt

pytestmark = pytest.mark.needs_postgres

BOUNCE = (
    b"From: mailer-daemon@example.com\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nno such user\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
    b"Final-Recipient: rfc822; maria@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
)


async def send(world: World, to: str, content: bytes) -> int:
    """Send a mail to the tracker; return the reply code."""
    try:
        await aiosmtplib.send(
            content, sender="x@example.com", recipients=[to], hostname="127.0.0.1", port=world.mail_port
        )
    except aiosmtplib.SMTPResponseException as error:
        return error.code
    except aiosmtplib.SMTPRecipientsRefused as error:
        return error.recipients[0].code
    await world.pump()
    return 250


def reply(text: str, **headers: str) -> bytes:
    """Make a reply."""
    message = EmailMessage()
    message["From"], message["Subject"] = MAIL, "Re: your loan"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


async def test_a_reply_by_mail_is_read_and_acted_upon(world: World) -> None:
    """Only what was written now counts, not the mail it answers."""
    attempt = await world.attempt(channel=Channel.EMAIL)

    text = "I lost my job and cannot pay\n\nOn Monday, Harbor Home Loans wrote:\n> to unsubscribe click here"
    code = await send(world, f"reply+{attempt.hex}@example.com", reply(text))

    assert 250 == code
    assert ["HARDSHIP"] == world.suppression_kinds()
    assert ["options.offered"] == world.templates()
    row = await world.pool.fetchrow("SELECT attribution FROM response LIMIT 1")
    assert "direct" == row["attribution"]


async def test_a_stop_by_mail_waits_until_it_is_in_force(world: World) -> None:
    """451 while the dispatcher is away; the relay comes again and the mail is known."""
    attempt = await world.attempt(channel=Channel.EMAIL)
    world.dispatcher.is_away = True

    first = await send(world, f"reply+{attempt.hex}@example.com", reply("unsubscribe"))
    world.dispatcher.is_away = False
    second = await send(world, f"reply+{attempt.hex}@example.com", reply("unsubscribe"))

    assert [451, 250] == [first, second]
    assert ["OPT_OUT"] == world.suppression_kinds()


async def test_a_hard_bounce_is_undelivered_and_an_automatic_answer_is_nothing(world: World) -> None:
    """RFC 3464; out-of-office is no answer of the borrower."""
    attempt = await world.attempt(channel=Channel.EMAIL)

    await send(world, f"reply+{attempt.hex}@example.com", reply("I am away", Auto_Submitted="auto-replied"))
    await send(world, f"bounce+{attempt.hex}@example.com", BOUNCE)

    assert [dispatcher_pb.RECEIPT_STATE_UNDELIVERED] == [one.state for one in world.dispatcher.receipts]
    assert ["5.1.1"] == [one.code for one in world.dispatcher.receipts]
    assert ["UNDELIVERED", "BOUNCED"] == world.scheduler.kinds()


async def test_what_a_machine_says_counts_as_nothing_and_is_not_answered(world: World) -> None:
    """No response, no credit, no answer, no case: a vacation program and ours could go on for ever (RFC 3834)."""
    attempt = await world.attempt(channel=Channel.EMAIL)
    to = f"reply+{attempt.hex}@example.com"
    seen = (
        b"From: ana@example.com\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=r"
        b"\r\n\r\n--r\r\nContent-Type: text/plain\r\n\r\nYour message was read.\r\n--r--\r\n"
    )

    await send(world, to, b"Subject: Automatic reply: your loan\r\n\r\nPlease stop writing, I am out of office.")
    await send(world, to, b"Auto-Submitted: auto-replied\r\n\r\nI will pay when I am back.")
    await send(world, to, seen)

    assert [] == world.scheduler.kinds()
    assert [] == world.templates() == world.suppression_kinds()
    assert [] == await world.cases()
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM response")
    assert {"silent"} == {row["fate"] for row in await world.pool.fetch("SELECT fate FROM event")}


@pytest.mark.parametrize(
    "content",
    [b"Subject: STOP\r\n\r\n", b"Auto-Submitted: auto-generated\r\nSubject: unsubscribe\r\n\r\n",
     b"\r\n" + b"x" * 2500 + b"\r\nunsubscribe\r\n"],
    ids=["subject_alone", "by_the_button_of_a_mail_program", "behind_a_line_without_end"],
)  # fmt: skip
async def test_a_stop_is_heard_wherever_it_stands(world: World, content: bytes) -> None:
    """In the subject of an empty mail, in a mail that List-Unsubscribe asked for, below a line of 2,500 letters."""
    attempt = await world.attempt(channel=Channel.EMAIL)

    code = await send(world, f"REPLY+{attempt.hex.upper()}@example.com", content)

    assert (250, ["OPT_OUT"]) == (code, world.suppression_kinds())


async def test_a_mail_that_nobody_can_read_is_looked_at_by_a_person(world: World) -> None:
    """It may be a stop: it waits in the queue of people, and is not answered by guess."""
    attempt = await world.attempt(channel=Channel.EMAIL)

    code = await send(world, f"reply+{attempt.hex}@example.com", b"Content-Type: message/rfc822\r\n\r\n" * 2000)

    assert (250, []) == (code, world.templates())
    assert ["unreadable"] == await world.cases()


async def test_a_mail_called_welcome_opts_nobody_out(world: World) -> None:
    """Mailbox providers report that too, in the form of a complaint (RFC 6430)."""
    attempt = await world.attempt(channel=Channel.EMAIL)
    report = (
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: not-spam\r\n\r\n--b--\r\n"
    )

    await send(world, f"bounce+{attempt.hex}@example.com", report)

    assert [] == world.suppression_kinds()


async def test_a_bounce_that_is_faster_than_its_attempt_waits_for_it(world: World) -> None:
    """Some servers refuse within the second in which we sent."""
    late = UUID(bytes=make_attempt(1, world.clock, channel=Channel.EMAIL).attempt_id)

    code = await send(world, f"bounce+{late.hex}@example.com", BOUNCE)
    before = list(world.dispatcher.receipts)
    await world.attempt(channel=Channel.EMAIL)
    await world.pump()

    assert 250 == code
    assert [] == before
    assert [dispatcher_pb.RECEIPT_STATE_UNDELIVERED] == [one.state for one in world.dispatcher.receipts]


async def test_a_complaint_is_an_opt_out(world: World) -> None:
    """Who marks our mail as spam wants no more of it (RFC 5965)."""
    attempt = await world.attempt(channel=Channel.EMAIL)
    complaint = (
        b"From: fbl@example.com\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n--b--\r\n"
    )

    await send(world, f"bounce+{attempt.hex}@example.com", complaint)

    assert ["OPT_OUT"] == world.suppression_kinds()


async def test_the_server_is_no_relay_and_takes_no_giants(world: World) -> None:
    """Other mailboxes are refused, and so is a mail beyond the limit."""
    attempt = await world.attempt(channel=Channel.EMAIL)

    assert 550 == await send(world, "someone@example.com", reply("hi"))
    assert 552 == await send(world, f"reply+{attempt.hex}@example.com", b"Subject: x\r\n\r\n" + b"x" * 2_000_000)


PART = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
NESTED = PART + (b"--x\r\n" + PART) * 300
ZIPPED = (
    PART + b"--x\r\nContent-Type: application/zip\r\nContent-Encoding: gzip\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=a.zip\r\n\r\n"
    + base64.encodebytes(gzip.compress(b"0" * 50_000_000, 9))
    + b"\r\n--x--\r\n"
)
PARTS = PART + b"--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n" * 20_000
TAGS = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + (b"<div><b>" * 100 + b"&#x202e;\r\n") * 1_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"Content-Type: text/html; charset=nonsense\r\n\r\n<script>x</script><b>hi",
        NESTED,
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Subject: =?utf-8?b?////?=\r\n\r\n\xed\xa0\x80 \x00",
        ZIPPED,
        PARTS,
        TAGS,
    ],
    ids=["empty", "bytes", "html", "nested", "base64", "surrogate", "zip_bomb", "many_parts", "many_tags"],
)
async def test_odd_mail_gets_an_answer_and_never_a_crash(world: World, content: bytes) -> None:
    """Whatever arrives is taken, nothing is unpacked, and the tracker lives on."""
    attempt = await world.attempt(channel=Channel.EMAIL)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert 250 == await send(world, f"reply+{attempt.hex}@example.com", content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 150_000
