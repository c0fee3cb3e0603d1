"""SMS through Vonage's SMS API: sending, receipts, inbound messages, and what each of Vonage's codes means for us.

An answer lists the parts of a message, each with a status of its own; HTTP says little. `client-ref` is our attempt's
id, and the receipt repeats it; so do the records of the Reports API, which are asked about unknown attempts where the
account names it. developer.vonage.com/en/api/reports
https://developer.vonage.com/en/api/sms and https://developer.vonage.com/en/getting-started/concepts/signing-messages
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime

import aiohttp
import orjson

from forbear_domain.messages.segments import is_gsm7
from forbear_domain.model import Channel
from forbear_providers.contract import (
    Callback,
    Consequence,
    DeliveryEvent,
    FindRequest,
    Found,
    InboundMessage,
    NotFound,
    Option,
    PayloadError,
    ReceiptState,
    SendOutcome,
    SendRequest,
    SendState,
    need,
)
from forbear_providers.vonage_http import Answer, VonageHttp, refusal_of

__all__ = ["CODES", "NAME", "OPTIONS", "VonageSms", "is_authentic", "open_provider", "parse_message", "parse_status"]

NAME = "vonage_sms"
OPTIONS = {
    "api_key": Option("the API key of the account"),
    "api_secret": Option("the API secret of the account"),
    "signature_secret": Option("the secret that signs callbacks, with the method SHA-256 HMAC"),
    "base_url": Option("Vonage's API, or a stand-in", default="https://rest.nexmo.com", form=r"https?://[^/\s]+"),
    "reports_url": Option(
        "where unknown messages are looked up, https://api.nexmo.com; Vonage charges for each record",
        default="",
        form=r"https?://[^/\s]+",
    ),
    "timeout_s": Option("how many seconds an answer may take", default="15", form=r"\d{1,2}(\.\d{1,3})?"),
}
TTL_MIN_MS, TTL_MAX_MS = 20_000, 604_800_000

_FINAL, _TRANSIENT, _UNKNOWN = SendState.REFUSED_FINAL, SendState.REFUSED_TRANSIENT, SendState.UNKNOWN

# Status of a part in the answer to a request (developer.vonage.com/api-errors/sms). 0 is success.
CODES: dict[int, Consequence] = {
    1: Consequence(_TRANSIENT, "too_many_requests", retry_after_s=1.0),
    2: Consequence(_FINAL, "parameter_missing"),
    3: Consequence(_FINAL, "parameter_invalid"),
    4: Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    5: Consequence(_UNKNOWN, "provider_failed"),
    6: Consequence(_FINAL, "invalid_number"),
    7: Consequence(_FINAL, "number_barred"),
    8: Consequence(_TRANSIENT, "account_suspended", retry_after_s=600.0),
    9: Consequence(_TRANSIENT, "account_suspended", retry_after_s=600.0),  # the credit is used up
    10: Consequence(_TRANSIENT, "too_many_requests", retry_after_s=5.0),
    11: Consequence(_TRANSIENT, "forbidden", retry_after_s=600.0),
    12: Consequence(_FINAL, "text_too_long"),
    14: Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    15: Consequence(_FINAL, "invalid_sender"),
    22: Consequence(_FINAL, "parameter_invalid"),
    23: Consequence(_FINAL, "parameter_invalid"),
    29: Consequence(_FINAL, "not_verified"),
    32: Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    33: Consequence(_FINAL, "number_deactivated"),
}
# err-code of a receipt (developer.vonage.com/en/messaging/sms/guides/delivery-receipts).
DELIVERY_CODES: dict[str, str] = {
    "0": "",
    "1": "unknown_delivery_error",
    "2": "handset_unreachable",
    "3": "number_deactivated",
    "4": "blocked",
    "5": "portability",
    "6": "filtered_by_carrier",
    "7": "handset_unreachable",
    "8": "network_failed",
    "9": "opted_out_at_carrier",
    "10": "parameter_invalid",
    "11": "not_reachable_from_sender",
    "12": "not_reachable",
    "13": "age_restriction",
    "14": "blocked",
    "15": "prepaid_empty",
    "99": "unknown_delivery_error",
}
OPTED_OUT = "9"

_STATES: dict[str, tuple[ReceiptState, bool]] = {
    "delivered": (ReceiptState.DELIVERED, True),
    "expired": (ReceiptState.UNDELIVERED, True),
    "failed": (ReceiptState.UNDELIVERED, True),
    "rejected": (ReceiptState.UNDELIVERED, True),
    "undelivered": (ReceiptState.UNDELIVERED, True),
    "buffered": (ReceiptState.SENT, False),
    "unknown": (ReceiptState.SENT, False),
}
_ON_THE_WAY = frozenset({"accepted", "submitted"})


def open_provider(options: Mapping[str, str], now: Callable[[], datetime]) -> VonageSms:
    """Open an account that an accounts file names."""
    return VonageSms(options, now)


class VonageSms:
    """Sends SMS. `now` is the clock that the end of the lawful window is measured by."""

    name = NAME
    channel = Channel.SMS

    def __init__(self, options: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._url = options["base_url"].rstrip("/") + "/sms/json"
        self._credentials = {"api_key": options["api_key"], "api_secret": options["api_secret"]}
        self._reports_url = options["reports_url"] and options["reports_url"].rstrip("/") + "/v2/reports/records"
        self._http = VonageHttp(float(options["timeout_s"]))
        self._now = now

    async def send(self, request: SendRequest) -> SendOutcome:
        """Create one message. It lives no longer than the lawful window, so that no queue delivers it later."""
        text = request.rendered.text
        form = {
            **self._credentials,
            "from": request.sender.removeprefix("+"),
            "to": request.address.removeprefix("+"),
            "text": text,
            "type": "text" if is_gsm7(text) else "unicode",
            "client-ref": request.attempt_id.hex,
            "callback": f"{request.callback_url}/gateway/{NAME}/status?attempt={request.attempt_id}",
        }
        if request.die_by is not None:
            left_ms = int((request.die_by - self._now()).total_seconds() * 1000)
            if left_ms < TTL_MIN_MS:
                return SendOutcome(_TRANSIENT, reason="window_over")
            form["ttl"] = str(min(left_ms, TTL_MAX_MS))
        answer = await self._http.ask("POST", self._url, data=form)
        return answer if isinstance(answer, SendOutcome) else _outcome(answer)

    async def find(self, request: FindRequest) -> Found | NotFound:
        """Look a message up by our reference in the account's records.

        They may come late, so what they do not hold is not proved absent.
        """
        if not self._reports_url:
            return NotFound.CANNOT_TELL
        query = {
            "account_id": self._credentials["api_key"],
            "product": "SMS",
            "direction": "outbound",
            "to": request.address.removeprefix("+"),
            "date_start": request.sent_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "date_end": request.sent_before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        login = aiohttp.BasicAuth(self._credentials["api_key"], self._credentials["api_secret"])
        answer = await self._http.ask("GET", self._reports_url, params=query, auth=login)
        if isinstance(answer, SendOutcome) or answer.status != 200:
            return NotFound.CANNOT_TELL
        return _found(answer.body, request.attempt_id.hex)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _found(body: bytes, ref: str) -> Found | NotFound:
    try:
        records = [one for one in orjson.loads(body)["records"] if one.get("client_ref") == ref]
        named = sorted((str(one["message_id"]), str(one.get("status", "")).lower()) for one in records)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return NotFound.CANNOT_TELL
    if not named:
        return NotFound.CANNOT_TELL
    message_id, status = named[0]  # of several parts, the first stands for all
    state, _ = _STATES.get(status, (ReceiptState.SENT, False))
    return Found(message_id, state)


def _outcome(answer: Answer) -> SendOutcome:
    refusal = refusal_of(answer)
    if refusal is not None:
        return refusal
    try:
        parts = orjson.loads(answer.body)["messages"]
        statuses = [int(part["status"]) for part in parts]
        refs = [str(part["message-id"]) for part, one in zip(parts, statuses, strict=True) if one == 0]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return SendOutcome(_UNKNOWN, reason="torn_reply")
    if not statuses or not all(refs):
        return SendOutcome(_UNKNOWN, reason="torn_reply")
    return _outcome_of_parts(statuses, refs)


def _outcome_of_parts(statuses: list[int], refs: list[str]) -> SendOutcome:
    """Judge the parts: all taken, none taken, or some of them, which is never sent again by itself."""
    refused = [one for one in statuses if one != 0]
    if not refused:
        return SendOutcome(SendState.ACCEPTED, refs[0], parts=len(statuses))
    meaning = CODES.get(refused[0])
    if refs:
        return SendOutcome(_UNKNOWN, refs[0], str(refused[0]), "partly_taken", parts=len(refs))
    if meaning is None:
        return SendOutcome(_UNKNOWN, "", str(refused[0]), "unknown_code")
    return SendOutcome(meaning.state, "", str(refused[0]), meaning.reason, meaning.retry_after_s, meaning.is_opted_out)


def is_authentic(options: Mapping[str, str], callback: Callback) -> bool:
    """Say whether Vonage signed a callback: HMAC-SHA256 over its sorted fields, in which & and = become _."""
    signature = callback.form.get("sig", "")
    fields = sorted((name, value) for name, value in callback.form.items() if name != "sig")
    signed = "".join(f"&{name}={_blunt(value)}" for name, value in fields)
    expected = hmac.digest(options["signature_secret"].encode(), signed.encode(), "sha256").hex()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def _blunt(value: str) -> str:
    return value.replace("&", "_").replace("=", "_")


def parse_status(form: Mapping[str, str]) -> DeliveryEvent | None:
    """Read a receipt; None for a state on the way, which is none. Raises PayloadError.

    A code or state that we do not know keeps the event, with the reason "unknown_code" or "unknown_status".
    """
    ref, status, code = need(form, "messageId"), need(form, "status"), form.get("err-code", "")
    if status in _ON_THE_WAY:
        return None
    code = "" if code == "0" else code
    if status not in _STATES:
        return DeliveryEvent(ref, ReceiptState.SENT, code, "unknown_status")
    state, is_final = _STATES[status]
    reason = DELIVERY_CODES.get(code, "unknown_code") if code else ""
    return DeliveryEvent(ref, state, code, reason, is_final, is_opted_out=code == OPTED_OUT)


def parse_message(form: Mapping[str, str]) -> InboundMessage:
    """Read an inbound message; of a long one each part comes by itself. Raises PayloadError."""
    sender, to = need(form, "msisdn"), need(form, "to")
    if not sender.isdigit() or not to.isdigit():
        raise PayloadError("the callback has no msisdn")
    return InboundMessage(f"+{sender}", f"+{to}", form.get("text", ""), need(form, "messageId"))
