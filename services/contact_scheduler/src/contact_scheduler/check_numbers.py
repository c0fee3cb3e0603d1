"""Asks by itself, each day, whether the numbers of borrowers whose consent to texts goes stale were given away.

Off by default, because each question costs money: a setting says how many may be asked in a day. A pass asks a few,
side by side, and records what was answered before it ends; what was recorded is not asked again for a month. So
whatever crashes, and whenever, the next pass goes on where the last one ended, and at most one pass's questions are
paid twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

import structlog

from contact_scheduler.record_number_checks import NumberCheck, RecordNumberChecks
from contact_scheduler.store import number_checks
from contact_scheduler.store.number_checks import Question
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_chassis.worker import Pass
from forbear_providers.number_lookup import Answer, SourceError

RECORDED_BY = "scheduled_lookup"
AT_ONCE = 8  # questions of a pass
AHEAD = timedelta(days=7)  # before a consent goes stale, so that no campaign stands still for the answer
AGAIN_AFTER = timedelta(days=30)  # where the database had no data
REST = timedelta(minutes=15)  # after the source has failed, or while another replica asks

log = structlog.get_logger(__name__)


class Source(Protocol):
    """Says whether a number was given away."""

    async def ask(self, phone: str, since: date) -> Answer:
        """Return the answer. Raises SourceError."""


class CheckNumbers:
    """The worker. At most `per_day` questions in a day of UTC, of all tenants together."""

    def __init__(self, pool: Pool, clock: Clock, source: Source, record: RecordNumberChecks, per_day: int) -> None:
        self._pool = pool
        self._clock = clock
        self._source = source
        self._record = record
        self._per_day = per_day

    async def run_once(self) -> Pass:
        """Ask a few questions and record the answers; say when there may be more."""
        now = self._clock.now()
        midnight = datetime.combine(now.date(), time(), UTC)
        async with self._pool.acquire() as connection, connection.transaction():
            if not await number_checks.take_turn(connection):
                return Pass(0, now + REST)
            left = self._per_day - await number_checks.count_asked(connection, RECORDED_BY, midnight)
            before, not_since = (now + AHEAD).date(), (now - AGAIN_AFTER).date()
            questions = await number_checks.to_ask(connection, before, not_since, max(0, min(AT_ONCE, left)))
            answers = await asyncio.gather(*[self._answer(one) for one in questions])
            answered = [(one, said) for one, said in zip(questions, answers, strict=True) if said is not None]
            await self._keep(connection, answered, now)
        if answered:
            self._record.wake()
        if len(answered) < len(questions):
            return Pass(len(answered), now + REST)
        return Pass(len(answered), None if answered else midnight + timedelta(days=1))

    async def _answer(self, question: Question) -> Answer | None:
        try:
            return await self._source.ask(question.phone, question.since)
        except SourceError as error:
            log.warning("number_lookup_failed", error=str(error))
            return None

    async def _keep(self, connection: Connection, answered: Sequence[tuple[Question, Answer]], now: datetime) -> None:
        by_tenant: dict[UUID, list[NumberCheck]] = {}
        for (tenant_id, phone, since), said in answered:
            check = NumberCheck(phone, since, now.date(), number_checks.Answer[said.name])
            by_tenant.setdefault(tenant_id, []).append(check)
        for tenant_id, checks in sorted(by_tenant.items()):
            told = await self._record.run(connection, tenant_id, checks, RECORDED_BY, now)
            log.info("numbers_checked", tenant_id=str(tenant_id), fresh=told.fresh, barred=told.barred)
