"""Twilio's REST API as both Twilio providers use it: the official client, asked once.

The official client builds the requests and reads the answers; `twilio_http` carries them. It takes long to load, so the
providers do so when one of them is made: who only reads callbacks needs none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client

from forbear_providers.contract import (
    Consequence,
    FindRequest,
    Found,
    NotFound,
    ReceiptState,
    SendOutcome,
    SendState,
)
from forbear_providers.lean_http import NotConnected
from forbear_providers.twilio_http import Throttled, TornReply, TwilioAccount, TwilioHttp

LIST_MAX = 200  # messages between two numbers that are looked through for one attempt
SKEW = timedelta(seconds=60)  # by which Twilio's clock, which shows whole seconds, may differ from ours

_TRANSIENT, _UNKNOWN = SendState.REFUSED_TRANSIENT, SendState.UNKNOWN

# What the library lets escape when a field of an answer has another type than documented.
_MISREAD = (AttributeError, KeyError, TypeError, ValueError, OverflowError)

# Answers without a code of Twilio's that prove that nothing was taken.
_STATUSES = {
    401: Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    403: Consequence(_TRANSIENT, "forbidden", retry_after_s=60.0),
    404: Consequence(_TRANSIENT, "account_not_found", retry_after_s=60.0),
}


class TwilioApi:
    """Asks Twilio once and turns whatever happens into an outcome."""

    def __init__(self, account: TwilioAccount, codes: Mapping[int, Consequence]) -> None:
        self._http = TwilioHttp(account)
        self._codes = codes
        client = Client(account.sid, account.auth_token, http_client=self._http)
        self.resource: Any = client.api.v2010.account
        self._version: Any = client.api.v2010
        self._account_uri = f"/Accounts/{account.sid}"

    async def create(self, kind: str, form: Mapping[str, object]) -> SendOutcome:
        """Create one of the account's "Messages" or "Calls", once.

        The client's typed resources would offer two dozen fields more and read as many of the answer, two of which are
        wanted: a third of what a message costs the sender. So the layer right under them is asked.
        """
        try:
            created = await self._version.create_async("POST", f"{self._account_uri}/{kind}.json", data=form)
            ref, segments = created.get("sid"), str(created.get("num_segments"))
            parts = int(segments) if segments.isdecimal() else 0
        except Throttled as error:
            return SendOutcome(_TRANSIENT, "", "20429", "too_many_requests", error.retry_after_s)
        except (TornReply, *_MISREAD):
            return SendOutcome(_UNKNOWN, reason="torn_reply")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, NotConnected):
            return SendOutcome(_TRANSIENT, reason="not_connected")  # before a byte of the request was written
        except TimeoutError:
            return SendOutcome(_UNKNOWN, reason="timed_out")
        except (aiohttp.ClientError, ConnectionError, asyncio.IncompleteReadError):
            return SendOutcome(_UNKNOWN, reason="connection_lost")
        except (TwilioRestException, TwilioServiceException) as error:
            return self._refused(error.status, error.code)
        if not isinstance(ref, str) or not ref:
            return SendOutcome(_UNKNOWN, reason="torn_reply")
        return SendOutcome(SendState.ACCEPTED, ref, parts=parts)

    def _refused(self, status: int, code: object) -> SendOutcome:
        """Read a refusal. A 5xx may come after the request was taken, so only Twilio's own code proves a refusal."""
        text = str(code) if isinstance(code, int) and code != status else ""
        meaning = self._codes.get(int(text)) if text else _STATUSES.get(status)
        if status >= 500 or status == 408 or status < 400:
            reason = "provider_failed" if status >= 400 else "redirected"
            return SendOutcome(_UNKNOWN, "", text or f"http_{status}", reason)
        if meaning is None:
            return SendOutcome(_UNKNOWN, "", text or f"http_{status}", "unknown_code")
        return SendOutcome(
            meaning.state,
            "",
            text or f"http_{status}",
            meaning.reason,
            meaning.retry_after_s,
            meaning.is_opted_out,
            is_address_dead=meaning.is_address_dead,
        )

    async def find(
        self, resource: Any, request: FindRequest, state_of: Callable[[Any], ReceiptState]
    ) -> Found | NotFound:
        """Look an attempt up among what went between two numbers; more than one candidate means that nobody can tell.

        The list is read without a filter of time, because what Twilio has queued has no time of sending yet.
        """
        try:
            listed = await resource.list_async(to=request.address, from_=request.sender, limit=LIST_MAX + 1)
        except (Throttled, TornReply, TwilioException, TimeoutError, aiohttp.ClientError, ConnectionError, *_MISREAD):
            return NotFound.CANNOT_TELL
        if len(listed) > LIST_MAX:
            return NotFound.CANNOT_TELL
        if not all(isinstance(one.sid, str) and isinstance(one.date_created, datetime) for one in listed):
            return NotFound.CANNOT_TELL
        candidates = [
            one
            for one in listed
            if request.sent_after - SKEW <= one.date_created <= request.sent_before + SKEW
            and one.sid not in request.known_refs
            and (not request.text or getattr(one, "body", None) in (None, request.text))
        ]
        if not candidates:
            return NotFound.ABSENT
        if len(candidates) > 1:
            return NotFound.CANNOT_TELL
        return Found(candidates[0].sid, state_of(candidates[0]))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
