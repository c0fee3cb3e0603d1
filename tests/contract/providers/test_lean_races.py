"""The small HTTP client when a host closes, hangs or answers just as it is asked: judged by what the host received."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_providers.contract import SendState
from forbear_providers.lean_http import LeanHttp, NotConnected, Reply
from tests.contract.providers.drivers import DRIVERS

REQUEST = re.compile(rb"POST /(\d+) HTTP/1\.1\r\n(?:.+\r\n)*\r\nnumber=\1!")
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST, throwing away what was not read


class Act(Enum):
    """What the host does about one request."""

    ANSWER = "answer"
    ANSWER_SLOWLY = "answer in pieces, over several turns"
    ANSWER_AND_CLOSE = "answer and close, unannounced"
    ANSWER_AND_CLOSE_LATER = "answer, and close some turns later: just as the next request is written"
    ANSWER_AND_HALF_CLOSE = "answer, and close its own half later"
    ANSWER_AND_RESET_LATER = "answer, and reset some turns later"
    SAY_CLOSE = "answer with Connection: close"
    ANSWER_TWICE = "answer, and say something more later, unasked"
    CLOSE = "close without an answer"
    RESET = "reset without an answer"
    TEAR = "close in the middle of the answer"
    HANG = "never answer"


class Host(asyncio.Protocol):
    """One connection of the host. `plan` gives what comes of each request, `arrived` counts them by number."""

    def __init__(self, plan: list[tuple[Act, int]], arrived: Counter[int], turns: set[asyncio.Task[None]]) -> None:
        self._plan, self._arrived, self._turns = plan, arrived, turns
        self._buffer = b""
        self._is_half_closed = self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while found := REQUEST.match(self._buffer):
            self._buffer = self._buffer[found.end() :]
            number = int(found[1])
            self._arrived[number] += 1
            act, turns = self._plan.pop(0) if self._plan else (Act.ANSWER, 0)
            task = asyncio.ensure_future(self._do(act, turns, number))
            self._turns.add(task)
            task.add_done_callback(self._turns.discard)

    async def _do(self, act: Act, turns: int, number: int) -> None:
        close = b"Connection: close\r\n" if act is Act.SAY_CLOSE else b""
        body = b"%d" % number
        answer = b"HTTP/1.1 201 Created\r\n%bContent-Length: %d\r\n\r\n%b" % (close, len(body), body)
        if act in (Act.CLOSE, Act.RESET, Act.HANG):
            answer = b""
        elif act is Act.TEAR:
            answer = answer[:-1]
        pieces = [answer[:20], answer[20:]] if act is Act.ANSWER_SLOWLY else [answer]
        self._is_answering = True
        for piece in pieces:
            self._say(piece)
            for _ in range(turns if len(pieces) > 1 else 0):
                await asyncio.sleep(0)
        self._is_answering = False
        if act not in (Act.CLOSE, Act.RESET, Act.TEAR, Act.ANSWER_AND_CLOSE):
            for _ in range(turns):
                await asyncio.sleep(0)
        if act in (Act.RESET, Act.ANSWER_AND_RESET_LATER):
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            self._transport.abort()
        elif act is Act.ANSWER_AND_HALF_CLOSE:
            self._half_close()
        elif act is Act.ANSWER_TWICE and not self._is_answering:  # no host speaks into the middle of its own answer
            self._say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        elif act not in (Act.ANSWER, Act.ANSWER_SLOWLY, Act.ANSWER_TWICE, Act.HANG):
            self._transport.close()

    def _say(self, data: bytes) -> None:
        if not self._is_half_closed:
            self._transport.write(data)

    def _half_close(self) -> None:
        self._is_half_closed = True
        with contextlib.suppress(OSError):  # the client may have closed it meanwhile
            self._transport.write_eof()


def client_to(port: int, timeout_s: float = 0.15) -> LeanHttp:
    return LeanHttp(
        f"http://127.0.0.1:{port}", timeout_s=timeout_s, connect_timeout_s=5, connections_max=3, body_bytes_max=100
    )


async def ask(client: LeanHttp, number: int) -> Reply:
    return await client.request("POST", f"/{number}", {}, b"number=%d!" % number)


async def outcome_of(client: LeanHttp, number: int, patience_s: float | None) -> Reply | type[BaseException]:
    """Return the answer, or the kind of error; some callers lose patience."""
    try:
        async with asyncio.timeout(patience_s):
            return await ask(client, number)
    except (NotConnected, ConnectionError, TimeoutError) as error:
        return type(error)


async def campaign(
    plan: Sequence[tuple[Act, int]], patience_s: Sequence[float | None]
) -> tuple[list[Reply | type[BaseException]], Counter[int]]:
    """Send twelve requests, three side by side; return what came of each and how often each arrived."""
    arrived, turns = Counter[int](), set[asyncio.Task[None]]()
    left = list(plan)
    server = await asyncio.get_running_loop().create_server(lambda: Host(left, arrived, turns), "127.0.0.1", 0)
    client = client_to(server.sockets[0].getsockname()[1])
    outcomes: dict[int, Reply | type[BaseException]] = {}
    numbers = iter(range(12))

    async def work() -> None:
        for number in numbers:
            outcomes[number] = await outcome_of(client, number, patience_s[number % len(patience_s)])

    await asyncio.gather(work(), work(), work())
    await client.close()
    await asyncio.sleep(0.01)  # what is still on its way to the host gets there
    await asyncio.gather(*turns)
    server.close()
    return [outcomes[number] for number in range(12)], arrived


@settings(max_examples=60, deadline=None)
@given(
    plan=st.lists(st.tuples(st.sampled_from(Act), st.integers(0, 6)), max_size=12),
    patience_s=st.lists(st.sampled_from([None, None, None, 0.0, 0.002]), min_size=1, max_size=5),
)
def test_nothing_is_ever_sent_twice_and_no_answer_is_given_to_another(
    plan: list[tuple[Act, int]], patience_s: list[float | None]
) -> None:
    """Whatever the host does and whenever: by its own count each request arrives at most once.

    An answer says that it arrived, and is its own; NotConnected says that it did not; all else leaves it open.
    """
    outcomes, arrived = asyncio.run(campaign(plan, patience_s))

    assert [] == [number for number, times in arrived.items() if times > 1]
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Reply) and outcome.status == 201:
            assert (b"%d" % number, 1) == (outcome.body, arrived[number])
        if outcome is NotConnected:
            assert 0 == arrived[number]


@contextlib.asynccontextmanager
async def raw_host() -> AsyncIterator[tuple[LeanHttp, socket.socket]]:
    """A client with one rested connection, and the host's blocking end of it: nothing happens but what a test does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        client = client_to(listener.getsockname()[1])
        first = asyncio.ensure_future(ask(client, 0))
        host, _ = await asyncio.get_running_loop().sock_accept(listener)
        await asyncio.get_running_loop().sock_recv(host, 1000)
        await asyncio.get_running_loop().sock_sendall(host, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        await first
        yield client, host
        host.close()
        await client.close()


async def test_on_an_open_connection_the_request_leaves_before_anything_else_can_happen() -> None:
    """No turn of the loop lies between the caller's last check and the bytes: one step, and the host can read them."""
    async with raw_host() as (client, host):
        asking: Any = ask(client, 7)
        asking.send(None)

        received = host.recv(1000)

        assert REQUEST.match(received)
        asking.close()


async def test_a_message_leaves_in_the_step_in_which_its_permit_was_checked() -> None:
    """The same through the official client: it suspends nowhere before the bytes are out."""
    loop, request = asyncio.get_running_loop(), DRIVERS["twilio_sms/lean"].request
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        provider = DRIVERS["twilio_sms/lean"].start(listener.getsockname()[1], 5)
        first = asyncio.ensure_future(provider.send(request))
        host, _ = await loop.sock_accept(listener)
        await loop.sock_recv(host, 10_000)
        await loop.sock_sendall(host, b'HTTP/1.1 201 Created\r\nContent-Length: 14\r\n\r\n{"sid": "SM1"}')
        assert SendState.ACCEPTED is (await first).state
        sending: Any = provider.send(request)
        sending.send(None)

        received = host.recv(10_000)

        assert received.startswith(b"POST /2010-04-01/Accounts/")
        assert b"&ValidityPeriod=7200" in received
        sending.close()
        host.close()
        await provider.close()


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
async def test_a_request_written_to_a_connection_that_the_host_has_just_closed_is_unknown(is_reset: bool) -> None:
    """The host closed it, and we could not know yet: the request is not written again, and not called unsent."""
    async with raw_host() as (client, host):
        if is_reset:
            host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        host.close()

        with pytest.raises(ConnectionError) as caught:
            await ask(client, 7)

    assert not isinstance(caught.value, NotConnected)


async def test_a_connection_that_is_known_to_be_closed_is_not_written_to() -> None:
    """One turn later we know, and open another; that nobody listens any more proves that nothing was sent."""
    async with raw_host() as (client, host):
        host.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.02)

        with contextlib.suppress(NotConnected, TimeoutError):
            await ask(client, 7)

        assert b"" == host.recv(1000)


async def test_what_a_host_says_to_a_resting_connection_just_as_it_is_used_costs_the_connection() -> None:
    """A 408 that nobody asked for meets our request: it is taken for its answer, unknown, and no other is misled."""
    async with raw_host() as (client, host):
        host.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

        reply = await ask(client, 7)

        await asyncio.sleep(0.01)
        assert 408 == reply.status
        assert REQUEST.match(host.recv(1000))
        assert b"" == host.recv(1000)
