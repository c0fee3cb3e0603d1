"""The bytes of one mail: headers and two parts, joined by hand, because the standard builder is a hundred times slower.

What a value may do is decided before it gets here or not at all: a header value with a control character, and an
address that is not plain, raise `MailError`; nothing can add a header or a recipient. The bytes are checked against the
standard library's parser in the tests.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

SUBJECT_CHARS_MAX = 200
UNSUBSCRIBE = "unsubscribe"  # subject of the mail by which a mail program leaves for its user (RFC 2369, section 3.2)
ENCODED_WORD_BYTES = 42  # of UTF-8 in one encoded word, which may take 75 characters (RFC 2047, section 2)

# Unquoted local part and a domain of letters, digits and hyphens; what is rarer is refused rather than guessed.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+")
_URL = re.compile(r"https?://[\x21-\x3b\x3d\x3f-\x7e]+")


class MailError(ValueError):
    """A value that may not stand in a header. Names the field, never the value."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail is made of. `unsubscribe_url` adds the one-click headers of RFC 8058, and a mail to `reply_to`."""

    to: str
    sender: str
    subject: str
    text: str
    html: str
    date: datetime
    message_id: str
    sender_name: str = ""
    reply_to: str = ""
    unsubscribe_url: str = ""
    language: str = ""


def build(mail: Mail) -> tuple[list[tuple[str, str]], bytes]:
    """Return the headers in order and the body with CRLF line ends. Raises MailError."""
    boundary = "=_" + binascii.crc32(mail.message_id.encode()).to_bytes(4, "big").hex() + "_forbear"
    headers = [
        ("Date", format_datetime(mail.date)),
        ("From", _mailbox("sender", mail.sender_name, mail.sender)),
        ("To", check_address("to", mail.to)),
        ("Subject", _text("subject", mail.subject)),
        ("Message-ID", f"<{_message_id(mail.message_id)}>"),
    ]
    if mail.reply_to:
        headers.append(("Reply-To", check_address("reply_to", mail.reply_to)))
    if mail.unsubscribe_url:
        if not _URL.fullmatch(mail.unsubscribe_url):
            raise MailError("unsubscribe_url is no plain link")
        ways = [f"<{mail.unsubscribe_url}>"]
        if mail.reply_to:  # for programs that only write mails
            ways.append(f"<mailto:{quote(mail.reply_to, safe='@+')}?subject={UNSUBSCRIBE}>")
        headers.append(("List-Unsubscribe", ",\r\n ".join(ways)))
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    headers.append(("Auto-Submitted", "auto-generated"))  # RFC 3834: nobody's vacation program answers this
    if mail.language:
        headers.append(("Content-Language", _text("language", mail.language)))
    headers.append(("MIME-Version", "1.0"))
    headers.append(("Content-Type", f'multipart/alternative; boundary="{boundary}"'))
    body = b"".join(
        (
            _part(boundary, "plain", mail.text),
            _part(boundary, "html", mail.html),
            f"--{boundary}--\r\n".encode(),
        )
    )
    return headers, body


def join(headers: list[tuple[str, str]], body: bytes) -> bytes:
    """Put headers and body together as they travel."""
    head = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return head.encode("ascii") + b"\r\n" + body


def check_address(field: str, address: str) -> str:
    """Return an address that may stand in a header or an envelope. Raises MailError."""
    if len(address) > 254 or not _ADDRESS.fullmatch(address) or ".." in address:
        raise MailError(f"{field} is no plain e-mail address")
    return address


def _part(boundary: str, kind: str, text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    content = lines.replace("\n", "\r\n").encode()
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + binascii.b2a_qp(content, istext=True)


def _mailbox(field: str, name: str, address: str) -> str:
    address = check_address(field, address)
    if not name:
        return address
    name = _checked(f"{field}_name", name)
    if name.isascii():
        shown = name if _PLAIN_WORDS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        return f"{shown} <{address}>"
    return f"{_encoded(name)} <{address}>"


def _text(field: str, value: str) -> str:
    """Write free text as a header value; what is not ASCII, or looks encoded already, becomes encoded words."""
    value = _checked(field, value)[:SUBJECT_CHARS_MAX]
    return value if value.isascii() and "=?" not in value else _encoded(value)


def _checked(field: str, value: str) -> str:
    if _CONTROL.search(value):
        raise MailError(f"{field} holds a control character")
    return value


def _message_id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", value):
        raise MailError("message_id is malformed")
    return value


def _encoded(value: str) -> str:
    """Encode by RFC 2047, never splitting a character, each word on a line of its own."""
    words, chunk = [], b""
    for character in value:
        raw = character.encode("utf-8", errors="replace")
        if len(chunk) + len(raw) > ENCODED_WORD_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += raw
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?B?{b64encode(word).decode()}?=" for word in words)
