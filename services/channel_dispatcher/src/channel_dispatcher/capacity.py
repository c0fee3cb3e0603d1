"""What each channel can carry for a tenant, hour by hour: from limits, switches and the health of its accounts.

Hours begin now. An account whose circuit is open carries nothing until it may be probed; a switch that is thrown holds
until a person lifts it, so nothing is promised behind it. Without Redis nothing can be sent, and nothing is promised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from channel_dispatcher.health import Condition, Health
from channel_dispatcher.limit_rules import Going, LimitBook, Scope
from channel_dispatcher.limits import Window
from channel_dispatcher.outlets import Outlet, Outlets, TenantLimit, windows_of
from channel_dispatcher.store import limit_rules, queue, switches
from channel_dispatcher.switches import Stops, stops_of
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Pool
from forbear_chassis.redis import RedisUnavailable
from forbear_domain.model import Channel

HOURS = 24
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one channel can carry: contacts in each of the next hours, and how many wait already."""

    channel: Channel
    by_hour: tuple[int, ...]
    queued: int

    @property
    def per_hour(self) -> int:
        """Return what the best of the hours can carry: what a plan may count on once all accounts are well."""
        return max(self.by_hour)


@dataclass(frozen=True, slots=True)
class NetworkCapacity:
    """What one destination network takes: contacts in any stretch of `length_s` seconds, of all channels to it."""

    network: str  # the domain of a mailbox, or the first digits of a number
    length_s: int
    contacts: int

    @classmethod
    def of(cls, network: str, length_s: int, tokens: int, parts: float) -> Self:
        """Return a limit of so many tokens in contacts of so many parts each.

        Less than an hour is told by the hour, in which plans are made: a part or two a second would round to none.
        """
        stretches = max(HOUR_S // length_s, 1)
        return cls(network, length_s * stretches, int(tokens * stretches / parts))


class Parts:
    """How many SMS parts a contact takes, as this process has seen lately: limits count parts, plans count contacts."""

    def __init__(self) -> None:
        self._average: dict[Channel, float] = {}

    def see(self, channel: Channel, costs: Sequence[int]) -> None:
        """Take note of a batch."""
        if costs:
            before = self._average.get(channel, sum(costs) / len(costs))
            share = min(len(costs) / 500, 1.0)
            self._average[channel] = before + share * (sum(costs) / len(costs) - before)

    def average(self, channel: Channel) -> float:
        """Return parts a contact, 1 before anything was sent."""
        return self._average.get(channel, 1.0)


class Capacities:
    """Tells what can be carried."""

    def __init__(self, pool: Pool, clock: Clock, outlets: Outlets, limit: TenantLimit, health: Health) -> None:
        self._pool = pool
        self._clock = clock
        self._outlets = outlets
        self._limit = limit
        self._health = health
        self.parts = Parts()

    async def of(self, tenant: UUID, campaign: UUID | None = None) -> list[Capacity]:
        """Return the capacity of each channel that has an account, for one tenant, or one campaign of it."""
        now = self._clock.now()
        queued = await queue.count_queued(self._pool, tenant)
        thrown = await switches.in_force(self._pool)
        book = LimitBook(await limit_rules.in_force(self._pool), now)
        found = []
        for channel, outlets in sorted(self._outlets.items()):
            stops = stops_of(thrown, channel)
            by_hour: tuple[int, ...] = (0,) * HOURS
            if not stops.is_everything and tenant not in stops.tenants and campaign not in stops.campaigns:
                ready = await self._ready(outlets, stops, now)
                tokens = carried([(each, self._windows(each, tenant, campaign, book)) for each in outlets], ready)
                by_hour = tuple(int(each / self.parts.average(channel)) for each in tokens)
            found.append(Capacity(channel, by_hour, queued.get(channel, 0)))
        return found

    async def of_networks(self) -> list[NetworkCapacity]:
        """Return what the destination networks take that have a limit; the same for every tenant."""
        book = LimitBook(await limit_rules.in_force(self._pool), self._clock.now())
        parts = {True: self.parts.average(Channel.SMS), False: 1.0}
        return [
            NetworkCapacity.of(network, length_s, tokens, parts[network.startswith("+")])
            for network, length_s, tokens in book.of_scope(Scope.NETWORK)
        ]

    async def _ready(self, outlets: Sequence[Outlet], stops: Stops, now: datetime) -> dict[str, int]:
        """Return from which hour on each account may be used; those that may not are left out."""
        try:
            conditions = await self._health.look([outlet.label for outlet in outlets])
        except RedisUnavailable:
            return {}
        pairs = zip(outlets, conditions, strict=True)
        return {each.label: _hours_until(condition, now) for each, condition in pairs if stops.carries(each)}

    def _windows(
        self, outlet: Outlet, tenant: UUID, campaign: UUID | None, book: LimitBook
    ) -> list[tuple[Window, ...]]:
        """Return the windows of each of the outlet's senders; those of destinations differ by contact."""
        return [
            book.windows(
                windows_of(outlet, sender, tenant, self._limit),
                Going(outlet.label, sender, tenant, campaign, outlet.channel, ""),
            )
            for sender in outlet.senders
        ]


def carried(outlets: Iterable[tuple[Outlet, list[tuple[Window, ...]]]], ready: dict[str, int]) -> list[int]:
    """Return the tokens of each hour. Pure; windows longer than an hour are taken as empty now."""
    usable = [(outlet, senders) for outlet, senders in outlets if outlet.label in ready]
    used: dict[str, list[int]] = {}
    hours = []
    for hour in range(HOURS):
        total = 0
        taken: dict[str, int] = {}
        for outlet, senders in usable:
            if hour < ready[outlet.label]:
                continue
            for windows in senders:
                free = min(_free(window, used.get(window.name, []), taken.get(window.name, 0)) for window in windows)
                for name in {window.name for window in windows}:
                    taken[name] = taken.get(name, 0) + free
                total += free
        for name in {window.name for _, senders in usable for windows in senders for window in windows}:
            used.setdefault(name, []).append(taken.get(name, 0))
        hours.append(total)
    return hours


def _free(window: Window, used: list[int], taken: int) -> int:
    """Return how many tokens a window lets through in one hour more, `taken` of which are gone already."""
    if window.length_s <= HOUR_S:
        return max(window.limit * HOUR_S // window.length_s - taken, 0)
    span = -(-window.length_s // HOUR_S)
    return max(window.limit - sum(used[-(span - 1) :]) - taken, 0)


def _hours_until(condition: Condition, now: datetime) -> int:
    """Return in how many hours an account may be used again; 0 when now, or within this hour's first minute."""
    if condition.allowance is None or condition.until is None or condition.until <= now + timedelta(minutes=1):
        return 0
    return int(-(-(condition.until - now) // timedelta(hours=1)))
