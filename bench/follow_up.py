"""What following up costs and brings: the same four weeks with and without each rule for borrowers who stay silent.

The loop is that of `learn_service.py`: the service's own plan and learning, the sandbox's people. Each rule is switched
off in turn; borrowers and lots stay the same. The silent are those who answered in none of the lives of their seed.

Run: .venv/bin/python bench/follow_up.py --borrowers 1200 --seeds 1-3
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from uuid import UUID

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the service; read when numpy is loaded

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import verdict
from bench.learn_people import DAYS, START, make_people, truth_of
from bench.learn_service import Month, arguments, reach
from contact_scheduler.learning import Arm, lift, rate
from contact_scheduler.planning import compose, sift

OFF: Final[dict[str, dict[tuple[ModuleType, str], Any]]] = {
    "as it is": {},
    "without longer gaps": {(sift, "rest_of"): lambda campaign, *_: timedelta(days=campaign.rest_days)},
    "without a choice of days": {
        (compose, "has_better_day"): lambda _, features, *__: np.zeros(len(features), dtype=np.bool_)
    },
    "without moving on": {(compose, "tried_in_vain"): lambda _: None},
}  # what is put in place of a function of the plan


@dataclass(frozen=True, slots=True)
class Life:
    """Four weeks of one population: contacts and answers of each borrower; of the learned part also in sum."""

    contacts: Counter[UUID]
    answers: Counter[UUID]
    learned: tuple[int, int]  # answers, contacts
    last_week: tuple[int, int]
    closed: float  # of the gap to what the columns allow

    def a_silent_one(self, silent: set[UUID]) -> float:
        """Return contacts to each of the borrowers given whom any contact reached."""
        reached = [self.contacts[one] for one in silent if self.contacts[one]]
        return sum(reached) / len(reached)


def live(count: int, seed: int, replaced: dict[tuple[ModuleType, str], Any]) -> Life:
    """Live through four weeks with some functions of the plan replaced."""
    people = make_people(count, seed)
    month = Month(people, seed)
    kept = {place: getattr(*place) for place in replaced}
    for place, function in replaced.items():
        setattr(*place, function)
    try:
        for day in range(DAYS):
            month.day(day)
    finally:
        for place, function in kept.items():
            setattr(*place, function)
    end = START + timedelta(days=DAYS)
    month.learn(end)
    answered = Counter(one.borrower for one in month.sent if one.answered_at is not None)
    learned = [one for one in month.sent if one.arm != Arm.CONTROL]
    last = [one for one in learned if one.at >= end - timedelta(days=7)]
    return Life(
        Counter(one.borrower for one in month.sent), answered,
        *((sum(one.answered_at is not None for one in some), len(some)) for some in (learned, last)),
        reach(month, truth_of(people), end).closed,
    )  # fmt: skip


def tell(name: str, lives: list[Life], silent: list[set[UUID]]) -> tuple[float, tuple[int, int]]:
    """Print a line; return contacts to a silent borrower, and answers and contacts of the learned part."""
    to_silent = sum(one.a_silent_one(some) for one, some in zip(lives, silent, strict=True)) / len(lives)
    contacts, answers = (sum(sum(one.values()) for one in found) / len(lives) for found in (
        [one.contacts for one in lives], [one.answers for one in lives]
    ))  # fmt: skip
    learned, last = ((sum(a for a, _ in some), sum(n for _, n in some)) for some in (
        [one.learned for one in lives], [one.last_week for one in lives]
    ))  # fmt: skip
    closed = sum(one.closed for one in lives) / len(lives)
    print(
        f"{name:24} {to_silent:9.2f} {contacts:9,.0f} {answers:8,.0f}   {100 * learned[0] / learned[1]:6.2f} "
        f"{100 * last[0] / last[1]:10.2f}   {closed:.3f}",
        flush=True,
    )
    return to_silent, learned


def main() -> None:
    """Print a table for each size, and the verdicts."""
    asked = arguments()
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    for count in asked.borrowers:
        print(f"\n{count:,} borrowers, seeds {asked.seeds}, four weeks; counts are means of a seed")
        print(f"{'':24} to a silent one  contacts  answers   of 100, learned   in week four   gap closed")
        lives = {name: [live(count, seed, replaced) for seed in seeds] for name, replaced in OFF.items()}
        silent = [
            {borrower for one in of_seed for borrower in one.contacts}
            - {borrower for one in of_seed for borrower in one.answers}
            for of_seed in zip(*lives.values(), strict=True)
        ]
        told = {name: tell(name, some, silent) for name, some in lives.items()}
        with_gaps, without = told["as it is"], told["without longer gaps"]
        verdict(
            f"contacts_to_a_silent_borrower_{count}", with_gaps[0], without[0], "fewer than without longer gaps",
            with_gaps[0] < without[0],
        )  # fmt: skip
        for name, (_, learned) in told.items():
            if name != "as it is":
                high = lift(rate(*with_gaps[1]), rate(*learned)).high
                verdict(
                    f"answers_of_100_not_surely_fewer_than_{name.replace(' ', '_')}_{count}", high, 0.0, ">= 0",
                    high >= 0.0,
                )  # fmt: skip


if __name__ == "__main__":
    main()
