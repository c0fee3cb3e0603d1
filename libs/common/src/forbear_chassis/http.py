"""HTTP servers that live inside the service's own event loop, and the admin endpoints that every service has."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from forbear_chassis.failures import describe
from forbear_chassis.settings import split_address
from forbear_chassis.worker import TRANSIENT, Activity

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

READY_TIMEOUT_S = 2.0

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process: it drains all its servers in order."""
        yield


class HttpServer:
    """Serves an ASGI application until it is stopped; requests in flight then finish."""

    def __init__(self, app: App, listen: str, activity: Activity | None = None) -> None:
        host, port = split_address(listen)
        counted = app if activity is None else count_requests(app, activity)
        config = uvicorn.Config(
            counted,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            http="httptools",
            lifespan="off",
            server_header=False,
        )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve in the background."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name=f"http:{self.port}")
        while not self._server.started and not self._task.done():  # noqa: ASYNC110  # uvicorn has a flag, no event
            await asyncio.sleep(0.005)

    async def stop(self, grace_s: float) -> None:
        """Refuse new connections and let the requests in flight finish within `grace_s`."""
        self._server.config.timeout_graceful_shutdown = max(1, int(grace_s))
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def count_requests(app: App, activity: Activity) -> App:
    """Count the requests of an application as activity of the process, and log what goes wrong without its message."""

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        is_started = False

        async def watched(message: dict[str, Any]) -> None:
            nonlocal is_started
            is_started = True
            await send(message)

        async def end(status: int) -> None:
            if not is_started:
                await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
                await send({"type": "http.response.body", "body": b""})

        with activity:
            try:
                await app(scope, receive, watched)
            except TRANSIENT as error:
                log.warning("request_deferred", error=type(error).__name__)
                await end(503)
            except Exception as error:  # noqa: BLE001  # the edge of the process: a bug ends the request, not the service
                log.error("request_failed", **describe(error))
                await end(500)

    return counted


def admin_app(is_ready: Callable[[], Awaitable[bool]]) -> App:
    """Make /metrics (Prometheus text), /livez (the loop turns) and /readyz (what we cannot work without answers)."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, kind, body = await _answer(scope["path"], is_ready)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": body})

    return app


async def _answer(path: str, is_ready: Callable[[], Awaitable[bool]]) -> tuple[int, str, bytes]:
    if path == "/metrics":
        return 200, CONTENT_TYPE_LATEST, generate_latest()
    if path == "/livez":
        return 200, "text/plain", b"ok\n"
    if path == "/readyz":
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                ready = await is_ready()
        except TRANSIENT:  # a time-out among them
            ready = False
        return (200, "text/plain", b"ready\n") if ready else (503, "text/plain", b"not ready\n")
    return 404, "text/plain", b"try /metrics, /livez or /readyz\n"
