"""The ways out: for each channel one provider, the senders it may use, and the limits that hold there. Pure choice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from channel_dispatcher.limits import Window
from forbear_domain.model import Channel
from forbear_providers.contract import Provider


@dataclass(frozen=True, slots=True, eq=False)
class Outlet:
    """One channel's way out. `per_sender_s` of 0 means that the provider limits the account only."""

    provider: Provider
    senders: tuple[str, ...]
    concurrency: int
    per_account_s: int
    per_sender_s: int = 0

    @property
    def channel(self) -> Channel:
        """Return the channel it serves."""
        return self.provider.channel

    def per_hour(self) -> int:
        """Return how many tokens an hour its tightest limit lets through."""
        pool = self.per_sender_s * len(self.senders)
        return 3600 * (min(self.per_account_s, pool) if pool else self.per_account_s)


@dataclass(frozen=True, slots=True)
class TenantLimit:
    """What one tenant may use of all channels together. 0 means no limit for the minute."""

    per_s: int
    per_minute: int = 0


def choose_sender(senders: tuple[str, ...], address_key: str) -> str:
    """Return the sender for an address: always the same, and the pool is used evenly (rendezvous hashing)."""
    if len(senders) == 1:
        return senders[0]
    return max(senders, key=lambda sender: hashlib.blake2b((sender + address_key).encode(), digest_size=8).digest())


@lru_cache(maxsize=65_536)
def windows_of(outlet: Outlet, sender: str, tenant: UUID, limit: TenantLimit) -> tuple[Window, ...]:
    """Return the windows that one request of a tenant by a sender counts in."""
    name = outlet.provider.name
    windows = [Window(f"account:{name}", 1, outlet.per_account_s), Window(f"tenant:{tenant}", 1, limit.per_s)]
    if outlet.per_sender_s:
        windows.append(Window(f"sender:{name}:{sender_key(sender)}", 1, outlet.per_sender_s))
    if limit.per_minute:
        windows.append(Window(f"tenant:{tenant}", 60, limit.per_minute))
    return tuple(windows)


def sender_key(sender: str) -> str:
    """Return a name for a sender that can stand in keys."""
    return hashlib.blake2b(sender.encode(), digest_size=8).hexdigest()


Outlets = Mapping[Channel, Outlet]
