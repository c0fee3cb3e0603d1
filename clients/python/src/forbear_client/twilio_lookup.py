"""Asks Twilio Lookup, which asks the database of the FCC, whether numbers were reassigned.

Source: twilio.com/docs/lookup/v2-api/reassigned-number (read 2026-11): `GET /v2/PhoneNumbers/{number}` with
`Fields=reassigned_number` and `LastVerifiedDate=YYYYMMDD`; the answer is the text `is_number_reassigned`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from urllib.parse import quote

import httpx

from forbear_client.number_checks import Answer, NumberCheck, Question, SourceError, answer_of

LOOKUP_URL = "https://lookups.twilio.com"
TIMEOUT_S = 15.0
TRIES_MAX = 4  # of one question, when we are asked to slow down
PAUSE_S = 1.0  # before the second try; doubled before each further one
PAUSE_MAX_S = 30.0
AT_ONCE = 8  # questions under way
REPLY_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class TwilioLookup:
    """The answers of Twilio to some questions. The token is never shown."""

    questions: Iterable[Question]
    today: date
    account_sid: str
    auth_token: str = field(repr=False)
    base_url: str = LOOKUP_URL

    def checks(self) -> Iterator[NumberCheck]:
        """Ask each question, eight at a time, and yield the answers in the order of the questions."""
        waiting = iter(self.questions)
        with (
            httpx.Client(base_url=self.base_url, auth=(self.account_sid, self.auth_token), timeout=TIMEOUT_S) as http,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            while asked := list(islice(waiting, AT_ONCE)):
                answers = pool.map(lambda one: _ask(http, one), asked)
                for question, answer in zip(asked, answers, strict=True):
                    yield NumberCheck(*question, answer, self.today)


def _ask(http: httpx.Client, question: Question) -> Answer:
    query = {"Fields": "reassigned_number", "LastVerifiedDate": question.since.strftime("%Y%m%d")}
    for tried in range(TRIES_MAX):
        try:
            reply = http.get(f"/v2/PhoneNumbers/{quote(question.phone, safe='')}", params=query)
        except httpx.TransportError as error:
            raise SourceError(f"the lookup service does not answer: {type(error).__name__}") from None
        if reply.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return _answer_in(reply)
        time.sleep(min(_asked_pause_s(reply) or PAUSE_S * 2**tried, PAUSE_MAX_S))
    raise SourceError("the lookup service keeps asking to slow down; go on later with the rest of the file")


def _answer_in(reply: httpx.Response) -> Answer:
    """Return what a reply says; a number that the service does not know is no data."""
    if reply.status_code == httpx.codes.NOT_FOUND:
        return Answer.NO_DATA
    if reply.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise SourceError("the lookup service refuses the account; look at the SID and the token")
    if reply.is_error or len(reply.content) > REPLY_BYTES_MAX:
        raise SourceError(f"the lookup service answered {reply.status_code}")
    try:
        found = reply.json()["reassigned_number"]
        return Answer.NO_DATA if found.get("error_code") else answer_of(str(found["is_number_reassigned"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answer.NO_DATA


def _asked_pause_s(reply: httpx.Response) -> float:
    asked = reply.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0
