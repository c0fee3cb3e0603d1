"""Signed requests of the Twilio-shaped provider to its customer's webhooks."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from hashlib import sha1
from urllib.parse import urlencode

import aiohttp
from yarl import URL

TRIES_MAX = 120
BACKOFF_MIN_S = 0.05
BACKOFF_MAX_S = 1.0
TIMEOUT_S = 15.0  # what the real provider waits for a webhook
CONNECTIONS_MAX = 32
ASK_AGAIN = frozenset({429})
# 409: the campaign API is still at work on the same request, sent before a connection broke.
ASK_AGAIN_ABOUT_A_KEY = ASK_AGAIN | {409}


class CallbackError(RuntimeError):
    """The customer's webhook did not answer 2xx, however often it was asked."""


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """Return X-Twilio-Signature: HMAC-SHA1 over the URL and the sorted fields, in base64."""
    text = url + "".join(key + form[key] for key in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), sha1).digest()).decode()


class Callbacks:
    """Posts forms, signed, and asks again while the customer's server is away or fails."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._session: aiohttp.ClientSession | None = None
        self.failing: dict[str, str] = {}  # what is being asked again at this moment, and why

    async def post(self, url: str, form: Mapping[str, str]) -> str:
        """Post a form and return the answer's body. Raises CallbackError after TRIES_MAX failures, or on most 4xx."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": sign(self._token, url, form),
        }
        return await self._send("POST", url, urlencode(form).encode(), headers)

    async def get(self, url: str) -> str:
        """Fetch a page as a borrower's browser does."""
        return await self._send("GET", url, None, {"User-Agent": "Mozilla/5.0"})

    async def post_plain(self, url: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Post without a signature, as a borrower's mail program or a collection platform does."""
        return await self._send("POST", url, body, headers, ASK_AGAIN_ABOUT_A_KEY)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        ask_again: frozenset[int] = ASK_AGAIN,
    ) -> str:
        failure, backoff_s, path = "", BACKOFF_MIN_S, f"{method} {URL(url).path}"
        for _ in range(TRIES_MAX):
            try:
                async with self._open().request(method, URL(url, encoded=True), data=body, headers=headers) as answer:
                    text = await answer.text()
                if answer.status < 400:
                    self.failing.pop(path, None)
                    return text
                failure = f"{answer.status} {text[:200]}"
                if answer.status < 500 and answer.status not in ask_again:
                    break
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                failure = type(error).__name__
            self.failing[path] = failure
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)
        self.failing.pop(path, None)
        raise CallbackError(f"{path}: {failure}")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
            )
        return self._session
