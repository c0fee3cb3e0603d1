"""Rate limits shared by all replicas: one call to Redis for a whole batch, all of its windows at once.

In no stretch of time, wherever it starts, do the grants exceed a limit, whatever the number of replicas and whether
Redis loses its memory; see limits.lua. When Redis does not answer nothing is granted: the error goes up, and the batch
with it. SMS are charged by parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import orjson
import redis.asyncio

from forbear_chassis.clock import to_epoch_us
from forbear_chassis.redis import Script

SLOTS = 250
"""A window of one second is cut into slots of 4 ms: at most 0.4 % of a limit is lost to the cut."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` tokens in any `length_s` seconds, counted under `name`."""

    name: str
    length_s: int
    limit: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What one request costs, and in which windows."""

    cost: int
    windows: tuple[Window, ...]

    def is_possible(self) -> bool:
        """Return whether it fits into an empty window at all."""
        return all(self.cost <= window.limit for window in self.windows)


@dataclass(frozen=True, slots=True)
class Grants:
    """Which demands were granted, when asking again is worth while (None: all were), and when, by Redis' clock."""

    granted: tuple[bool, ...]
    retry_at: datetime | None
    at_us: int = 0


class Limiter:
    """Takes tokens for batches. `prefix` keeps deployments on one Redis apart."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str, simulated_now: Callable[[], datetime] | None) -> None:
        self._script = Script(client, "channel_dispatcher", "limits.lua")
        self._prefix = f"{{{prefix}}}:limit"
        self._simulated_now = simulated_now

    async def take(self, demands: Sequence[Demand], now: datetime) -> Grants:
        """Grant demands, the first ones first. Raises RedisUnavailable when Redis does not answer."""
        if not demands:
            return Grants((), None)
        groups = [(demand, len(list(equal))) for demand, equal in groupby(demands)]
        windows = list(dict.fromkeys(window for demand, _ in groups for window in demand.windows))
        numbers = {window: number for number, window in enumerate(windows, start=1)}
        wire: list[Any] = [[demand.cost, count, [numbers[w] for w in demand.windows]] for demand, count in groups]
        answer = orjson.loads(
            await self._script(
                [f"{self._prefix}:epoch", *[f"{self._prefix}:{window.name}:{window.length_s}" for window in windows]],
                [
                    to_epoch_us(self._simulated_now()) if self._simulated_now else 0,
                    SLOTS,
                    orjson.dumps([[window.length_s * 1_000_000, window.limit] for window in windows]),
                    orjson.dumps(wire),
                ],
            )
        )
        granted: list[bool] = []
        for (_, count), given in zip(groups, answer["granted"], strict=True):
            granted += [True] * given + [False] * (count - given)
        wait_us = answer["wait_us"]
        return Grants(tuple(granted), now + timedelta(microseconds=wait_us) if wait_us else None, int(answer["at_us"]))
