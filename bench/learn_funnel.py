"""How well each step of a contact is foreseen: delivered, answered, right person, promise, payment.

Seven weeks of the service's own plan and learning with the sandbox's people, as in `learn_service.py`, with receipts,
promises and payments as the sandbox says. Each contact is foreseen when it is planned and compared with what became of
it, once its window was over: nothing is foreseen by a model that has seen it. Beside it stands the plain rate of each
channel, as known at the same tick. The first three weeks are told apart: before their end no payment is known.

    .venv/bin/python bench/learn_funnel.py --borrowers 1200 --seeds 1-3
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the service; read when numpy is loaded

import numpy as np
import orjson
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import standard_error, verdict
from bench.learn_people import START, People, make_people
from bench.learn_service import FOREVER, Month, Sent
from contact_scheduler.contacts import ATTRIBUTION
from contact_scheduler.learning.calibration import calibrate
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.funnel import FITTED_MAX, UNTOLD, Courses, Step, fit_funnel
from contact_scheduler.learning.quality import auc
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, SLOTS
from forbear_sandbox.telephone import nobody

DAYS: Final = 49
JUDGED: Final = DAYS - 14  # contacts of these days are judged: while their windows are open, contacts go on as before
SETTLED: Final = 21  # days after which forecasts of payments rest on payments
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
PRIOR_CONTACTS: Final = 50.0  # of the plain rates, at the mean of all channels
ECE_BAR: Final = 0.02
FIT_LIMIT_S: Final = 0.3
ROUNDS: Final = 5
CHANCE_DRAWS: Final = 50
PROMISES: Final = frozenset({"promise", "cannot_pay", "lost_job"})  # the last two, when they take a way out


@dataclass(slots=True)
class Course(Sent):
    """One contact with what was foreseen of it and what became of it."""

    foreseen: dict[str, float | None] | None = None
    by_channel: dict[Step, float] | None = None
    delivered: int = UNTOLD
    right_party: bool = False
    promise: bool = False


class Months(Month):
    """The loop of `Month`, with receipts, promises and payments, and the steps learned at each tick."""

    def __init__(self, people: People, seed: int) -> None:
        super().__init__(people, seed)
        self.fit_s: list[float] = []
        self.paid: dict[Any, list[datetime]] = {one.borrower_id: [] for one in people.candidates}
        self.tick = START
        for row, person in enumerate(people.persons):
            days = person.habits.pays_by_itself_after_days
            if days < DAYS:
                self.pay(row, START + days * DAY, person.past_due)

    def pay(self, row: int, at: datetime, amount: int) -> None:
        """Let a payment happen; who still owes something is left in peace for a week, who does not for good."""
        person, known = self.people.persons[row], self.people.candidates[row]
        amount = min(amount, person.owes(at))
        if amount > 0:
            person.payments.append((at, amount))
            self.paid[known.borrower_id].append(at)

    def day(self, number: int) -> None:
        """Count payments, learn the steps, and go on as the service does."""
        self.tick = START + number * DAY
        for row, person in enumerate(self.people.persons):
            came = [at for at, _ in person.payments if at < self.tick]
            if came:
                until = FOREVER if person.owes(self.tick) == 0 else max(came) + 7 * DAY
                self.people.paused_until[row] = max(until, self.people.paused_until[row])
        courses = self.courses(self.tick)
        begun = time.process_time()
        self.funnel = fit_funnel(courses)
        self.fit_s.append(time.process_time() - begun)
        self.plain = plain_rates(courses)
        super().day(number)

    def courses(self, now: datetime) -> Courses:
        """Return what is known at an instant, as the store gives it."""
        sent: list[Any] = [one for one in self.sent if one.at + ATTRIBUTION <= now]
        first_paid = [min((at for at in self.paid[one.borrower] if one.at <= at < now), default=None) for one in sent]
        hours = [(now - one.at) / HOUR for one in sent]
        return Courses(
            features=np.frombuffer(b"".join(one.features for one in sent), dtype=np.float32).reshape(-1, FEATURES),
            slot=np.array([(one.channel - 1) * HOURS_PER_WEEK + one.slot for one in sent], dtype=np.int64),
            age_h=np.array(hours),
            delivered=np.array([one.delivered for one in sent], dtype=np.int8),
            answered=np.array([one.answered_at is not None for one in sent], dtype=np.int8),
            right_party_h=np.array([1.0 if one.right_party else np.inf for one in sent]),
            promise_h=np.array([1.0 if one.promise else np.inf for one in sent]),
            payment_h=np.array(
                [np.inf if at is None else (at - one.at) / HOUR for one, at in zip(sent, first_paid, strict=True)]
            ),
        )

    def answer(self, contact: tuple[Any, ...]) -> None:
        """Let the borrower meet a contact, and note what is reported of it."""
        before = len(self.sent)
        row = self.people.row_of[contact[3]]
        channel, at = contact[5], contact[16]
        super().answer(contact)
        if len(self.sent) == before:
            return
        sent = self.sent.pop()
        self.of[contact[3]].pop()
        reason = orjson.loads(contact[13])
        one = Course(
            sent.borrower, sent.channel, sent.slot, sent.arm, reason["plain"], sent.features, sent.at, sent.answered_at
        )
        one.foreseen, one.by_channel = reason["steps"], self.plain[channel - 1]
        one.delivered = self.receipt(row, channel, at, is_answered=one.answered_at is not None)
        if one.answered_at is not None:
            self.respond(one, row, channel, at)
        self.sent.append(one)
        self.of[contact[3]].append(one)

    def receipt(self, row: int, channel: int, at: datetime, *, is_answered: bool) -> int:
        """Return whether delivery is reported: of mail nobody does, but that it bounced."""
        person = self.people.persons[row]
        if channel == 1:
            return int(person.habits.carrier_code is None)
        if channel == 2:
            return 0 if person.habits.has_dead_mailbox else UNTOLD
        return int(is_answered or nobody(person, at).outcome == "machine")

    def respond(self, one: Course, row: int, channel: int, at: datetime) -> None:
        """Note who answered and what was agreed, and let the money come."""
        person = self.people.persons[row]
        wish = self.wish
        assert wish is not None
        lots = person.lots.under("funnel", at)
        hangs_up = channel == 3 and lots.happens(0.12, "hangs up")
        only_clicks = channel != 3 and wish.meaning == "pay"
        one.right_party = not (hangs_up or only_clicks or wish.meaning == "wrong_number")
        agrees = wish.meaning == "promise" or (channel == 3 and wish.meaning == "pay")
        takes_way_out = wish.meaning in PROMISES and not agrees and lots.happens(0.7, "takes a way out")
        one.promise = one.right_party and (agrees or takes_way_out)
        if wish.pays_on is not None:
            ahead = max(0, (wish.pays_on - person.today(at)).days)
            self.pay(row, at + ahead * DAY + timedelta(hours=6), wish.pays)
        elif takes_way_out and lots.happens(person.habits.keeps_word, "keeps"):
            self.pay(row, at + (6 + 20 * lots.uniform("when")) * DAY, max(1, person.owes(at) // 3))


def plain_rates(courses: Courses) -> list[dict[Step, float]]:
    """Return the rate of each step by channel, as known, leaning on the mean of all channels."""
    channel = courses.slot // HOURS_PER_WEEK
    rates: list[dict[Step, float]] = [{} for _ in range(CHANNELS)]
    for step in Step:
        flag = courses.happened(step)
        told = flag != UNTOLD
        mean = (float(flag[told].sum()) + 1.0) / (float(told.sum()) + 10.0)
        for number in range(CHANNELS):
            here = told & (channel == number)
            rates[number][step] = (float(flag[here].sum()) + mean * PRIOR_CONTACTS) / (here.sum() + PRIOR_CONTACTS)
    return rates


@dataclass(frozen=True, slots=True)
class Figures:
    """One step with one population: contacts, rate, mean forecast, errors, log losses, AUC."""

    contacts: int
    happened: float
    foreseen: float
    error: float
    by_chance: float  # error of a forecaster who knows every contact's true chance
    loss: float
    plain_loss: float
    auc: float


def judge(months: Months, step: Step, since: datetime) -> Figures | None:
    """Compare the forecasts of a step with what happened to contacts since an instant."""
    courses = months.courses(START + DAYS * DAY)
    flag = courses.happened(step)
    sent: list[Any] = months.sent
    rows = [
        row
        for row, one in enumerate(sent)
        if since <= one.at < START + JUDGED * DAY and flag[row] != UNTOLD and one.foreseen[step.value] is not None
    ]
    if not rows:
        return None
    happened = flag[rows].astype(np.float64)
    foreseen = np.clip([sent[row].foreseen[step.value] for row in rows], 1e-4, 1.0 - 1e-4)
    plain = np.clip([sent[row].by_channel[step] for row in rows], 1e-4, 1.0 - 1e-4)
    found = calibrate(step, foreseen, happened)
    assert found is not None
    return Figures(
        len(rows), found.whole.happened, found.whole.predicted, found.error, _by_chance(step, foreseen),
        _loss(happened, foreseen),
        _loss(happened, plain), auc(happened, foreseen),
    )  # fmt: skip


def _by_chance(step: Step, foreseen: NDArray[np.float64]) -> float:
    """Return the error that chance alone would make of these forecasts, were each the truth."""
    lots, errors = np.random.default_rng(1), []
    for _ in range(CHANCE_DRAWS):
        found = calibrate(step, foreseen, (lots.random(len(foreseen)) < foreseen).astype(np.float64))
        assert found is not None
        errors.append(found.error)
    return float(np.mean(errors))


def _loss(happened: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    return float(-np.mean(happened * np.log(predicted) + (1.0 - happened) * np.log1p(-predicted)))


def live(count: int, seed: int) -> Months:
    """Live through seven weeks with one population."""
    months = Months(make_people(count, seed), seed)
    for day in range(DAYS):
        months.day(day)
    return months


def fit_time() -> float:
    """Return the median CPU seconds of fitting all steps to as many contacts as are ever read for one."""
    lots = np.random.default_rng(1)
    features = (lots.random((FITTED_MAX, FEATURES)) < 0.3).astype(np.float32)
    delivered, answered = ((lots.random(FITTED_MAX) < chance).astype(np.int8) for chance in (0.9, 0.2))
    hours = [np.where(lots.random(FITTED_MAX) < chance, 24.0, np.inf) for chance in (0.8, 0.3, 0.1)]
    age_h = np.sort(lots.uniform(48.0, 24 * 60.0, FITTED_MAX))[::-1]
    courses = Courses(features, lots.integers(0, SLOTS, FITTED_MAX), age_h, delivered, answered, *hours)
    spent = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        fit_funnel(courses)
        spent.append(time.process_time() - begun)
    return float(np.median(spent))


def tell(lives: list[Months], since: datetime, title: str) -> dict[Step, list[Figures]]:
    """Print one table and return its figures."""
    print(f"\n{title} (mean +- standard error over the populations)")
    print("step          contacts  happened  foreseen  error by fifths  by chance  log loss  of plain rates    AUC")
    table = {}
    for step in Step:
        told = [found for months in lives if (found := judge(months, step, since)) is not None]
        table[step] = told

        def mean(name: str, told: list[Figures] = told) -> float:
            return float(np.mean([getattr(one, name) for one in told]))

        error = f"{100 * mean('error'):5.2f}% +-{100 * standard_error([one.error for one in told]):.2f}"
        print(
            f"{step.value:12}  {sum(one.contacts for one in told):8,}  {100 * mean('happened'):7.1f}%  "
            f"{100 * mean('foreseen'):7.1f}%  {error:>15}  {100 * mean('by_chance'):8.2f}%  {mean('loss'):8.4f}  "
            f"{mean('plain_loss'):14.4f}  {mean('auc'):5.3f}"
        )
    return table


def arguments() -> argparse.Namespace:
    """Read the size and the seeds."""
    parser = argparse.ArgumentParser(description="How well each step of a contact is foreseen.")
    parser.add_argument("--borrowers", type=int, default=1_200, help="size of the portfolio")
    parser.add_argument("--seeds", default="1-3", help="populations, first to last: 31-35")
    return parser.parse_args()


def main() -> None:
    """Print the tables and the verdicts."""
    asked = arguments()
    first, _, last = asked.seeds.partition("-")
    lives = [live(asked.borrowers, seed) for seed in range(int(first), int(last or first) + 1)]
    tell(lives, START, "the first five weeks")
    table = tell(lives, START + SETTLED * DAY, "weeks four and five")
    in_loop = max(spent for months in lives for spent in months.fit_s)
    spent = fit_time()
    print(f"\nCPU seconds of a fit: {spent:.3f} with {FITTED_MAX:,} contacts, at most {in_loop:.3f} in the loop")
    for step, told in table.items():
        error = float(np.mean([one.error for one in told]))
        verdict(f"{step.value}_calibration_error", error, ECE_BAR, f"<= {ECE_BAR}", error <= ECE_BAR)
        loss, plain = (float(np.mean([getattr(one, name) for one in told])) for name in ("loss", "plain_loss"))
        verdict(f"{step.value}_log_loss_against_plain_rates", loss, plain, "<= plain", loss <= plain)
    verdict("fit_cpu_s", spent, FIT_LIMIT_S, f"< {FIT_LIMIT_S}", spent < FIT_LIMIT_S)


if __name__ == "__main__":
    main()
