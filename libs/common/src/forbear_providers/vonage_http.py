"""What Vonage's APIs share: one session over HTTP, and what an answer without a code of theirs proves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp

from forbear_providers.contract import Consequence, SendOutcome, SendState

CONNECT_TIMEOUT_S = 5.0
CONNECTIONS_MAX = 64
REPLY_BYTES_MAX = 1024 * 1024
RETRY_AFTER_MAX_S = 3600.0

_TRANSIENT, _UNKNOWN = SendState.REFUSED_TRANSIENT, SendState.UNKNOWN
_STATUSES = {
    401: Consequence(_TRANSIENT, "credentials_refused", retry_after_s=60.0),
    403: Consequence(_TRANSIENT, "forbidden", retry_after_s=60.0),
    404: Consequence(_TRANSIENT, "account_not_found", retry_after_s=60.0),
}


class Answer(NamedTuple):
    """An answer that was read to its end."""

    status: int
    body: bytes
    retry_after: str = ""


class VonageHttp:
    """Asks once, and never follows a redirect: what may have been taken is never sent again."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, method: str, url: str, **request: Any) -> Answer | SendOutcome:
        """Return the answer, or the outcome where there is none."""
        if self._session is None:  # it belongs to the running loop
            connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with self._session.request(
                method, url, timeout=self._timeout, allow_redirects=False, **request
            ) as reply:
                body = bytearray()
                async for chunk in reply.content.iter_any():
                    body += chunk
                    if len(body) > REPLY_BYTES_MAX:
                        return SendOutcome(_UNKNOWN, reason="torn_reply")
                return Answer(reply.status, bytes(body), reply.headers.get("Retry-After", ""))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return SendOutcome(_TRANSIENT, reason="not_connected")  # before a byte of the request was written
        except TimeoutError:
            return SendOutcome(_UNKNOWN, reason="timed_out")
        except (aiohttp.ClientError, ConnectionError, asyncio.IncompleteReadError):
            return SendOutcome(_UNKNOWN, reason="connection_lost")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def refusal_of(answer: Answer, codes: Mapping[str, Consequence] | None = None, code: str = "") -> SendOutcome | None:
    """Return what an answer other than 2xx means, by the provider's own code where it gives one; None for 2xx."""
    status, retry_after = answer.status, answer.retry_after.strip()
    if 200 <= status < 300:
        return None
    meaning = (codes or {}).get(code)
    if meaning is not None:
        return SendOutcome(
            meaning.state, "", code, meaning.reason, meaning.retry_after_s, is_address_dead=meaning.is_address_dead
        )
    if status == 429:
        wait_s = min(float(retry_after), RETRY_AFTER_MAX_S) if retry_after.isdigit() else None
        return SendOutcome(_TRANSIENT, "", "http_429", "too_many_requests", wait_s)
    if status in _STATUSES:
        known = _STATUSES[status]
        return SendOutcome(known.state, "", f"http_{status}", known.reason, known.retry_after_s)
    reason = "redirected" if 300 <= status < 400 else "provider_failed" if status >= 500 else "unknown_code"
    return SendOutcome(_UNKNOWN, "", f"http_{status}", reason)
