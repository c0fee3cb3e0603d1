"""A year of a small book: no clock runs out without a flag, and nobody is contacted too often, by an outside count.

The real clocks drive the real plan, and the real law decides each contact at its instant. What is judged is judged by
other arithmetic: days since the due date, and contacts counted in every stretch of seven days.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np

from contact_scheduler.campaigns import Audience, Campaign, State
from contact_scheduler.clocks import LEAD, Arrears, ClockKind, ClockState, Effort
from contact_scheduler.learning.model import Posterior, ResponseModel
from contact_scheduler.learning.slots import FloatArray
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning.candidates import Candidate, Touch, Window
from contact_scheduler.planning.compose import plan_day
from contact_scheduler.planning.lawful import Place
from contact_scheduler.planning.request import PlanRequest
from contact_scheduler.store.clocks import DutyRow, LoanPage
from contact_scheduler.watch_clocks import changed_rows
from forbear_domain import policy
from forbear_domain.model import Channel
from forbear_domain.policy.calendar import add_months

START = datetime(2026, 1, 1, 9, 5, tzinfo=UTC)
DAYS = 365
PLACES = {1: Place(("America/New_York",), ("US-NY",)), 2: Place(("America/New_York",), ("US-MA",)),
          3: Place(("America/Los_Angeles", "America/New_York"), ("US-WA", "US-NY"))}  # fmt: skip
CAMPAIGN = Campaign(
    tenant_id=UUID(int=1), campaign_id=UUID(int=2), name="year", goal="payment", audience=Audience(),
    channels=tuple(Channel), rest_days=3, contacts_a_week_max=2, control_share=0.1, hour_start=8, hour_end=21,
    starts_at=START, ends_at=None, state=State.ACTIVE, next_plan_at=START, created_at=START,
)  # fmt: skip
WORDS = {1: policy.Channel.SMS, 2: policy.Channel.EMAIL, 3: policy.Channel.VOICE}
CONSENTS = {1: (policy.ConsentKind.SMS,), 2: (policy.ConsentKind.EMAIL,),
            3: (policy.ConsentKind.VOICE, policy.ConsentKind.ROBOCALL)}  # fmt: skip


@dataclass
class Loan:
    """One mortgage and how its borrower lives."""

    candidate: Candidate
    first_due: date
    pays_after: int | None  # days after each due date; None: never
    paused: tuple[int, int] = (0, 0)  # from day, to day
    arranges_on: int | None = None
    tells_of_notice: bool = False
    paid_until: int = 0  # number of due dates that are paid
    efforts: list[Effort] = field(default_factory=list)
    notices: list[date] = field(default_factory=list)
    sent: list[tuple[datetime, int]] = field(default_factory=list)
    duties: dict[tuple[ClockKind, date], DutyRow] = field(default_factory=dict)
    obstacle: str = "not_planned"

    def due_on(self, today: date) -> date | None:
        """The oldest due date that is missed and not paid."""
        while self.pays_after is not None and today >= self._due(self.paid_until) + timedelta(days=self.pays_after):
            self.paid_until += 1
        oldest = self._due(self.paid_until)
        return oldest if oldest < today else None

    def _due(self, number: int) -> date:
        return add_months(self.first_due, number)


def book() -> list[Loan]:
    """Twenty-four mortgages: every way of paying, of being reached and of standing in the way."""
    loans = []
    for number in range(24):
        consented = (0b1110, 0b0010, 0b1000, 0b0100)[number % 4] if number != 5 else 0
        candidate = Candidate(
            borrower_id=UUID(int=1000 + number), place_id=number % 3 + 1, language="en", employment=number % 3,
            monthly_income=500_000, unemployment_pct=4.0, preferred_channel=None, wished_channel=None,
            wished_hours=(20, 21) if number == 9 else None, loan_id=UUID(int=2000 + number), product="mortgage",
            instalment=100_000, past_due=100_000, past_due_days=20, missed_payments_12m=number % 4, kept_promises=0,
            broken_promises=0, consented=consented, fresh=consented, kinds=(0, 2, 1), is_paused=False,
        )  # fmt: skip
        loans.append(
            Loan(
                candidate, date(2026, 1, 1) + timedelta(days=number % 28), (None, 50, 20, 40)[number // 6],
                paused=(60, 200) if number % 8 == 7 else (0, 0), arranges_on=70 if number == 10 else None,
                tells_of_notice=number % 2 == 0,
            )
        )  # fmt: skip
    return loans


class Unexploring(Posterior):
    """Nothing is learned in this year, so nothing is drawn: a plan then takes a fifth of the time."""

    def plan_weights(self, seed: int, tick: int, *, spread: float) -> FloatArray:
        return Posterior.plan_weights(self, seed, tick, spread=0.0)


class Year:
    """The loop of a day: clocks, plan, gate, sending."""

    def __init__(self, capacity: int) -> None:
        self.loans = {loan.candidate.borrower_id: loan for loan in book()}
        self.packs = policy.load_packs()
        prior = ResponseModel().for_tenant("t")
        self.posterior = Unexploring(prior.coefficients, prior.weights, prior.outcomes, prior.bank)
        self.capacity = capacity

    def live(self) -> None:
        """Live a year, day by day."""
        for number in range(DAYS):
            tick = START + timedelta(days=number)
            self._watch(tick.date(), number)
            self._plan(tick, number)

    def _watch(self, today: date, number: int) -> None:
        for loan in self.loans.values():
            due = loan.due_on(today)
            is_performing = loan.arranges_on is not None and number >= loan.arranges_on
            if loan.tells_of_notice and due is not None and today - due == timedelta(days=35):
                loan.notices.append(today)
            arrears = Arrears(due, is_performing, loan.efforts, (), loan.notices)
            loan_id = loan.candidate.loan_id
            page = LoanPage(
                {loan_id: arrears}, {loan_id: loan.candidate.borrower_id}, {loan_id: list(loan.duties.values())},
                {loan_id: loan.obstacle},
            )  # fmt: skip
            for row in changed_rows(page, today):
                loan.duties[row.kind, row.due_on] = row

    def _plan(self, tick: datetime, number: int) -> None:
        today = tick.date()
        candidates = []
        for loan in self.loans.values():
            if loan.due_on(today) is None:
                continue
            is_duty = any(
                row.kind is ClockKind.LIVE_CONTACT and row.state is ClockState.OPEN and row.by_on <= today + LEAD
                for row in loan.duties.values()
            )
            is_paused = loan.paused[0] <= number < loan.paused[1]
            candidates.append(replace(loan.candidate, is_duty=is_duty, is_paused=is_paused))
        history = {
            borrower: [Touch(channel, at, 10, 0.1, False, False, at + timedelta(hours=48) <= tick)
                       for at, channel in loan.sent[-20:]]
            for borrower, loan in self.loans.items()
        }  # fmt: skip
        planned = plan_day(
            PlanRequest(
                campaign=CAMPAIGN, actor="collecting_servicer", policy=None,
                window=Window.after(tick, tick + timedelta(days=1)),
                candidates=candidates, history=history, conversations={}, places=PLACES, posterior=self.posterior,
                capacity=np.full((3, 24), self.capacity), worth=Worth(cost=(0.008, 0.0004, 0.014)), seed=1,
                number=number + 1,
                start_prices=None,
            )
        )  # fmt: skip
        for contact in planned.contacts:
            self._send(self.loans[contact[3]], int(str(contact[5])), contact[16], contact[12] == "duty.live_contact")

    def _send(self, loan: Loan, channel: int, at: datetime, is_duty: bool) -> None:
        verdict = self._decide(loan, channel, at, is_duty)
        if verdict.allowed:
            loan.sent.append((at, channel))
            if is_duty:
                loan.efforts.append(Effort(at.date(), channel == Channel.VOICE))
        loan.obstacle = "effort_not_enough" if verdict.allowed else f"held_by:{verdict.rule}"

    def _decide(self, loan: Loan, channel: int, at: datetime, is_duty: bool) -> policy.Verdict:
        one, place = loan.candidate, PLACES[loan.candidate.place_id]
        facts = policy.Facts(
            actor=policy.Actor.COLLECTING_SERVICER, channel=WORDS[channel],
            place=policy.Place(frozenset(place.zones), frozenset(place.regions)),
            debts=(policy.Debt(str(one.loan_id), "mortgage"),),
            purpose=policy.Purpose.DUTY_LIVE_CONTACT if is_duty else policy.Purpose.REMINDER,
            address=policy.Address("a", list(policy.AddressKind)[one.kinds[channel - 1]]),
            past=tuple(policy.PastContact(when, WORDS[by], debts=(str(one.loan_id),)) for when, by in loan.sent[-30:]),
            consents=tuple(policy.Consent(kind, at - timedelta(days=9)) for kind in CONSENTS[channel]),
            message=policy.MessageMarks(artificial_voice=channel == 3, autodialled=channel == 3),
        )  # fmt: skip
        return policy.decide(facts, policy.rules_for(self.packs, facts.place.jurisdictions, at.date()), at)


def unflagged_misses(loan: Loan) -> list[date]:
    """Due dates of one loan whose thirty-sixth day passed unpaid, without an effort, and without a warning before."""
    found = []
    for number in range(12):
        due = add_months(loan.first_due, number)
        last = due + timedelta(days=36)
        is_paid = loan.pays_after is not None and loan.pays_after <= 36
        is_performing = loan.arranges_on is not None and START.date() + timedelta(days=loan.arranges_on) <= last
        writings = [one for one in loan.efforts if due < one.on <= last and not one.is_call]
        calls = {one.on for one in loan.efforts if due < one.on <= last and one.is_call}
        row = loan.duties.get((ClockKind.LIVE_CONTACT, due))
        is_flagged = row is not None and row.at_risk_on is not None and row.at_risk_on <= last
        if last >= START.date() + timedelta(days=DAYS) or is_paid or is_performing:
            continue
        if not (writings or len(calls) >= 2 or is_flagged):
            found.append(due)
    return found


def most_in_seven_days(loan: Loan, channels: set[int]) -> int:
    """The most contacts in any seven days, a day being that of the plan: from tick to tick."""
    days = [(at - timedelta(hours=START.hour)).date() for at, channel in loan.sent if channel in channels]
    return max((sum(start <= day < start + timedelta(days=7) for day in days) for start in days), default=0)


def test_in_a_year_no_clock_runs_out_unflagged_and_nobody_is_contacted_too_often() -> None:
    """With one place an hour and channel: no clock is missed without a flag, and no cap is overstepped."""
    year = Year(capacity=1)

    year.live()

    loans = list(year.loans.values())
    assert [[]] * len(loans) == [unflagged_misses(loan) for loan in loans]
    assert all(most_in_seven_days(loan, {1, 2, 3}) <= CAMPAIGN.contacts_a_week_max for loan in loans)
    assert all(most_in_seven_days(loan, {3}) <= 7 for loan in loans)
    met, missed, reasons = defaultdict(int), defaultdict(int), set()
    for loan in loans:
        for row in loan.duties.values():
            met[row.kind] += row.state is ClockState.MET
            missed[row.kind] += row.state is ClockState.MISSED
            reasons |= {row.risk} if row.at_risk_on else set()
    assert all(row.at_risk_on for loan in loans for row in loan.duties.values() if row.state is ClockState.MISSED)
    assert 100 <= met[ClockKind.LIVE_CONTACT]
    assert 0 < met[ClockKind.NOTICE]
    assert 0 < missed[ClockKind.NOTICE]
