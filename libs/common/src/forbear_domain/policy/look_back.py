"""How far back whoever decides must remember contacts: as far as the longest window of a rule that may speak."""

from collections.abc import Collection
from datetime import timedelta
from functools import lru_cache

from forbear_domain.policy.checks import check_of
from forbear_domain.policy.checks.counts import Cap, CoolingOff, Window
from forbear_domain.policy.facts import Channel, Purpose
from forbear_domain.policy.packs import Packs
from forbear_domain.policy.rules import Rule

LONGEST_MONTH = timedelta(days=31)
ZONES_APART = timedelta(days=2)  # calendar days begin at different instants in the zones of one borrower


def reach(window: Window) -> timedelta:
    """How far back a window reaches at most, by the clock."""
    if window.duration:
        return window.duration
    return (timedelta(days=window.days) if window.days else LONGEST_MONTH) + ZONES_APART


@lru_cache(maxsize=8)
def look_back(packs: Packs, channels: frozenset[Channel], purposes: frozenset[Purpose]) -> timedelta:
    """The longest reach of a count in any pack that may bar contacts of these channels and purposes.

    At least a month and the zones' difference, which is what tenants' own rules are held to.
    """
    windows = [
        check.window
        for pack in packs.all
        for rule in pack.rules
        if _may_speak(rule, channels, purposes) and isinstance(check := check_of(rule), (Cap, CoolingOff))
    ]
    return max([LONGEST_MONTH + ZONES_APART, *map(reach, windows)])


def _may_speak(rule: Rule, channels: Collection[Channel], purposes: Collection[Purpose]) -> bool:
    scope = rule.scope
    return bool(set(scope.channels or channels) & set(channels)) and bool(
        (set(scope.purposes or purposes) & set(purposes)) - scope.except_purposes
    )
