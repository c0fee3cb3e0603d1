"""How a batch is shared out: answers before promises before reminders, tenants alike, and nobody starves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

RESERVE = 10
"""A tenth of each batch is kept for every lower lane that waits, so that a flood in one lane delays, but never stops,
the others."""


class Waiting(NamedTuple):
    """How many contacts of one tenant wait in one lane; as an answer, how many of them may go."""

    lane: int
    tenant_id: UUID
    size: int


def share_out(waiting: Sequence[Waiting], size: int) -> list[Waiting]:
    """Return who sends how many of the next `size` contacts.

    Lanes are served in order; each lane that waits behind keeps `size // RESERVE` places (at most what it has), and
    what a lane leaves goes to the next, in the end to the first again. Within a lane tenants get equal parts.
    """
    lanes = sorted({one.lane for one in waiting if one.size > 0})
    by_lane = {lane: [one for one in waiting if one.lane == lane and one.size > 0] for lane in lanes}
    wanted = {lane: sum(one.size for one in by_lane[lane]) for lane in lanes}
    given: dict[int, int] = {}
    left = size
    for position, lane in enumerate(lanes):
        kept = sum(min(size // RESERVE, wanted[behind]) for behind in lanes[position + 1 :])
        given[lane] = min(wanted[lane], max(left - kept, 0))
        left -= given[lane]
    for lane in lanes:
        more = min(wanted[lane] - given[lane], left)
        given[lane] += more
        left -= more
    return [share for lane in lanes for share in _alike(by_lane[lane], given[lane])]


def _alike(tenants: Sequence[Waiting], size: int) -> list[Waiting]:
    """Share one lane: the ones with the least first, so that what they leave goes to the rest."""
    shares, left = [], size
    ordered = sorted(tenants, key=lambda one: (one.size, one.tenant_id))
    for position, one in enumerate(ordered):
        count = min(one.size, -(-left // (len(ordered) - position)))
        left -= count
        if count:
            shares.append(one._replace(size=count))
    return shares
