"""The borrowers of an audience as they stand at a tick, and which of them may be planned."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from contact_scheduler.campaigns import Campaign
from forbear_chassis.postgres import UUID

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)


class Skipped(IntEnum):
    """Why a borrower of the audience is not planned."""

    PAUSED = 1
    OPEN = 2  # a contact is planned or on its way
    RESTING = 3
    UNREACHABLE = 4  # no consent on any channel of the campaign
    UNLAWFUL = 5  # no lawful hour is left, or nobody knows where the borrower is
    NOT_WORTH = 6  # no capacity, or nothing worth doing
    LEFT_ALONE = 7  # by lot, so that what contact brings can be told

    @property
    def label(self) -> str:
        """Return the name used in reports."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One borrower of the audience, with the loan that is furthest past due."""

    borrower_id: UUID
    place_id: int
    language: str
    employment: int
    monthly_income: int | None
    unemployment_pct: float | None  # of the region, latest month
    preferred_channel: int | None
    wished_channel: int | None
    wished_hours: tuple[int, int] | None
    loan_id: UUID
    product: str
    instalment: int
    past_due: int
    past_due_days: int
    missed_payments_12m: int
    kept_promises: int
    broken_promises: int
    consented: int  # bit per channel with consent
    fresh: int  # bit per channel whose consent is recent enough for the strictest law, see lawful.CONSENT_FRESH
    kinds: tuple[int, int, int]  # kind of address by channel, a position in AddressKind
    is_paused: bool
    is_duty: bool = False  # the law asks for live contact about this loan soon
    unemployment_change: float | None = None  # points against a year before
    notices: tuple[str, ...] = ()  # written ones that were given about the loan
    is_protected: bool = False  # was in hardship, or with a person, within a year: nothing is tried out
    rested_until: datetime | None = None  # when the latest reason to leave them in peace ended
    wished_days: int = 0  # bit per day of the week asked for, bit 0 for Monday; 0: any day
    is_promised_reminder: bool = False  # by the lender, as the file says

    @property
    def asked_channel(self) -> int | None:
        """Return the channel that the borrower asked for: in a reply, or else as the lender's file says."""
        return self.wished_channel or self.preferred_channel


class Touch(NamedTuple):
    """One earlier contact of a borrower, of any campaign."""

    channel: int
    at: datetime
    slot: int
    probability: float  # expected of others like this borrower, when it was planned
    is_open: bool
    has_answered: bool
    is_settled: bool  # answered, or its window has closed
    address_kind: int | None = None  # position in AddressKind; None: not known
    has_conversed: bool = False  # a call that became a conversation
    has_answered_late: bool = False  # after its window had closed
    template: str = ""  # empty: not known
    lost: float = 0.0  # expected answers given up by drawing it by lot


History = dict[UUID, list[Touch]]  # oldest first
Conversations = dict[UUID, list[datetime]]  # with us, on the phone, other than in contacts of the history


@dataclass(frozen=True, slots=True)
class Window:
    """The hours that a plan covers: from `starts_at` (a full hour), `hours` of them."""

    tick_at: datetime
    starts_at: datetime
    hours: int

    @classmethod
    def after(cls, tick_at: datetime, next_tick_at: datetime) -> Window:
        """Cover the full hours from one tick to the next."""
        starts_at, ends_at = _next_hour(tick_at), _next_hour(next_tick_at)
        return cls(tick_at, starts_at, int((ends_at - starts_at) / HOUR))

    @property
    def ends_at(self) -> datetime:
        """Return the instant after its last hour."""
        return self.starts_at + self.hours * HOUR


def _next_hour(instant: datetime) -> datetime:
    floor = instant.replace(minute=0, second=0, microsecond=0)
    return floor if floor == instant else floor + HOUR


@dataclass(frozen=True, slots=True)
class Eligible:
    """Who may be planned, and why the others may not."""

    rows: list[int]  # positions among the candidates
    skipped: Counter[Skipped]


def find_eligible(
    candidates: list[Candidate], rest: list[timedelta], history: History, campaign: Campaign, window: Window
) -> Eligible:
    """Apply pauses, open contacts, rest (one per candidate) and the weekly cap; ask for consent on some channel."""
    usable = sum(1 << channel for channel in campaign.channels)
    found = Eligible([], Counter())
    for position, one in enumerate(candidates):
        touches = history.get(one.borrower_id, [])
        if one.is_paused:
            found.skipped[Skipped.PAUSED] += 1
        elif any(touch.is_open for touch in touches):
            found.skipped[Skipped.OPEN] += 1
        elif not one.consented & usable:
            found.skipped[Skipped.UNREACHABLE] += 1
        elif _is_resting(touches, rest[position], campaign.contacts_a_week_max, window):
            found.skipped[Skipped.RESTING] += 1
        else:
            found.rows.append(position)
    return found


def _is_resting(touches: list[Touch], rest: timedelta, week_max: int, window: Window) -> bool:
    """Return whether rest or weekly cap forbid another contact in all of the window.

    Rest that ends within the window leaves all of it open: counted in hours, every contact would begin later in the day
    than the one before, and soon none would come at a good hour. Which of its hours the cap leaves open, `LawfulHours`
    says.
    """
    free = free_at(touches, rest, week_max)
    return free is not None and free >= window.ends_at


def free_at(touches: list[Touch], rest: timedelta, week_max: int) -> datetime | None:
    """Return when rest and weekly cap allow the next contact; None without an earlier one."""
    if not touches:
        return None
    free = touches[-1].at + rest
    return max(free, touches[-week_max].at + WEEK) if len(touches) >= week_max else free
