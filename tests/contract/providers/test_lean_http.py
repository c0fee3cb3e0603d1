"""The small HTTP client: whatever a host answers, in whatever pieces, ends as an answer or as an honest error."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_providers.lean_http import HEAD_BYTES_MAX, LeanHttp, NotConnected, OversizedReply, Reply
from tests.contract.providers.local_servers import HttpStub
from tests.contract.providers.local_servers import Reply as Told

BODY_MAX = 10_000
BODIES = st.binary(max_size=300)
Host = Callable[[bytes], Sequence[bytes]]
"""What a host writes, piece by piece, for each request; an empty piece closes the connection."""


class Script(asyncio.Protocol):
    """A host that answers each request with the pieces it was told."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for piece in self._host(data):
            if piece:
                self._transport.write(piece)
            else:
                self._transport.close()


@contextlib.asynccontextmanager
async def client_of(host: Host, timeout_s: float = 5.0) -> AsyncIterator[tuple[LeanHttp, list[Script]]]:
    """Serve the host on the loopback and open a client for it; the list holds a protocol for each connection."""
    made: list[Script] = []

    def make() -> Script:
        made.append(Script(host))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base"
    client = LeanHttp(url, timeout_s=timeout_s, connect_timeout_s=5.0, connections_max=4, body_bytes_max=BODY_MAX)
    try:
        yield client, made
    finally:
        await client.close()
        server.close()


async def post(client: LeanHttp) -> Reply:
    return await client.request("POST", "/x", {"Accept": "*/*"}, b"a=1")


def plain(body: bytes, status: int = 201) -> bytes:
    return b"HTTP/1.1 %d Status\r\nContent-Length: %d\r\nX-Word: one\r\n\r\n%b" % (status, len(body), body)


def chunked(parts: Sequence[bytes]) -> bytes:
    written = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + written + b"0\r\n\r\n"


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut data at some places into pieces, none of them empty."""
    edges = sorted({0, len(data), *[place % len(data) for place in places]})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(BODIES, max_size=4), places=st.lists(st.integers(0, 5_000), max_size=6), is_chunked=st.booleans())
def test_an_answer_is_whole_in_whatever_pieces_it_comes(
    parts: list[bytes], places: list[int], is_chunked: bool
) -> None:
    """With a length or in chunks, twice over one connection."""
    body = b"".join(parts)
    answer = chunked(parts) if is_chunked else plain(body)

    async def run() -> tuple[Reply, Reply, int]:
        async with client_of(lambda _: cut(answer, places)) as (client, made):
            return await post(client), await post(client), len(made)

    first, second, connections = asyncio.run(run())

    assert (body, body, 1) == (first.body, second.body, connections)
    assert (200 if is_chunked else 201) == first.status


@settings(max_examples=200, deadline=None)
@given(
    noise=st.one_of(
        st.binary(min_size=1, max_size=200),
        st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=8)).map(
            lambda hit: plain(b"{}")[: hit[0]] + hit[1] + plain(b"{}")[hit[0] + len(hit[1]) :]
        ),
    )
)
def test_noise_never_breaks_the_client(noise: bytes) -> None:
    """Random bytes, and answers with some bytes overwritten: an answer or one of the errors that it names."""

    async def run() -> None:
        async with client_of(lambda _: [noise, b""]) as (client, _made):
            with contextlib.suppress(ConnectionError, OversizedReply):
                reply = await post(client)
                assert 200 <= reply.status <= 999

    asyncio.run(run())


async def test_a_request_is_written_as_told() -> None:
    """Method, path under the base URL, host, headers and length."""
    heard: list[bytes] = []

    def host(data: bytes) -> list[bytes]:
        heard.append(data)
        return [plain(b"{}")]

    async with client_of(host) as (client, _):
        reply = await post(client)

    head, _, body = heard[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert "POST /base/x HTTP/1.1" == lines[0]
    assert lines[1].startswith("Host: 127.0.0.1:")
    assert ["Accept: */*", "Content-Length: 3"] == lines[2:]
    assert b"a=1" == body
    assert {"content-length": "2", "x-word": "one"} == reply.headers


async def test_a_host_that_is_at_work_is_waited_for() -> None:
    """Answers below 200 are no answers yet."""
    async with client_of(lambda _: [b"HTTP/1.1 102 Processing\r\n\r\n", plain(b"ok")]) as (client, _):
        assert b"ok" == (await post(client)).body


@pytest.mark.parametrize(
    "answer",
    [plain(b"x" * (BODY_MAX + 1)), b"HTTP/1.1 200 OK\r\nX: " + b"y" * (HEAD_BYTES_MAX + 1) + b"\r\n\r\n"],
    ids=["body", "head"],
)
async def test_an_answer_that_is_too_long_is_not_kept(answer: bytes) -> None:
    """Neither its body nor its head fills our memory, and the connection is given up."""
    async with client_of(lambda _: [answer]) as (client, made):
        for _ in range(2):
            with pytest.raises(OversizedReply):
                await post(client)

    assert 2 == len(made)


async def test_a_second_answer_to_one_request_is_never_given_to_the_next() -> None:
    """The connection that spoke out of turn is closed."""
    answers = iter([plain(b"one") + plain(b"smuggled"), plain(b"two"), plain(b"two")])
    async with client_of(lambda _: [next(answers)]) as (client, made):
        with pytest.raises(ConnectionError):
            await post(client)
        assert b"two" == (await post(client)).body

    assert 2 == len(made)


async def test_what_comes_late_is_never_taken_for_the_next_answer() -> None:
    """After a time-out the connection is gone, and its answer with it."""
    async with client_of(lambda _: [], timeout_s=0.1) as (client, made):
        with pytest.raises(TimeoutError):
            await post(client)
        made[0]._transport.write(plain(b"late"))
        with pytest.raises(TimeoutError):
            await post(client)

    assert 2 == len(made)


async def test_a_request_that_is_called_off_takes_its_connection_with_it() -> None:
    """Whoever is cancelled leaves no line behind on which an answer may still come."""
    async with client_of(lambda _: []) as (client, made):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await post(client)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await post(client)

    assert 2 == len(made)


async def test_a_connection_that_the_host_closed_is_not_used_again() -> None:
    """Said in the answer, or just done."""
    closing = plain(b"{}").replace(b"X-Word: one", b"Connection: close")
    async with client_of(lambda _: [closing]) as (client, made):
        await post(client)
        await post(client)

    assert 2 == len(made)


async def test_a_host_that_is_not_there_proves_that_nothing_was_written() -> None:
    """NotConnected, and only then."""
    async with HttpStub(Told()) as server:
        url = server.url
    client = LeanHttp(url, timeout_s=1, connect_timeout_s=1, connections_max=1, body_bytes_max=1)

    with pytest.raises(NotConnected):
        await post(client)


async def test_a_line_break_in_a_header_is_refused() -> None:
    """No value can add a header or a request."""
    async with client_of(lambda _: [plain(b"{}")]) as (client, made):
        with pytest.raises(ValueError, match="line break"):
            await client.request("POST", "/x", {"X": "a\r\nY: b"}, b"")

    assert [] == made


async def test_no_more_connections_are_opened_than_allowed() -> None:
    """Twenty requests at once over four connections."""
    async with client_of(lambda _: [plain(b"{}")]) as (client, made):
        replies = await asyncio.gather(*[post(client) for _ in range(20)])

    assert {201} == {reply.status for reply in replies}
    assert len(made) <= 4
