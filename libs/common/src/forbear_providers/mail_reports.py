"""What machines report about our mail: that it bounced, that somebody complained, that it was shown.

Read as RFC 3464 (bounces), RFC 5965 with RFC 6430 and 6591 (complaints and what looks like them) and RFC 8098 (read
receipts) describe them, and as those servers write them that follow none: Exim and qmail in plain text, a mailbox
provider that only attaches the mail it complains of.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message

from forbear_providers.mail_text import address, body

REPORT_CHARS_MAX = 20_000

_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
# A refusal as SMTP says it, in the text of a server that makes no report: "550 5.1.1 ...", "554-5.2.2", "#5.1.1".
_REFUSAL = re.compile(r"\b5\d\d[ -]#?(5\.\d{1,3}\.\d{1,3})\b|#(5\.\d{1,3}\.\d{1,3})\b")
_GIVEN_UP = re.compile(
    r"\b55[0-4]\b|permanent(?:ly)? (?:error|fail)|i've given up|could not be delivered", re.IGNORECASE
)
_DEAD = re.compile(r"5\.1\.(?:1|2|3|6|10)|5\.2\.1")  # RFC 3463, 3.2 and 3.3; RFC 7505: the address itself is wrong
_DAEMONS = frozenset({"mailer-daemon", "mail-daemon", "maildaemon", "mailerdaemon"})
# Feedback that is none of a borrower who has enough of us: RFC 6430, RFC 6591, and DKIM's own of RFC 5965.
_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "dkim"})


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail that did not arrive, or not yet."""

    code: str
    is_final: bool
    is_address_dead: bool


@dataclass(frozen=True, slots=True)
class Complaint:
    """A mail that somebody called unwelcome; `kind` in lower case, "abuse" where nothing else is said."""

    kind: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A report of which nothing follows: a read receipt, a mail called welcome, a check of signatures."""


Report = Bounce | Complaint | Notice


def read_report(message: Message, parts: Sequence[Message], mailbox: str) -> Report | None:
    """Return what a mail reports, or None where a person wrote it. `mailbox`: local part that it was sent to."""
    kinds = {part.get_content_type() for part in parts}
    told = str(message.get_param("report-type", "")).lower()
    if told == "feedback-report" or "message/feedback-report" in kinds:
        kind = (_field(parts, "feedback-report", "Feedback-Type") or "abuse").lower()
        return Notice() if kind in _NO_COMPLAINT else Complaint(kind)
    if told == "delivery-status" or kinds & {"message/delivery-status", "message/global-delivery-status"}:
        return _delivery(parts)
    if message.get_content_type() == "multipart/report" or "message/disposition-notification" in kinds:
        return Notice()
    if mailbox == "complaint" and "message/rfc822" in kinds:
        return Complaint("abuse")
    if message.get("X-Failed-Recipients") or _is_from_daemon(message, mailbox):
        return _plain_bounce(parts, is_named=bool(message.get("X-Failed-Recipients")))
    return None


def _delivery(parts: Sequence[Message]) -> Bounce:
    kind = "delivery-status"
    action = _field(parts, kind, "Action").lower()
    found = _STATUS.search(_field(parts, kind, "Status"))
    code = found[1] if found else ""
    if not code or code.endswith(".0.0"):  # many servers say the class there, and the cause only in their words
        cause = _REFUSAL.search(_field(parts, kind, "Diagnostic-Code"))
        code = (cause[1] or cause[2]) if cause else code
    return _bounce(code, is_final=action.startswith("failed") or (not action and code.startswith("5")))


def _plain_bounce(parts: Sequence[Message], *, is_named: bool) -> Bounce:
    text = "".join(body(part) for part in parts if part.get_content_maintype() == "text")[:REPORT_CHARS_MAX]
    cause = _REFUSAL.search(text)
    code = (cause[1] or cause[2]) if cause else ""
    return _bounce(code, is_final=bool(is_named or code or _GIVEN_UP.search(text)))


def _bounce(code: str, *, is_final: bool) -> Bounce:
    return Bounce(code, is_final, is_final and _DEAD.fullmatch(code) is not None)


def _is_from_daemon(message: Message, mailbox: str) -> bool:
    """Say whether a server wrote this; a postmaster who writes to where replies go may be a person."""
    local = address(message, "From").partition("@")[0].lower()
    return local in _DAEMONS or (local == "postmaster" and mailbox.startswith("bounce"))


def _field(parts: Sequence[Message], kind: str, name: str) -> str:
    """Return the first field of that name in the report part, which is a list of blocks of fields."""
    for part in parts:
        if part.get_content_type() in (f"message/{kind}", f"message/global-{kind}"):
            found = re.search(rf"^{name}:\s*(.+)$", _fields(part), re.IGNORECASE | re.MULTILINE)
            if found:
                return found[1].strip()
    return ""


def _fields(part: Message) -> str:
    """Return the fields of a report as text. The parser makes mails of its blocks; some servers encode the whole."""
    text = "\n".join(_lines(part))[:REPORT_CHARS_MAX]
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() != "base64":
        return text
    try:
        return b64decode(text).decode("utf-8", "replace").replace("\r\n", "\n")
    except binascii.Error:
        return text


def _lines(part: Message) -> Iterator[str]:
    payload = part.get_payload()
    for block in payload if isinstance(payload, list) else [payload]:
        if isinstance(block, Message):
            yield from (f"{name}: {value}".replace("\r\n", "") for name, value in block.items())
            block = block.get_payload()
        if isinstance(block, str):
            yield block.replace("\r\n", "\n")
