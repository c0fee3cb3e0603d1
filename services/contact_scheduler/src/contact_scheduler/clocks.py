"""The clocks of a mortgage in arrears: for each missed due date, by when somebody must have spoken, and written.

Source: 12 CFR 1024.39(a) and comments 39(a)-1 to -6 (live contact, or a good-faith effort, by the 36th day after each
missed due date; a recording is no live contact, the borrower's own call is one), 1024.39(b) (written notice by the
45th day, then once in 180 days). Pure: dates in, clocks out. Nothing is ever taken for done because it is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

from forbear_domain.policy.calendar import add_months
from forbear_domain.policy.deadlines import (
    NOTICE_INTERVAL_DAYS,
    live_contact_by,
    repeated_notice_on,
    written_notice_by,
)

SERVICING = frozenset({"servicer", "collecting_servicer", "creditor"})  # roles that the duties bind
LEAD = timedelta(days=14)  # from so long before the deadline on, contacts are made for the duty
LIVE_WARNING = timedelta(days=9)
NOTICE_WARNING = timedelta(days=15)
CALLS_MIN = 2  # "telephoning the borrower on more than one occasion" (comment 39(a)-3); one writing suffices
DUE_DATES_MAX = 24


class ClockKind(IntEnum):
    """What must be done by a day."""

    LIVE_CONTACT = 1
    NOTICE = 2

    @property
    def label(self) -> str:
        """Return the name used in the API and in metrics."""
        return self.name.lower()


class ClockState(IntEnum):
    """Where a clock stands; all but OPEN are final."""

    OPEN = 1
    MET = 2
    ENDED = 3  # paid, or performing under an arrangement
    MISSED = 4

    @property
    def label(self) -> str:
        """Return the name used in the API and in metrics."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Effort:
    """One contact that was made for the duty and that a provider took."""

    on: date
    is_call: bool


@dataclass(frozen=True, slots=True)
class Arrears:
    """One mortgage as of a day. `due_on`: the oldest unpaid due date, None when nothing is past due."""

    due_on: date | None
    is_performing: bool = False  # under an arrangement that is kept
    efforts: Sequence[Effort] = ()
    live_contacts: Sequence[date] = ()  # of a person with the borrower, whoever began
    notices: Sequence[date] = ()


@dataclass(frozen=True, slots=True)
class RunningClock:
    """One duty for one due date. `met_on` says when it was done."""

    kind: ClockKind
    due_on: date
    by_on: date
    state: ClockState
    met_on: date | None = None


def missed_due_dates(oldest: date, today: date) -> list[date]:
    """Return the monthly due dates that were missed by `today`, from the oldest unpaid one on."""
    dates: list[date] = []
    while len(dates) < DUE_DATES_MAX and (due := add_months(oldest, len(dates))) < today:
        dates.append(due)
    return dates


def clocks_of(arrears: Arrears, today: date) -> list[RunningClock]:
    """Return the clocks of one mortgage as they stand on a day, the oldest due date first."""
    if arrears.due_on is None:
        return []
    dates = missed_due_dates(arrears.due_on, today)
    clocks = [_clock(ClockKind.LIVE_CONTACT, due, live_contact_by(due), _met_on(arrears, due), arrears, today)
              for due in dates]  # fmt: skip
    if dates:
        clocks.append(_notice_clock(arrears, dates[0], today))
    return clocks


def state_after(state: ClockState, told: RunningClock | None) -> ClockState:
    """Return where a clock on record stands now; one of which nothing is told any more has ended: it was paid."""
    if state is not ClockState.OPEN:
        return state
    return ClockState.ENDED if told is None else told.state


def is_at_risk(clock: RunningClock, today: date) -> bool:
    """Return whether an open clock runs out soon: a person must see to it."""
    warning = LIVE_WARNING if clock.kind is ClockKind.LIVE_CONTACT else NOTICE_WARNING
    return clock.state is ClockState.OPEN and clock.by_on - today <= warning


def _clock(kind: ClockKind, due: date, by: date, met_on: date | None, arrears: Arrears, today: date) -> RunningClock:
    if met_on is not None:
        state = ClockState.MET if met_on <= by else ClockState.MISSED
    elif arrears.is_performing:
        state = ClockState.ENDED
    else:
        state = ClockState.OPEN if today <= by else ClockState.MISSED
    return RunningClock(kind, due, by, state, met_on)


def _met_on(arrears: Arrears, due: date) -> date | None:
    """Return the first day after a due date by which live contact, or a good-faith effort, was made."""
    days = [day for day in arrears.live_contacts if day > due]
    days += [effort.on for effort in arrears.efforts if effort.on > due and not effort.is_call]
    calls = sorted({effort.on for effort in arrears.efforts if effort.on > due and effort.is_call})
    days += calls[CALLS_MIN - 1 : CALLS_MIN]
    return min(days, default=None)


def _notice_clock(arrears: Arrears, oldest: date, today: date) -> RunningClock:
    """Return the clock of the next written notice of this delinquency."""
    given = [day for day in arrears.notices if day > oldest - timedelta(days=NOTICE_INTERVAL_DAYS)]
    if not given:
        return _clock(ClockKind.NOTICE, oldest, written_notice_by(oldest), None, arrears, today)
    latest = max(given)
    again = latest + timedelta(days=NOTICE_INTERVAL_DAYS)
    by = repeated_notice_on(latest, max(0, (again - oldest).days))
    if today < again:  # nothing is due before; the latest one answers for this delinquency
        due_by = max(written_notice_by(oldest), latest)
        return _clock(ClockKind.NOTICE, oldest, due_by, latest, arrears, today)
    return _clock(ClockKind.NOTICE, again, by, None, arrears, today)
