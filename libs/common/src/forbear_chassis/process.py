"""The life of a service process: start in order, run until a signal, drain, stop in reverse order.

On SIGTERM or SIGINT: say NOT_SERVING, wait `drain_s` so that load balancers notice, finish the worker passes and the
calls in flight within `grace_s`, then close what was opened, last first. `terminationGracePeriodSeconds` must exceed
drain_s + grace_s (plus a few seconds).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import signal
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
import uvloop

from forbear_chassis.clock import Clock, SimulatedClock, SystemClock
from forbear_chassis.failures import describe
from forbear_chassis.rpc import RpcServer
from forbear_chassis.settings import ServiceSettings, split_address
from forbear_chassis.worker import IDLE_POLL_S, Activity, Pass, WorkerLoop

YOUNG_OBJECTS_MAX = 50_000
"""How many more objects than before may live until the collector looks for cycles. A batch of 500 contacts holds about
15,000 until it is settled: a lower bound walks through them in vain, for the path of a contact makes no cycle."""

_MALLOC_OPTIONS = {-1: 64 << 20, -2: 16 << 20, -3: 16 << 20}
"""Of glibc's mallopt(3), in bytes: M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD. Defaults: 128 KiB, of all."""

SIMULATED_POLL_S = 3.0  # a step wakes whoever has something due, so polling is for what a crash kept from being told

log = structlog.get_logger(__name__)


class Server(Protocol):
    """What can be started and stopped."""

    async def start(self) -> None: ...

    async def stop(self, grace_s: float) -> None: ...


class Process:
    """Holds what a service is made of, and its order."""

    def __init__(self, settings: ServiceSettings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.activity = Activity()
        self.stop_requested = asyncio.Event()
        self._loops: list[WorkerLoop] = []
        self._servers: list[Server] = []
        self._closers: list[Callable[[], Awaitable[object]]] = []

    async def open_clock(self) -> Clock:
        """Return the clock that the settings name, connected."""
        if self.settings.clock == "system":
            return SystemClock()
        clock = SimulatedClock(self.activity.report, self.name)
        await clock.connect(*split_address(self.settings.clock.removeprefix("simulated://")))
        self.activity.on_end = clock.tell_if_idle
        self.on_close(clock.close)
        return clock

    def worker(
        self, name: str, run_once: Callable[[], Awaitable[Pass]], clock: Clock, *, every_step: bool = False
    ) -> WorkerLoop:
        """Add a background loop; call `wake` on what is returned when there may be work."""
        poll_s = SIMULATED_POLL_S if clock.is_simulated else IDLE_POLL_S
        loop = WorkerLoop(name, run_once, clock, poll_s, every_step=every_step)
        self._loops.append(loop)
        self.activity.add(loop)
        return loop

    def serve(self, server: Server) -> None:
        """Add a server."""
        self._servers.append(server)

    def on_close(self, close: Callable[[], Awaitable[object]]) -> None:
        """Close this at the end, in reverse order of the calls."""
        self._closers.append(close)

    async def run(self) -> None:
        """Run until a signal comes, or until a worker dies of a bug: then the process drains and ends with code 1."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop_requested.set)
        stop_passes = asyncio.Event()
        tasks = [asyncio.create_task(loop.run(stop_passes), name=loop.name) for loop in self._loops]
        for task in tasks:
            task.add_done_callback(lambda _: self.stop_requested.set())
        for server in self._servers:
            await server.start()
        spare_collector()
        keep_freed_memory()
        log.info("started", process=self.name)
        await self.stop_requested.wait()
        await self._drain(stop_passes, tasks)

    async def _drain(self, stop_passes: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
        log.info("drain_started", process=self.name)
        for server in self._servers:
            if isinstance(server, RpcServer):
                await server.set_serving(is_serving=False)
        await asyncio.sleep(self.settings.drain_s)
        for server in reversed(self._servers):
            await server.stop(self.settings.grace_s)
        stop_passes.set()
        for loop in self._loops:
            loop.wake()
        _, late = await asyncio.wait(tasks, timeout=self.settings.grace_s) if tasks else (set(), set())
        for task in late:
            log.error("pass_abandoned", worker=task.get_name(), grace_s=self.settings.grace_s)
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for close in reversed(self._closers):
            await close()
        log.info("stopped", process=self.name)
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, Exception):
                log.error("worker_broke", worker=task.get_name(), **describe(result))
                raise SystemExit(1)


def spare_collector() -> None:
    """Tell the garbage collector that what lives now lives for ever, and to look less often.

    Packs, descriptors and modules are some hundred thousand objects; walking through them again and again costs a
    busy dispatcher a sixth of its CPU (`bench/sms_path.py`). Cycles made from now on are still found.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX)


def keep_freed_memory() -> bool:
    """Keep up to 64 MiB that were freed instead of giving them back; return whether the C library took the request.

    A batch takes a few MiB and frees them. By default the C library returns them to the kernel each time, and the next
    batch pays for every page anew: about a tenth of a busy dispatcher's CPU. Another C library than glibc is left as
    it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*option) == 1 for option in _MALLOC_OPTIONS.items())


def run(main: Awaitable[None]) -> None:
    """Run the main coroutine of a service on uvloop."""
    uvloop.run(main)  # type: ignore[arg-type]  # uvloop asks for a coroutine, an awaitable of ours is one
