"""The second opinion: it can make a reading more careful, never less, and its failures change nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_replies import Label, Reader
from forbear_replies.assist import MAY_ADD, Assistant, AssistedReader, more_careful
from forbear_replies.labels import EXCLUSIVE, URGENCY

NOW = datetime.fromisoformat("2025-06-10T10:15:00-05:00")
READER = Reader.load()
UNSURE = "hm well the thing with that other matter, so be it"


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[tuple[Assistant, list[dict[str, object]]]]:
    """A real endpoint that gives one answer to everything, and what it was asked."""
    asked: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Assistant(f"http://127.0.0.1:{server.server_port}/v1", "any"), asked
    finally:
        server.shutdown()
        server.server_close()


def completion(content: str) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}}]}).encode()


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["STOP", "ok", UNSURE, "i'll pay friday", "ya no quiero vivir", "打错了", "maybe"]),
    st.frozensets(st.sampled_from(list(Label))),
)
def test_whatever_is_suggested_nothing_found_goes_and_only_protection_comes(
    text: str, suggested: frozenset[Label]
) -> None:
    """Labels grow by protective ones only, the action never becomes less urgent, and a person stays due."""
    before = READER.read(text, lang=None, channel="sms", received_at=NOW)

    after = more_careful(before, suggested)

    assert before.labels.difference(EXCLUSIVE) <= after.labels
    assert after.labels - before.labels <= MAY_ADD
    assert URGENCY.index(after.action) <= URGENCY.index(before.action)
    assert after.needs_person or not before.needs_person
    assert before.extract == after.extract


def test_an_unsure_reading_takes_the_protective_labels_of_the_answer() -> None:
    """A promise that the model believes in is not taken over; the wish to be left alone is."""
    with answering(completion('Sure: ["opt_out", "promise_to_pay", "nonsense"]')) as (assistant, asked):
        reading = AssistedReader(READER, assistant).read(UNSURE, lang="en", channel="sms", received_at=NOW)

    assert READER.read(UNSURE, lang="en", channel="sms", received_at=NOW).needs_person
    assert len(asked) == 1
    assert Label.OPT_OUT in reading.labels
    assert Label.PROMISE_TO_PAY not in reading.labels


def test_a_sure_reading_never_leaves_the_house() -> None:
    """A keyword is certain: nobody is asked."""
    with answering(completion("[]")) as (assistant, asked):
        reading = AssistedReader(READER, assistant).read("STOP", lang="en", channel="sms", received_at=NOW)

    assert [] == asked
    assert Label.OPT_OUT in reading.labels


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"not json", 200), (completion("no labels"), 200), (b"{}", 200), (completion('["opt_out"]'), 500), (b"", 200)],
    ids=["no json", "no array", "no choices", "an error", "nothing"],
)
def test_a_failing_assistant_changes_nothing(body: bytes, status: int) -> None:
    """No opinion is no opinion."""
    with answering(body, status) as (assistant, _):
        reading = AssistedReader(READER, assistant).read(UNSURE, lang="en", channel="sms", received_at=NOW)

    assert READER.read(UNSURE, lang="en", channel="sms", received_at=NOW) == reading


def test_an_assistant_that_is_gone_changes_nothing() -> None:
    """Nobody listens at the address."""
    with answering(b"") as (assistant, _):
        gone = assistant

    assert frozenset() == gone.suggest(UNSURE)


def test_only_web_addresses_are_asked() -> None:
    """A file address is refused when the assistant is made."""
    with pytest.raises(ValueError, match="must begin with http"):
        Assistant("file:///etc/passwd", "any")
