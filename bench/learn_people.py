"""The sandbox's people as the service knows them and as they are: read by `learn_service.py` and `learn_ideal.py`.

The habits are read here only to answer contacts and to know the optimum; no plan sees them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.planning.candidates import Candidate
from contact_scheduler.planning.lawful import CONSENT_FRESH, Place, open_channels
from contact_scheduler.portfolio.check import Row, RowChecker
from contact_scheduler.portfolio.columns import NAMES
from contact_scheduler.portfolio.derive import EMPLOYMENT_CODES, derive_place, derive_points, to_minor
from contact_scheduler.portfolio.derive import Place as DerivedPlace
from contact_scheduler.portfolio.places import load_atlas
from contact_scheduler.portfolio.reading import Record
from forbear_domain.model import Channel
from forbear_sandbox import portfolio
from forbear_sandbox.borrower import Borrower, make_borrower
from forbear_sandbox.habits import CHANCE_MAX, CHANNELS, weekly_chances
from forbear_sandbox.lots import Lots

START: Final = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
DAYS: Final = 28
TENANT: Final = UUID(int=7)
OPEN_HOURS: Final = np.array([hour for hour in range(168) if 8 <= hour % 24 < 21])


@dataclass(slots=True)
class People:
    """Everybody, as the service knows them and as they are."""

    candidates: list[Candidate]
    places: dict[int, Place]
    persons: list[Borrower]
    paused_until: list[datetime] = field(default_factory=list)
    row_of: dict[UUID, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.persons)

    def first(self, count: int) -> People:
        """Return the first of them, for what only reads."""
        return People(self.candidates[:count], self.places, self.persons[:count])


def make_people(count: int, seed: int) -> People:
    """Make borrowers up and import them."""
    lots, atlas = Lots("population", seed), load_atlas()
    checker = RowChecker(TENANT.bytes, START.date())
    people = People([], {}, [])
    for number, row in enumerate(portfolio.generate(count, seed, START.date())):
        columns = {name: getattr(row, name) for name in portfolio.COLUMNS}
        checked = checker.check([Record(number + 2, [columns.get(name, "") for name in NAMES])])
        if not checked.rows:
            continue
        place = derive_place(checked.rows[0], atlas)
        people.places[place.place_id] = Place(tuple(place.zones), tuple(place.regions))
        people.candidates.append(_candidate(checked.rows[0], place, columns))
        people.persons.append(make_borrower(columns, lots))
    people.paused_until = [START] * len(people.candidates)
    people.row_of = {one.borrower_id: row for row, one in enumerate(people.candidates)}
    return people


def _candidate(row: Row, place: DerivedPlace, columns: dict[str, str]) -> Candidate:
    reached = derive_points(row, place, TENANT.bytes)
    points = {point.channel: point.consent_on for point in reached}
    kinds = {point.channel: point.address_kind for point in reached}
    limit = (START - CONSENT_FRESH).date()
    income, unemployment = columns["monthly_income"], columns["regional_unemployment"]
    preferred = columns["preferred_channel"]
    return Candidate(
        borrower_id=row.borrower_id, place_id=place.place_id, language=columns["language"],
        employment=EMPLOYMENT_CODES[columns["employment"]],
        monthly_income=to_minor(income, "USD") if income else None,
        unemployment_pct=float(unemployment) if unemployment else None,
        preferred_channel=int(Channel[preferred.upper()]) if preferred else None, wished_channel=None,
        wished_hours=None, loan_id=row.loan_id, product=columns["product"],
        instalment=to_minor(columns["instalment"], "USD"), past_due=to_minor(columns["past_due"], "USD"),
        past_due_days=int(columns["past_due_days"]), missed_payments_12m=int(columns["missed_payments_12m"]),
        kept_promises=int(columns["kept_promises"]), broken_promises=int(columns["broken_promises"]),
        consented=sum(1 << channel for channel, on in points.items() if on),
        fresh=sum(1 << channel for channel, on in points.items() if on and on > limit),
        kinds=(kinds.get(1, 0), kinds.get(2, 2), kinds.get(3, 0)), is_paused=False,
    )  # fmt: skip


def truth_of(people: People) -> NDArray[np.float64]:
    """The true chance in each open slot of the week, NaN on channels that law or wish closes: [n, 3 x open hours]."""
    table = np.full((len(people.persons), len(CHANNELS), len(OPEN_HOURS)), np.nan)
    for row, (person, known) in enumerate(zip(people.persons, people.candidates, strict=True)):
        is_open = open_channels(known, tuple(Channel))
        for column, channel in enumerate(CHANNELS):
            if Channel(column + 1) in is_open and (channel != "sms" or known.fresh & 1 << Channel.SMS):
                week = np.array(weekly_chances(person.habits.pattern, channel)) * person.habits.readiness[channel]
                table[row, column] = np.minimum(CHANCE_MAX, week[(OPEN_HOURS - person.habits.shift_h) % 168])
    return table.reshape(len(table), -1)


@dataclass(frozen=True, slots=True)
class Reach:
    """Mean true chance over all who agreed to some channel, had they one contact each."""

    uniform: float
    by_employment: float  # at the best slot of their kind of employment: what the columns of the portfolio allow
    best: float  # at their own best slot, which nobody can know
    learned: float  # at the slot that the model prefers

    @property
    def closed(self) -> float:
        """Share of the gap from uniform choice to what the columns allow."""
        return (self.learned - self.uniform) / (self.by_employment - self.uniform)

    @property
    def own_closed(self) -> float:
        """Share of the gap from uniform choice to each borrower's own best slot."""
        return (self.learned - self.uniform) / (self.best - self.uniform)


def reach_of(people: People, truth: NDArray[np.float64], liking: NDArray[Any]) -> Reach:
    """Compare the slots that are liked best, [n, 3 x open hours], with the truth."""
    some = np.isfinite(truth).any(axis=1)
    truth, kind = truth[some], np.array([one.employment for one in people.candidates])[some]
    typical = np.zeros_like(truth)
    for one in np.unique(kind):
        typical[kind == one] = np.nan_to_num(np.nanmean(truth[kind == one], axis=0))
    return Reach(
        uniform=float(np.nanmean(truth, axis=1).mean()),
        by_employment=_at_best(truth, typical),
        best=_at_best(truth, truth),
        learned=_at_best(truth, liking[some]),
    )


def _at_best(truth: NDArray[np.float64], liking: NDArray[Any]) -> float:
    choice = np.where(np.isfinite(truth), liking, -np.inf).argmax(axis=1)
    return float(truth[np.arange(len(truth)), choice].mean())
