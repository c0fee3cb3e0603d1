"""Small real servers on the loopback for the providers' contract suite: they answer, stall, tear and lie as told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer. `how` is "answer", "hang", "tear" (cut off in the body), "close" or "garbage"."""

    status: int = 201
    body: str = "{}"
    headers: tuple[tuple[str, str], ...] = ()
    how: str = "answer"


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes = b""


class _Server:
    tls: ssl.SSLContext | None = None

    def __init__(self) -> None:
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.talk(reader, writer)
        finally:
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        raise NotImplementedError


class HttpStub(_Server):
    """Gives `replies` in order, the last one for ever, and keeps what it was asked."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.tls = tls
        self.replies = list(replies)
        self.asked: list[Asked] = []

    @property
    def is_stalling(self) -> bool:
        """Return whether it leaves a request without an answer."""
        return any(reply.how == "hang" for reply in self.replies)

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read requests and answer each as told, until the peer or the plan closes."""
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode().split("\r\n")
            method, target, _ = lines[0].split(" ", 2)
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines[1:-2])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            url = urlsplit(target)
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            self.asked.append(Asked(method, url.path, dict(parse_qsl(url.query)), headers, form, body))
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            if not await self._answer(reply, writer):
                return

    async def _answer(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        if reply.how == "hang":
            await asyncio.Event().wait()
        if reply.how == "close":
            return False
        if reply.how == "garbage":
            writer.write(b"\x00\xff\x00 this is no HTTP\r\n\r\n")
            return False
        raw = reply.body.encode()
        size = len(raw) + (500 if reply.how == "tear" else 0)
        lines = [f"HTTP/1.1 {reply.status} Status", f"Content-Length: {size}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in reply.headers]
        has_body = reply.status >= 200 and reply.status not in (204, 304)
        writer.write("\r\n".join([*lines, "", ""]).encode() + (raw if has_body else b""))
        await writer.drain()
        return reply.how != "tear"


@dataclass(slots=True)
class Taken:
    """One mail that the relay saw."""

    envelope: str = ""
    options: str = ""  # what followed the sender: its ESMTP parameters
    recipients: list[str] = field(default_factory=list)
    data: bytes = b""


class SmtpStub(_Server):
    """A relay whose answer to each verb can be replaced; "hang" stalls and "close" drops the connection."""

    def __init__(self, **answers: str) -> None:
        super().__init__()
        self.answers = {
            "CONNECT": "220 relay.example.com ESMTP",
            "EHLO": "250-relay.example.com\r\n250 8BITMIME",
            "MAIL": "250 2.1.0 ok",
            "RCPT": "250 2.1.5 ok",
            "DATA": "354 go ahead",
            "END": "250 2.0.0 queued",
            "RSET": "250 2.0.0 ok",
            "QUIT": "221 2.0.0 bye",
            **answers,
        }
        self.taken: list[Taken] = []
        self.verbs: list[str] = []

    @property
    def is_stalling(self) -> bool:
        """Return whether it leaves a verb without an answer."""
        return "hang" in self.answers.values()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one SMTP connection."""
        if not await self._say("CONNECT", writer):
            return
        mail = Taken()
        while line := await reader.readuntil(b"\r\n"):
            verb = line[:4].decode().strip().upper()
            self.verbs.append(verb)
            if verb == "MAIL":
                sender, _, options = line.decode().partition("<")[2].partition(">")
                mail = Taken(envelope=sender, options=options.strip())
            if verb == "RCPT":
                mail.recipients.append(line.decode().split("<")[1].split(">")[0])
            if not await self._say(verb, writer) or verb == "QUIT":
                return
            if verb == "DATA" and self.answers["DATA"].startswith("354"):
                mail.data = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                self.taken.append(mail)
                if not await self._say("END", writer):
                    return

    async def _say(self, verb: str, writer: asyncio.StreamWriter) -> bool:
        answer = self.answers.get(verb, "502 5.5.1 unknown")
        if answer == "hang":
            await asyncio.Event().wait()
        if answer == "close":
            return False
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return True
