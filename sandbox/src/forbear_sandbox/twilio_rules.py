"""What the real Twilio checks before it takes a message or a call, and the error it answers with.

Codes and meanings: twilio.com/docs/api/errors (read 2026-11). Only what a sender of reminders can run into is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

E164 = re.compile(r"\+[1-9]\d{6,14}\Z")
HTTP_URL = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?\Z")
SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}\Z")
BODY_CHARS_MAX = 1600
VALIDITY_S_MAX = 36_000
# The basic GSM 03.38 alphabet; a form feed, brackets and the euro sign cost two septets.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_DOUBLE = frozenset("\f^{}\\[~]|€")


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal of the API, as its JSON says it."""

    status: int
    code: int
    message: str
    retry_after_s: int | None = None

    def body(self) -> dict[str, object]:
        """Return the JSON object."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Account:
    """The credentials and senders of the one account of the sandbox."""

    sid: str
    token: str
    senders: frozenset[str] = frozenset()  # empty: every well-formed number may send
    services: frozenset[str] = frozenset()  # empty: every well-formed service SID is ours

    def owns(self, sender: str) -> bool:
        """Return whether the account may send from a number."""
        return not self.senders or sender in self.senders


def not_authenticated() -> ApiError:
    """Wrong or missing credentials."""
    return ApiError(401, 20003, "Authenticate")


def not_found(path: str) -> ApiError:
    """A resource that does not exist."""
    return ApiError(404, 20404, f"The requested resource {path} was not found")


def too_many_requests(retry_after_s: int) -> ApiError:
    """More requests than the account may make."""
    return ApiError(429, 20429, "Too Many Requests", retry_after_s)


def check_message(form: Mapping[str, str], account: Account) -> None:
    """Raise the ApiError that the real API answers a message with, in the order in which it checks."""
    to = form.get("To", "").strip()
    if not to:
        raise ApiError(400, 21604, "A 'To' phone number is required.")
    if not E164.match(to):
        raise ApiError(400, 21211, f"Invalid 'To' Phone Number: {to[:8]}")
    _check_message_sender(form, account, to)
    if not form.get("Body") and not form.get("MediaUrl") and not form.get("ContentSid"):
        raise ApiError(400, 21602, "Message body is required.")
    if len(form.get("Body", "")) > BODY_CHARS_MAX:
        raise ApiError(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    _check_url(form, "StatusCallback", 21609)
    _check_validity(form.get("ValidityPeriod", ""))


def check_call(form: Mapping[str, str], account: Account) -> None:
    """Raise the ApiError that the real API answers a call with."""
    to, sender = form.get("To", "").strip(), form.get("From", "").strip()
    if not to:
        raise ApiError(400, 21201, "No 'To' number is specified")
    if not sender:
        raise ApiError(400, 21213, "'From' phone number is required")
    if not E164.match(to):
        raise ApiError(400, 21211, f"The phone number you are attempting to call, {to[:8]}, is not valid.")
    if not E164.match(sender):
        raise ApiError(400, 21212, f"The source phone number provided, {sender[:8]}, is not valid.")
    if not account.owns(sender):
        raise ApiError(400, 21210, "The source phone number provided is not yet verified for your account.")
    if not form.get("Url") and not form.get("Twiml") and not form.get("ApplicationSid"):
        raise ApiError(400, 21205, "Url parameter is required.")
    _check_url(form, "Url", 21205)
    _check_url(form, "StatusCallback", 21205)
    for name, low, high in (("Timeout", 1, 600), ("TimeLimit", 1, 86_400), ("MachineDetectionTimeout", 3, 59)):
        value = form.get(name)
        if value is not None and not (value.isdigit() and low <= int(value) <= high):
            raise ApiError(400, 20001, f"Parameter '{name}' is not valid.")


def segments(body: str) -> int:
    """Count the parts of a text: 160 septets, or 153 in several parts; 70 or 67 UTF-16 units outside the alphabet."""
    if all(character in GSM_BASIC or character in GSM_DOUBLE for character in body):
        septets = len(body) + sum(character in GSM_DOUBLE for character in body)
        return 1 if septets <= 160 else -(-septets // 153)
    units = len(body.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)


def _check_message_sender(form: Mapping[str, str], account: Account, to: str) -> None:
    sender, service = form.get("From", "").strip(), form.get("MessagingServiceSid", "")
    if service:
        known = not account.services or service in account.services
        if not SERVICE_SID.match(service) or not known:
            raise ApiError(404, 21701, "The Messaging Service does not exist")
    elif not sender:
        raise ApiError(400, 21603, "A 'From' phone number is required.")
    elif not E164.match(sender):
        raise ApiError(400, 21212, f"Invalid From Number (caller ID): {sender[:8]}")
    elif not account.owns(sender):
        raise ApiError(
            400, 21606, "The 'From' phone number provided is not a valid message-capable Twilio phone number"
        )
    elif sender == to:
        raise ApiError(400, 21266, "'To' and 'From' number cannot be the same")


def _check_url(form: Mapping[str, str], name: str, code: int) -> None:
    value = form.get(name)
    if value and not HTTP_URL.match(value):
        raise ApiError(400, code, f"The '{name}' URL is not valid.")


def _check_validity(value: str) -> None:
    if value and not (value.isdigit() and 1 <= int(value) <= VALIDITY_S_MAX):
        raise ApiError(400, 30045, f"ValidityPeriod must be between 1 and {VALIDITY_S_MAX} seconds")
