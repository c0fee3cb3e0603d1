"""Callbacks of the providers that the accounts file names: whose they are, whether they are theirs, what they say.

An event keeps the callback as a form, behind the name of its provider, so that it can be read again later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from forbear_providers import twilio_sms, twilio_voice
from forbear_providers.accounts import Account, module_of
from forbear_providers.contract import Callback, DeliveryEvent, InboundMessage
from response_tracker.forms import Form, read_form

STAMP = b"GATEWAY="


class Gateways:
    """The providers whose callbacks are taken, with the accounts that may sign them."""

    def __init__(self, accounts: Sequence[Account] = ()) -> None:
        able = [account for account in accounts if hasattr(module_of(account.provider), "is_authentic")]
        self._options: dict[str, list[Mapping[str, str]]] = {}
        for account in able:
            self._options.setdefault(account.provider, []).append(account.options)

    def knows(self, provider: str) -> bool:
        """Return whether an account at this provider is named."""
        return provider in self._options

    def is_authentic(self, provider: str, callback: Callback) -> bool:
        """Return whether one of the accounts at the provider signed the callback."""
        return any(module_of(provider).is_authentic(options, callback) for options in self._options[provider])


def read_fields(provider: str, body: bytes) -> tuple[Form, bytes]:
    """Return the fields of a callback, and it as a form. Raises PayloadError and FormError."""
    module = module_of(provider)
    if not hasattr(module, "read_callback"):
        return read_form(body), body
    form = Form(module.read_callback(body))
    return form, urlencode(form, errors="replace").encode()


def stamp(provider: str, body: bytes) -> bytes:
    """Return the body of an event: the callback behind its provider's name."""
    return STAMP + provider.encode() + b"&" + body


def carries_calls(provider: str) -> bool:
    """Return whether a provider asks for the next step of a call."""
    return hasattr(module_of(provider), "script")


def read_status(body: bytes) -> DeliveryEvent | None:
    """Read a status callback of any provider. Raises PayloadError and FormError."""
    provider, form_body = split(body)
    form = read_form(form_body)
    if provider:
        told: DeliveryEvent | None = module_of(provider).parse_status(form)
        return told
    return twilio_voice.parse_status(form) if "CallSid" in form else twilio_sms.parse_status(form)


def read_message(body: bytes) -> InboundMessage:
    """Read an inbound message of any provider. Raises PayloadError and FormError."""
    provider, form_body = split(body)
    message: InboundMessage = (module_of(provider) if provider else twilio_sms).parse_message(read_form(form_body))
    return message


def split(body: bytes) -> tuple[str, bytes]:
    """Return the provider's name, empty for Twilio's own doors, and the callback as it came."""
    if not body.startswith(STAMP):
        return "", body
    name, _, rest = body.removeprefix(STAMP).partition(b"&")
    return name.decode("ascii", "replace"), rest
