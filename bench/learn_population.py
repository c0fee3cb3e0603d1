"""Four weeks with a made-up population: how much of the gap from uniform choice to the hidden optimum is closed?

Each borrower is contacted every other day; nothing is known at the start. `personal_sd` is how far borrowers differ
from their like in log-odds (and, times three, in hours). Run: .venv/bin/python bench/learn_population.py
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import mean_reach, verdict
from bench.learn_world import Matrix, World, day_lawful, same_pattern, with_habits
from contact_scheduler.learning import Borrowers, Feedback, HabitSums, PlanOptions, ResponseModel, make_plan

DAYS = 28
EVERY_DAYS = 2
SEEDS = range(10)


@dataclass(frozen=True, slots=True)
class FourWeeks:
    """What four weeks showed: shares of the gap closed, answers missed day by day, and rates learned and true."""

    closed: list[float]  # at the start of each week and at the end
    missed: list[float]  # of each day's contacts, answers that each borrower's best slot of the day would have added
    missed_by_even: list[float]  # the same, had even choice picked the slots
    learned: Matrix  # [borrowers, 3, 168] probability of an answer, as the model sees it at the end
    truth: Matrix


def four_weeks(*, borrowers: int, seed: int, personal_sd: float) -> list[float]:
    """Returns the share of the gap closed at the start of each week and at the end."""
    return watch_four_weeks(borrowers=borrowers, seed=seed, personal_sd=personal_sd).closed


def watch_four_weeks(*, borrowers: int, seed: int, personal_sd: float) -> FourWeeks:
    """Lives through four weeks; one seed, one result."""
    world, model, sums = World.of(borrowers, seed, personal_sd), ResponseModel(), HabitSums(borrowers)
    everybody, draw = np.arange(borrowers), np.random.default_rng([seed, 9])
    truth = np.concatenate([world.probability(everybody[k : k + 2_000]) for k in range(0, borrowers, 2_000)])
    open_hours = np.flatnonzero((np.arange(168) % 24 >= 8) & (np.arange(168) % 24 < 21))
    open_truth = truth[:, :, open_hours].reshape(borrowers, -1)
    uniform, best = open_truth.mean(), open_truth.max(axis=1).mean()
    closed, missed, missed_by_even = [], [], []
    for day in range(DAYS + 1):
        features = with_habits(world.facts, sums)
        posterior = model.for_tenant("acme")
        if day % 7 == 0:
            log_odds = (features @ posterior.weights).reshape(borrowers, 3, 168)[:, :, open_hours]
            choice = log_odds.reshape(borrowers, -1).argmax(axis=1)
            closed.append(float((open_truth[everybody, choice].mean() - uniform) / (best - uniform)))
        rows = everybody[everybody % EVERY_DAYS == day % EVERY_DAYS]
        horizon, lawful = day_lawful(day)
        none = np.zeros(len(rows), dtype=np.bool_)
        due = Borrowers(
            (rows + 1).astype(np.uint64),
            features[rows],
            none.astype(np.int16),
            np.ones(len(rows), np.float32),
            none,
            none,
        )
        capacity = np.full((3, 24), len(rows))
        plan = make_plan(posterior, due, same_pattern(lawful, len(rows)), horizon, capacity, PlanOptions(seed, day))
        sent = np.flatnonzero(plan.channel >= 0)
        slot = plan.channel[sent].astype(np.int64) * 168 + horizon.local_hour[0, plan.hour[sent]]
        chance = truth.reshape(borrowers, -1)[rows[sent], slot]
        label = (draw.random(len(sent)) < chance).astype(np.float32)
        today = truth[rows[sent]][:, :, horizon.local_hour[0, 8:21]].reshape(len(sent), -1)
        missed.append(float((today.max(axis=1) - chance).sum()))
        missed_by_even.append(float((today.max(axis=1) - today.mean(axis=1)).sum()))
        without = features[rows[sent]].copy()
        without[:, -7:] = 0.0
        sums.add(rows[sent], slot, label, posterior.probability(without, slot))
        model.update("acme", Feedback(features[rows[sent]], slot, label))
    learned = 1.0 / (1.0 + np.exp(-(features @ posterior.weights).reshape(borrowers, 3, 168).astype(np.float64)))
    return FourWeeks(closed, missed, missed_by_even, learned, truth)


def main() -> None:
    """Prints the table and the verdict."""
    print("share of the gap closed    start   1 week  2 weeks  3 weeks  4 weeks   (10 seeds, 4,000 borrowers)")
    final = {}
    for personal_sd in (0.0, 0.1, 0.3, 0.6):
        runs = [four_weeks(borrowers=4_000, seed=seed, personal_sd=personal_sd) for seed in SEEDS]
        final[personal_sd] = [run[-1] for run in runs]
        middle = "  ".join(f"{value:7.3f}" for value in np.mean(runs, axis=0))
        print(f"personal differences {personal_sd:.1f}  {middle}  +-{mean_reach(final[personal_sd])[1]:.3f}")
    print("an ideal learner who knows the population and only learns persons: 0.3 -> 0.87, 0.6 -> 0.70 (one run each)")
    value = float(np.mean(final[0.1]))
    verdict("population_gap_closed", value, 0.9, ">= 0.9 with mild personal differences", value >= 0.9)


if __name__ == "__main__":
    main()
