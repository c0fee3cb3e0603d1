"""What is known of a tenant at this very second, for who asks between two ticks: explanation, rehearsal, what-if.

The plan learns at its daily tick, so that the same events give the same plan. Reading learns too, the same way and
with the same bits, but keeps nothing: no version is written, no contact marked, no row locked. What was learned serves
all readers of a tenant for a few seconds; one of them learns, the others wait for it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from contact_scheduler.learn_funnel import learn_funnel
from contact_scheduler.learn_outcomes import foretaste
from contact_scheduler.learning.funnel import Funnel
from contact_scheduler.learning.model import Posterior
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Pool

FRESH: Final = timedelta(seconds=5)
SNAPSHOT: Final = "repeatable_read"  # all statements see the same
TENANTS_MAX: Final = 8  # whose knowledge is kept at once; some ten megabytes each


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at an instant: of answers, and of the steps beside them."""

    at: datetime
    posterior: Posterior
    funnel: Funnel
    still_open: int  # contacts, answered or silent so far, that count provisionally

    @property
    def outcomes(self) -> int:
        """Contacts that were learned for good."""
        return int(self.posterior.outcomes)


class KnowNow:
    """Learns for readers. One tenant's knowledge is never another's."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._kept: OrderedDict[UUID, Known] = OrderedDict()
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def of(self, tenant_id: UUID) -> Known:
        """Return what is known of a tenant, at most five seconds old."""
        turn = self._turns.setdefault(tenant_id, asyncio.Lock())
        async with turn:
            kept = self._kept.get(tenant_id)
            now = self._clock.now()
            if kept is not None and timedelta() <= now - kept.at < FRESH:
                return kept
            known = await self._learn(tenant_id, now)
            self._kept[tenant_id] = known
            self._kept.move_to_end(tenant_id)
            if len(self._kept) > TENANTS_MAX:
                self._kept.popitem(last=False)
            return known

    async def _learn(self, tenant_id: UUID, now: datetime) -> Known:
        async with self._pool.acquire() as connection, connection.transaction(isolation=SNAPSHOT, readonly=True):
            posterior, still_open = await foretaste(connection, tenant_id, now)
            funnel = await learn_funnel(connection, tenant_id, now)
        return Known(now, posterior, funnel, still_open)
