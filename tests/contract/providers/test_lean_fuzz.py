"""Answers of every shape, mutilated: the small HTTP client reads them as another reader does, or says that it cannot.

    FORBEAR_FUZZ_ROUNDS=20000 .venv/bin/python -m pytest -q tests/contract/providers/test_lean_fuzz.py

makes it a long run: each round is twenty answers.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from typing import Any

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_providers.lean_http import LeanHttp, NotConnected, OversizedReply, Reply

ROUNDS = int(os.environ.get("FORBEAR_FUZZ_ROUNDS", "40"))
BODY_MAX = 2_000
SHAPES = [
    b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"sid": "SM1"}',
    b"HTTP/1.1 400 Bad Request\r\ncontent-length:  2 \r\nX-A:\r\nX-B: \t y\r\n\r\n{}",
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a;x=y\r\n0123456789\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n1\r\nz\r\n0\r\nT: late\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nk",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000,
    b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    b"\r\nHTTP/1.1 200 OK\nContent-Length: 1\n\nz",
]
BITS = [b"\r\n", b"\n", b"\r", b"\x00", b":", b" ", b"0", b"ffffffffff", b"-1", b"Content-Length: 5\r\n", b"\xff"]
BITS += [b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]

WOUNDS = st.tuples(st.integers(0, 300), st.integers(0, 8), st.sampled_from([b"", *BITS]) | st.binary(max_size=6))
"""Where an answer is hit, how many bytes go, and what comes in their place."""


@st.composite
def answers(draw: st.DrawFn) -> list[bytes]:
    """One answer, mutilated in up to three places, in up to four pieces."""
    answer = draw(st.sampled_from(SHAPES))
    for place, gone, new in draw(st.lists(WOUNDS, max_size=3)):
        start = place % (len(answer) + 1)
        answer = answer[:start] + new + answer[start + gone :]
    places = draw(st.lists(st.integers(0, len(answer)), max_size=3))
    return [answer[start:end] for start, end in itertools.pairwise(sorted({0, len(answer), *places}))]


class Host(asyncio.Protocol):
    """Gives the answer of each request's number, each piece in a turn of its own, and closes; else a good host."""

    def __init__(self, told: list[list[bytes]], tasks: set[asyncio.Task[None]]) -> None:
        self._told, self._tasks = told, tasks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        number = int(data[len(b"POST /") :].split(b" ")[0])
        task = asyncio.ensure_future(self._answer(self._told[number] if number < len(self._told) else [SHAPES[0]]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._transport.write(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        self._transport.close()


def other_reading(data: bytes) -> tuple[int, bytes] | None:
    """Read an answer with h11; None where it is no whole answer by its own length."""
    reader = h11.Connection(h11.CLIENT, max_incomplete_event_size=100_000)
    reader.send(h11.Request(method="POST", target="/x", headers=[("Host", "x"), ("Content-Length", "0")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(data)
    status, body = 0, b""
    try:
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None


async def read_all(told: list[list[bytes]]) -> tuple[list[Reply | Exception], list[dict[str, Any]]]:
    """Ask for each of the answers, then a good host; return what came, and what reached the loop as a bug."""
    loop, bugs, tasks = asyncio.get_running_loop(), list[dict[str, Any]](), set[asyncio.Task[None]]()
    loop.set_exception_handler(lambda _, context: bugs.append(context))
    server = await loop.create_server(lambda: Host(told, tasks), "127.0.0.1", 0)
    client = LeanHttp(
        f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        timeout_s=10,
        connect_timeout_s=10,
        connections_max=1,
        body_bytes_max=BODY_MAX,
    )
    outcomes: list[Reply | Exception] = []
    for number in range(len(told) + 1):
        try:
            outcomes.append(await client.request("POST", f"/{number}", {}, b""))
        except (ConnectionError, OversizedReply) as error:
            outcomes.append(error)
        await asyncio.sleep(0.001)  # until the host has closed: what it closes just then is the matter of other tests
    await client.close()
    await asyncio.gather(*tasks)
    server.close()
    return outcomes, bugs


@settings(max_examples=ROUNDS, deadline=None)
@given(told=st.lists(answers(), min_size=20, max_size=20))
def test_a_mutilated_answer_is_read_as_another_reader_reads_it_or_not_at_all(told: list[list[bytes]]) -> None:
    """It never hangs, never breaks, never claims that nothing was sent, and the next request finds a sound client."""
    outcomes, bugs = asyncio.run(read_all(told))

    assert [] == bugs
    assert NotConnected not in {type(one) for one in outcomes}
    for pieces, outcome in zip(told, outcomes, strict=False):
        other = other_reading(b"".join(pieces))
        if isinstance(outcome, Reply) and other is not None:
            assert other == (outcome.status, outcome.body), b"".join(pieces)
    last = outcomes[-1]
    assert isinstance(last, Reply)
    assert b'{"sid": "SM1"}' == last.body
