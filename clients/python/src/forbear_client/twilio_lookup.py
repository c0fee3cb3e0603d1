"""Asks Twilio Lookup about many numbers, eight at a time; the providers know what to ask and what an answer means."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

import httpx

from forbear_client.number_checks import NumberCheck, Question
from forbear_providers.number_lookup import LOOKUP_URL, TIMEOUT_S, Answer, SourceError, path_of, read_answer

TRIES_MAX = 4  # of one question, when we are asked to slow down
PAUSE_S = 1.0  # before the second try; doubled before each further one
PAUSE_MAX_S = 30.0
AT_ONCE = 8  # questions under way


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
    for tried in range(TRIES_MAX):
        try:
            reply = http.get(path_of(*question))
        except httpx.TransportError as error:
            raise SourceError(f"the lookup service does not answer: {type(error).__name__}") from None
        if reply.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return read_answer(reply.status_code, reply.content)
        time.sleep(min(_asked_pause_s(reply) or PAUSE_S * 2**tried, PAUSE_MAX_S))
    raise SourceError("the lookup service keeps asking to slow down; go on later with the rest of the file")


def _asked_pause_s(reply: httpx.Response) -> float:
    asked = reply.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else 0.0
