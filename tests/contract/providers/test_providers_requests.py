"""What the providers put on the wire, and how they look for an attempt whose outcome is unknown."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from forbear_providers import twilio_sms, twilio_voice
from forbear_providers.contract import FindRequest, Found, NotFound, ReceiptState, SendState
from forbear_providers.smtp import Smtp, SmtpRelay
from forbear_providers.twilio_api import LIST_MAX
from forbear_providers.twilio_http import TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from tests.contract.providers.drivers import ATTEMPT, DRIVERS, NOW, PATIENCE_S, accepted, ask, now, patience_s
from tests.contract.providers.local_servers import HttpStub, Reply, SmtpStub

SMS, VOICE, MAIL = DRIVERS["twilio_sms"], DRIVERS["twilio_voice"], DRIVERS["smtp"]


async def test_sms_request_carries_callback_and_the_end_of_the_window() -> None:
    """StatusCallback names the attempt; ValidityPeriod is what is left of the window, at most Twilio's 36000."""
    async with HttpStub(accepted("twilio_sms")) as server:
        await ask(SMS, server)

    asked = server.asked[0]
    assert asked.path == "/2010-04-01/Accounts/AC" + "5" * 32 + "/Messages.json"
    assert asked.headers["authorization"].startswith("Basic ")
    assert asked.form == {
        "To": SMS.request.address,
        "From": SMS.request.sender,
        "Body": SMS.request.rendered.text,
        "StatusCallback": f"https://tracker.example.com/twilio/status?attempt={ATTEMPT}",
        "ValidityPeriod": "7200",
    }


@pytest.mark.parametrize(
    ("left", "expected"), [(timedelta(seconds=1.9), "1"), (timedelta(days=1), "36000"), (None, None)]
)
async def test_validity_is_whole_seconds_within_twilios_limits(left: timedelta | None, expected: str | None) -> None:
    """1 to 36000, and nothing at all where there is no end."""
    request = SMS.request._replace(die_by=None if left is None else NOW + left)
    async with HttpStub(accepted("twilio_sms")) as server:
        await ask(dataclasses.replace(SMS, request=request), server)

    assert expected == server.asked[0].form.get("ValidityPeriod")


async def test_a_messaging_service_takes_the_place_of_a_number() -> None:
    """A sender that begins with MG is a messaging service of Twilio's."""
    request = SMS.request._replace(sender="MG" + "7" * 32)
    async with HttpStub(accepted("twilio_sms")) as server:
        await ask(dataclasses.replace(SMS, request=request), server)

    assert "From" not in server.asked[0].form
    assert server.asked[0].form["MessagingServiceSid"] == "MG" + "7" * 32


@pytest.mark.parametrize("segments", ['"²"', '"1.5"', "-1", "null", "[]", '"three"'])
async def test_a_message_that_was_named_was_taken_whatever_else_the_answer_holds(segments: str) -> None:
    """Only the name decides: a day or a number of parts that cannot be read makes nothing unknown."""
    body = f'{{"sid": "SM1", "num_segments": {segments}, "date_created": 7}}'
    async with HttpStub(Reply(201, body)) as server:
        outcome = await ask(SMS, server)

    assert (outcome.state, outcome.provider_ref, outcome.parts) == (SendState.ACCEPTED, "SM1", 0)


async def test_call_rings_and_talks_no_longer_than_the_window() -> None:
    """Twelve seconds are left: Timeout and TimeLimit are both twelve."""
    request = VOICE.request._replace(die_by=NOW + timedelta(seconds=12))
    async with HttpStub(accepted("twilio_voice")) as server:
        await ask(dataclasses.replace(VOICE, request=request), server)

    form = server.asked[0].form
    assert server.asked[0].path.endswith("/Calls.json")
    assert (form["Timeout"], form["TimeLimit"]) == ("12", "12")
    assert form["Url"] == f"https://tracker.example.com/twilio/voice/{ATTEMPT}"
    assert form["MachineDetection"] == "DetectMessageEnd"


def listed(*messages: tuple[str, datetime, str]) -> Reply:
    """Make Twilio's list of messages: sid, creation and text of each."""
    page = [
        {
            "sid": sid, "status": "queued", "body": text, "date_created": format_datetime(created), "date_sent": None,
            "to": "+12125550147", "from": "+12125550100",
        }
        for sid, created, text in messages
    ]  # fmt: skip
    return Reply(200, json.dumps({"messages": page, "next_page_uri": None, "page": 0, "page_size": 50}))


LOOKED_FOR = FindRequest(
    ATTEMPT, "+12125550147", "+12125550100", NOW, NOW + timedelta(seconds=20), SMS.request.rendered.text
)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (listed(("SM1", NOW, LOOKED_FOR.text)), Found("SM1", ReceiptState.SENT)),
        (listed(("SM1", NOW - HOUR, LOOKED_FOR.text), ("SM2", NOW, LOOKED_FOR.text)), Found("SM2", ReceiptState.SENT)),
        (listed(("SM1", NOW, "another text"), ("SM2", NOW, LOOKED_FOR.text)), Found("SM2", ReceiptState.SENT)),
        (listed(), NotFound.ABSENT),
        (listed(("SM1", NOW - HOUR, LOOKED_FOR.text), ("SM2", NOW + HOUR, LOOKED_FOR.text)), NotFound.ABSENT),
        (listed(("SM1", NOW, LOOKED_FOR.text), ("SM2", NOW, LOOKED_FOR.text)), NotFound.CANNOT_TELL),
        (listed(*[(f"SM{n}", NOW - HOUR, "x") for n in range(LIST_MAX + 1)]), NotFound.CANNOT_TELL),
        (Reply(500, "{}"), NotFound.CANNOT_TELL),
        (Reply(429, "{}"), NotFound.CANNOT_TELL),
        (Reply(200, "<html>"), NotFound.CANNOT_TELL),
        (Reply(200, '{"messages": [1]}'), NotFound.CANNOT_TELL),
        (Reply(200, '{"messages": [{"sid": "SM1"}]}'), NotFound.CANNOT_TELL),
        (Reply(how="hang"), NotFound.CANNOT_TELL),
        (Reply(how="close"), NotFound.CANNOT_TELL),
    ],
)
async def test_an_attempt_is_found_or_proved_absent_or_nobody_can_tell(
    reply: Reply, expected: Found | NotFound
) -> None:
    """ABSENT needs the whole list; two candidates, a long list or a failing provider prove nothing."""
    async with HttpStub(reply) as server:
        provider = SMS.start(server.port, patience_s(server))
        found = await provider.find(LOOKED_FOR)
        await provider.close()

    assert expected == found
    assert {"To", "From"} <= set(server.asked[0].query)


async def test_messages_of_other_attempts_are_not_taken() -> None:
    """A message that is known to belong to another attempt is no candidate."""
    request = dataclasses.replace(LOOKED_FOR, known_refs=frozenset({"SM1"}))
    async with HttpStub(listed(("SM1", NOW, LOOKED_FOR.text))) as server:
        provider = SMS.start(server.port, patience_s(server))
        found = await provider.find(request)
        await provider.close()

    assert found is NotFound.ABSENT


async def test_mail_travels_with_attempt_in_its_envelope_and_one_click_headers() -> None:
    """VERP, Reply-To, RFC 8058 with a mail for programs that know no links, and RFC 3834 against vacation programs."""
    async with SmtpStub() as server:
        await ask(MAIL, server)

    taken = server.taken[0]
    assert taken.envelope == f"bounce+{ATTEMPT.hex}@mail.example.com"
    assert taken.recipients == [MAIL.request.address]
    ways = (
        f"<https://tracker.example.com/u/token>,\r\n <mailto:reply+{ATTEMPT.hex}@mail.example.com?subject=unsubscribe>"
    )
    assert f"\r\nList-Unsubscribe: {ways}\r\n".encode() in taken.data
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in taken.data
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in taken.data
    assert f"\r\nReply-To: reply+{ATTEMPT.hex}@mail.example.com\r\n".encode() in taken.data
    assert f"\r\nMessage-ID: <{ATTEMPT.hex}@mail.example.com>\r\n".encode() in taken.data


async def test_a_refused_recipient_leaves_the_connection_usable() -> None:
    """After a refusal the transaction is reset, and the next mail goes over the same connection."""
    async with SmtpStub(RCPT="550 5.1.1 no") as server:
        provider = MAIL.start(server.port, PATIENCE_S)
        first = await provider.send(MAIL.request)
        server.answers["RCPT"] = "250 ok"
        second = await provider.send(MAIL.request)
        await provider.close()

    assert (SendState.REFUSED_FINAL, SendState.ACCEPTED) == (first.state, second.state)
    assert server.connections == 1


async def test_a_connection_that_died_while_idle_is_replaced_without_losing_the_mail() -> None:
    """The relay says 421 to an idle connection; nothing of the mail was written, so a new connection takes it."""
    async with SmtpStub() as server:
        provider = MAIL.start(server.port, PATIENCE_S)
        await provider.send(MAIL.request)
        server.answers["MAIL"] = "421 4.4.2 idle for too long"
        refused = await provider.send(MAIL.request)
        server.answers["MAIL"] = "250 ok"
        outcome = await provider.send(MAIL.request)
        await provider.close()

    assert (SendState.REFUSED_TRANSIENT, "connection_lost_before_mail") == (refused.state, refused.reason)
    assert outcome.state is SendState.ACCEPTED
    assert len(server.taken) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"address": "ana@example.com\r\nBcc: eve@example.com"},
        {"address": "ana@example.com, eve@example.com"},
        {"address": "ana@example.com> SIZE=1"},
        {"address": "plain"},
        {"sender": "hello@harbor.example.com\nX: y"},
        {"sender_name": "Harbor\r\nBcc: eve@example.com"},
        {"reply_to": "reply@example.com\r\nX: y"},
        {"unsubscribe_url": "https://tracker.example.com/u/a>\r\nX: y"},
        {"message_id": "a@b>\r\nX: y"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_header_injection_reaches_no_relay(change: dict[str, Any]) -> None:
    """A value that could add a header or a recipient is refused before a connection is opened."""
    async with SmtpStub() as server:
        outcome = await ask(dataclasses.replace(MAIL, request=MAIL.request._replace(**change)), server)

    assert (SendState.REFUSED_FINAL, "address_unusable") == (outcome.state, outcome.reason)
    assert server.connections == 0


@pytest.mark.parametrize("module", [twilio_sms, twilio_voice])
def test_only_twilios_own_signature_is_taken(module: object) -> None:
    """The official validator's signature passes; a changed form, URL or signature does not."""
    url, form = f"https://tracker.example.com/twilio/status?attempt={ATTEMPT}", {"MessageSid": "SM1", "Body": "é 你好"}
    signature = RequestValidator("token").compute_signature(url, form)
    verify = twilio_sms.verify_signature if module is twilio_sms else twilio_voice.verify_signature

    assert verify("token", url, form, signature)
    assert not verify("token", url, {**form, "Body": "other"}, signature)
    assert not verify("token", url + "&x=1", form, signature)
    assert not verify("other", url, form, signature)
    assert not verify("token", url, form, "")


def test_secrets_do_not_show_in_reprs() -> None:
    """What is printed by accident holds no secret."""
    account = TwilioAccount("AC" + "5" * 32, "canary-token-0815")
    relay = SmtpRelay("mail.example.com", 25, "example.com", "user", "canary-token-0815")

    assert "canary" not in repr(account) + repr(relay) + repr(TwilioSms(account, now)) + repr(Smtp(relay, now))


async def test_mail_to_another_zone_has_a_date_with_its_offset() -> None:
    """The Date header is the clock's, in UTC."""
    async with SmtpStub() as server:
        await ask(MAIL, server)

    assert NOW.tzinfo is UTC
    assert b"Date: Mon, 14 Sep 2026 15:30:00 +0000\r\n" in server.taken[0].data
