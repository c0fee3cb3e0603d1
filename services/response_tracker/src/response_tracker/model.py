"""What the tracker knows, as plain frozen values: attempts, their recipients, what borrowers did and want."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from forbear_domain.arrangements import Terms
from forbear_domain.model import Channel, Purpose, ResponseKind, SuppressionKind
from forbear_replies.weekdays import DAY_NAMES

NO_OUTREACH = frozenset({Purpose.REPLY, Purpose.OPT_OUT_CONFIRMATION, Purpose.CARE, Purpose.CONFIRMATION})
"""What answers somebody: no response is credited to it."""


# What counts as an answer to an attempt in the rates: a person did something, and did not merely leave.
ANSWERS = frozenset(
    {
        ResponseKind.ENGAGED,
        ResponseKind.REPLIED,
        ResponseKind.PROMISED,
        ResponseKind.PAID,
        ResponseKind.ARRANGED,
        ResponseKind.HARDSHIP,
    }
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt a provider was asked to make. `contact` is the contact as it was submitted, in wire form."""

    id: UUID
    tenant_id: UUID
    contact_id: UUID
    campaign_id: UUID | None
    borrower_id: UUID
    loan_id: UUID
    channel: Channel
    purpose: Purpose
    address: str
    sender: str
    send_at: datetime
    contact: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The recipient as of one attempt: what is needed to speak to the borrower in words and on their clock."""

    given_name: str
    language: str
    brand: str
    zone: ZoneInfo
    terms: Terms
    is_collector: bool = True  # under the FDCPA: who is neither a creditor nor a servicer outside of it
    payment_url: str = ""  # the lender's page to pay on; empty where there is none


def leaves_an_hour(start: int | None, end: int | None) -> bool:
    """Return whether a whole hour lies from `start` to `end`, in hours of a day; absent ones are its bounds."""
    return 0 <= (start or 0) < (24 if end is None else end) <= 24


WISHED_DAYS_MIN = 2  # "on Monday" says when to speak next, "on weekdays" when not to: only the latter shuts other days


@dataclass(frozen=True, slots=True)
class Wish:
    """What a borrower asked for. Absent parts are no wish. Hours are 0 to 24 on their clock, the first before the last.

    Raises ValueError for hours that leave none of the day: no neighbour takes them, and they would hold back all that
    waits behind them.
    """

    channel: Channel | None = None
    other_channel: str = ""  # a channel that we do not send on, such as "mail"
    hour_start: int | None = None
    hour_end: int | None = None
    days: tuple[str, ...] = ()
    language: str = ""

    def __post_init__(self) -> None:
        if not leaves_an_hour(self.hour_start, self.hour_end):
            raise ValueError(f"no hour lies from {self.hour_start} to {self.hour_end}")

    def __bool__(self) -> bool:
        return self != NO_WISH

    @property
    def weekdays(self) -> tuple[int, ...]:
        """Return the days of the week that are welcome from now on, 0 for Monday; none where none is shut."""
        named = tuple(number for number, name in enumerate(DAY_NAMES) if name in self.days)
        return named if WISHED_DAYS_MIN <= len(named) < len(DAY_NAMES) else ()


NO_WISH = Wish()


@dataclass(frozen=True, slots=True)
class PromiseTerms:
    """A promise as the borrower made it; without an amount, any payment keeps it."""

    due_on: date
    amount_minor: int | None
    currency: str


class Attribution(StrEnum):
    """How a response found its attempt."""

    DIRECT = "direct"  # it names it: a link, a call, a provider's reference, a reply address
    WINDOW = "window"  # the last outreach to that address shortly before
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Credit:
    """The attempt that a response is credited to, if any."""

    attempt: Attempt | None
    attribution: Attribution


@dataclass(frozen=True, slots=True)
class Response:
    """What a borrower did. `of` says who it was; `credit` which attempt brought it about."""

    id: UUID
    of: Attempt
    credit: Credit
    kind: ResponseKind
    channel: Channel
    at: datetime
    event_id: UUID | None = None
    pause_until: datetime | None = None
    wish: Wish = NO_WISH


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Hours of some days of the week on the borrower's clock; weekdays from 0 for Monday, minutes of the day."""

    weekdays: tuple[int, ...]
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class Suppression:
    """Bars contact from `start` on. `event_id` is what must wait for it; lifting goes by `cause_id`."""

    id: UUID
    tenant_id: UUID
    kind: SuppressionKind
    event_id: UUID
    cause_id: UUID
    source: str
    start: datetime
    end: datetime | None = None
    borrower_id: UUID | None = None
    loan_id: UUID | None = None
    address: str = ""
    channel: Channel | None = None
    hours: WeeklyHours | None = None


def part_id(cause: UUID, *what: object) -> UUID:
    """Name a thing that follows from a cause, so that doing it twice gives the same id."""
    return uuid5(cause, ":".join(str(part) for part in what))
