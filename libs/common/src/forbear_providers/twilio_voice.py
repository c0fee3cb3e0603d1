"""Calls through Twilio: making them, receipts, and what the dialogue says, as TwiML built by pure functions.

What a call says and when is in call_dialogue.py; `twiml` says an action.
https://www.twilio.com/docs/voice/api/call-resource and https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from forbear_domain.model import Channel
from forbear_providers.call_dialogue import GATHER_TIMEOUT_S, CallAction, spoken
from forbear_providers.contract import (
    CallParty,
    Consequence,
    DeliveryEvent,
    FindRequest,
    Found,
    NotFound,
    ReceiptState,
    SendOutcome,
    SendRequest,
    SendState,
    VoiceEvent,
    need,
)
from forbear_providers.twilio_signature import verify_signature

if TYPE_CHECKING:
    from forbear_providers.twilio_http import TwilioAccount

__all__ = [
    "CODES",
    "NAME",
    "TwilioVoice",
    "parse_status",
    "parse_voice",
    "twiml",
    "verify_signature",
    "wait",
]

NAME = "twilio_voice"
RING_MAX_S = 30
TALK_MAX_S = 600

_FINAL, _TRANSIENT = SendState.REFUSED_FINAL, SendState.REFUSED_TRANSIENT

CODES: dict[int, Consequence] = {
    13223: Consequence(_FINAL, "invalid_number", is_address_dead=True),
    13224: Consequence(_FINAL, "invalid_number", is_address_dead=True),
    13225: Consequence(_FINAL, "number_barred"),
    13227: Consequence(_FINAL, "region_not_enabled"),
    20003: Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    20404: Consequence(_TRANSIENT, "account_not_found", retry_after_s=60.0),
    20429: Consequence(_TRANSIENT, "too_many_requests", retry_after_s=1.0),
    21201: Consequence(_FINAL, "invalid_number", is_address_dead=True),
    21205: Consequence(_FINAL, "invalid_url"),
    21210: Consequence(_FINAL, "sender_not_verified"),
    21211: Consequence(_FINAL, "invalid_number", is_address_dead=True),
    21212: Consequence(_FINAL, "invalid_sender"),
    21214: Consequence(_FINAL, "not_reachable"),
    21215: Consequence(_FINAL, "region_not_enabled"),
    21216: Consequence(_FINAL, "number_barred"),
    21217: Consequence(_FINAL, "invalid_number", is_address_dead=True),
    21219: Consequence(_FINAL, "not_verified"),
    32205: Consequence(_FINAL, "region_not_enabled"),
}

_STATES: dict[str, tuple[ReceiptState, bool]] = {
    "in-progress": (ReceiptState.SENT, False),
    "answered": (ReceiptState.SENT, False),
    "completed": (ReceiptState.DELIVERED, True),
    "no-answer": (ReceiptState.DELIVERED, True),  # it rang: it counts as a call
    "busy": (ReceiptState.NOT_CONNECTED, True),
    "failed": (ReceiptState.NOT_CONNECTED, True),
    "canceled": (ReceiptState.NOT_CONNECTED, True),
}
_ON_THE_WAY = frozenset({"queued", "initiated", "ringing"})


class TwilioVoice:
    """Makes calls. `now` is the clock that the end of the lawful window is measured by."""

    name = NAME
    channel = Channel.VOICE

    def __init__(self, account: TwilioAccount, now: Callable[[], datetime]) -> None:
        from forbear_providers.twilio_api import TwilioApi  # takes long to load: only who sends does

        self._api = TwilioApi(account, CODES)
        self._now = now

    async def send(self, request: SendRequest) -> SendOutcome:
        """Create one call; ringing and talking both end with the lawful window."""
        left_s = TALK_MAX_S
        if request.die_by is not None:
            left_s = min(int((request.die_by - self._now()).total_seconds()), TALK_MAX_S)
        if left_s < 1:
            return SendOutcome(_TRANSIENT, reason="window_over")
        form = {
            "To": request.address,
            "From": request.sender,
            "Url": f"{request.callback_url}/twilio/voice/{request.attempt_id}",
            "Method": "POST",
            "StatusCallback": f"{request.callback_url}/twilio/status?attempt={request.attempt_id}",
            "Timeout": min(RING_MAX_S, left_s),
            "TimeLimit": left_s,
            "MachineDetection": "DetectMessageEnd",
        }
        return await self._api.create("Calls", form)

    async def find(self, request: FindRequest) -> Found | NotFound:
        """Look a call up by its numbers and its time."""
        return await self._api.find(self._api.resource.calls, request, _state_of)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()


def _state_of(call: Any) -> ReceiptState:
    state, _ = _STATES.get(str(call.status), (ReceiptState.SENT, False))
    return _answered(state, _party(str(call.answered_by or "")))


def _answered(state: ReceiptState, party: CallParty) -> ReceiptState:
    """Say who answered a completed call, where that is known."""
    if state is not ReceiptState.DELIVERED or party is CallParty.UNKNOWN:
        return state
    return ReceiptState.ANSWERED if party is CallParty.PERSON else ReceiptState.MACHINE


def parse_status(form: Mapping[str, str]) -> DeliveryEvent | None:
    """Read a status callback of a call; None while it is on the way. Raises PayloadError."""
    ref = need(form, "CallSid")
    status = need(form, "CallStatus")
    if status in _ON_THE_WAY:
        return None
    if status not in _STATES:
        return DeliveryEvent(ref, ReceiptState.SENT, form.get("ErrorCode", ""), "unknown_status")
    state, is_final = _STATES[status]
    if status == "completed":
        state = _answered(state, _party(form.get("AnsweredBy", "")))
    code = form.get("ErrorCode", "") or form.get("SipResponseCode", "")
    return DeliveryEvent(ref, state, code, status.replace("-", "_"), is_final)


def parse_voice(form: Mapping[str, str]) -> VoiceEvent:
    """Read the request for the next step of a call. Raises PayloadError."""
    return VoiceEvent(
        provider_ref=need(form, "CallSid"),
        digits=form.get("Digits", ""),
        speech=form.get("SpeechResult", ""),
        party=_party(form.get("AnsweredBy", "")),
        is_ended=form.get("CallStatus", "") in _STATES and form.get("CallStatus") not in ("in-progress", "answered"),
    )


def _party(answered_by: str) -> CallParty:
    if answered_by == "human":
        return CallParty.PERSON
    return CallParty.MACHINE if answered_by.startswith(("machine", "fax")) else CallParty.UNKNOWN


# How Twilio calls our languages when it speaks and when it listens.
_SPEAK = {"en": "en-US", "es": "es-US", "zh-Hans": "zh-CN", "zh-Hant": "zh-TW"}
_LISTEN = {"en": "en-US", "es": "es-US", "zh-Hans": "cmn-Hans-CN", "zh-Hant": "cmn-Hant-TW"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def twiml(action: CallAction, steps: Mapping[str, str], language: str, call_url: str, *, transfer_to: str = "") -> str:
    """Say an action. `steps` are those of the rendered message, `call_url` is `.../twilio/voice/<attempt>`.

    `transfer_to` is the number of a person; where it is empty, the person calls back. A step without a text, such as a
    voicemail that may not be left, ends the call in silence.
    """
    said = spoken(action, steps)
    if said.step:
        return _ask(said.texts, language, f"{call_url}/{said.step}")
    texts = "".join([_say(text, language) for text in said.texts])
    if action is CallAction.TO_PERSON and transfer_to:
        return _response(f"{texts}<Dial>{_xml(transfer_to)}</Dial>")
    return _response(f"{texts}<Hangup/>")


def wait(call_url: str) -> str:
    """Ask Twilio to come back in two seconds, because the attempt has not reached us yet."""
    return _response(f'<Pause length="2"/><Redirect method="POST">{_xml(call_url)}</Redirect>')


def _ask(texts: tuple[str, ...], language: str, action_url: str) -> str:
    asked = "".join([_say(text, language) for text in texts])
    target = quoteattr(_NOT_XML.sub("", action_url))
    return _response(
        f'<Gather input="dtmf speech" numDigits="1" timeout="{GATHER_TIMEOUT_S}" speechTimeout="auto" method="POST" '
        f'language="{_LISTEN[language]}" action={target} actionOnEmptyResult="true">{asked}</Gather>'
    )


def _say(text: str, language: str) -> str:
    return f'<Say language="{_SPEAK[language]}">{_xml(text)}</Say>' if text else ""


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _response(body: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{body}</Response>'
