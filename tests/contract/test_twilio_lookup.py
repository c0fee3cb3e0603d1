"""What the lookup of reassigned numbers makes of every answer, from a real server: unknown never becomes a no."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from forbear_client.number_checks import NumberCheck, Question
from forbear_client.twilio_lookup import TwilioLookup
from forbear_providers.number_lookup import REPLY_BYTES_MAX, Answer, NumberLookup, SourceError

PHONE, SINCE, TODAY = "+12125550142", date(2025, 11, 3), date(2026, 3, 2)
Reply = tuple[int, dict[str, str], str]


def told(word: object, error_code: object = None) -> str:
    """A body as the service writes it."""
    return json.dumps({"reassigned_number": {"is_number_reassigned": word, "error_code": error_code}})


@contextmanager
def served(*replies: Reply) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these replies in order, the last one for ever, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = replies[min(len(asked), len(replies) - 1)]
            asked.append(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


async def ask(url: str) -> Answer:
    """Ask the same question by the client of the service's own worker."""
    lookup = NumberLookup(url, "AC1", "secret")
    try:
        return await lookup.ask(PHONE, SINCE)
    finally:
        await lookup.close()


def look_up(url: str, count: int = 1) -> list[NumberCheck]:
    """Ask the same question so many times."""
    return list(TwilioLookup([Question(PHONE, SINCE)] * count, TODAY, "AC1", "secret", url).checks())


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, told("yes"), Answer.YES), (200, told("YES "), Answer.YES), (200, told("no"), Answer.NO),
        (200, told("no data"), Answer.NO_DATA), (200, told("no_data"), Answer.NO_DATA),
        (200, told("unknown"), Answer.NO_DATA), (200, told("nope"), Answer.NO_DATA), (200, told(None), Answer.NO_DATA),
        (200, told(False), Answer.NO_DATA), (200, told("no", 60600), Answer.NO_DATA),
        (200, '{"reassigned_number": null}', Answer.NO_DATA), (200, "{}", Answer.NO_DATA), (200, "[]", Answer.NO_DATA),
        (200, "<html>", Answer.NO_DATA), (404, "", Answer.NO_DATA), (400, "", Answer.NO_DATA),
    ],
)  # fmt: skip
def test_only_a_plain_yes_or_no_is_one(status: int, body: str, answer: Answer) -> None:
    """Whatever else is said, or not said, is no data."""
    with served((status, {}, body)) as (url, _):
        assert [NumberCheck(PHONE, SINCE, answer, TODAY)] == look_up(url)
        assert answer is asyncio.run(ask(url))


def test_the_question_names_number_field_and_date() -> None:
    """As the service's page describes it."""
    with served((200, {}, told("no"))) as (url, asked):
        look_up(url)
        asyncio.run(ask(url))
    parts = urlsplit(asked[0])

    assert unquote(asked[0]) == unquote(asked[1])
    assert "/v2/PhoneNumbers/%2B12125550142" == parts.path
    assert {"Fields": ["reassigned_number"], "LastVerifiedDate": ["20251103"]} == parse_qs(parts.query)


def test_who_is_asked_to_slow_down_waits_and_asks_again() -> None:
    """The answer is that of the second try; nothing is taken for answered meanwhile."""
    with served((429, {"Retry-After": "1"}, ""), (200, {}, told("yes"))) as (url, asked):
        assert [Answer.YES] == [check.answer for check in look_up(url)]

    assert 2 == len(asked)


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "refuses the account"), (403, "refuses the account"), (500, "answered 500"), (302, "answered 302")],
)
def test_a_service_that_fails_ends_the_run_and_names_no_number(status: int, said: str) -> None:
    """Neither number nor token stands in the error."""
    with served((status, {"Location": "/elsewhere"}, PHONE)) as (url, asked):
        with pytest.raises(SourceError, match=said) as failed:
            look_up(url)
        with pytest.raises(SourceError, match=said) as failed_service:
            asyncio.run(ask(url))

    assert 2 == len(asked)  # nobody is followed elsewhere with our token
    assert PHONE not in str(failed.value) + str(failed_service.value)
    assert "secret" not in str(failed.value) + repr(TwilioLookup([], TODAY, "AC1", "secret", "http://x"))


def test_many_questions_are_answered_in_their_order() -> None:
    """Eight at a time, each once."""
    with served((200, {}, told("no"))) as (url, asked):
        assert 20 == len(look_up(url, 20))

    assert 20 == len(asked)


@pytest.mark.parametrize("size", [REPLY_BYTES_MAX + 1, 20 * REPLY_BYTES_MAX])
def test_an_answer_without_end_is_not_read_to_its_end(size: int) -> None:
    """The service's own client stops at the bound and counts the source as failed."""
    with served((200, {}, told("no") + " " * size)) as (url, _), pytest.raises(SourceError, match="answered 200"):
        asyncio.run(ask(url))


def test_a_service_that_is_not_there_is_named_by_its_failure_alone() -> None:
    """No number, no token, no address."""
    with served((200, {}, "")) as (url, _):
        pass
    with pytest.raises(SourceError, match=r"^the lookup service does not answer: \w+$"):
        asyncio.run(ask(url))
