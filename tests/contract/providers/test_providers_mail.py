"""The bytes of a mail, read back by the standard library's parser, and DKIM, verified by an independent reading."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_providers.dkim import DkimKey, signature
from forbear_providers.inbound_mail import MailKind, parse_inbound
from forbear_providers.mail import SUBJECT_CHARS_MAX, Mail, MailError, build, join
from forbear_providers.smtp import Smtp, SmtpRelay
from tests.contract.providers.drivers import ATTEMPT, DRIVERS, now
from tests.contract.providers.local_servers import SmtpStub

RSA = generate_private_key(public_exponent=65537, key_size=2048)
ED25519 = Ed25519PrivateKey.generate()
DATE = datetime(2026, 9, 14, 15, 30, tzinfo=UTC)


def mail(**changed: str) -> Mail:
    """Make a usual mail, with changes."""
    values = {
        "to": "ana@example.com", "sender": "hello@harbor.example.com", "sender_name": "Harbor Home Loans",
        "subject": "A note", "text": "Hello Ana\n", "html": "<p>Hello Ana</p>\n", "message_id": "id@example.com",
        "reply_to": "reply+1@example.com", "unsubscribe_url": "https://t.example.com/u/x", "language": "en",
    } | changed  # fmt: skip
    return Mail(date=DATE, **values)


def parsed(one: Mail) -> EmailMessage:
    """Build a mail and read it back."""
    message = message_from_bytes(join(*build(one)), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


# Text as it may come out of a template: no control characters but line ends.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=300)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)


@settings(max_examples=200, deadline=None)
@given(subject=LINES, name=LINES, text=TEXTS, html=TEXTS)
def test_what_was_put_in_is_what_the_standard_parser_reads(subject: str, name: str, text: str, html: str) -> None:
    """Subject, display name and both parts survive, in every script; no line is too long, every byte is ASCII."""
    message = parsed(mail(subject=subject, sender_name=name, text=text, html=html))
    raw = join(*build(mail(subject=subject, sender_name=name, text=text, html=html)))

    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert isinstance(plain, EmailMessage)
    assert isinstance(rich, EmailMessage)
    assert text.rstrip("\n") == plain.get_content().replace("\r\n", "\n").rstrip("\n")
    assert html.rstrip("\n") == rich.get_content().replace("\r\n", "\n").rstrip("\n")
    assert subject[:SUBJECT_CHARS_MAX].split() == str(message["Subject"]).split()
    # The standard parser puts a space between two encoded words of a display name, against RFC 2047, section 6.2.
    assert "".join(name.split()) == "".join(message["From"].addresses[0].display_name.split())
    assert message["From"].addresses[0].addr_spec == "hello@harbor.example.com"
    assert message.defects == []
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")


@settings(max_examples=200, deadline=None)
@given(value=st.text(max_size=60), field=st.sampled_from(["subject", "sender_name", "to", "sender", "reply_to",
                                                          "unsubscribe_url", "message_id", "language"]))  # fmt: skip
def test_no_value_adds_a_header_or_a_recipient(value: str, field: str) -> None:
    """Whatever a value holds, the mail has the same headers as any other, or is refused with the field's name."""
    refusal, message = "", parsed(mail())
    try:
        message = parsed(mail(**{field: value}))
    except MailError as error:
        refusal = str(error)

    assert refusal == "" or refusal.startswith(field)
    optional = {"reply_to": "Reply-To", "unsubscribe_url": "List-Unsubscribe", "language": "Content-Language"}
    usual = set(parsed(mail()).keys())
    assert set(message.keys()) | {optional.get(field, ""), "List-Unsubscribe-Post"} >= usual
    assert set(message.keys()) <= usual
    assert len(message["To"].addresses) == 1


def verify(raw: bytes, public: object) -> None:
    """Verify a DKIM signature as a receiver does: written anew from RFC 6376, from the bytes alone."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = [
        (name.decode().lower().strip(), value.decode())
        for name, _, value in (field.partition(b":") for field in re.split(rb"\r\n(?![ \t])", head))
    ]
    own = next(value for name, value in fields if name == "dkim-signature")
    tags = {key.strip(): value for key, _, value in (tag.partition("=") for tag in own.split(";"))}
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    canonical = b"".join(line + b"\r\n" for line in lines)
    assert base64.b64encode(hashlib.sha256(canonical).digest()).decode() == tags["bh"].strip()
    pieces, left = [], list(fields)
    for name in tags["h"].replace(" ", "").replace("\r\n", "").split(":"):
        place = next((number for number in reversed(range(len(left))) if left[number][0] == name), None)
        if place is not None:
            _, value = left.pop(place)
            pieces.append(f"{name}:{' '.join(value.split())}\r\n")
    unsigned = re.sub(r"(\bb=)[^;]*", r"\1", own)
    pieces.append("dkim-signature:" + " ".join(unsigned.split()))
    data = "".join(pieces).encode()
    value = base64.b64decode("".join(tags["b"].split()))
    if isinstance(public, Ed25519PublicKey):
        public.verify(value, hashlib.sha256(data).digest())
    else:
        public.verify(value, data, PKCS1v15(), SHA256())  # type: ignore[attr-defined]


@pytest.mark.parametrize("private", [RSA, ED25519], ids=["rsa-2048", "ed25519"])
@pytest.mark.parametrize("text", ["Hello\n", "", "\n\n\n", "a  b\t c \n\n  \n", "你好\n" * 50, ".\n..\n. x\n"])
async def test_signature_verifies_as_it_arrived_and_covers_the_one_click_headers(
    private: Ed25519PrivateKey, text: str
) -> None:
    """Through a real SMTP dialogue, dots and all; any change to body or covered header breaks it."""
    key = DkimKey("harbor.example.com", "s1", private)
    request = DRIVERS["smtp"].request
    async with SmtpStub() as server:
        relay = SmtpRelay("127.0.0.1", server.port, "mail.example.com", starttls=False)
        provider = Smtp(relay, now, key)
        await provider.send(request._replace(rendered=request.rendered._replace(text=text)))
        await provider.close()
    raw = server.taken[0].data.replace(b"\r\n..", b"\r\n.")

    verify(raw, private.public_key())
    for old, new in [(b"A note from", b"A vote from"), (b"/u/token", b"/u/taken"), (b"One-Click", b"Two-Click")]:
        assert old in raw
        with pytest.raises((InvalidSignature, AssertionError)):
            verify(raw.replace(old, new, 1), private.public_key())


def test_a_second_subject_cannot_be_added_on_the_way() -> None:
    """From, To and Subject are signed once more than they occur."""
    headers, body = build(mail())
    value = signature(headers, body, DkimKey("example.com", "s", ED25519), 1)

    names = re.findall(r"h=([^;]+);", value)[0].split(":")
    assert [names.count(name) for name in ("from", "to", "subject", "date")] == [2, 2, 2, 1]


@pytest.mark.parametrize("size", [1024, 2048])
def test_a_key_that_receivers_do_not_trust_is_refused(size: int) -> None:
    """RFC 8301: at least 1024 bits, and receivers want 2048."""
    pem = generate_private_key(public_exponent=65537, key_size=size).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    if size < 2048:
        with pytest.raises(ValueError, match="at least 2048"):
            DkimKey.from_pem("example.com", "s", pem)
    else:
        assert "PRIVATE" not in repr(DkimKey.from_pem("example.com", "s", pem))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_called_unreadable(raw: bytes) -> None:
    """Mail is written by anyone: nothing raises, and the attempt of the envelope is kept."""
    found = parse_inbound(raw, f"reply+{ATTEMPT.hex}@mail.example.com")

    assert found.attempt_id == ATTEMPT


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from([
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=b", b"Content-Type: text/html",
            b"Content-Type: multipart/mixed; boundary=b", b"--b", b"--b--", b"", b"Content-Type: message/rfc822",
            b"Content-Transfer-Encoding: base64", b"Content-Type: text/plain; charset=no-such", b"\xff\xfe",
            b"Content-Type: message/delivery-status", b"Status: 5.1.1", b"Subject: =?utf-8?B?////?=", b"hello",
            b"Content-Type: message/feedback-report", b"From: =?x?Q?=", b"Content-Disposition: attachment; x*=",
        ]),
        max_size=14,
    )
)  # fmt: skip
def test_any_arrangement_of_mail_parts_is_read_or_called_unreadable(lines: list[bytes]) -> None:
    """The standard parser lets errors escape for some malformed mails; ours does not."""
    assert parse_inbound(b"\r\n".join(lines), "postmaster@example.com").kind in MailKind


def test_a_mail_that_is_too_big_is_not_read() -> None:
    """One mebibyte is more than anyone writes."""
    assert parse_inbound(b"x" * 1_100_000, "a@example.com").kind is MailKind.UNREADABLE
