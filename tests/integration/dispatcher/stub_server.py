"""A Twilio-shaped server that takes every message and writes down the order in which they reached it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from aiohttp import web

from tests.kit.manual_clock import NOON_IN_NEW_YORK


class StubServer:
    """Counts messages by number. `gate`, when set, holds back every answer until it is opened."""

    def __init__(self) -> None:
        self.arrivals: list[str] = []
        self.url = ""
        self.dates: list[str] = []  # as Twilio writes them: RFC 2822
        self.now: Callable[[], datetime] = lambda: NOON_IN_NEW_YORK
        self.hold: asyncio.Event | None = None
        self.arrived = asyncio.Event()
        self.on_arrival: Callable[[str], None] = lambda _: None
        self._runner: web.AppRunner | None = None

    @property
    def by_number(self) -> Counter[str]:
        return Counter(self.arrivals)

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/{sid}/Messages.json", self._take)
        app.router.add_get("/2010-04-01/Accounts/{sid}/Messages.json", self._list)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.arrivals.append(str(form["To"]))
        self.dates.append(format_datetime(self.now()))
        sid = f"SM{len(self.arrivals):032x}"
        self.arrived.set()
        self.on_arrival(str(form["To"]))
        if self.hold is not None:
            await self.hold.wait()
        return web.json_response({"sid": sid, "status": "queued", "to": form["To"], "num_segments": "1"}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        to = request.query.get("To")
        messages = [
            {"sid": f"SM{number:032x}", "status": "sent", "to": to, "date_created": self.dates[number - 1]}
            for number, address in enumerate(self.arrivals, start=1)
            if address == to
        ]
        return web.json_response({"messages": messages, "page": 0, "page_size": 50, "next_page_uri": None})
