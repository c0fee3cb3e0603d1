"""Calls through Vonage's Voice API: making them, receipts, and what the dialogue says, as NCCO built by pure functions.

What a call says and when is in call_dialogue.py; `script` says an action. Requests carry a token that the application's
key signs, callbacks one that the account's signature secret signs, over the hash of what they hold. Vonage asks for the
first words before it knows whether a person answered: they name no debt, and a machine that is found out is hung up on,
so no voicemail is left.
https://developer.vonage.com/en/api/voice, .../voice/voice-api/ncco-reference and .../webhook-reference
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from forbear_domain.model import Channel
from forbear_providers.call_dialogue import GATHER_TIMEOUT_S, CallAction, spoken
from forbear_providers.contract import (
    Callback,
    Consequence,
    DeliveryEvent,
    FindRequest,
    Found,
    NotFound,
    Option,
    PayloadError,
    ReceiptState,
    SendOutcome,
    SendRequest,
    SendState,
    VoiceEvent,
    need,
)
from forbear_providers.vonage_http import Answer, VonageHttp, refusal_of

__all__ = [
    "CODES",
    "NAME",
    "OPTIONS",
    "SCRIPT_TYPE",
    "VonageVoice",
    "is_authentic",
    "open_provider",
    "parse_status",
    "parse_voice",
    "read_callback",
    "script",
    "script_later",
]

NAME = "vonage_voice"
OPTIONS = {
    "application_id": Option("the id of the Voice application", form=r"[0-9a-fA-F-]{36}"),
    "private_key": Option(
        "the application's private key, in PEM between three quotes", form=r"\s*-----BEGIN [\s\S]{100,8192}-----\s*"
    ),
    "signature_secret": Option("the secret that signs callbacks"),
    "base_url": Option("Vonage's API, or a stand-in", default="https://api.nexmo.com", form=r"https?://[^/\s]+"),
    "timeout_s": Option("how many seconds an answer may take", default="15", form=r"\d{1,2}(\.\d{1,3})?"),
}
SCRIPT_TYPE = "application/json"
RING_MAX_S = 30
TALK_MAX_S = 600
TOKEN_LIFE, TOKEN_REUSED_FOR = timedelta(minutes=15), timedelta(minutes=5)
FIELDS_MAX, DEPTH_MAX = 200, 4
PAGE, PAGES_MAX = 100, 10

_FINAL, _TRANSIENT, _UNKNOWN = SendState.REFUSED_FINAL, SendState.REFUSED_TRANSIENT, SendState.UNKNOWN

# The last word of `type` in the answer to a request (developer.vonage.com/en/api-errors): the request was not taken.
CODES: dict[str, Consequence] = {
    "bad_request": Consequence(_FINAL, "parameter_invalid"),
    "invalid_params": Consequence(_FINAL, "parameter_invalid"),
    "invalid_json": Consequence(_FINAL, "parameter_invalid"),
    "invalid_number": Consequence(_FINAL, "invalid_number", is_address_dead=True),
    "unprovisioned": Consequence(_FINAL, "invalid_sender"),
    "unauthorized": Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    "forbidden": Consequence(_TRANSIENT, "forbidden", retry_after_s=60.0),
    "not_found": Consequence(_TRANSIENT, "account_not_found", retry_after_s=60.0),
    "account_suspended": Consequence(_TRANSIENT, "account_suspended", retry_after_s=600.0),
    "low_balance": Consequence(_TRANSIENT, "account_suspended", retry_after_s=600.0),
    "rate_limit": Consequence(_TRANSIENT, "too_many_requests", retry_after_s=1.0),
    "throttled": Consequence(_TRANSIENT, "too_many_requests", retry_after_s=1.0),
    "internal_error": Consequence(_UNKNOWN, "provider_failed"),
}
_STATES: dict[str, tuple[ReceiptState, bool]] = {
    "answered": (ReceiptState.SENT, False),
    "human": (ReceiptState.ANSWERED, False),
    "machine": (ReceiptState.MACHINE, False),
    "completed": (ReceiptState.SENT, True),  # who took it was told before, if it was known
    "unanswered": (ReceiptState.DELIVERED, True),  # it rang: it counts as a call
    "timeout": (ReceiptState.DELIVERED, True),
    "busy": (ReceiptState.NOT_CONNECTED, True),
    "failed": (ReceiptState.NOT_CONNECTED, True),
    "rejected": (ReceiptState.NOT_CONNECTED, True),
    "cancelled": (ReceiptState.NOT_CONNECTED, True),
}
_ON_THE_WAY = frozenset({"started", "ringing", "disconnected", "record", "transfer", "input"})
_DEAD = frozenset({"invalid_number", "number_out_of_service"})  # what `detail` says of a number that is none


def open_provider(options: Mapping[str, str], now: Callable[[], datetime]) -> VonageVoice:
    """Open an account that an accounts file names. Raises ValueError where its key is none."""
    return VonageVoice(options, now)


class VonageVoice:
    """Makes calls. `now` is the clock that the end of the lawful window, and of tokens, is measured by."""

    name = NAME
    channel = Channel.VOICE

    def __init__(self, options: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._url = options["base_url"].rstrip("/") + "/v1/calls"
        self._application = options["application_id"]
        self._key = _private_key(options["private_key"])
        self._http = VonageHttp(float(options["timeout_s"]))
        self._now = now
        self._token = ""
        self._token_at: datetime | None = None

    async def send(self, request: SendRequest) -> SendOutcome:
        """Create one call; ringing and talking both end with the lawful window."""
        left_s = TALK_MAX_S
        if request.die_by is not None:
            left_s = min(int((request.die_by - self._now()).total_seconds()), TALK_MAX_S)
        if left_s < 1:
            return SendOutcome(_TRANSIENT, reason="window_over")
        door = f"{request.callback_url}/gateway/{NAME}"
        call = {
            "to": [{"type": "phone", "number": request.address.removeprefix("+")}],
            "from": {"type": "phone", "number": request.sender.removeprefix("+")},
            "answer_url": [f"{door}/voice/{request.attempt_id}"],
            "answer_method": "POST",
            "event_url": [f"{door}/status?attempt={request.attempt_id}"],
            "event_method": "POST",
            "machine_detection": "hangup",
            "ringing_timer": min(RING_MAX_S, left_s),
            "length_timer": left_s,
        }
        headers = {"Content-Type": "application/json", **self._authorization()}
        answer = await self._http.ask("POST", self._url, data=orjson.dumps(call), headers=headers)
        return answer if isinstance(answer, SendOutcome) else _outcome(answer)

    async def find(self, request: FindRequest) -> Found | NotFound:
        """Look a call up by its numbers and its time, in the list of all calls of that time."""
        candidates: list[Mapping[str, Any]] = []
        for page in range(PAGES_MAX):
            listed = await self._list(request, page)
            if listed is None:
                return NotFound.CANNOT_TELL
            calls, count = listed
            candidates += [call for call in calls if _is_ours(call, request)]
            if (page + 1) * PAGE >= count:
                break
        else:
            return NotFound.CANNOT_TELL
        if not candidates:
            return NotFound.ABSENT
        if len(candidates) > 1:
            return NotFound.CANNOT_TELL
        state, _ = _STATES.get(str(candidates[0].get("status")), (ReceiptState.SENT, False))
        return Found(str(candidates[0]["uuid"]), state)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _list(self, request: FindRequest, page: int) -> tuple[list[Mapping[str, Any]], int] | None:
        query = {
            "date_start": _stamp(request.sent_after),
            "date_end": _stamp(request.sent_before),
            "page_size": str(PAGE),
            "record_index": str(page * PAGE),
        }
        answer = await self._http.ask("GET", self._url, params=query, headers=self._authorization())
        if isinstance(answer, SendOutcome) or answer.status != 200:
            return None
        try:
            document = orjson.loads(answer.body)
            calls, count = document["_embedded"]["calls"], int(document["count"])
            return [{**call, "uuid": str(call["uuid"])} for call in calls], count
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None

    def _authorization(self) -> dict[str, str]:
        """Return the header with a token: one signature carries the calls of some minutes."""
        now = self._now()
        if self._token_at is None or not timedelta(0) <= now - self._token_at < TOKEN_REUSED_FOR:
            claims = {
                "application_id": self._application,
                "iat": int(now.timestamp()),
                "exp": int((now + TOKEN_LIFE).timestamp()),
                "jti": str(uuid4()),
            }
            self._token, self._token_at = jwt.encode(claims, self._key, algorithm="RS256"), now
        return {"Authorization": f"Bearer {self._token}"}


def _private_key(text: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError):
        raise ValueError("option private_key is no key in PEM without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("option private_key is no RSA key")
    return key


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_ours(call: Mapping[str, Any], request: FindRequest) -> bool:
    """Return whether a call of the list has our two numbers, and is not known to be another attempt's."""
    numbers = (_number_of(call.get("to")), _number_of(call.get("from")))
    wanted = (request.address.removeprefix("+"), request.sender.removeprefix("+"))
    return numbers == wanted and call["uuid"] not in request.known_refs


def _number_of(end: Any) -> str:
    end = end[0] if isinstance(end, list) and end else end
    return str(end.get("number", "")).removeprefix("+") if isinstance(end, dict) else ""


def _outcome(answer: Answer) -> SendOutcome:
    document: Any = None
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        document = None
    fields = document if isinstance(document, dict) else {}
    refusal = refusal_of(answer, CODES, _code_of(fields.get("type")))
    if refusal is not None:
        return refusal
    ref = fields.get("uuid")
    if not isinstance(ref, str) or not ref:
        return SendOutcome(_UNKNOWN, reason="torn_reply")
    return SendOutcome(SendState.ACCEPTED, ref)


def _code_of(kind: Any) -> str:
    """Return the last word of an error's type: it is a word, or the address of a page about it."""
    if not isinstance(kind, str):
        return ""
    return kind.rpartition("#")[2].rpartition("/")[2].lower().replace("-", "_")


def read_callback(body: bytes) -> dict[str, str]:
    """Return the fields of a callback in JSON, inner ones by their path, such as "dtmf.digits". Raises PayloadError."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise PayloadError("the callback has no JSON") from None
    if not isinstance(document, dict):
        raise PayloadError("the callback has no fields")
    fields: dict[str, str] = {}
    _flatten(document, "", fields, DEPTH_MAX)
    return fields


def _flatten(value: Any, path: str, fields: dict[str, str], depth: int) -> None:
    if isinstance(value, dict | list):
        if depth == 0:
            raise PayloadError("the callback has no end")
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in pairs:
            _flatten(inner, f"{path}.{name}" if path else str(name), fields, depth - 1)
    elif value is not None:
        fields[path] = value if isinstance(value, str) else str(value)
        if len(fields) > FIELDS_MAX:
            raise PayloadError("the callback has no bound")


def is_authentic(options: Mapping[str, str], callback: Callback) -> bool:
    """Say whether Vonage signed a callback: a token signed with the account's secret, over the hash of the body."""
    scheme, _, token = callback.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        claims = jwt.decode(
            token,
            options["signature_secret"],
            algorithms=["HS256"],
            options={"verify_aud": False, "verify_iat": False, "verify_exp": False},  # a repeat changes nothing
        )
    except jwt.InvalidTokenError:
        return False
    said, held = str(claims.get("payload_hash", "")), hashlib.sha256(callback.body).hexdigest()
    is_for_us = claims.get("application_id", options["application_id"]) == options["application_id"]
    return is_for_us and hmac.compare_digest(said.lower().encode(), held.encode())


def parse_status(form: Mapping[str, str]) -> DeliveryEvent | None:
    """Read an event of a call; None while it is on the way. Raises PayloadError."""
    ref, status = need(form, "uuid"), need(form, "status")
    if status in _ON_THE_WAY:
        return None
    detail = form.get("detail", "")
    code = form.get("sip_code", "") or ("" if detail in ("", "ok") else detail)
    if status not in _STATES:
        return DeliveryEvent(ref, ReceiptState.SENT, code, "unknown_status")
    state, is_final = _STATES[status]
    return DeliveryEvent(ref, state, code, status, is_final, is_address_dead=detail in _DEAD)


def parse_voice(form: Mapping[str, str]) -> VoiceEvent:
    """Read the request for the next step of a call. Raises PayloadError."""
    return VoiceEvent(
        provider_ref=need(form, "uuid"),
        digits=form.get("dtmf.digits", ""),
        speech=form.get("speech.results.0.text", ""),
    )


# How Vonage calls our languages when it speaks and when it listens.
_SPEAK = {"en": "en-US", "es": "es-US", "zh-Hans": "cmn-CN", "zh-Hant": "cmn-TW"}
_LISTEN = {"en": "en-US", "es": "es-US", "zh-Hans": "cmn-Hans-CN", "zh-Hant": "cmn-Hant-TW"}


def script(action: CallAction, steps: Mapping[str, str], language: str, call_url: str, *, transfer_to: str = "") -> str:
    """Say an action. `steps` are those of the rendered message, `call_url` ends in `/gateway/<NAME>/voice/<attempt>`.

    `transfer_to` is the number of a person; where it is empty, the person calls back. At its end a script hangs up.
    """
    said = spoken(action, steps)
    if said.step:
        talk = [{**one, "bargeIn": True} for one in _talk(said.texts, language)]
        return _ncco([*talk, _listen(language, f"{call_url}/{said.step}")])
    actions = _talk(said.texts, language)
    if action is CallAction.TO_PERSON and transfer_to:
        end = {"type": "phone", "number": transfer_to.removeprefix("+")}
        return _ncco([*actions, {"action": "connect", "endpoint": [end]}])
    return _ncco(actions)


def script_later(call_url: str) -> str:
    """Ask Vonage to come back in two seconds, because the attempt has not reached us yet."""
    pause = {"timeOut": 2, "maxDigits": 1}
    back = {"action": "input", "type": ["dtmf"], "dtmf": pause, "eventUrl": [call_url], "eventMethod": "POST"}
    return _ncco([back])


def _talk(texts: tuple[str, ...], language: str) -> list[dict[str, Any]]:
    """Return one action that says all texts: a key must be able to stop it as a whole."""
    text = " ".join(texts).translate({ord("<"): " ", ord(">"): " "})  # no markup of speech in what we say
    return [{"action": "talk", "text": text, "language": _SPEAK[language]}] if text else []


def _listen(language: str, url: str) -> dict[str, Any]:
    return {
        "action": "input",
        "type": ["dtmf", "speech"],
        "dtmf": {"timeOut": GATHER_TIMEOUT_S, "maxDigits": 1},
        "speech": {"language": _LISTEN[language], "startTimeout": GATHER_TIMEOUT_S, "endOnSilence": 1.5},
        "eventUrl": [url],
        "eventMethod": "POST",
    }


def _ncco(actions: list[dict[str, Any]]) -> str:
    return orjson.dumps(actions).decode()
