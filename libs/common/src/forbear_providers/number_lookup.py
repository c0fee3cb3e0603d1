"""Twilio Lookup, which asks the database of the FCC whether a number was given to somebody else since a day.

Whatever is not plainly yes or no is no data, which loosens nothing.
Source: twilio.com/docs/lookup/v2-api/reassigned-number (read 2026-11): `GET /v2/PhoneNumbers/{number}` with
`Fields=reassigned_number` and `LastVerifiedDate=YYYYMMDD`; the answer is the text `is_number_reassigned`.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from urllib.parse import quote, urlencode

import aiohttp
import orjson

LOOKUP_URL = "https://lookups.twilio.com"
TIMEOUT_S = 15.0
REPLY_BYTES_MAX = 64 * 1024


class Answer(StrEnum):
    """What a source says."""

    YES = "yes"
    NO = "no"
    NO_DATA = "no_data"


class SourceError(RuntimeError):
    """The source cannot be read or does not answer; never with a phone number in it."""


def answer_of(word: str) -> Answer:
    """Return what a source means; a word that is not plainly yes or no is no data."""
    plain = word.strip().lower()
    return Answer(plain) if plain in (Answer.YES, Answer.NO) else Answer.NO_DATA


def path_of(phone: str, since: date) -> str:
    """Return path and query of a question."""
    query = urlencode({"Fields": "reassigned_number", "LastVerifiedDate": since.strftime("%Y%m%d")})
    return f"/v2/PhoneNumbers/{quote(phone, safe='')}?{query}"


def read_answer(status: int, body: bytes) -> Answer:
    """Return what a reply says; a number that the service does not know, or take, is no data. Raises SourceError.

    So one odd number never keeps the others from being asked.
    """
    if status in (400, 404):
        return Answer.NO_DATA
    if status in (401, 403):
        raise SourceError("the lookup service refuses the account; look at the SID and the token")
    if status != 200 or len(body) > REPLY_BYTES_MAX:
        raise SourceError(f"the lookup service answered {status}")
    try:
        found = orjson.loads(body)["reassigned_number"]
        return Answer.NO_DATA if found.get("error_code") else answer_of(str(found["is_number_reassigned"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return Answer.NO_DATA


class NumberLookup:
    """Asks for a worker, which decides how many questions are under way. It tries nothing again: a later pass does."""

    def __init__(self, base_url: str, account_sid: str, auth_token: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._auth = aiohttp.BasicAuth(account_sid, auth_token)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, phone: str, since: date) -> Answer:
        """Return whether a number was given away on or after a day. Raises SourceError."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            self._session = aiohttp.ClientSession(auth=self._auth, timeout=timeout)
        try:
            url = self._base_url + path_of(phone, since)
            async with self._session.get(url, allow_redirects=False) as reply:
                body = bytearray()
                async for piece in reply.content.iter_any():
                    body += piece
                    if len(body) > REPLY_BYTES_MAX:
                        break
                return read_answer(reply.status, bytes(body))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SourceError(f"the lookup service does not answer: {type(error).__name__}") from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
