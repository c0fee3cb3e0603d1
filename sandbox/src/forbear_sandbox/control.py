"""The control API of the sandbox: what a demo or a test asks the world, and tells it. JSON over HTTP, loopback only.

| request                | does                                                                                       |
|------------------------|--------------------------------------------------------------------------------------------|
| GET  /state            | time, target, what holds the time, counts, failures of the sandbox itself                  |
| POST /clock/run-until  | {"until": iso, "wait": true}: lets the time run; with wait, answers when there or stalled  |
| POST /portfolio        | {"path": file}: moves the borrowers of a portfolio file in                                 |
| POST /platform         | {"url": scheduler, "api_key": key, "borrowers": [ref ...]}: where payments are reported    |
| GET  /census           | every contact that reached a provider, one JSON object a line                              |
| GET  /census/summary   | the counts                                                                                 |
| POST /census/compare   | {"attempts": [...]}: the ledger's attempts beside those seen here                          |
| GET  /faults, POST     | the rules in force; {"faults": [{"kind", "channel", "share", "count", "seconds"}]}          |
| POST /say              | {"borrower": ref, "text": words, "to": number}: a borrower writes to us now                |
| GET  /habits           | the hidden habits, for judging how well they were learned                                  |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from forbear_sandbox.faults import KINDS
from forbear_sandbox.habits import best_chance, uniform_chance
from forbear_sandbox.portfolio_file import read_rows
from forbear_sandbox.world import World

Handler = Callable[[web.Request], Awaitable[web.Response]]
BODY_BYTES_MAX = 64 * 1024 * 1024


def control_app(world: World) -> web.Application:
    """Make the application."""
    control = _Control(world)
    app = web.Application(middlewares=[_errors], client_max_size=BODY_BYTES_MAX)
    app.router.add_get("/state", control.state)
    app.router.add_post("/clock/run-until", control.run_until)
    app.router.add_post("/portfolio", control.portfolio)
    app.router.add_post("/platform", control.platform)
    app.router.add_get("/census", control.census)
    app.router.add_get("/census/summary", control.summary)
    app.router.add_post("/census/compare", control.compare)
    app.router.add_get("/faults", control.faults)
    app.router.add_post("/faults", control.set_faults)
    app.router.add_post("/say", control.say)
    app.router.add_get("/habits", control.habits)
    return app


class _Control:
    def __init__(self, world: World) -> None:
        self._world = world

    async def state(self, request: web.Request) -> web.Response:
        return _json(self._world.state())

    async def run_until(self, request: web.Request) -> web.Response:
        if self._world.coordinator is None:
            return _problem(409, "the time is the machine's: start the world with --start to step it")
        asked = await request.json()
        until = datetime.fromisoformat(asked["until"])
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        if not asked.get("wait", True):
            self._world.coordinator.aim(until)
            return _json(self._world.state(), 202)
        reached = await self._world.coordinator.run_until(until)
        return _json(self._world.state(), 504 if reached.is_stalled else 200)

    async def portfolio(self, request: web.Request) -> web.Response:
        path = (await request.json())["path"]
        return _json({"borrowers": self._world.population.settle(read_rows(Path(path)))})

    async def platform(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._world.bank.connect(asked["url"], asked["api_key"], asked.get("borrowers", ()))
        return _json({"reported_to": asked["url"]})

    async def census(self, request: web.Request) -> web.Response:
        lines = b"".join(orjson.dumps(asdict(contact)) + b"\n" for contact in self._world.census.contacts)
        return web.Response(body=lines, content_type="application/x-ndjson")

    async def summary(self, request: web.Request) -> web.Response:
        return _json(self._world.census.summary())

    async def compare(self, request: web.Request) -> web.Response:
        result = self._world.census.compare((await request.json())["attempts"])
        return _json(
            {
                "agreed": result.agreed,
                "unseen": sorted(result.unseen),
                "unclaimed": sorted(result.unclaimed),
                "doubled": sorted(result.doubled),
                "is_equal": result.is_equal,
            }
        )

    async def faults(self, request: web.Request) -> web.Response:
        return _json({"faults": [asdict(rule) for rule in self._world.faults.rules()], "kinds": KINDS})

    async def set_faults(self, request: web.Request) -> web.Response:
        self._world.faults.set((await request.json())["faults"])
        return await self.faults(request)

    async def say(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked["borrower"] not in self._world.population.by_ref:
            return _problem(404, f"no borrower {asked['borrower']!r} lives here")
        sender = asked.get("to") or self._world.first_sender
        with self._world.traffic:
            await self._world.population.say(asked["borrower"], sender, asked["text"])
        return _json({"said": asked["text"]})

    async def habits(self, request: web.Request) -> web.Response:
        people = self._world.population.by_ref.values()
        return _json(
            {
                "uniform": _mean([uniform_chance(person.habits) for person in people]),
                "best": _mean([best_chance(person.habits) for person in people]),
                "borrowers": {
                    person.ref: {"pattern": person.habits.pattern, "situation": person.habits.situation}
                    for person in people
                },
            }
        )


@web.middleware
async def _errors(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except (KeyError, ValueError, TypeError, OSError) as error:
        return _problem(400, f"{type(error).__name__}: {error}")
    return answer


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")


def _problem(status: int, detail: str) -> web.Response:
    return _json({"status": status, "detail": detail}, status)


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
