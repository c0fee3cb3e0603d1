"""Rate limits shared by all replicas: one call to Redis for a whole batch, all of its windows at once.

In no stretch of time, wherever it starts, do the grants exceed a limit, whatever the number of replicas and whether
Redis loses its memory; see limits.lua. When Redis does not answer nothing is granted: the error goes up, and the batch
with it. SMS are charged by parts. After a loss, windows of RESTORED_FROM_S and more need not wait until they have
passed: attempts name the ones they were charged to, and limit_memory.py counts these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

import orjson
import redis.asyncio

from forbear_chassis.clock import to_epoch_us
from forbear_chassis.redis import Script

SLOTS = 250
"""A window of one second is cut into slots of 4 ms: at most 0.4 % of a limit is lost to the cut."""
RESTORED_FROM_S = 900
"""Shorter windows have passed sooner than they could be trusted again."""


class Window(NamedTuple):
    """At most `limit` tokens in any `length_s` seconds, counted under `name`."""

    name: str
    length_s: int
    limit: int


class Demand(NamedTuple):
    """What one request costs, and in which windows."""

    cost: int
    windows: tuple[Window, ...]

    def is_possible(self) -> bool:
        """Return whether it fits into an empty window at all."""
        return self.cost <= min([window.limit for window in self.windows], default=self.cost)

    def charged(self) -> list[str]:
        """Return the names of the windows that an attempt must remember."""
        return [window.name for window in self.windows if window.length_s >= RESTORED_FROM_S]


@dataclass(frozen=True, slots=True)
class Grants:
    """Which demands were granted, when asking again is worth while (None: all were), and when, by Redis' clock.

    `lost` are windows that count as full because Redis lost them; `epoch` names its memory since then.
    """

    granted: tuple[bool, ...]
    retry_at: datetime | None
    at_us: int = 0
    lost: tuple[Window, ...] = ()
    epoch: str = ""


class Limiter:
    """Takes tokens for batches. `prefix` keeps deployments on one Redis apart."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str, simulated_now: Callable[[], datetime] | None) -> None:
        self._script = Script(client, "channel_dispatcher", "limits.lua")
        self._restore = Script(client, "channel_dispatcher", "limits_restore.lua")
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
                self._keys(windows),
                [
                    to_epoch_us(self._simulated_now()) if self._simulated_now else 0,
                    SLOTS,
                    orjson.dumps([[window.length_s * 1_000_000, window.limit] for window in windows]),
                    orjson.dumps(wire),
                    RESTORED_FROM_S * 1_000_000,
                ],
            )
        )
        granted: list[bool] = []
        for (_, count), given in zip(groups, answer["granted"], strict=True):
            granted += [True] * given + [False] * (count - given)
        wait_us = answer["wait_us"]
        return Grants(
            tuple(granted),
            now + timedelta(microseconds=wait_us) if wait_us else None,
            int(answer["at_us"]),
            tuple([windows[number - 1] for number in answer.get("lost", ())]),
            answer["epoch"],
        )

    async def restore(self, epoch: str, taken: Mapping[Window, Mapping[int, int]]) -> int:
        """Give windows that were lost in an epoch their tokens back, by instant in microseconds; return how many were.

        One that was restored already stays as it is. Raises RedisUnavailable when Redis does not answer.
        """
        wire = []
        for window, tokens in taken.items():
            slots: Counter[int] = Counter()
            for at_us, count in tokens.items():
                slots[at_us * SLOTS // (window.length_s * 1_000_000)] += count
            wire.append([window.length_s * 1_000_000, list(slots.items())])
        return int(await self._restore(self._keys(list(taken)), [epoch, orjson.dumps(wire)]))

    def _keys(self, windows: Sequence[Window]) -> list[str]:
        return [f"{self._prefix}:epoch", *[f"{self._prefix}:{window.name}:{window.length_s}" for window in windows]]
