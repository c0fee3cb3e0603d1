"""Twilio's REST API as both Twilio providers use it: the official client over one pooled session, asked once.

The official client builds the requests and reads the answers. Its HTTP client is replaced by one that sends to the
base URL of our settings, keeps connections open, never logs (theirs writes numbers and texts), never follows a
redirect, never repeats, and tells apart what was certainly not taken from what may have been. It takes long to load, so
the providers do so when one of them is made: who only reads callbacks needs none of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
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

API_URL = "https://api.twilio.com"
TIMEOUT_S = 15.0  # Twilio answers within a second; what takes longer is unknown, and looked for later
CONNECT_TIMEOUT_S = 5.0
CONNECTIONS_MAX = 64
REPLY_BYTES_MAX = 1024 * 1024
RETRY_AFTER_MAX_S = 3600.0
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


_QUOTED = {chr(byte): quote_plus(bytes([byte])) for byte in range(256)}  # what each byte of a form becomes
_TO_QUOTE = re.compile(r"[^A-Za-z0-9_.~ -]")
_TABLE = str.maketrans(_QUOTED)


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Where and as whom we ask. The token is never shown."""

    sid: str
    auth_token: str
    base_url: str = API_URL
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        if not self.sid or not self.auth_token:
            raise ValueError("Twilio needs an account SID and an auth token")

    def __repr__(self) -> str:
        return f"TwilioAccount(base_url={self.base_url!r})"


class Throttled(Exception):
    """Twilio asked us to slow down, and took nothing."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("too many requests")
        self.retry_after_s = retry_after_s


class TornReply(Exception):
    """An answer that is too long to be read. One that is no JSON object is found by the library's own reading."""


class _Http(AsyncTwilioHttpClient):  # type: ignore[misc]  # the library has no types
    def __init__(self, account: TwilioAccount) -> None:
        super().__init__(pool_connections=False, timeout=account.timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._account = account
        self._authorization = aiohttp.encode_basic_auth(account.sid, account.auth_token)
        self._limits = aiohttp.ClientTimeout(total=account.timeout_s, sock_connect=CONNECT_TIMEOUT_S)

    async def request(  # noqa: PLR0913  # the library's signature
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: object = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Send one request. Raises Throttled, TornReply (too long), TimeoutError and aiohttp.ClientError."""
        if not url.startswith(API_URL):
            raise ValueError("the client asks for another host than Twilio's")
        async with self._opened().request(
            method.upper(),
            self._account.base_url.rstrip("/") + url[len(API_URL) :],
            params=params,
            data=encode_form(data) if data else None,
            headers=headers,
            timeout=self._limits,
            allow_redirects=False,
        ) as reply:
            text = await _read(reply)
            if reply.status == 429:
                raise Throttled(_retry_after_s(reply.headers.get("Retry-After")))
            return Response(reply.status, text, reply.headers)

    def _opened(self) -> aiohttp.ClientSession:
        """Open the session at the first use, because it belongs to the running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers={"Authorization": self._authorization}
            )
        return self._session

    async def close(self) -> None:
        """Close the session, if there is one."""
        if self._session is not None:
            await self._session.close()


def encode_form(fields: Mapping[str, Any]) -> bytes:
    """Return what `urllib.parse.urlencode(fields, doseq=True)` does (a test compares both), in a third of the time."""
    pairs = [(key, one) for key, value in fields.items() for one in (value if isinstance(value, list) else (value,))]
    return "&".join([f"{_quote(key)}={_quote(str(value))}" for key, value in pairs]).encode("ascii")


def _quote(text: str) -> str:
    """Quote one value; in ASCII few characters need it and are sought, in other scripts all of them do."""
    if text.isascii():
        return _TO_QUOTE.sub(lambda found: _QUOTED[found[0]], text).replace(" ", "+")
    return text.encode().decode("latin-1").translate(_TABLE)


async def _read(reply: aiohttp.ClientResponse) -> str:
    length = reply.content_length
    if length is not None and length <= REPLY_BYTES_MAX and "Content-Encoding" not in reply.headers:
        return (await reply.read()).decode("utf-8", errors="replace")
    body = bytearray()
    async for chunk in reply.content.iter_any():
        body += chunk
        if len(body) > REPLY_BYTES_MAX:
            raise TornReply("the answer is too long")
    return body.decode("utf-8", errors="replace")


def _retry_after_s(value: str | None) -> float | None:
    if value is None or not value.strip().isdigit():
        return None
    return min(float(value), RETRY_AFTER_MAX_S)


class TwilioApi:
    """Asks Twilio once and turns whatever happens into an outcome."""

    def __init__(self, account: TwilioAccount, codes: Mapping[int, Consequence]) -> None:
        self._http = _Http(account)
        self._codes = codes
        client = Client(account.sid, account.auth_token, http_client=self._http)
        self.resource: Any = client.api.v2010.account

    async def create(self, request: Callable[[], Awaitable[Any]]) -> SendOutcome:
        """Make the request that creates a message or a call, once."""
        try:
            created = await request()
        except Throttled as error:
            return SendOutcome(_TRANSIENT, "", "20429", "too_many_requests", error.retry_after_s)
        except (TornReply, *_MISREAD):
            return SendOutcome(_UNKNOWN, reason="torn_reply")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return SendOutcome(_TRANSIENT, reason="not_connected")  # before a byte of the request was written
        except TimeoutError:
            return SendOutcome(_UNKNOWN, reason="timed_out")
        except (aiohttp.ClientError, ConnectionError, asyncio.IncompleteReadError):
            return SendOutcome(_UNKNOWN, reason="connection_lost")
        except (TwilioRestException, TwilioServiceException) as error:
            return self._refused(error.status, error.code)
        if not isinstance(created.sid, str) or not created.sid:
            return SendOutcome(_UNKNOWN, reason="torn_reply")
        parts = str(getattr(created, "num_segments", None) or "")
        return SendOutcome(SendState.ACCEPTED, created.sid, parts=int(parts) if parts.isdigit() else 0)

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
