"""How the official Twilio client's requests get to Twilio: its HTTP client, replaced by one of ours.

It sends to the base URL of our settings, keeps connections open, never logs (theirs writes numbers and texts), never
follows a redirect, never repeats, and tells apart what was certainly not taken from what may have been. Two ways lead
to the host: aiohttp, which the official client uses, and our own small client (docs/adr/0007-lean-transport.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_letters, digits
from typing import Any, Literal, Protocol
from urllib.parse import quote_plus

import aiohttp
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response

from forbear_providers.lean_http import LeanHttp, OversizedReply

API_URL = "https://api.twilio.com"
TIMEOUT_S = 15.0  # Twilio answers within a second; what takes longer is unknown, and looked for later
CONNECT_TIMEOUT_S = 5.0
CONNECTIONS_MAX = 64
REPLY_BYTES_MAX = 1024 * 1024
RETRY_AFTER_MAX_S = 3600.0

Transport = Literal["library", "lean"]

_QUOTED = [quote_plus(bytes([byte])) for byte in range(256)]  # what each byte of a form becomes
_SAFE = f"{ascii_letters}{digits}_.-~".encode()
_FIRST = b"%+"
_TABLE = dict(enumerate(_QUOTED))


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Where and as whom we ask. The token is never shown."""

    sid: str
    auth_token: str
    base_url: str = API_URL
    timeout_s: float = TIMEOUT_S
    transport: Transport = "library"  # or "lean": our own small HTTP client under the official one

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


class TwilioHttp(AsyncTwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """The library's HTTP client, over one of two ways to a host."""

    def __init__(self, account: TwilioAccount) -> None:
        super().__init__(pool_connections=False, timeout=account.timeout_s)
        self._way: _Way = _OverLean(account) if account.transport == "lean" else _OverAiohttp(account)
        self._authorization = aiohttp.encode_basic_auth(account.sid, account.auth_token)

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
        """Send one request. Raises Throttled, TornReply (too long), and what the way raises."""
        if not url.startswith(API_URL):
            raise ValueError("the client asks for another host than Twilio's")
        target = url[len(API_URL) :] + (f"?{encode_form(params).decode()}" if params else "")
        headers = {**(headers or {}), "Authorization": self._authorization}
        status, text, retry_after = await self._way.ask(
            method.upper(), target, headers, encode_form(data) if data else b""
        )
        if status == 429:
            raise Throttled(_retry_after_s(retry_after))
        return Response(status, text)

    async def close(self) -> None:
        """Close the connections."""
        await self._way.close()


Answered = tuple[int, str, str | None]
"""Status, body, and the header Retry-After."""


class _Way(Protocol):
    """How a request gets to Twilio and its answer back, once. `target` is path and query."""

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answered: ...

    async def close(self) -> None: ...


class _OverAiohttp:
    """The HTTP library that the official client uses. Raises TimeoutError, aiohttp.ClientError and TornReply."""

    def __init__(self, account: TwilioAccount) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._base_url = account.base_url.rstrip("/")
        self._limits = aiohttp.ClientTimeout(total=account.timeout_s, sock_connect=CONNECT_TIMEOUT_S)

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answered:
        async with self._opened().request(
            method,
            self._base_url + target,
            data=body or None,
            headers=headers,
            timeout=self._limits,
            allow_redirects=False,
        ) as reply:
            return reply.status, await _read(reply), reply.headers.get("Retry-After")

    def _opened(self) -> aiohttp.ClientSession:
        """Open the session at the first use, because it belongs to the running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class _OverLean:
    """Our own small client. Raises TimeoutError, ConnectionError and TornReply."""

    def __init__(self, account: TwilioAccount) -> None:
        self._client = LeanHttp(
            account.base_url,
            timeout_s=account.timeout_s,
            connect_timeout_s=CONNECT_TIMEOUT_S,
            connections_max=CONNECTIONS_MAX,
            body_bytes_max=REPLY_BYTES_MAX,
        )

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answered:
        try:
            reply = await self._client.request(method, target, headers, body)
        except OversizedReply as error:
            raise TornReply("the answer is too long") from error
        return reply.status, reply.body.decode("utf-8", errors="replace"), reply.headers.get("retry-after")

    async def close(self) -> None:
        await self._client.close()


def encode_form(fields: Mapping[str, Any]) -> bytes:
    """Return what `urllib.parse.urlencode(fields, doseq=True)` does (a test compares both), in a fifth of the time."""
    pairs = [(key, one) for key, value in fields.items() for one in (value if isinstance(value, list) else (value,))]
    return "&".join([f"{_quote_key(key)}={_quote(str(value))}" for key, value in pairs]).encode("ascii")


def _quote(text: str) -> str:
    """Quote one value; ASCII holds few sorts of characters that need it: each is replaced at once, wherever it stands.

    "%" is replaced before one is made, "+" before a blank becomes one.
    """
    if not text.isascii():
        return text.encode().decode("latin-1").translate(_TABLE)
    sorts = set(text.encode().translate(None, _SAFE))
    for first in _FIRST:
        if first in sorts:
            sorts.remove(first)
            text = text.replace(chr(first), _QUOTED[first])
    for sort in sorts:
        text = text.replace(chr(sort), _QUOTED[sort])
    return text


_quote_key = lru_cache(maxsize=256)(_quote)  # the API has some dozens of them


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
