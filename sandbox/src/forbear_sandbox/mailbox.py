"""What a borrower's mail program makes of a mail, and the mails that go back: replies, bounces and complaints."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import format_datetime
from hashlib import sha256

import aiosmtplib

from forbear_sandbox.people import Mail

LINK = re.compile(r"https?://[^\s<>\"')]+")
IMAGE = re.compile(r"<img\b[^>]*\bsrc=[\"'](https?://[^\"']+)", re.IGNORECASE)
ATTEMPT = re.compile(r"\+([0-9a-f]{32})@")
MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^>]+)>", re.IGNORECASE | re.MULTILINE)
TRIES_MAX = 60


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is read."""

    subject: str
    text: str
    reply_to: str
    message_id: str
    unsubscribe_url: str
    is_one_click: bool
    links: tuple[str, ...]
    images: tuple[str, ...]


def attempt_of(mail: Mail) -> str:
    """Return the attempt that the envelope's sender names, or ""; cheap, for every mail."""
    found = ATTEMPT.search(mail.envelope_sender)
    return found.group(1) if found else ""


def message_id_of(mail: Mail) -> str:
    """Return the Message-ID without its brackets, or ""; cheap, for every mail."""
    found = MESSAGE_ID.search(mail.raw)
    return found.group(1).decode("ascii", "replace") if found else ""


def read(mail: Mail) -> Letter:
    """Return what a mail program shows of a mail and knows about it."""
    message = message_from_bytes(mail.raw, policy=policy.default)
    text, markup = _part(message, "text/plain"), _part(message, "text/html")
    reply_to = str(message.get("Reply-To") or message.get("From") or "")
    unsubscribe = LINK.search(str(message.get("List-Unsubscribe", "")))
    return Letter(
        subject=str(message.get("Subject", "")),
        text=text,
        reply_to=_address(reply_to),
        message_id=str(message.get("Message-ID", "")).strip(),
        unsubscribe_url=unsubscribe.group() if unsubscribe else "",
        is_one_click="List-Unsubscribe=One-Click" in str(message.get("List-Unsubscribe-Post", "")),
        links=tuple(dict.fromkeys(LINK.findall(text))),
        images=tuple(html.unescape(url) for url in IMAGE.findall(markup)),
    )


def reply(letter: Letter, sender: str, text: str, at: datetime) -> EmailMessage:
    """Write a reply with the original quoted below, as most mail programs do."""
    message = _headed(sender, letter.reply_to, f"Re: {letter.subject}", at)
    message["In-Reply-To"] = message["References"] = letter.message_id
    quoted = "\n".join(f"> {line}" for line in letter.text.strip().splitlines())
    message.set_content(f"{text}\n\nOn {at:%a, %d %b %Y} at {at:%H:%M}, <{letter.reply_to}> wrote:\n{quoted}\n")
    return message


def bounce(mail: Mail, letter: Letter, at: datetime) -> EmailMessage:
    """Write the delivery status notification (RFC 3464) of a mailbox that does not exist."""
    message = _headed("MAILER-DAEMON@sandbox.example.com", mail.envelope_sender, "Undelivered Mail", at)
    message["Auto-Submitted"] = "auto-replied"
    message.set_content("The mailbox does not exist.\n")
    message.make_mixed()
    report = _typed("message/delivery-status")
    mta, recipient = Message(), Message()
    mta["Reporting-MTA"] = "dns; sandbox.example.com"
    recipient["Final-Recipient"] = f"rfc822; {mail.recipient}"
    recipient["Action"] = "failed"
    recipient["Status"] = "5.1.1"
    recipient["Diagnostic-Code"] = "smtp; 550 5.1.1 no such user"
    report.set_payload([mta, recipient])
    return _with_report(message, report, _original_heads(letter), "delivery-status")


def complaint(mail: Mail, letter: Letter, at: datetime) -> EmailMessage:
    """Write the abuse report (RFC 5965) of a reader who pressed "this is spam"."""
    message = _headed("feedback@sandbox.example.com", mail.envelope_sender, f"FW: {letter.subject}", at)
    message.set_content("A reader reported this mail as abuse.\n")
    message.make_mixed()
    report = _typed("message/feedback-report")
    heads = {
        "Feedback-Type": "abuse", "User-Agent": "Sandbox/1.0", "Version": "1",
        "Original-Mail-From": f"<{mail.envelope_sender}>", "Original-Rcpt-To": f"<{mail.recipient}>",
    }  # fmt: skip
    report.set_payload("".join(f"{name}: {value}\r\n" for name, value in heads.items()))
    return _with_report(message, report, _original_heads(letter), "feedback-report")


async def post(message: EmailMessage, envelope_sender: str, host: str, port: int) -> None:
    """Send a mail, trying again while the server is away or says "later". Raises SMTPException when it is refused."""
    for remaining in reversed(range(TRIES_MAX)):
        try:
            await aiosmtplib.send(
                message, sender=envelope_sender, recipients=[str(message["To"])], hostname=host, port=port,
                start_tls=False, timeout=15,
            )  # fmt: skip
        except aiosmtplib.SMTPException as error:
            if not remaining or not _may_pass(error):
                raise
            await asyncio.sleep(0.25)
        else:
            return


def _may_pass(error: aiosmtplib.SMTPException) -> bool:
    """Return whether a mail server would keep the mail and try again."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return 400 <= error.code < 500
    return isinstance(
        error, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPServerDisconnected | aiosmtplib.SMTPTimeoutError
    )


def _headed(sender: str, to: str, subject: str, at: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(at)
    key = sha256(f"{sender} {to} {subject} {at}".encode()).hexdigest()[:24]
    message["Message-ID"] = f"<{key}@sandbox.example.com>"
    return message


def _with_report(message: EmailMessage, report: EmailMessage, heads: EmailMessage, kind: str) -> EmailMessage:
    message.attach(report)
    message.attach(heads)
    message.set_param("report-type", kind)
    message.replace_header("Content-Type", str(message["Content-Type"]).replace("multipart/mixed", "multipart/report"))
    return message


def _original_heads(letter: Letter) -> EmailMessage:
    heads = _typed("text/rfc822-headers")
    heads.set_payload(f"Message-ID: {letter.message_id}\r\n")
    return heads


def _typed(kind: str) -> EmailMessage:
    part = EmailMessage()
    part["Content-Type"] = kind
    return part


def _part(message: Message, kind: str) -> str:
    assert isinstance(message, EmailMessage), "the default policy makes EmailMessage"
    part = message.get_body(preferencelist=("plain",) if kind == "text/plain" else ("html",))
    return "" if part is None else str(part.get_content())


def _address(text: str) -> str:
    found = re.search(r"<([^>]+)>", text)
    return found.group(1) if found else text.strip()
