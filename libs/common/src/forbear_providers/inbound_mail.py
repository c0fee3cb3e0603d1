"""Mail that comes back: replies of borrowers, bounces, complaints and automatic answers, matched to their attempt.

The attempt stands in the address that the mail was sent to (`reply+<hex>@`, `bounce+<hex>@`), or in the Message-ID that
a bounce or a complaint quotes. Mail is written by anyone: sizes and nesting are bounded, and nothing here raises for
what a mail holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError, MessageError
from email.message import EmailMessage, Message
from enum import Enum
from html.parser import HTMLParser
from uuid import UUID

MAIL_BYTES_MAX = 1024 * 1024
PARTS_MAX = 50
TEXT_CHARS_MAX = 10_000
LINE_CHARS_MAX = 300  # of a line that may head a quoted mail


class MailKind(Enum):
    """What came back."""

    REPLY = "reply"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"  # out of office and the like: never an answer of the borrower
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class InboundMail:
    """One mail that came back. `text` is what the borrower wrote, without what was quoted."""

    kind: MailKind
    attempt_id: UUID | None
    from_: str = ""
    text: str = ""
    code: str = ""  # of a bounce: enhanced status code such as "5.1.1"; of a complaint: its feedback type
    is_final: bool = False  # of a bounce: nothing follows
    is_address_dead: bool = False  # of a bounce: there is no such mailbox, so no mail will ever arrive
    message_id: str = ""


_TOKEN = re.compile(r"\b(?:reply|bounce)\+([0-9a-f]{32})@", re.IGNORECASE)
_OUR_ID = re.compile(r"<([0-9a-f]{32})@", re.IGNORECASE)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_DEAD = re.compile(r"5\.1\.(?:1|2|3|6|10)|5\.2\.1")  # RFC 3463, 3.2 and 3.3; RFC 7505: the address itself is wrong


def reply_address(attempt_id: UUID, domain: str) -> str:
    """Return the address that replies to an attempt go to."""
    return f"reply+{attempt_id.hex}@{domain}"


def parse_inbound(raw: bytes, rcpt_to: str) -> InboundMail:
    """Read a mail that our SMTP server took for `rcpt_to`, the address of the envelope."""
    attempt_id = _attempt_in(_TOKEN, rcpt_to)
    if len(raw) > MAIL_BYTES_MAX:
        return InboundMail(MailKind.UNREADABLE, attempt_id)
    try:
        message = message_from_bytes(raw, policy=policy.default)
        return _read(message, attempt_id)
    except (MessageError, HeaderParseError, LookupError, ValueError, AttributeError, TypeError, IndexError):
        # The standard parser lets such errors escape for malformed headers and encodings.
        return InboundMail(MailKind.UNREADABLE, attempt_id)


def _read(message: Message, attempt_id: UUID | None) -> InboundMail:
    parts = list(_parts(message))
    attempt_id = attempt_id or _attempt_in(_TOKEN, _header(message, "To")) or _attempt_quoted(parts)
    sender, message_id = _header(message, "From"), _header(message, "Message-ID")
    report = _report_kind(message, parts)
    if report == "feedback-report":
        kind = _field(parts, "message/feedback-report", "Feedback-Type") or "abuse"
        return InboundMail(MailKind.COMPLAINT, attempt_id, sender, "", kind.lower(), True, message_id=message_id)
    if report == "delivery-status":
        return _bounce(parts, attempt_id, sender, message_id)
    if _is_automatic(message):
        return InboundMail(MailKind.AUTOMATIC, attempt_id, sender, message_id=message_id)
    return InboundMail(MailKind.REPLY, attempt_id, sender, _own_words(_text(parts)), message_id=message_id)


def _bounce(parts: list[Message], attempt_id: UUID | None, sender: str, message_id: str) -> InboundMail:
    found = _STATUS.search(_field(parts, "message/delivery-status", "Status"))
    action = _field(parts, "message/delivery-status", "Action").strip().lower()
    code = found[1] if found else ""
    is_final = action == "failed" or (not action and code.startswith("5"))
    is_dead = is_final and _DEAD.fullmatch(code) is not None
    return InboundMail(MailKind.BOUNCE, attempt_id, sender, "", code, is_final, is_dead, message_id)


def _parts(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= PARTS_MAX:
            return
        yield part


def _report_kind(message: Message, parts: list[Message]) -> str:
    if message.get_content_type() == "multipart/report":
        return str(message.get_param("report-type", "")).lower()
    kinds = {part.get_content_type() for part in parts}
    return "delivery-status" if "message/delivery-status" in kinds else ""


def _field(parts: list[Message], kind: str, name: str) -> str:
    """Return the first field of that name in the report part; delivery status is a list of blocks of fields."""
    for part in parts:
        if part.get_content_type() == kind:
            payload = part.get_payload()
            blocks = payload if isinstance(payload, list) else []
            for block in blocks:
                if isinstance(block, Message) and block.get(name):
                    return str(block[name])
            found = re.search(rf"^{name}:\s*(.+)$", part.as_string(), re.IGNORECASE | re.MULTILINE)
            if found:
                return found[1].strip()
    return ""


def _attempt_in(pattern: re.Pattern[str], text: str) -> UUID | None:
    match = pattern.search(text)
    return UUID(match[1]) if match else None


def _attempt_quoted(parts: list[Message]) -> UUID | None:
    """Find our own Message-ID in the mail that a report returns, or in what a reply refers to."""
    for part in parts:
        for name in ("Message-ID", "In-Reply-To", "References"):
            found = _attempt_in(_OUR_ID, _header(part, name))
            if found:
                return found
        if part.get_content_type() == "text/rfc822-headers":
            found = _attempt_in(_OUR_ID, str(part.get_payload()))
            if found:
                return found
    return None


def _is_automatic(message: Message) -> bool:
    submitted = _header(message, "Auto-Submitted").lower()
    return (
        (submitted not in ("", "no"))
        or _header(message, "Precedence").lower() in ("bulk", "auto_reply", "junk", "list")
        or bool(message.get("X-Autoreply") or message.get("X-Autorespond") or message.get("X-Auto-Response-Suppress"))
    )


def _header(message: Message, name: str) -> str:
    return str(message.get(name, "") or "").strip()


def _text(parts: list[Message]) -> str:
    """Return the first plain text, or else the words of the first HTML."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
                content = part.get_content() if isinstance(part, EmailMessage) else str(part.get_payload())
                return content if kind == "text/plain" else _words(content)
    return ""


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style", "head", "blockquote")
        if tag in ("br", "p", "div", "li", "tr"):
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "head", "blockquote") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _words(html: str) -> str:
    reader = _Words()
    reader.feed(html[: TEXT_CHARS_MAX * 10])
    return "".join(reader.pieces)


# Where the mail that is answered begins, as the usual programs write it in our languages.
_QUOTE_HEAD = re.compile(
    r"^\s*(on\b.{5,200}\bwrote:|el\b.{5,200}\bescribi[oó]:|在.{5,200}写道[:：]|.{5,200}於.{2,100}寫道[:：]|"
    r".{5,200}(写道|寫道)[:：]|-{2,}\s*(original message|mensaje original|原始邮件|原始郵件|forwarded message)\s*-{2,}|"
    r"_{20,}|(from|de|发件人|寄件者)[:：]\s.+@.+)\s*$",
    re.IGNORECASE,
)


def _own_words(text: str) -> str:
    """Return what the borrower wrote: up to the quoted mail or the signature, without quoted lines."""
    rows = text[: TEXT_CHARS_MAX * 10].replace("\r\n", "\n").split("\n")
    lines: list[str] = []
    for number, row in enumerate(rows):
        if row.rstrip() == "--" or _begins_quote(row, rows[number + 1 : number + 2]):
            break
        if not row.lstrip().startswith(">"):
            lines.append(row.rstrip())
    return "\n".join(lines).strip()[:TEXT_CHARS_MAX]


def _begins_quote(row: str, following: list[str]) -> bool:
    """Say whether the answered mail begins here; long headings run over two lines."""
    if len(row) > LINE_CHARS_MAX:
        return False
    is_broken = row[:3].lower() in ("on ", "el ") and following and len(following[0]) <= LINE_CHARS_MAX
    return bool(_QUOTE_HEAD.match(row) or (is_broken and _QUOTE_HEAD.match(f"{row} {following[0]}")))
