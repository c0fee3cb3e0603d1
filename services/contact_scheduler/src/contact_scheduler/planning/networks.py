"""Who may be planned to a destination network that takes few: places are dealt before anything is chosen.

A plan could ask a mailbox provider's domain for ten thousand mails of which it takes five hundred a day. So the places
of each network are dealt to its borrowers first, hour by hour, round and round the deck: duties, then whoever can be
reached in no other way today, then by lot. Whoever got none keeps the other channels. The deal looks at no draw of the
plan, so the probabilities that the plan logs stay true, as they do for hours that law closes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.slots import BoolArray, LawfulSlots
from forbear_domain.model import Channel

HOUR_S = 3600
IntArray = NDArray[np.int64]


class NetworkLimit(NamedTuple):
    """At most so many contacts to one network in any stretch of a length."""

    network: str
    length_s: int
    contacts: int

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return the channels whose addresses can be in it."""
        return (Channel.SMS, Channel.VOICE) if self.network.startswith("+") else (Channel.EMAIL,)


@dataclass(frozen=True, slots=True)
class Network:
    """A limit, who is in the network (a bit for each channel, as in consents), and what other plans took, by hour."""

    limit: NetworkLimit
    members: dict[UUID, int]
    taken: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def places(self, hours: int) -> tuple[IntArray, IntArray]:
        """Return the places of each stretch of whole hours that are left, and the stretch of each hour."""
        length = max(1, -(-self.limit.length_s // HOUR_S))
        stretch = np.arange(hours, dtype=np.int64) // length
        whole = self.limit.contacts * max(1, HOUR_S // self.limit.length_s)
        taken = np.bincount(stretch, weights=_fit(self.taken, hours), minlength=int(stretch[-1]) + 1)
        return np.maximum(whole - taken.astype(np.int64), 0), stretch


def deal(
    lawful: LawfulSlots, borrowers: list[UUID], is_duty: BoolArray, lots: NDArray[np.float64], networks: list[Network]
) -> LawfulSlots:
    """Return the slots that are left when the places of each network are dealt; one row for each borrower.

    `lots` are uniform, new for each plan. No hour or stretch holds more borrowers of a network than it has places, so
    whatever a plan chooses, it keeps to them. Where there are places for all, nothing changes.
    """
    row_of = {borrower: row for row, borrower in enumerate(borrowers)}
    bits = [{row_of[who]: bit for who, bit in one.members.items() if who in row_of} for one in networks]
    touched = np.array(sorted({row for one in bits for row in one}), dtype=np.int64)
    if not len(touched):
        return lawful
    slots = lawful.patterns[lawful.pattern_of[touched]]
    for network, bit_of in zip(networks, bits, strict=True):
        bit = np.array([bit_of.get(row, 0) for row in touched.tolist()], dtype=np.int64)
        inside = np.stack([bit >> channel & 1 == 1 for channel in Channel], axis=1)[:, :, None]
        wants = (slots & inside).any(axis=1)
        has_other_way = (slots & ~inside).any(axis=(1, 2))
        deck = np.lexsort((lots[touched], has_other_way, ~is_duty[touched]))
        slots &= ~inside | _dealt(wants, deck, *network.places(slots.shape[2]))[:, None, :]
    left = LawfulSlots.from_dense(slots)
    pattern_of = lawful.pattern_of.copy()
    pattern_of[touched] = left.pattern_of + len(lawful.patterns)
    return LawfulSlots(np.concatenate((lawful.patterns, left.patterns)), pattern_of)


def _dealt(wants: BoolArray, deck: IntArray, places: IntArray, stretch: IntArray) -> BoolArray:
    """Return who has a place in which hour: [n, hours]. Each stretch goes on in the deck where the last one ended."""
    has_place = np.zeros_like(wants)
    at = 0
    for number, free in enumerate(places.tolist()):
        hours = stretch == number
        asking = np.flatnonzero(wants[deck][:, hours].any(axis=1))  # positions in the deck
        if len(asking) > free:
            asking = np.roll(asking, -int(np.searchsorted(asking, at)))[:free]
            at = int(asking[-1]) + 1 if free else at
        has_place[np.ix_(deck[asking], hours)] = True
    return has_place


def _fit(taken: IntArray, hours: int) -> IntArray:
    return np.pad(taken[:hours], (0, max(hours - len(taken), 0)))
