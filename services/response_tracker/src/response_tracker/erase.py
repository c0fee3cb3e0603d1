"""Erases borrowers (GDPR art. 17, PIPL art. 47): what they wrote, where we reached them, and the salts of commitments.

The request is durable when it is answered, and done when law lets it go. The ledger keeps its commitments: without
words and salt nobody can tell what they were, and every proof holds. What comes in later about an erased borrower, such
as a late receipt, is erased again, at once where it leads to the borrower and else at a second look.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID

import structlog

from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection, Pool
from forbear_chassis.worker import Pass
from response_tracker.store import conversations, erasures

SECOND_LOOK = timedelta(days=3)  # providers report no later about what they took
STRANGERS_KEPT = timedelta(days=30)  # for whoever asks why somebody whom nobody knows was barred
STRANGERS_A_PASS = 1_000

log = structlog.get_logger(__name__)


class Erasure:
    """On request of the scheduler, which knows from the dispatcher until when law keeps evidence."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def ask(self, tenant_id: UUID, borrower_id: UUID, keep_until: datetime | None) -> None:
        """Note an erasure, due now or when law lets go. Idempotent; asking again moves the date of what is not done."""
        now = self._clock.now()
        erase_at = now if keep_until is None else max(keep_until, now)
        async with self._pool.acquire() as connection, connection.transaction():
            await conversations.lock_borrower(connection, borrower_id)
            await erasures.ask(connection, tenant_id, borrower_id, erase_at, now)

    async def run_once(self) -> Pass:
        """Make one pass of the worker loop: one borrower."""
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            one = await erasures.next_due(connection, now)
            if one is None:
                return await self._forget_strangers(connection, now)
            await erasures.erase(connection, one)
            await erasures.mark_done(connection, one, now, now + SECOND_LOOK if one.erased_at is None else None)
        log.info("borrower_erased", tenant_id=str(one.tenant_id), borrower_id=str(one.borrower_id))
        return Pass(1)

    async def _forget_strangers(self, connection: Connection, now: datetime) -> Pass:
        """Forget what was written by people whom nobody knows, in the night after it was kept for its time."""
        forgotten = await erasures.forget_strangers(connection, now - STRANGERS_KEPT, STRANGERS_A_PASS)
        if forgotten:
            return Pass(forgotten)
        oldest = await erasures.oldest_stranger(connection)
        due = [
            at for at in (await erasures.next_at(connection), oldest and _night_after(oldest + STRANGERS_KEPT)) if at
        ]
        return Pass(0, min(due, default=None))


def _night_after(instant: datetime) -> datetime:
    """Once a day is often enough."""
    return datetime.combine(instant.date() + timedelta(days=1), time(0), instant.tzinfo)
