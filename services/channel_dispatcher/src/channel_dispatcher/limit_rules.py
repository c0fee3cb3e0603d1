"""Limits that people set while the dispatcher runs, beside and in place of those of the settings. Pure.

A rule of the same scope, key and length as a limit of the settings takes its place; any other holds as well. A rule
that grows is a warm-up: it begins with `tokens`, grows by a factor each day, and ends where it reaches `tokens_max`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from channel_dispatcher.limits import Window
from forbear_domain.model import Channel
from forbear_domain.networks import network_of

LENGTH_MAX_S = 86_400
TOKENS_MAX = 1_000_000_000
GROWTH_MAX = 10.0


class Scope(StrEnum):
    """What a limit counts together."""

    ACCOUNT = "account"  # one account at a provider
    SENDER = "sender"  # one number, messaging service or address of ours
    DOMAIN = "domain"  # all our addresses at one domain
    NETWORK = "network"  # where it goes: the domain of a mailbox, or the first digits of a number, such as +1212
    TENANT = "tenant"
    CAMPAIGN = "campaign"


class LimitRule(NamedTuple):
    """At most `tokens` in any `length_s` seconds, of everything that has `key` in `scope`."""

    rule_id: int
    scope: Scope
    key: str
    length_s: int
    tokens: int
    growth: float
    tokens_max: int | None
    start_at: datetime
    reason: str

    def tokens_at(self, now: datetime) -> int | None:
        """Return the limit at an instant, or None when its warm-up is over."""
        if self.growth <= 1.0:
            return self.tokens
        days = max((now - self.start_at) // timedelta(days=1), 0)
        power = math.log(self.tokens) + days * math.log(self.growth)
        grown = TOKENS_MAX if power >= math.log(TOKENS_MAX) else math.floor(self.tokens * self.growth**days)
        return None if self.tokens_max is not None and grown >= self.tokens_max else grown


class Going(NamedTuple):
    """What a message counts under."""

    account: str
    sender: str
    tenant_id: UUID
    campaign_id: UUID | None
    channel: Channel
    address: str


class LimitBook:
    """The rules in force at one instant."""

    def __init__(self, rules: Sequence[LimitRule] = (), now: datetime | None = None) -> None:
        self._tokens = {
            (rule.scope, rule.key, rule.length_s): tokens
            for rule in rules
            if now is not None and (tokens := rule.tokens_at(now)) is not None
        }
        self._lengths: dict[tuple[Scope, str], list[int]] = {}
        for scope, key, length_s in self._tokens:
            self._lengths.setdefault((scope, key), []).append(length_s)

    @property
    def has_rules(self) -> bool:
        """Return whether `windows` could return other windows than it is given."""
        return bool(self._tokens)

    def of_scope(self, scope: Scope) -> list[tuple[str, int, int]]:
        """Return key, length in seconds and tokens of each rule of a scope, in order."""
        return sorted((key, length_s, tokens) for (of, key, length_s), tokens in self._tokens.items() if of is scope)

    def windows(self, given: tuple[Window, ...], going: Going) -> tuple[Window, ...]:
        """Return the windows of a message: those of the settings, as far as no rule replaces them, and the rules'."""
        windows = {(window.name, window.length_s): window for window in given}
        for scope, key in _keys(going):
            for length_s in self._lengths.get((scope, key), ()):
                name = window_name(scope, key, going.account)
                windows[name, length_s] = Window(name, length_s, self._tokens[scope, key, length_s])
        return tuple(windows.values())


def _keys(going: Going) -> list[tuple[Scope, str]]:
    keys = [(Scope.ACCOUNT, going.account), (Scope.SENDER, going.sender), (Scope.TENANT, str(going.tenant_id))]
    keys.append((Scope.NETWORK, network_of(going.channel, going.address)))
    if going.campaign_id is not None:
        keys.append((Scope.CAMPAIGN, str(going.campaign_id)))
    if going.channel is Channel.EMAIL:
        keys.append((Scope.DOMAIN, going.sender.rpartition("@")[2].lower()))
    return keys


def window_name(scope: Scope, key: str, account: str) -> str:
    """Return the name that a window is counted under; those of the settings have the same form."""
    if scope is Scope.SENDER:
        return f"sender:{account}:{sender_key(key)}"
    return f"{scope}:{key}"


def sender_key(sender: str) -> str:
    """Return a name for a sender that can stand in keys."""
    return hashlib.blake2b(sender.encode(), digest_size=8).hexdigest()
