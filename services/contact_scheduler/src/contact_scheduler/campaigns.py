"""Campaigns: what they are, and how they change state. Pure: the store does what is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from forbear_chassis.postgres import UUID
from forbear_domain.model import Channel

PLAN_MINUTE = 5  # past the hour, so that a tick never coincides with what is planned or happens on the quarter


class State(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class Verb(StrEnum):
    """What can be asked of a campaign."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


# From which states a verb leads where; a campaign that is there already stays, so that repeats are harmless.
TRANSITIONS: dict[Verb, tuple[frozenset[State], State]] = {
    Verb.START: (frozenset({State.DRAFT}), State.ACTIVE),
    Verb.PAUSE: (frozenset({State.ACTIVE}), State.PAUSED),
    Verb.RESUME: (frozenset({State.PAUSED}), State.ACTIVE),
    Verb.CANCEL: (frozenset({State.DRAFT, State.ACTIVE, State.PAUSED}), State.CANCELLED),
}


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is in a campaign; an absent limit does not narrow."""

    products: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    past_due_days_min: int = 1
    past_due_days_max: int | None = None
    past_due_min_minor: int = 1


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign."""

    tenant_id: UUID
    campaign_id: UUID
    name: str
    goal: str
    audience: Audience
    channels: tuple[Channel, ...]
    rest_days: float
    contacts_a_week_max: int
    control_share: float
    hour_start: int
    hour_end: int
    starts_at: datetime
    ends_at: datetime | None
    state: State
    next_plan_at: datetime | None
    created_at: datetime
    budget_a_day: float | None = None  # most that the contacts of a day may cost, in the unit of the cost settings
    left_alone_share: float = 0.0  # of borrowers, by lot, for two weeks: see `planning.left_alone`


def target_state(state: State, verb: Verb) -> State | None:
    """Return where a verb leads, the same state for a repeat, or None where it cannot be done."""
    sources, target = TRANSITIONS[verb]
    if state in sources or state is target:
        return target
    return None


def tick_of(instant: datetime, plan_hour_utc: int) -> datetime:
    """Return the latest daily tick at or before an instant."""
    tick = instant.replace(hour=plan_hour_utc, minute=PLAN_MINUTE, second=0, microsecond=0)
    return tick if tick <= instant else tick - timedelta(days=1)


def first_plan_at(now: datetime, starts_at: datetime) -> datetime:
    """Return when a campaign that is started or resumed is planned: at once, or when it begins."""
    return max(now, starts_at)


def next_plan_at(now: datetime, plan_hour_utc: int) -> datetime:
    """Return the next daily tick after an instant."""
    return tick_of(now, plan_hour_utc) + timedelta(days=1)
