"""SMS through Twilio's Messages: sending, receipts, inbound messages, and what each of Twilio's codes means for us.

https://www.twilio.com/docs/messaging/api/message-resource and https://www.twilio.com/docs/api/errors
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from forbear_domain.model import Channel
from forbear_providers.contract import (
    Consequence,
    DeliveryEvent,
    FindRequest,
    Found,
    InboundMessage,
    NotFound,
    ReceiptState,
    SendOutcome,
    SendRequest,
    SendState,
    need,
    number_in,
)
from forbear_providers.twilio_signature import verify_signature

if TYPE_CHECKING:
    from forbear_providers.twilio_http import TwilioAccount

__all__ = ["CODES", "NAME", "TwilioSms", "parse_message", "parse_status", "verify_signature"]

NAME = "twilio_sms"
VALIDITY_MAX_S = 36_000  # ValidityPeriod is an integer from 1 to 36000

_FINAL, _TRANSIENT = SendState.REFUSED_FINAL, SendState.REFUSED_TRANSIENT

CODES: dict[int, Consequence] = {
    14107: Consequence(_TRANSIENT, "too_many_requests", retry_after_s=1.0),
    20003: Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    20404: Consequence(_TRANSIENT, "account_not_found", retry_after_s=60.0),
    20429: Consequence(_TRANSIENT, "too_many_requests", retry_after_s=1.0),
    21211: Consequence(_FINAL, "invalid_number", is_address_dead=True),
    21212: Consequence(_FINAL, "invalid_sender"),
    21266: Consequence(_FINAL, "invalid_number"),  # sender and recipient are the same
    21408: Consequence(_FINAL, "region_not_enabled"),
    21602: Consequence(_FINAL, "text_missing"),
    21603: Consequence(_FINAL, "invalid_sender"),
    21604: Consequence(_FINAL, "invalid_number"),
    21606: Consequence(_FINAL, "invalid_sender"),
    21610: Consequence(_FINAL, "opted_out_at_carrier", is_opted_out=True),
    21611: Consequence(_TRANSIENT, "sender_queue_full", retry_after_s=60.0),
    21612: Consequence(_FINAL, "not_reachable_from_sender"),
    21614: Consequence(_FINAL, "not_a_mobile", is_address_dead=True),
    21617: Consequence(_FINAL, "text_too_long"),
    21635: Consequence(_FINAL, "landline", is_address_dead=True),
    30001: Consequence(_TRANSIENT, "queue_overflow", retry_after_s=60.0),
    30002: Consequence(_TRANSIENT, "account_suspended", retry_after_s=600.0),
    30003: Consequence(_FINAL, "handset_unreachable"),
    30004: Consequence(_FINAL, "blocked"),
    30005: Consequence(_FINAL, "unknown_handset", is_address_dead=True),
    30006: Consequence(_FINAL, "landline_or_unreachable_carrier", is_address_dead=True),
    30007: Consequence(_FINAL, "filtered_by_carrier"),
    30008: Consequence(_FINAL, "unknown_delivery_error"),
    30022: Consequence(_TRANSIENT, "campaign_rate_exceeded", retry_after_s=60.0),
    30023: Consequence(_TRANSIENT, "daily_cap_reached", retry_after_s=3600.0),
    30032: Consequence(_FINAL, "sender_not_verified"),
    30034: Consequence(_FINAL, "sender_not_registered"),
    30036: Consequence(_FINAL, "validity_expired"),
}

_STATES: dict[str, tuple[ReceiptState, bool]] = {
    "sent": (ReceiptState.SENT, False),
    "delivered": (ReceiptState.DELIVERED, True),
    "read": (ReceiptState.DELIVERED, True),
    "undelivered": (ReceiptState.UNDELIVERED, True),
    "failed": (ReceiptState.UNDELIVERED, True),
    "canceled": (ReceiptState.UNDELIVERED, True),
}
_ON_THE_WAY = frozenset({"accepted", "scheduled", "queued", "sending", "receiving", "received"})


class TwilioSms:
    """Sends SMS. `now` is the clock that the end of the lawful window is measured by."""

    name = NAME
    channel = Channel.SMS

    def __init__(self, account: TwilioAccount, now: Callable[[], datetime]) -> None:
        from forbear_providers.twilio_api import TwilioApi  # takes long to load: only who sends does

        self._api = TwilioApi(account, CODES)
        self._now = now

    async def send(self, request: SendRequest) -> SendOutcome:
        """Create one message. Its validity ends with the lawful window, so that no queue delivers it later."""
        validity_s = _validity_s(request.die_by, self._now())
        if validity_s is not None and validity_s < 1:
            return SendOutcome(_TRANSIENT, reason="window_over")
        form: dict[str, object] = {
            "To": request.address,
            "MessagingServiceSid" if request.sender.startswith("MG") else "From": request.sender,
            "Body": request.rendered.text,
            "StatusCallback": f"{request.callback_url}/twilio/status?attempt={request.attempt_id}",
        }
        if validity_s is not None:
            form["ValidityPeriod"] = validity_s
        return await self._api.create("Messages", form)

    async def find(self, request: FindRequest) -> Found | NotFound:
        """Look a message up by its numbers, its time and, where known, its text."""
        return await self._api.find(self._api.resource.messages, request, _state_of)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()


def _validity_s(die_by: datetime | None, now: datetime) -> int | None:
    return None if die_by is None else min(int((die_by - now).total_seconds()), VALIDITY_MAX_S)


def _state_of(message: Any) -> ReceiptState:
    state, _ = _STATES.get(str(message.status), (ReceiptState.SENT, False))
    return state


def parse_status(form: Mapping[str, str]) -> DeliveryEvent | None:
    """Read a status callback; None for a state on the way, which is no receipt. Raises PayloadError.

    A code or state that we do not know keeps the event, with the reason "unknown_code" or "unknown_status".
    """
    ref = need(form, "MessageSid")
    status = need(form, "MessageStatus")
    if status in _ON_THE_WAY:
        return None
    code = form.get("ErrorCode", "")
    number = number_in(code)
    known = None if number is None else CODES.get(number)
    if status not in _STATES:
        return DeliveryEvent(ref, ReceiptState.SENT, code, "unknown_status")
    state, is_final = _STATES[status]
    reason = known.reason if known else "unknown_code" if code else ""
    return DeliveryEvent(
        ref, state, code, reason, is_final,
        is_opted_out=known is not None and known.is_opted_out,
        is_address_dead=known is not None and known.is_address_dead,
    )  # fmt: skip


def parse_message(form: Mapping[str, str]) -> InboundMessage:
    """Read an inbound message; an empty text is kept, a missing number is not. Raises PayloadError."""
    return InboundMessage(
        from_=need(form, "From"),
        to=need(form, "To"),
        text=form.get("Body", ""),
        provider_ref=need(form, "MessageSid"),
        is_stop=form.get("OptOutType", "") == "STOP",
    )
