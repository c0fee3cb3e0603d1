"""Four weeks of the service's own plan and learning with the sandbox's people: what learning brings, and what it could.

The pure parts of the service (import, law, plan, feedback, model) run as in production; PostgreSQL, dispatcher and
tracker are left out: every contact goes out when planned, and an engaged borrower answers, rests and pays as the
sandbox says. Beside each run stands what an ideal learner reaches with the same people (`learn_ideal.py`).

Run: .venv/bin/python bench/learn_service.py --borrowers 1200 5000 20000 --seeds 1-3
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the service; read when numpy is loaded

import numpy as np
import orjson
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import standard_error, verdict
from bench.learn_ideal import IDEAL_BORROWERS, after_four_weeks
from bench.learn_people import DAYS, OPEN_HOURS, START, TENANT, People, Reach, make_people, reach_of, truth_of
from contact_scheduler.campaigns import Audience, Campaign, State
from contact_scheduler.contacts import ATTRIBUTION
from contact_scheduler.learn_outcomes import teach
from contact_scheduler.learning import Arm, ResponseModel, encode, lift, rate
from contact_scheduler.learning.funnel import Funnel
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning.candidates import History, Touch, Window
from contact_scheduler.planning.compose import plan_day
from contact_scheduler.planning.facts import describe, score_candidates
from contact_scheduler.planning.request import PlanRequest
from contact_scheduler.store.learning import Outcome
from forbear_domain.model import Channel
from forbear_sandbox.borrower import Wish
from forbear_sandbox.habits import CHANNELS

COST: Final = (0.008, 0.0004, 0.014)
CAPACITY: Final = (3_600, 36_000, 600)  # an hour, whatever the number of borrowers
FOREVER: Final = datetime.max.replace(tzinfo=UTC)
BAR: Final = 0.9


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


class Month:
    """The loop: tick, learn, plan, answer."""

    def __init__(self, people: People, seed: int, *, control: float = 0.25) -> None:
        self.people, self.seed = people, seed
        self.model = ResponseModel()
        self.sent: list[Sent] = []
        self.of: dict[UUID, list[Sent]] = defaultdict(list)
        self.prices: NDArray[np.float32] | None = None
        self.wish: Wish | None = None  # what the borrower made of the latest contact
        self.funnel = Funnel.before_any_contact()
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
            replace(one, is_paused=until > tick, rested_until=until if START < until <= tick else None)
            for one, until in zip(people.candidates, people.paused_until, strict=True)
        ]
        request = PlanRequest(
            campaign=self.campaign, actor="collecting_servicer", policy=None,
            window=Window.after(tick, tick + timedelta(days=1)),
            candidates=candidates, history=self.history(tick), conversations={},
            places=people.places,
            posterior=self.model.for_tenant("t"),
            capacity=np.repeat(np.array(CAPACITY)[:, None], 24, axis=1),
            worth=Worth(cost=COST), seed=self.seed, number=number + 1,
            start_prices=self.prices, funnel=self.funnel,
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
        answered_at = self.wish = None
        if engaged:
            wish = self.wish = person.wish(channel, at, "")
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


def reach(month: Month, truth: NDArray[np.float64], tick: datetime) -> Reach:
    """Compare the model's preferred slots with the truth."""
    candidates, history = month.people.candidates, month.history(tick)
    scores = score_candidates(candidates, history)
    features = encode(describe(candidates, history, (scores.ability, scores.willingness), tick))
    log_odds = (features @ month.model.for_tenant("t").weights).reshape(len(truth), 3, 168)[:, :, OPEN_HOURS]
    return reach_of(month.people, truth, log_odds.reshape(len(truth), -1))


class Week(NamedTuple):
    """Answers and contacts of one week: learned, control."""

    learned: tuple[int, int]
    control: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Life:
    """What four weeks with one population brought."""

    weeks: list[Week]
    found: Reach
    ideal: float  # share of the gap to each one's own best slot that an ideal learner closes with the same people
    cpu_s: float


def run(count: int, seed: int, control: float = 0.25) -> Life:
    """Live through four weeks, telling each."""
    begun = time.process_time()
    people = make_people(count, seed)
    truth, month = truth_of(people), Month(people, seed, control=control)
    weeks = []
    for day in range(DAYS):
        month.day(day)
        if day % 7 == 6:
            now = START + timedelta(days=day + 1)
            month.learn(now)
            lately = [one for one in month.sent if one.at >= now - timedelta(days=7)]
            weeks.append(Week(*(_rate(lately, is_control=group) for group in (False, True))))
            found = reach(month, truth, now)
            _tell(seed, day // 7 + 1, weeks[-1], found)
    spent = time.process_time() - begun
    some = people.first(IDEAL_BORROWERS)
    return Life(weeks, found, after_four_weeks(some, truth[: len(some)], seed, rule="greedy").own_closed, spent)


def _rate(sent: list[Sent], *, is_control: bool) -> tuple[int, int]:
    group = [one for one in sent if (one.arm == Arm.CONTROL) == is_control]
    return sum(one.answered_at is not None for one in group), len(group)


def _surely_worse(week: Week) -> float:
    """Return the upper end of the 95 % interval of learned less control: below nought it was surely worse."""
    return lift(rate(*week.learned), rate(*week.control)).high


def _tell(seed: int, number: int, week: Week, found: Reach) -> None:
    rates = "  ".join(f"{100 * answers / max(1, contacts):4.1f} of {contacts:6,}" for answers, contacts in week)
    print(
        f"{seed:4d}  {number:4d}  {rates}     {100 * found.uniform:4.1f}  {100 * found.learned:4.1f}  "
        f"{100 * found.by_employment:4.1f}  {100 * found.best:4.1f}   {found.closed:.3f}  {found.own_closed:.3f}",
        flush=True,
    )


def live(count: int, seeds: range) -> list[Life]:
    """Live with several populations of one size."""
    print(f"\n{count:,} borrowers: answered of 100 contacts      true chance of all at the slot of ...   gap closed to")
    print("seed  week  learned         control            chance  model  job   own    job    own")
    return [run(count, seed) for seed in seeds]


def tell_sizes(lives: dict[int, list[Life]]) -> None:
    """Print what was closed after four weeks by the number of borrowers."""
    print(f"\ngap closed after four weeks (mean +- standard error over the seeds); the bar is {BAR}")
    print("borrowers  contacts a week  to the job's best slot  to each one's own  an ideal learner  CPU s a seed")
    for count, of_size in lives.items():
        contacts = np.mean([sum(week.learned[1] + week.control[1] for week in one.weeks) / 4 for one in of_size])
        columns, own, ideal = (
            f"{np.mean(values):.3f} +-{standard_error(values):.3f}"
            for values in (
                [one.found.closed for one in of_size],
                [one.found.own_closed for one in of_size],
                [one.ideal for one in of_size],
            )
        )
        spent = np.mean([one.cpu_s for one in of_size])
        print(f"{count:9,}  {contacts:15,.0f}  {columns:>22}  {own:>17}  {ideal:>16}  {spent:12.0f}")


def judge(lives: dict[int, list[Life]]) -> None:
    """Print the verdicts."""
    for count, of_size in lives.items():
        learned, control = (
            sum(one.weeks[-1][group][0] for one in of_size) / sum(one.weeks[-1][group][1] for one in of_size)
            for group in (0, 1)
        )
        verdict(f"learned_over_control_in_week_four_{count}", learned, control, ">= 2 times", learned >= 2 * control)
        closed = float(np.mean([one.found.closed for one in of_size]))
        verdict(f"gap_to_what_the_columns_allow_closed_{count}", closed, 1.0, ">= 0.85", closed >= 0.85)
        own = float(np.mean([one.found.own_closed for one in of_size]))
        ideal = float(np.mean([one.ideal for one in of_size]))
        verdict(f"gap_to_each_ones_own_best_slot_closed_{count}", own, ideal, f">= {BAR}", own >= BAR)
    worst = min(_surely_worse(week) for of_size in lives.values() for one in of_size for week in one.weeks)
    verdict("no_week_worse_than_the_control_beyond_noise", worst, 0.0, ">= 0", worst >= 0.0)


def arguments() -> argparse.Namespace:
    """Read the sizes and the seeds."""
    parser = argparse.ArgumentParser(description="Four weeks of plan and learning with the sandbox's people.")
    parser.add_argument("--borrowers", type=int, nargs="+", default=[1_200], help="sizes of the portfolio")
    parser.add_argument("--seeds", default="1-3", help="populations, first to last: 31-35")
    return parser.parse_args()


def main() -> None:
    """Print the tables and the verdicts."""
    asked = arguments()
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    lives = {count: live(count, seeds) for count in asked.borrowers}
    tell_sizes(lives)
    judge(lives)


if __name__ == "__main__":
    main()
