"""How the contract suite starts each provider against a local server, and what it sends. One entry a provider."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from forbear_domain.messages import Rendered
from forbear_domain.model import Channel
from forbear_providers.accounts import defaults_of, module_of
from forbear_providers.contract import Provider, SendOutcome, SendRequest
from forbear_providers.smtp import Smtp, SmtpRelay
from forbear_providers.twilio_http import Transport, TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from forbear_providers.twilio_voice import TwilioVoice
from tests.contract.providers.local_servers import HttpStub, Reply, SmtpStub
from tests.kit.certificates import authority

PAYLOADS = Path(__file__).parent / "payloads"
PATIENCE_S = 10.0  # how long a provider waits for a server that answers or hangs up: no busy machine takes so long
STALL_PATIENCE_S = 1.0  # and for one that stalls, where the end of patience is what is tested

NOW = datetime(2026, 9, 14, 15, 30, tzinfo=UTC)
ATTEMPT = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
TEXT = "This is Harbor Home Loans. canary-text-4711. Reply STOP to opt out."
CANARIES = ("canary-token-0815", "canary-text-4711", "+12125550147", "canary.person@example.com", "AC" + "5" * 32)
RENDERED = Rendered("reminder.gentle", "0" * 64, "en", "A note from Harbor", TEXT, f"<p>{TEXT}</p>\n", 1)


def twilio_refusal(code: int) -> Reply:
    """Make the answer with which Twilio refuses."""
    return Reply(400, json.dumps({"code": code, "message": CANARIES[2], "status": 400}))


@dataclass(frozen=True, slots=True)
class Driver:
    """What the suite needs to know of a provider. `transport` is "http" or "smtp"; `refuse` makes a refusal by code."""

    transport: str
    start: Callable[[int, float], Provider]
    request: SendRequest
    refuse: Callable[[int], Reply] = twilio_refusal
    options: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def stub(self, *replies: Reply) -> HttpStub:
        """Make the local server that this driver's provider is asked to talk to."""
        return HttpStub(*replies, tls=self.tls)


def _account(port: int, timeout_s: float, transport: Transport = "library") -> TwilioAccount:
    return TwilioAccount("AC" + "5" * 32, "canary-token-0815", f"http://127.0.0.1:{port}", timeout_s, transport)


def _lean_over_tls(port: int, timeout_s: float) -> Provider:
    with authority().trusted():
        return TwilioSms(
            TwilioAccount("AC" + "5" * 32, "canary-token-0815", f"https://localhost:{port}", timeout_s, "lean"), now
        )


def _relay(port: int, timeout_s: float) -> SmtpRelay:
    return SmtpRelay(
        "127.0.0.1", port, "mail.example.com", starttls=False, timeout_s=timeout_s, password="canary-token-0815"
    )


def now() -> datetime:
    """Return the instant of every test."""
    return NOW


_PHONE = SendRequest(
    attempt_id=ATTEMPT,
    channel=Channel.SMS,
    address="+12125550147",
    sender="+12125550100",
    rendered=RENDERED,
    language="en",
    callback_url="https://tracker.example.com",
    die_by=NOW + timedelta(hours=2),
)

DRIVERS: dict[str, Driver] = {
    "twilio_sms": Driver("http", lambda port, timeout_s: TwilioSms(_account(port, timeout_s), now), _PHONE),
    "twilio_voice": Driver("http", lambda port, timeout_s: TwilioVoice(_account(port, timeout_s), now), _PHONE),
    "twilio_sms/lean": Driver(
        "http", lambda port, timeout_s: TwilioSms(_account(port, timeout_s, "lean"), now), _PHONE
    ),
    "twilio_voice/lean": Driver(
        "http", lambda port, timeout_s: TwilioVoice(_account(port, timeout_s, "lean"), now), _PHONE
    ),
    "twilio_sms/lean over TLS": Driver("http", _lean_over_tls, _PHONE, tls=authority().server()),
    "smtp": Driver(
        "smtp",
        lambda port, timeout_s: Smtp(_relay(port, timeout_s), now),
        SendRequest(
            attempt_id=ATTEMPT,
            channel=Channel.EMAIL,
            address="canary.person@example.com",
            sender="hello@harbor.example.com",
            rendered=RENDERED,
            language="en",
            reply_to=f"reply+{ATTEMPT.hex}@mail.example.com",
            unsubscribe_url="https://tracker.example.com/u/token",
            sender_name="Harbor Home Loans",
            die_by=NOW + timedelta(hours=2),
        ),
    ),
}


def _recorded_driver(file: Path) -> Driver:
    """Read how a provider of the accounts file is started, and how it refuses, from its folder of payloads."""
    data = json.loads(file.read_text(encoding="utf-8"))
    module = module_of(file.parent.name)

    def options(port: int, timeout_s: float) -> dict[str, str]:
        filled = {name: value.format(port=port, timeout_s=timeout_s) for name, value in data["options"].items()}
        return {**defaults_of(module.NAME), **filled}

    def refuse(code: int) -> Reply:
        return http_reply({"reply": json.loads(json.dumps(data["refusal"]).replace("CODE", str(code)))})

    return Driver(
        "http",
        lambda port, timeout_s: module.open_provider(options(port, timeout_s), now),
        _PHONE,
        refuse,
        options(1, 1),
    )


def patience_s(server: HttpStub | SmtpStub) -> float:
    """Return how long a provider waits for this server."""
    return STALL_PATIENCE_S if server.is_stalling else PATIENCE_S


async def ask(driver: Driver, server: HttpStub | SmtpStub) -> SendOutcome:
    """Send the driver's request to a server once."""
    provider = driver.start(server.port, patience_s(server))
    try:
        return await provider.send(driver.request)
    finally:
        await provider.close()


def http_reply(data: dict[str, Any]) -> Reply:
    """Make the HTTP answer that a payload describes."""
    reply = data["reply"]
    return Reply(reply["status"], json.dumps(reply["body"]), tuple(reply.get("headers", {}).items()))


def provider_of(name: str) -> str:
    """Return the provider that a driver starts: what stands behind a slash is the way it is started."""
    return name.partition("/")[0]


def accepted(name: str) -> Reply:
    """Return the recorded answer with which a provider accepts."""
    return http_reply(json.loads((PAYLOADS / provider_of(name) / "send_accepted.json").read_text(encoding="utf-8")))


DRIVERS |= {file.parent.name: _recorded_driver(file) for file in sorted(PAYLOADS.glob("*/driver.json"))}
