"""A world inside the test's own event loop, and a customer whose webhooks it calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from yarl import URL

from forbear_sandbox.child import free_port
from forbear_sandbox.portfolio import generate, write_csv
from forbear_sandbox.world import World, WorldSettings

ACCOUNT = "AC" + "1" * 32
TOKEN = "token-of-the-tests"
SENDER = "+18005550100"
STARTS_AT = datetime.fromisoformat("2026-03-02T15:00:00+00:00")


@dataclass
class Customer:
    """A web server that records every form that is posted to it and answers as it was told."""

    url: str = ""
    received: list[tuple[str, dict[str, str], str]] = field(default_factory=list)  # URL, form, signature
    answers: Callable[[str, dict[str, str]], str | int] = field(default=lambda path, form: "<Response/>")

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Record a request and answer it."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.received.append((self.url + request.path_qs, form, request.headers.get("X-Twilio-Signature", "")))
        answer = self.answers(request.path, form)
        return web.Response(status=answer) if isinstance(answer, int) else web.Response(text=answer)

    def forms(self, path: str = "") -> list[dict[str, str]]:
        """Return the forms that came to a path."""
        return [form for url, form, _ in self.received if urlsplit(url).path.startswith(path)]


@asynccontextmanager
async def open_customer() -> AsyncIterator[Customer]:
    """Serve a customer's webhooks."""
    customer = Customer()
    runner = web.ServerRunner(web.Server(customer.handle))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=0.1).start()
    customer.url = f"http://127.0.0.1:{port}"
    try:
        yield customer
    finally:
        await runner.cleanup()


def world_settings(customer_url: str = "http://127.0.0.1:9", **changes: Any) -> WorldSettings:
    """Return settings of a stepped world without services, on free ports."""
    base = WorldSettings(
        twilio=f"127.0.0.1:{free_port()}",
        smtp=f"127.0.0.1:{free_port()}",
        control=f"127.0.0.1:{free_port()}",
        clock=f"127.0.0.1:{free_port()}",
        start=STARTS_AT,
        tracker_url=customer_url,
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        senders=(SENDER,),
    )
    return replace(base, **changes)


@asynccontextmanager
async def open_world(settings: WorldSettings) -> AsyncIterator[World]:
    """Run a world."""
    world = World(settings)
    await world.start()
    try:
        yield world
    finally:
        await world.stop()


class LocalTwilioClient(AsyncTwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """The official client's own HTTP, sent to the sandbox instead of api.twilio.com."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base = URL(base_url)

    async def request(self, method: str, url: str, *arguments: Any, **named: Any) -> Response:
        """Send a request to the sandbox."""
        target = URL(url).with_scheme("http").with_host(str(self._base.host)).with_port(self._base.port)
        return await super().request(method, str(target), *arguments, **named)


@asynccontextmanager
async def open_twilio(settings: WorldSettings) -> AsyncIterator[Client]:
    """Return the official client, speaking to a world."""
    http = LocalTwilioClient(f"http://{settings.twilio}")
    async with http:
        yield Client(settings.account_sid, settings.auth_token, http_client=http)


def portfolio_file(folder: Path, **columns: str) -> Path:
    """Write a portfolio of one borrower, with these columns changed."""
    path = folder / "portfolio.csv"
    row = replace(next(generate(1, 1, date(2026, 3, 2))), **columns)
    write_csv([row], path)
    return path
