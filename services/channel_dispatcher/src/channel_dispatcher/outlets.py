"""The ways out: for each channel one or more accounts at providers, with senders, limits and price. Pure choice."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher.health import Condition
from channel_dispatcher.limit_rules import sender_key
from channel_dispatcher.limits import Window
from forbear_domain.model import Channel
from forbear_providers.contract import Provider


@dataclass(frozen=True, slots=True, eq=False)
class Outlet:
    """One account of one channel. `per_sender_s` of 0 means that the provider limits the account only.

    `price` is that of one part, mail or minute, in one currency for the whole channel; 0 where it is not known.
    """

    provider: Provider
    senders: tuple[str, ...]
    concurrency: int
    per_account_s: int
    per_sender_s: int = 0
    name: str = ""  # the provider's own where the settings name none
    weight: float = 1.0
    price: float = 0.0

    @property
    def channel(self) -> Channel:
        """Return the channel it serves."""
        return self.provider.channel

    @property
    def label(self) -> str:
        """Return the name in the ledger, in the limits and in metrics."""
        return self.name or self.provider.name

    def per_hour(self) -> int:
        """Return how many tokens an hour its tightest limit lets through."""
        pool = self.per_sender_s * len(self.senders)
        return 3600 * (min(self.per_account_s, pool) if pool else self.per_account_s)


Outlets = Mapping[Channel, tuple[Outlet, ...]]


class Ways:
    """What the outlets of one channel may carry in one batch; `take` uses it up."""

    def __init__(self, conditions: Sequence[tuple[Outlet, Condition]]) -> None:
        pairs = [(outlet, condition.allowance) for outlet, condition in conditions if condition.allowance != 0]
        self._open = tuple([outlet for outlet, _ in pairs])
        self._left = {outlet: allowance for outlet, allowance in pairs if allowance is not None}

    def take(self, address_key: str, attempts: int) -> Outlet | None:
        """Return the outlet for an address, the next one in its order after each attempt; None: none may carry it."""
        ranked = rank(self._open, address_key)
        for place in range(len(ranked)):
            outlet = ranked[(attempts + place) % len(ranked)]
            left = self._left.get(outlet)
            if left is None:
                return outlet
            if left > 0:
                self._left[outlet] = left - 1
                return outlet
        return None


def by_channel(outlets: Sequence[Outlet]) -> Outlets:
    """Return the outlets of each channel that has any, in the given order."""
    channels = dict.fromkeys(outlet.channel for outlet in outlets)
    return {channel: tuple(one for one in outlets if one.channel is channel) for channel in channels}


class TenantLimit(NamedTuple):
    """What one tenant may use of all channels together. 0 means no limit for the minute."""

    per_s: int
    per_minute: int = 0


@lru_cache(maxsize=65_536)
def rank(outlets: tuple[Outlet, ...], address_key: str) -> tuple[Outlet, ...]:
    """Order outlets for an address: always the same, so that a borrower hears from one number as long as it works.

    The first places are shared out by weight over price (weighted rendezvous hashing): at equal weights an account that
    is twice as dear comes first half as often. An account of weight 0 is only ever a way round the others.
    """
    if len(outlets) < 2:
        return outlets
    cheapest = min(one.price for one in outlets)
    return tuple(sorted(outlets, key=lambda one: _distance(one, address_key, cheapest)))


def _distance(outlet: Outlet, address_key: str, cheapest: float) -> float:
    digest = hashlib.blake2b((outlet.label + address_key).encode(), digest_size=8).digest()
    share = (int.from_bytes(digest, "big") + 1) / (2**64 + 1)
    weight = outlet.weight * (cheapest / outlet.price if cheapest > 0 else 1.0)
    return -math.log(share) / weight if weight > 0 else math.inf


def choose_sender(senders: tuple[str, ...], address_key: str) -> str:
    """Return the sender for an address: always the same, and the pool is used evenly (rendezvous hashing)."""
    if len(senders) == 1:
        return senders[0]
    return max(senders, key=lambda sender: hashlib.blake2b((sender + address_key).encode(), digest_size=8).digest())


@lru_cache(maxsize=65_536)
def windows_of(outlet: Outlet, sender: str, tenant: UUID, limit: TenantLimit) -> tuple[Window, ...]:
    """Return the windows that one request of a tenant by a sender counts in."""
    name = outlet.label
    windows = [Window(f"account:{name}", 1, outlet.per_account_s), Window(f"tenant:{tenant}", 1, limit.per_s)]
    if outlet.per_sender_s:
        windows.append(Window(f"sender:{name}:{sender_key(sender)}", 1, outlet.per_sender_s))
    if limit.per_minute:
        windows.append(Window(f"tenant:{tenant}", 60, limit.per_minute))
    return tuple(windows)
