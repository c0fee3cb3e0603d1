"""Twilio's signature on its callbacks, checked by the official library.

https://www.twilio.com/docs/usage/security#validating-requests
"""

from __future__ import annotations

from collections.abc import Mapping

from twilio.request_validator import RequestValidator


def verify_signature(auth_token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Say whether Twilio signed this callback: `url` is the public one it called, with its query."""
    return bool(RequestValidator(auth_token).validate(url, dict(form), signature))
