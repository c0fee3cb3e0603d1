"""Gives Redis back what it knew of long windows, from the attempts: PostgreSQL is the truth, Redis a copy of it.

An attempt is committed before it is sent, and names the windows that its tokens were taken from. So once every claim
that was begun before the loss is committed or gone, the attempts hold at least all that was sent. No claim after the
loss can have taken a token of a lost window: it counts as full until it is restored.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import structlog

from channel_dispatcher import metrics
from channel_dispatcher.limits import Grants, Limiter, Window
from channel_dispatcher.store import charges
from forbear_chassis.clock import from_epoch_us, to_epoch_us
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import Pass

LATER = timedelta(minutes=3)
"""An attempt bears its batch's instant by the dispatcher's clock, up to two minutes (clock.SKEW_MAX) from the others'
and somewhat before its grant. It counts as so much later; a window restored is so much longer full than it need be."""

TRIES, TRY_EVERY_S = 60, 0.05  # a claim takes a fraction of a second
TRY_AGAIN = timedelta(seconds=1)
IN_VAIN_FOR = timedelta(minutes=1)  # what an older dispatcher claimed stays unnamed: counting it each second is no use

log = structlog.get_logger(__name__)


class LimitMemory:
    """Restores what a grant said is lost."""

    def __init__(self, pool: Pool, limiter: Limiter) -> None:
        self._pool = pool
        self._limiter = limiter
        self._in_vain_until: datetime | None = None

    async def restore(self, grants: Grants, now: datetime) -> Pass:
        """Restore what can be; return how many windows were, and when to try again where claims are open still.

        Must not be called inside a claim: it would wait for itself.
        """
        if not grants.lost or (self._in_vain_until is not None and now < self._in_vain_until):
            return Pass(0)
        if not await self._older_claims_ended():
            return Pass(0, now + TRY_AGAIN)
        taken = await self._taken(grants, now)
        self._in_vain_until = now + IN_VAIN_FOR if len(taken) < len(grants.lost) else None
        restored = await self._limiter.restore(grants.epoch, taken) if taken else 0
        if restored:
            metrics.WINDOWS_RESTORED.inc(restored)
            log.warning("limits_restored", windows=restored, tokens=sum(sum(each.values()) for each in taken.values()))
        return Pass(restored)

    async def _older_claims_ended(self) -> bool:
        """Wait a little for the claims that are open now; return whether all are committed or gone."""
        asked_at = await charges.database_now(self._pool)
        for _ in range(TRIES):
            if not await charges.has_older_claims(self._pool, asked_at):
                return True
            await asyncio.sleep(TRY_EVERY_S)
        return False

    async def _taken(self, grants: Grants, now: datetime) -> dict[Window, Counter[int]]:
        """Return the tokens of each lost window, by Redis' clock; a window with attempts that name none is left out."""
        ahead = from_epoch_us(grants.at_us) - now
        since = now - LATER - timedelta(seconds=max(window.length_s for window in grants.lost))
        rows = await charges.since(self._pool, since, {window.name for window in grants.lost})
        unnamed_until = max((row.claimed_at for row in rows if row.name is None), default=None)
        taken: dict[Window, Counter[int]] = {}
        for window in grants.lost:
            begin = now - LATER - timedelta(seconds=window.length_s)
            if unnamed_until is None or unnamed_until < begin:
                taken[window] = Counter()
                for row in rows:
                    if row.name == window.name and row.claimed_at >= begin:
                        counted_at = min(row.claimed_at + ahead + LATER, from_epoch_us(grants.at_us))
                        taken[window][to_epoch_us(counted_at)] += row.tokens
        return taken
