"""Mail as the servers and programs of this world lay it out, and as those write it who mean harm.

The layouts follow RFC 3464, 5965, 6430, 6533, 6591 and 8098 and what Postfix, Exim, qmail, Exchange, Gmail, Yahoo and
Outlook.com are known to send; the mails themselves are made up.
"""

from __future__ import annotations

import base64
import time

import pytest

from forbear_providers.inbound_mail import BOUNDARIES_MAX, MAIL_BYTES_MAX, MailKind, parse_inbound
from tests.contract.providers.drivers import ATTEMPT

HEX = ATTEMPT.hex
BOUNCES, REPLIES, COMPLAINTS = (
    f"bounce+{HEX}@mail.example.com",
    f"reply+{HEX}@mail.example.com",
    "complaint@example.com",
)
OUR_MAIL = f"From: hello@harbor.example.com\nMessage-ID: <{HEX}@mail.example.com>\nSubject: A note\n\nHello"
SES_MAIL = f"From: hello@harbor.example.com\nMessage-ID: <0100@ses.example.net>\nReply-To: {REPLIES}\n\nHello"


def report(kind: str, fields: str, returned: str = "", head: str = "", part: str = "", encoding: str = "") -> str:
    """Lay a report out: words, fields, and the mail that it returns."""
    coded = f"Content-Transfer-Encoding: {encoding}\n" if encoding else ""
    last = f"--r\nContent-Type: message/rfc822\n\n{returned}\n" if returned else ""
    return (
        f"From: {head or 'MAILER-DAEMON@mx.example.net'}\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; {kind} boundary="r"\n\n--r\nContent-Type: text/plain\n\nSee below.\n'
        f"--r\nContent-Type: message/{part or kind.partition('=')[2].strip(';')}\n{coded}\n{fields}\n{last}--r--\n"
    )


DSN = "report-type=delivery-status;"
FBL = "report-type=feedback-report;"
POSTFIX = (
    "Reporting-MTA: dns; mx.example.net\nX-Postfix-Queue-ID: 4F\nArrival-Date: Mon, 14 Sep 2026 15:30:02 +0000\n\n"
    "Final-Recipient: rfc822; ana@example.com\nOriginal-Recipient: rfc822;ana@example.com\nAction: failed\n"
    "Status: 5.1.1\nRemote-MTA: dns; mx.example.com\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\n"
)
EXCHANGE = (
    "Reporting-MTA: dns;PROD.example.net\nReceived-From-MTA: dns;PROD.example.net\n\n"
    "Final-Recipient: rfc822;ana@example.com\nAction: failed\nStatus: 5.1.10\n"
    "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup\n"
)
GMAIL = (
    f"Reporting-MTA: dns; mail.example.net\nX-Original-Message-ID: <{HEX}@mail.example.com>\n\n"
    "Final-Recipient: rfc822; ana@example.com\nAction: failed\nStatus: 5.0.0\n"
    "Remote-MTA: dns; mx.example.com. (192.0.2.1, the server for the domain example.com.)\n"
    "Diagnostic-Code: smtp; 550-5.2.1 The email account that you tried to reach is\n"
    "  550-5.2.1 disabled. c1-20020 - gsmtp\nLast-Attempt-Date: Mon, 14 Sep 2026 08:30:02 -0700 (PDT)\n"
)
FULL = POSTFIX.replace("5.1.1", "5.2.2")
EXPIRED = POSTFIX.replace("Status: 5.1.1", "Status: 4.4.7")
DELAYED = POSTFIX.replace("Action: failed\nStatus: 5.1.1", "Action: delayed\nStatus: 4.4.1")
EXIM = (
    "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nX-Failed-Recipients: ana@example.com\n"
    "Auto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender\n\n"
    "This message was created automatically by mail delivery software.\n\n  ana@example.com\n"
    "    host mx.example.com [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<ana@example.com>:\n"
    "    550 5.1.1 <ana@example.com>: Recipient address rejected: User unknown\n"
)
EXIM_DELAY = (
    "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nAuto-Submitted: auto-replied\n"
    "Subject: Warning: message 1abc delayed 24 hours\n\nYour message has not been delivered. Nothing to do.\n"
)
QMAIL = (
    "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\nHi. This is the qmail-send program at example.net."
    "\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've "
    "given up. Sorry it didn't work out.\n\n<ana@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n"
)
JMRP = (
    "From: staff@mailbox.example.net\nSubject: complaint about message from 192.0.2.1\nMIME-Version: 1.0\n"
    f'Content-Type: multipart/mixed; boundary="j"\n\n--j\nContent-Type: message/rfc822\n\n{OUR_MAIL}\n--j--\n'
)

B, C, A, R = MailKind.BOUNCE, MailKind.COMPLAINT, MailKind.AUTOMATIC, MailKind.REPLY
LAYOUTS = {
    # name: (mail, sent to, kind, code, final, address dead)
    "postfix": (report(DSN, POSTFIX, OUR_MAIL), BOUNCES, B, "5.1.1", True, True),
    "exchange": (report(DSN, EXCHANGE, OUR_MAIL, head="postmaster@example.net"), BOUNCES, B, "5.1.10", True, True),
    "gmail_says_the_cause_in_words": (report(DSN, GMAIL), BOUNCES, B, "5.2.1", True, True),
    "gmail_by_original_id": (report(DSN, GMAIL), "postmaster@example.com", B, "5.2.1", True, True),
    "mailbox_full": (report(DSN, FULL), BOUNCES, B, "5.2.2", True, False),
    "expired": (report(DSN, EXPIRED), BOUNCES, B, "4.4.7", True, False),
    "delayed": (report(DSN, DELAYED), BOUNCES, B, "4.4.1", False, False),
    "report_without_type": (report("", POSTFIX, part="delivery-status"), BOUNCES, B, "5.1.1", True, True),
    "international": (report(DSN, POSTFIX, part="global-delivery-status"), BOUNCES, B, "5.1.1", True, True),
    "encoded": (
        report(DSN, base64.encodebytes(POSTFIX.encode()).decode(), encoding="base64"), BOUNCES, B, "5.1.1", True, True,
    ),
    "exim_in_plain_text": (EXIM, BOUNCES, B, "5.1.1", True, True),
    "exim_to_the_reply_address": (EXIM, REPLIES, B, "5.1.1", True, True),
    "exim_is_late": (EXIM_DELAY, BOUNCES, B, "", False, False),
    "qmail_in_plain_text": (QMAIL, BOUNCES, B, "5.1.1", True, True),
    "yahoo_complaint": (report(FBL, "Feedback-Type: abuse\n", OUR_MAIL), COMPLAINTS, C, "abuse", True, False),
    "our_id_replaced": (report(FBL, "Feedback-Type: abuse\n", SES_MAIL), COMPLAINTS, C, "abuse", True, False),
    "phishing": (report(FBL, "Feedback-Type: fraud\n", OUR_MAIL), COMPLAINTS, C, "fraud", True, False),
    "outlook_only_attaches": (JMRP, COMPLAINTS, C, "abuse", True, False),
    "called_welcome": (report(FBL, "Feedback-Type: not-spam\n", OUR_MAIL), COMPLAINTS, A, "", False, False),
    "signature_report": (report(FBL, "Feedback-Type: auth-failure\n", OUR_MAIL), COMPLAINTS, A, "", False, False),
    "read_receipt": (
        report("report-type=disposition-notification;", "Disposition: manual-action/MDN-sent-manually; displayed\n"),
        REPLIES, A, "", False, False,
    ),
    "exchange_away_en": ("Subject: Automatic reply: A note\n\nI am out. Stop by!", REPLIES, A, "", False, False),
    "exchange_away_es": ("Subject: Respuesta automática: Nota\n\nEstoy fuera.", REPLIES, A, "", False, False),
    "qq_away": ("Subject: 自动回复: A note\n\n您好,我在休假", REPLIES, A, "", False, False),
    "outlook_away_tw": (
        f"Subject: =?big5?B?{base64.b64encode('自動回覆: 通知'.encode('big5')).decode()}?=\n\n休假",
        REPLIES, A, "", False, False,
    ),
    "gmail_away": ("Precedence: bulk\nX-Autoreply: yes\nSubject: Re: A note\n\nAway.", REPLIES, A, "", False, False),
    "postmaster_who_writes_himself": ("From: postmaster@example.com\n\nI pay on Friday", REPLIES, R, "", False, False),
    "a_person_who_is_back": ("Subject: Re: Automatic reply: A note\n\nI am back", REPLIES, R, "", False, False),
}  # fmt: skip


@pytest.mark.parametrize(("mail", "to", "kind", "code", "is_final", "is_dead"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_is_told_for_what_it_is(
    mail: str, to: str, kind: MailKind, code: str, is_final: bool, is_dead: bool
) -> None:
    """And finds its attempt, with line ends of either kind."""
    for raw in (mail.encode(), mail.replace("\n", "\r\n").encode()):
        found = parse_inbound(raw, to)

        assert (kind, ATTEMPT) == (found.kind, found.attempt_id)
        assert (code, is_final, is_dead) == (found.code, found.is_final, found.is_address_dead)
        assert kind is R or found.text == ""


FORWARDED = (
    f'Subject: Fw: failure\nContent-Type: multipart/mixed; boundary="m"\n\n--m\nContent-Type: text/plain\n\n'
    f"What is this?\n--m\nContent-Type: message/rfc822\n\n{report(DSN, POSTFIX)}\n--m--\n"
)
ONLY_HTML = (
    'Content-Type: multipart/mixed; boundary="m"\n\n--m\nContent-Type: message/rfc822\n\nSubject: x\n\nnot mine\n'
    "--m\nContent-Type: text/html\n\n<p>mine</p>\n--m--\n"
)
SAYS = {
    "subject_alone": (b"Subject: STOP\n\n", "STOP"),
    "subject_and_signature": (b"Subject: stop mailing me\n\nSent from my phone", "stop mailing me\nSent from my phone"),
    "subject_of_ours_is_not_theirs": (b"Subject: Re: A note\n\nOk", "Ok"),
    "chinese_prefix": ("Subject: 答复: A note\n\n好的".encode(), "好的"),
    "button_of_a_program": (b"Auto-Submitted: auto-generated\nSubject: unsubscribe\n\nBy a program", "unsubscribe"),
    "a_bounce_they_ask_about": (FORWARDED.encode(), "What is this?"),
    "not_what_they_attach": (ONLY_HTML.encode(), "mine"),
    "no_charset": ("\n不要再联系我".encode(), "不要再联系我"),
    "no_charset_and_no_utf8": (b"\n" + "不要再联系我".encode("gb18030"), "不要再联系我"),
    "narrow_charset": (b"Content-Type: text/plain; charset=gb2312\n\n" + "請停止".encode("gb18030"), "請停止"),
    "unknown_charset": (b"Content-Type: text/plain; charset=x-none\n\nno m\xc3\xa1s", "no más"),
    "wrong_charset": (b"Content-Type: text/plain; charset=us-ascii\n\nno m\xc3\xa1s", "no más"),
    "codec_that_is_no_charset": (b"Content-Type: text/plain; charset=punycode\n\nstop-abc", "stop-abc"),
    "broken_base64": (b"Content-Transfer-Encoding: base64\n\nc3RvcA", "stop"),
    "raw_subject": (b"Subject: \xe5\x81\x9c\xe6\xad\xa2\n\n", "停止"),
    "broken_subject": (b"Subject: =?utf-8?b?c3RvcA?=\n\n", "stop"),
    "right_to_left": ("\n\u202estop\u202c 🙏".encode(), "\u202estop\u202c 🙏"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "text"), SAYS.values(), ids=SAYS)
def test_what_a_person_says_is_found_whatever_it_is_wrapped_in(raw: bytes, text: str) -> None:
    """A stop in a subject, in broken letters or in none, beside things that others wrote."""
    found = parse_inbound(raw, REPLIES)

    assert (MailKind.REPLY, text) == (found.kind, found.text)


HTML = b"Content-Type: text/html\n\n"


def nested(depth: int) -> bytes:
    """Make a multipart in multiparts, with the stop inside and then lines up to the greatest size of a mail."""
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
    return (heads + b"Content-Type: text/plain\n\nstop\n").ljust(MAIL_BYTES_MAX, b"\n")


CPU_MAX_S = 2.0  # of a machine that does much else; each takes a third of a second alone
BOMBS = {
    "mails_in_mails": (b"Content-Type: message/rfc822\n\n" * 30_000, None),
    "parts_in_parts": (
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(9_000)), None,
    ),
    "lines_in_parts": (nested(BOUNDARIES_MAX), "stop"),
    "lines_in_many_parts": (nested(300), None),
    "brackets": (b"From: " + b"(" * 900_000 + b"\n\nstop", "stop"),
    "quotes": (b"From: " + b'"a" ' * 200_000 + b"\n\nstop", "stop"),
    "encoded_words": (b"From: " + b"=?utf-8?q?a?= " * 60_000 + b"\n\nstop", "stop"),
    "recipients": (b"To: " + b"a@example.com, " * 60_000 + b"\n\nstop", "stop"),
    "parameters": (b"Content-Type: text/plain; " + b"a*1=b; " * 100_000 + b"\n\nstop", "stop"),
    "headers": (b"X-A: b\n" * 140_000 + b"\nstop", "stop"),
    "codec": (b"Content-Type: text/plain; charset=idna\n\n" + b"xn--a." * 150_000, "xn--a." * 1_666 + "xn--"),
    "tags": (HTML + b"<a x=" * 200_000, ""),
    "comments": (HTML + b"<!--" * 250_000, ""),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "text"), BOMBS.values(), ids=BOMBS)
def test_a_mail_made_to_cost_time_is_cut_to_what_a_person_writes(raw: bytes, text: str | None) -> None:
    """Some of these took a minute, or all memory there was: what is cut off first is never parsed."""
    started = time.process_time()
    found = parse_inbound(raw, REPLIES)

    assert time.process_time() - started < CPU_MAX_S
    assert (MailKind.UNREADABLE if text is None else MailKind.REPLY) == found.kind
    assert (text or "") == found.text
    assert len(found.from_) <= 320
