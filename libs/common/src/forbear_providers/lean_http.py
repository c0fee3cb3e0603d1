"""A small HTTP/1.1 client for one host: what a sender needs, at a third of a general client's cost.

A request is written once, never repeated and never redirected. `NotConnected` proves that not a byte of it was written;
every other failure leaves open whether the host took it. Answers are read by llhttp, the parser of Node.js
(https://github.com/MagicStack/httptools). It asks for no compression and knows no proxy, cookie or HTTP/2; an answer
that ends only where the connection does is taken for a lost connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httptools

HEAD_BYTES_MAX = 64 * 1024
IDLE_S = 15.0  # a connection that rested longer is not used again: the host may be about to close it
SWEEPS = 10  # a request that is overdue is noticed within this fraction of its time


class NotConnected(ConnectionError):
    """There was no connection: nothing of the request was written."""


class OversizedReply(Exception):
    """An answer whose body is longer than allowed."""


class Reply(NamedTuple):
    """One answer; the names of headers in lower case, the last value of each."""

    status: int
    headers: dict[str, str]
    body: bytes


class LeanHttp:
    """Asks one host over connections that stay open."""

    def __init__(
        self, base_url: str, *, timeout_s: float, connect_timeout_s: float, connections_max: int, body_bytes_max: int
    ) -> None:
        url = urlsplit(base_url)
        self._host, self._netloc, self._path = url.hostname or "", url.netloc, url.path.rstrip("/")
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._port = url.port or (443 if self._tls else 80)
        self._timeout_s, self._connect_timeout_s = timeout_s, connect_timeout_s
        self._body_bytes_max = body_bytes_max
        self._places = asyncio.Semaphore(connections_max)
        self._idle: list[_Line] = []
        self._busy: set[_Line] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    async def request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send one request. Raises NotConnected, OversizedReply, TimeoutError, ConnectionError (lost, or no HTTP).

        Where a connection is open and free, the request is written before the caller is suspended for the first time:
        what the caller checked right before still holds.
        """
        head = _head(method, self._path + target, self._netloc, tuple(headers.items()))
        await self._places.acquire()
        try:
            line = self._rested() or await self._open()
            self._watch(line)
            try:
                return await line.ask(b"%b%d\r\n\r\n%b" % (head, len(body), body))
            except BaseException:
                line.abort()
                raise
            finally:
                self._busy.discard(line)
                if line.is_open:
                    self._idle.append(line)
        finally:
            self._places.release()

    async def close(self) -> None:
        """Close the connections."""
        for line in (*self._idle, *self._busy):
            line.abort()
        self._idle.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _rested(self) -> _Line | None:
        """Return an open connection, the one used last first."""
        while self._idle:
            line = self._idle.pop()
            if line.is_fresh():
                return line
            line.abort()
        return None

    async def _open(self) -> _Line:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                _, line = await loop.create_connection(
                    lambda: _Line(loop, self._body_bytes_max),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
        except OSError as error:  # a time-out is one too, and so is a certificate that is not the host's
            raise NotConnected("no connection") from error
        return line

    def _watch(self, line: _Line) -> None:
        self._busy.add(line)
        if self._sweeper is None:
            self._sweeper = line.loop.call_later(self._timeout_s / SWEEPS, self._sweep, line.loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is overdue: one timer for all requests, because one for each costs more than the rest of it."""
        now_s = loop.time()
        for line in self._busy:
            if now_s - line.used_s > self._timeout_s:
                line.fail(TimeoutError("no answer in time"))
        self._sweeper = loop.call_later(self._timeout_s / SWEEPS, self._sweep, loop) if self._busy else None


@lru_cache(maxsize=256)
def _head(method: str, target: str, host: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return the head of a request up to its length; a line break in any value is refused, so that none is smuggled."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *[f"{name}: {value}" for name, value in headers]]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header of the request holds a line break")
    return "\r\n".join([*lines, "Content-Length: "]).encode("latin-1")


class _Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, body_bytes_max: int) -> None:
        self.is_open = False
        self.loop = loop
        self.used_s = loop.time()  # since when it asks or rests
        self._body_bytes_max = body_bytes_max
        self._parser: Any = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Reply] | None = None
        self._transport: Any = None
        self._reply: Reply | None = None
        self._stays_open = True
        self._headers: dict[str, str] = {}
        self._chunks: list[bytes] = []
        self._size = self._head_size = 0

    def is_fresh(self) -> bool:
        """Return whether it may be used again."""
        return self.is_open and self.loop.time() - self.used_s < IDLE_S

    def ask(self, request: bytes) -> asyncio.Future[Reply]:
        """Write the request at once and return the answer to come. Raises NotConnected when it was lost before."""
        if not self.is_open:
            raise NotConnected("the connection was lost before it was used")
        self.used_s = self.loop.time()
        self._waiter = self.loop.create_future()
        self._transport.write(request)
        return self._waiter

    def abort(self) -> None:
        """Close without ado."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def fail(self, error: Exception) -> None:
        """End the request in flight, and the connection with it, because its answer may still come."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)
        self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_open = transport, True

    def eof_received(self) -> None:
        self.is_open = False  # whoever closes one half closes both, and takes no other request

    def connection_lost(self, error: Exception | None) -> None:
        self.fail(ConnectionError("the connection was lost"))

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            cause = error.__context__
            self.fail(cause if isinstance(cause, OversizedReply) else ConnectionError("the answer is no HTTP"))
            return
        if self._reply is not None:
            self._deliver(self._reply)

    def _deliver(self, reply: Reply) -> None:
        waiter, self._waiter, self._reply = self._waiter, None, None
        self.used_s = self.loop.time()
        if not self._stays_open:
            self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    # What follows is called by the parser.

    def on_message_begin(self) -> None:
        if self._reply is not None:
            raise ConnectionError("two answers to one request")
        self._headers, self._chunks, self._size, self._head_size = {}, [], 0, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > HEAD_BYTES_MAX:
            raise OversizedReply("the head of the answer is too long")
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._body_bytes_max:
            raise OversizedReply("the answer is too long")
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:  # before it, a host may say any number of times that it is at work
            # 408 may be said to a connection that rests, just as we ask: the answer to what we ask would come after it.
            self._stays_open = self._parser.should_keep_alive() and status != 408 and status < 500
            self._reply = Reply(status, self._headers, b"".join(self._chunks))
