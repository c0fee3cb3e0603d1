"""Four weeks of the service's own plan and learning with the sandbox's people: what learning brings, and what it could.

The pure parts of the service (import, law, plan, feedback, model) run as in production; PostgreSQL, dispatcher and
tracker are left out: every contact goes out when planned, and an engaged borrower answers, rests and pays as the
sandbox says. The habits are read here only to answer contacts and to know the optimum; the plan never sees them.

Run: .venv/bin/python bench/learn_service.py [borrowers] [seeds]
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
import orjson
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import verdict
from contact_scheduler.campaigns import Audience, Campaign, State
from contact_scheduler.contacts import ATTRIBUTION
from contact_scheduler.learn_outcomes import teach
from contact_scheduler.learning import Arm, ResponseModel, encode, lift, rate
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning.candidates import Candidate, History, Touch, Window
from contact_scheduler.planning.compose import PlanRequest, plan_day
from contact_scheduler.planning.facts import describe, score_candidates
from contact_scheduler.planning.lawful import CONSENT_FRESH, Place
from contact_scheduler.portfolio.check import Row, RowChecker
from contact_scheduler.portfolio.columns import NAMES
from contact_scheduler.portfolio.derive import EMPLOYMENT_CODES, derive_place, derive_points, to_minor
from contact_scheduler.portfolio.derive import Place as DerivedPlace
from contact_scheduler.portfolio.places import load_atlas
from contact_scheduler.portfolio.reading import Record
from contact_scheduler.store.learning import Outcome
from forbear_domain.model import Channel
from forbear_sandbox import portfolio
from forbear_sandbox.borrower import Borrower, make_borrower
from forbear_sandbox.habits import CHANCE_MAX, CHANNELS, weekly_chances
from forbear_sandbox.lots import Lots

START: Final = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
DAYS: Final = 28
TENANT: Final = UUID(int=7)
COST: Final = (0.008, 0.0004, 0.014)
CAPACITY: Final = (3_600, 36_000, 600)
OPEN_HOURS: Final = np.array([hour for hour in range(168) if 8 <= hour % 24 < 21])
FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Sent:
    """One contact that went out."""

    borrower: UUID
    channel: int
    slot: int
    arm: int
    plain: float
    features: bytes
    at: datetime
    answered_at: datetime | None
    learned: bool = False


@dataclass(slots=True)
class People:
    """Everybody, as the service knows them and as they are."""

    candidates: list[Candidate]
    places: dict[int, Place]
    persons: list[Borrower]
    paused_until: list[datetime] = field(default_factory=list)
    row_of: dict[UUID, int] = field(default_factory=dict)


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


class Month:
    """The loop: tick, learn, plan, answer."""

    def __init__(self, people: People, seed: int, *, control: float = 0.25) -> None:
        self.people, self.seed = people, seed
        self.model = ResponseModel()
        self.sent: list[Sent] = []
        self.of: dict[UUID, list[Sent]] = defaultdict(list)
        self.prices: NDArray[np.float32] | None = None
        self.campaign = Campaign(
            tenant_id=TENANT, campaign_id=UUID(int=9), name="four weeks", goal="payment",
            audience=Audience(), channels=(Channel.SMS, Channel.EMAIL, Channel.VOICE), rest_days=3,
            contacts_a_week_max=2, control_share=control, hour_start=8, hour_end=21, starts_at=START, ends_at=None,
            state=State.ACTIVE, next_plan_at=None, created_at=START,
        )  # fmt: skip

    def learn(self, tick: datetime) -> None:
        """As the service does at its tick."""
        known = []
        for one in self.sent:
            if not one.learned:
                answered_at = one.answered_at if one.answered_at is not None and one.answered_at < tick else None
                one.learned = one.at + ATTRIBUTION < tick
                known.append(Outcome(one.channel, one.slot, one.features, one.at, answered_at, one.learned))
        if known:
            teach(self.model, "t", known, tick)

    def history(self, tick: datetime) -> History:
        """Return earlier contacts as the store gives them."""
        return {
            borrower: [
                Touch(
                    one.channel, one.at, one.slot, one.plain, False,
                    one.answered_at is not None and one.answered_at < tick,
                    (one.answered_at is not None and one.answered_at < tick) or one.at + ATTRIBUTION <= tick,
                )
                for one in touches
            ]
            for borrower, touches in self.of.items()
        }  # fmt: skip

    def day(self, number: int) -> None:
        """One tick and what follows from it."""
        people = self.people
        tick = START + timedelta(days=number)
        self.learn(tick)
        candidates = [
            replace(one, is_paused=people.paused_until[row] > tick) for row, one in enumerate(people.candidates)
        ]
        request = PlanRequest(
            campaign=self.campaign, actor="collecting_servicer", policy=None,
            window=Window.after(tick, tick + timedelta(days=1)),
            candidates=candidates, history=self.history(tick), conversations={},
            places=people.places,
            posterior=self.model.for_tenant("t"),
            capacity=np.repeat(np.array(CAPACITY)[:, None], 24, axis=1),
            worth=Worth(cost=COST), seed=self.seed, number=number + 1,
            start_prices=self.prices,
        )  # fmt: skip
        planned = plan_day(request)
        self.prices = np.array(planned.prices, dtype=np.float32)
        for contact in sorted(planned.contacts, key=lambda row: (row[16], str(row[3]))):
            self.answer(contact)

    def answer(self, contact: tuple[Any, ...]) -> None:
        """Let the borrower meet a contact."""
        row = self.people.row_of[contact[3]]
        person, channel, at = self.people.persons[row], CHANNELS[contact[5] - 1], contact[16]
        if self.people.paused_until[row] > at:
            return
        habits = person.habits
        dead = (channel == "sms" and habits.carrier_code is not None) or (
            channel == "email" and habits.has_dead_mailbox
        )
        engaged = person.engages(channel, at, "") and not dead
        answered_at = None
        if engaged:
            wish = person.wish(channel, at, "")
            shows = channel == "voice" or wish.meaning == "pay" or bool(wish.text)
            if channel == "email" and wish.text and person.lots.happens(0.4, "clicks", at):
                shows = False
            if shows:
                answered_at = at + timedelta(minutes=30)
            self.pause(row, wish.meaning, at)
        plain = orjson.loads(contact[13])["plain"]
        one = Sent(contact[3], contact[5], contact[6], contact[7], plain, contact[14], at, answered_at)
        self.sent.append(one)
        self.of[contact[3]].append(one)

    def pause(self, row: int, meaning: str, at: datetime) -> None:
        """Leave somebody in peace as the tracker would."""
        days = {"promise": 7, "pay": 7, "paid": 7, "cannot_pay": 30, "lost_job": 30, "later": 7}.get(meaning)
        until = at + timedelta(days=days) if days else self.people.paused_until[row]
        if meaning in ("stop", "wrong_number", "dispute", "distress"):
            until = FOREVER
        self.people.paused_until[row] = max(until, self.people.paused_until[row])


def truth_of(people: People) -> NDArray[np.float64]:
    """The true chance in each open slot of the week where there is consent, NaN elsewhere: [n, 3 x open hours]."""
    table = np.full((len(people.persons), len(CHANNELS), len(OPEN_HOURS)), np.nan)
    for row, (person, known) in enumerate(zip(people.persons, people.candidates, strict=True)):
        for column, channel in enumerate(CHANNELS):
            if (known.fresh if channel == "sms" else known.consented) & 1 << (column + 1):
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


def reach(month: Month, truth: NDArray[np.float64], tick: datetime) -> Reach:
    """Compare the model's preferred slots with the truth."""
    candidates, history = month.people.candidates, month.history(tick)
    scores = score_candidates(candidates, history)
    features = encode(describe(candidates, history, (scores.ability, scores.willingness), tick))
    log_odds = (features @ month.model.for_tenant("t").weights).reshape(len(truth), 3, 168)[:, :, OPEN_HOURS]
    return reach_of(month.people, truth, log_odds.reshape(len(truth), -1))


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


def run(count: int, seed: int, control: float = 0.25) -> tuple[list[Week], Reach]:
    """Live through four weeks, telling each."""
    people = make_people(count, seed)
    truth, month = truth_of(people), Month(people, seed, control=control)
    weeks = []
    for day in range(DAYS):
        month.day(day)
        if day % 7 == 6:
            now = START + timedelta(days=day + 1)
            lately = [one for one in month.sent if one.at >= now - timedelta(days=7)]
            weeks.append(Week(*(_rate(lately, is_control=group) for group in (False, True))))
            now_reach = reach(month, truth, now)
            _tell(seed, day // 7 + 1, weeks[-1], now_reach)
    return weeks, now_reach


class Week(NamedTuple):
    """Answers and contacts of one week: learned, control."""

    learned: tuple[int, int]
    control: tuple[int, int]


def _rate(sent: list[Sent], *, is_control: bool) -> tuple[int, int]:
    group = [one for one in sent if (one.arm == Arm.CONTROL) == is_control]
    return sum(one.answered_at is not None for one in group), len(group)


def _surely_worse(week: Week) -> float:
    """Return the upper end of the 95 % interval of learned less control: below nought it was surely worse."""
    return lift(rate(*week.learned), rate(*week.control)).high


def _tell(seed: int, number: int, week: Week, found: Reach) -> None:
    rates = "  ".join(f"{100 * answers / max(1, contacts):4.1f} of {contacts:5,}" for answers, contacts in week)
    print(
        f"{seed:4d}  {number:4d}  {rates}     {100 * found.uniform:4.1f}  {100 * found.learned:4.1f}  "
        f"{100 * found.by_employment:4.1f}  {100 * found.best:4.1f}   {found.closed:.2f}",
        flush=True,
    )


def main() -> None:
    """Print the table and the verdicts."""
    count, seeds = (int(word) for word in [*sys.argv[1:], "1200", "3"][:2])
    print("answered within 48 hours, of 100 contacts      true chance of all at the slot of ...")
    print("seed  week  learned        control            chance  model  job   own    gap closed")
    runs = [run(count, seed) for seed in range(1, seeds + 1)]
    learned, control = (
        sum(weeks[-1][group][0] for weeks, _ in runs) / sum(weeks[-1][group][1] for weeks, _ in runs)
        for group in (0, 1)
    )
    closed = float(np.mean([found.closed for _, found in runs]))
    verdict("learned_over_control_in_week_four", learned, control, ">= 2 times", learned >= 2 * control)
    verdict("gap_to_what_the_columns_allow_closed", closed, 1.0, ">= 0.85", closed >= 0.85)
    own = float(np.mean([(found.learned - found.uniform) / (found.best - found.uniform) for _, found in runs]))
    verdict("gap_to_each_ones_own_best_slot_closed", own, 1.0, ">= 0.9", own >= 0.9)
    weeks = [week for of_seed, _ in runs for week in of_seed]
    worst = min(_surely_worse(week) for week in weeks)
    verdict("no_week_worse_than_the_control_beyond_noise", worst, 0.0, ">= 0", worst >= 0.0)


if __name__ == "__main__":
    main()
