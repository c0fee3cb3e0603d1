"""A Twilio-shaped server that takes every message and writes down the order in which they reached it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from aiohttp import web


class StubServer:
    """Counts messages by number. `gate`, when set, holds back every answer until it is opened."""

    def __init__(self) -> None:
        self.arrivals: list[str] = []
        self.url = ""
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
        self.arrived.set()
        self.on_arrival(str(form["To"]))
        if self.hold is not None:
            await self.hold.wait()
        sid = f"SM{len(self.arrivals):032x}"
        return web.json_response({"sid": sid, "status": "queued", "to": form["To"], "num_segments": "1"}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"messages": [], "page": 0, "page_size": 50, "next_page_uri": None})
