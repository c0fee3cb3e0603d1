"""Watches the clocks of mortgages once a day: opens them, sees what was done, warns ahead, and says what was missed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import structlog

from contact_scheduler.clocks import ClockKind, ClockState, RunningClock, clocks_of, is_at_risk, state_after
from contact_scheduler.metrics import DUTIES_AT_RISK, DUTIES_MISSED
from contact_scheduler.store import clocks as store
from contact_scheduler.store.clocks import DutyRow, LoanPage
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_chassis.worker import Pass

log = structlog.get_logger(__name__)


class WatchClocks:
    """The worker behind the duties. A day begins at `plan_hour_utc`, when the plans are made."""

    def __init__(self, pool: Pool, clock: Clock, *, plan_hour_utc: int) -> None:
        self._pool = pool
        self._clock = clock
        self._starts = time(plan_hour_utc)

    async def run_once(self) -> Pass:
        """Look at the clocks of one tenant that was not looked at today; say when the next day begins."""
        now = self._clock.now()
        today = self._day(now)
        async with self._pool.acquire() as connection, connection.transaction():
            taken = await store.take_tenant(connection, today)
            if taken is not None:
                await refresh(connection, taken[0], today, now)
                await store.close_day(connection, taken[0], today)
        if taken is not None:
            return Pass(1)
        at_risk = await store.count_at_risk(self._pool)
        for kind, gauge in DUTIES_AT_RISK.items():
            gauge.set(at_risk.get(kind, 0))
        return Pass(0, datetime.combine(today + timedelta(days=1), self._starts, now.tzinfo))

    def _day(self, now: datetime) -> date:
        return now.date() if now.timetz().replace(tzinfo=None) >= self._starts else now.date() - timedelta(days=1)


async def refresh(connection: Connection, tenant_id: UUID, today: date, now: datetime) -> None:
    """Bring a tenant's clocks up to a day. The same day again changes nothing."""
    async for page in store.read_loans(connection, tenant_id, now):
        rows = list(changed_rows(page, today))
        await store.write(connection, tenant_id, rows)
        for row in rows:
            if row.state is ClockState.MISSED:
                DUTIES_MISSED[row.kind].inc()
                log.warning("duty_missed", loan_id=str(row.loan_id), kind=row.kind.label, by_on=row.by_on.isoformat())


def changed_rows(page: LoanPage, today: date) -> Iterator[DutyRow]:
    """Yield clocks that are new, open or just decided. One that ran out before it was known is not ours."""
    for loan_id, arrears in page.arrears.items():
        told = {(clock.kind, clock.due_on): clock for clock in clocks_of(arrears, today)}
        known = {(row.kind, row.due_on): row for row in page.known.get(loan_id, [])}
        obstacle = page.obstacles.get(loan_id, "not_planned")
        for key, row in known.items():
            if row.state is ClockState.OPEN:
                clock = told.get(key)
                state = state_after(row.state, clock)
                yield _row(row, state, clock, obstacle, today)
        for key, clock in told.items():
            if key not in known and clock.by_on >= today:
                fresh = DutyRow(
                    loan_id, clock.kind, clock.due_on, page.borrowers[loan_id], clock.by_on, clock.state, None, None, ""
                )
                yield _row(fresh, clock.state, clock, obstacle, today)


def _row(row: DutyRow, state: ClockState, clock: RunningClock | None, obstacle: str, today: date) -> DutyRow:
    warns = clock is not None and is_at_risk(clock, today)
    risk = row.risk if state is ClockState.MISSED else ""
    if warns:
        risk = obstacle if row.kind is ClockKind.LIVE_CONTACT else "notice_not_reported"
    return row._replace(
        state=state,
        met_on=None if clock is None else clock.met_on,
        at_risk_on=row.at_risk_on or (today if warns else None),
        risk=risk,
    )
