"""Drawing lots without a shared state: every draw is a pure function of (seed, purpose, plan tick, borrower).

A draw never depends on the position of a borrower in an array, on the batch it came in or on how many draws were made
before, so a plan can be repeated to the bit and audited one borrower at a time. The mixing function is splitmix64
(Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

UInt64Array = NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_MASK_64: Final = (1 << 64) - 1
_UNIT: Final = 1.0 / (1 << 53)

# Purposes keep draws for different questions apart; numbers are part of the audit trail and are never reused.
PURPOSE_CONTROL: Final = 1
PURPOSE_SLICE: Final = 2
PURPOSE_OPTION: Final = 3
PURPOSE_GROUP: Final = 4
PURPOSE_SAMPLE: Final = 5
PURPOSE_DITHER: Final = 6
PURPOSE_RAMP: Final = 7
PURPOSE_NETWORK: Final = 8
PURPOSE_BUDGET: Final = 9
PURPOSE_TURN: Final = 10
PURPOSE_LEFT_ALONE: Final = 11


def _mix(state: UInt64Array) -> UInt64Array:
    for shift, factor in ((30, _MIX_1), (27, _MIX_2)):
        state = state ^ (state >> np.uint64(shift))
        state *= factor
    state ^= state >> np.uint64(31)
    return state


def draw_key(seed: int, purpose: int, tick: int = 0) -> int:
    """Folds seed, purpose and plan tick into one 64-bit key (any int is accepted, taken modulo 2**64)."""
    key = np.zeros(1, dtype=np.uint64)
    for part in (seed, purpose, tick):
        key = _mix((key ^ np.uint64(part & _MASK_64)) * _MIX_2 + _GOLDEN)
    return int(key[0])


def hash_ids(ids: UInt64Array, key: int) -> UInt64Array:
    """Returns one well-mixed 64-bit number per id for this key."""
    return _mix(ids * _GOLDEN + np.uint64(key & _MASK_64))


def uniform(ids: UInt64Array, key: int) -> NDArray[np.float64]:
    """Returns one number in [0, 1) per id, uniform over keys (53 bits)."""
    return (hash_ids(ids, key) >> np.uint64(11)).astype(np.float64) * _UNIT


def ids_from_bytes(uuids: bytes) -> UInt64Array:
    """Turns concatenated 16-byte UUIDs into 64-bit ids (both halves folded), stable on every machine."""
    halves = np.frombuffer(uuids, dtype="<u8").reshape(-1, 2).astype(np.uint64)
    return _mix(halves[:, 0] * _GOLDEN + halves[:, 1])
