"""Lots that depend on what they are drawn for, never on when: the same seed and the same question give the same answer.

Requests reach the sandbox in any order; were the lots drawn from one stream, the order would change the month. So each
draw hashes its key (the seed, the borrower, what is decided, the instant) into a uniform number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_SCALE = 1.0 / (1 << 53)


class Lots:
    """Draws keyed by a seed and whatever else the caller names."""

    def __init__(self, *key: object) -> None:
        self._prefix = _pack(key)

    def under(self, *key: object) -> Lots:
        """Return lots of their own for a part of the world, such as one borrower."""
        child = Lots()
        child._prefix = self._prefix + _pack(key)
        return child

    def uniform(self, *key: object) -> float:
        """Return a number in [0, 1)."""
        digest = blake2b(self._prefix + _pack(key), digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) * _SCALE

    def happens(self, probability: float, *key: object) -> bool:
        """Return True with the given probability."""
        return self.uniform(*key) < probability

    def between(self, low: float, high: float, *key: object) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self.uniform(*key)

    def normal(self, mean: float, deviation: float, *key: object) -> float:
        """Return a normally distributed number (Box-Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform(*key, "radius")))
        return mean + deviation * radius * math.cos(2.0 * math.pi * self.uniform(*key, "angle"))

    def pick(self, items: Sequence[T], *key: object) -> T:
        """Return one of the items, all equally likely."""
        return items[int(self.uniform(*key) * len(items))]

    def weighted(self, weights: Mapping[T, float], *key: object) -> T:
        """Return one of the keys, as likely as its weight; the weights need not sum to one."""
        mark = self.uniform(*key) * sum(weights.values())
        for item, weight in weights.items():
            mark -= weight
            if mark < 0:
                return item
        return next(reversed(list(weights)))


def _pack(key: Sequence[object]) -> bytes:
    return "".join(f"{part}\x1f" for part in key).encode()
