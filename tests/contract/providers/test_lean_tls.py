"""The small HTTP client over TLS: to whom it speaks, and what it makes of hosts that end TLS badly.

The whole contract suite runs over TLS too, by the driver "twilio_sms/lean over TLS".
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from forbear_providers.contract import SendState
from forbear_providers.lean_http import LeanHttp, NotConnected
from tests.contract.providers.drivers import DRIVERS
from tests.contract.providers.local_servers import HttpStub, Reply
from tests.kit.certificates import Authority, authority, self_signed

WHOLE = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
Talk = Callable[[socket.socket], None]
"""What a blocking host does with one connection, before any TLS; when it returns, the connection is closed as it is."""


@contextlib.asynccontextmanager
async def host_of(*talks: Talk, timeout_s: float = 5.0) -> AsyncIterator[LeanHttp]:
    """Serve connections one after the other in a thread, each by its own talk, and open a client that trusts us."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for talk in talks:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with authority().trusted():
            client = LeanHttp(
                f"https://localhost:{listener.getsockname()[1]}",
                timeout_s=timeout_s,
                connect_timeout_s=1.0,
                connections_max=2,
                body_bytes_max=1000,
            )
        try:
            yield client
        finally:
            await client.close()
            await asyncio.to_thread(thread.join, 5)


def say(*answers: bytes, says_goodbye: bool = False) -> Talk:
    """Shake hands, answer that many requests, and close: without close_notify, unless told otherwise."""

    def talk(connection: socket.socket) -> None:
        spoken = authority().server().wrap_socket(connection, server_side=True, suppress_ragged_eofs=True)
        with spoken:
            for answer in answers:
                spoken.recv(10_000)
                spoken.sendall(answer)
            if says_goodbye:
                spoken.unwrap()
            elif not answers:
                spoken.recv(10_000)  # a request, or the end

    return talk


def hang_up(connection: socket.socket) -> None:
    """Close when the client has begun to shake hands."""
    connection.recv(10_000)


def speak_plainly(connection: socket.socket) -> None:
    """Answer without TLS."""
    connection.recv(10_000)
    connection.sendall(WHOLE)


def say_nothing(connection: socket.socket) -> None:
    """Take the connection and never shake hands; the client gives up."""
    while connection.recv(10_000):
        pass


async def post(client: LeanHttp) -> bytes:
    return (await client.request("POST", "/x", {}, b"secret=1")).body


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: authority().server("elsewhere.example.com"), id="another-host"),
        pytest.param(lambda: authority().server(life=timedelta(days=1)), id="expired"),
        pytest.param(self_signed, id="self-signed"),
        pytest.param(lambda: Authority().server(), id="unknown-authority"),
    ],
)
async def test_a_host_that_cannot_prove_who_it_is_hears_nothing(make: Callable[[], ssl.SSLContext]) -> None:
    """Neither credentials nor message leave, and it is proved: the message may be sent again."""
    driver = DRIVERS["twilio_sms/lean over TLS"]
    async with HttpStub(Reply(), tls=make()) as server:
        provider = driver.start(server.port, 5)
        outcome = await provider.send(driver.request)
        await provider.close()

    assert (SendState.REFUSED_TRANSIENT, "not_connected") == (outcome.state, outcome.reason)
    assert [] == server.asked


@pytest.mark.parametrize("talk", [hang_up, speak_plainly, say_nothing])
async def test_no_handshake_no_request(talk: Talk) -> None:
    """A host that hangs up, speaks plain HTTP or says nothing was told nothing."""
    async with host_of(talk) as client:
        with pytest.raises(NotConnected):
            await post(client)


@pytest.mark.parametrize("says_goodbye", [True, False], ids=["close_notify", "cut"])
async def test_a_whole_answer_counts_however_tls_ends(says_goodbye: bool) -> None:
    """Its length says that it is whole; the next request takes another connection."""
    async with host_of(say(WHOLE, says_goodbye=says_goodbye), say(WHOLE)) as client:
        first = await post(client)
        await asyncio.sleep(0.05)
        second = await post(client)

    assert (b"ok", b"ok") == (first, second)


@pytest.mark.parametrize("says_goodbye", [True, False], ids=["close_notify", "cut"])
@pytest.mark.parametrize("answer", [WHOLE[:-1], WHOLE[:30], b"", b"HTTP/1.1 201 Created\r\n\r\nok"])
async def test_an_answer_that_is_cut_leaves_it_open_whether_it_was_taken(answer: bytes, says_goodbye: bool) -> None:
    """An end of TLS never ends an answer, not even one without a length: cutting it off would be too easy."""
    async with host_of(say(answer, says_goodbye=says_goodbye)) as client:
        with pytest.raises(ConnectionError) as caught:
            await post(client)

    assert not isinstance(caught.value, NotConnected)


async def test_a_host_that_takes_the_request_and_ends_is_unknown() -> None:
    """The handshake was done and the request written: whether it was read nobody knows."""
    async with host_of(say()) as client:
        with pytest.raises(ConnectionError) as caught:
            await post(client)

    assert not isinstance(caught.value, NotConnected)


async def test_a_request_over_a_slow_handshake_still_ends_in_time() -> None:
    """The look for what is overdue begins with the request, however long the connection took to open."""
    loop = asyncio.get_running_loop()

    def hang(connection: socket.socket) -> None:
        threading.Event().wait(0.3)
        with authority().server().wrap_socket(connection, server_side=True) as spoken:
            while spoken.recv(10_000):
                pass

    async with host_of(hang, timeout_s=0.2) as client:
        started_s = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await post(client)

    assert loop.time() - started_s < 4
