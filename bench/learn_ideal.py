"""What an ideal learner could reach in four weeks with the sandbox's people; `learn_service.py` shows it.

It knows everything that no service can know: the five patterns of the week, how far clocks, readiness and likings
differ, and that an unknown employment hides one of the five. It only has to find out about each single borrower, from
answers to the contacts that rest and weekly cap allow, by exact Bayes (a grid over pattern and clock, fixed draws of
the likings). It is spared what the service meets: pauses after an answer, dead mailboxes, answers that do not show.

Run: .venv/bin/python bench/learn_ideal.py [borrowers] [seeds]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import mean_reach, verdict
from bench.learn_people import DAYS, OPEN_HOURS, People, Reach, make_people, reach_of, truth_of
from forbear_sandbox.habits import CHANCE_MAX, CHANNELS, PATTERNS, weekly_chances

Matrix = NDArray[np.float64]

SHIFTS: Final = (-1, 0, 1)
GENERAL_SD, LIKING_SD = 0.3, 0.25
DRAWS: Final = 1_000  # of the likings, shared by all borrowers
REST_DAYS, WEEK_MAX = 3, 2
CONTROL_SHARE: Final = 0.25
IDEAL_BORROWERS: Final = 1_200  # it learns each by itself: more of them change nothing


def kinds_table() -> Matrix:
    """Chances [pattern x shift, channel, open hour] before readiness."""
    return np.array(
        [
            [np.array(weekly_chances(pattern, channel))[(OPEN_HOURS - shift) % 168] for channel in CHANNELS]
            for pattern in sorted(PATTERNS)
            for shift in SHIFTS
        ]
    )


@dataclass(slots=True)
class Beliefs:
    """The exact posterior of every borrower: `weight` [borrower, pattern x shift, draw of the likings]."""

    kinds: Matrix
    likings: Matrix  # [draws, channels]
    weight: NDArray[np.float32]

    @classmethod
    def of(cls, patterns: list[str | None], seed: int) -> Beliefs:
        """Start from the prior; None is an employment that nobody told."""
        draw = np.random.default_rng([seed, 21])
        likings = np.exp(
            GENERAL_SD * draw.standard_normal((DRAWS, 1)) + LIKING_SD * draw.standard_normal((DRAWS, len(CHANNELS)))
        )
        names = np.repeat(sorted(PATTERNS), len(SHIFTS))
        possible = np.array([[one is None or one == name for name in names] for one in patterns], dtype=np.float32)
        weight = np.repeat(possible[:, :, None], DRAWS, axis=2)
        return cls(kinds_table(), likings, weight / weight.sum(axis=(1, 2), keepdims=True))

    def chance(self) -> Matrix:
        """Posterior mean chance [borrower, channel, open hour]."""
        liking = np.einsum("nkd,dc->nkc", self.weight, self.likings.astype(np.float32), optimize=True)
        return np.einsum("nkc,kch->nch", liking, self.kinds, optimize=True)

    def drawn(self, draw: np.random.Generator) -> Matrix:
        """One posterior draw of the chances [borrower, channel, open hour]."""
        flat = np.cumsum(self.weight.reshape(len(self.weight), -1), axis=1)
        choice = (draw.random(len(flat))[:, None] * flat[:, -1:] > flat).sum(axis=1).clip(max=flat.shape[1] - 1)
        kind, number = np.divmod(choice, DRAWS)
        return self.kinds[kind] * self.likings[number][:, :, None]

    def learn(
        self, row: NDArray[np.int64], channel: NDArray[np.int64], hour: NDArray[np.int64], yes: NDArray[np.bool_]
    ) -> None:
        """Learn one contact of each of these borrowers."""
        chance = np.minimum(
            CHANCE_MAX, self.kinds[:, channel, hour].T[:, :, None] * self.likings.T[channel][:, None, :]
        )
        found = self.weight[row] * np.where(yes[:, None, None], chance, 1.0 - chance)
        self.weight[row] = found / found.sum(axis=(1, 2), keepdims=True)


def after_four_weeks(people: People, truth: Matrix, seed: int, *, rule: str) -> Reach:
    """Live four weeks; return what is reached after the last contact.

    `rule` is "greedy" (the best mean) or "draw" (Thompson) for all but the hold-out, which draws evenly.
    """
    agreed = np.isfinite(truth).reshape(len(truth), len(CHANNELS), -1)
    chances = np.nan_to_num(truth).reshape(agreed.shape)
    beliefs, draw = beliefs_about(people, seed), np.random.default_rng([seed, 22])
    control = draw.random(len(truth)) < CONTROL_SHARE
    free_on = np.zeros(len(truth), dtype=np.int64)
    begun = np.full((len(truth), WEEK_MAX), -7)
    for day in range(DAYS):
        today = np.flatnonzero(day % 7 == OPEN_HOURS // 24)
        due = np.flatnonzero(agreed.any(axis=(1, 2)) & (free_on <= day) & (begun[:, 0] + 7 <= day))
        liking = beliefs.chance() if rule == "greedy" else beliefs.drawn(draw)
        liking[control] = draw.random(liking[control].shape)
        if not len(due):
            continue
        options = np.where(agreed, liking, -1.0)[due][:, :, today]
        choice = options.reshape(len(due), -1).argmax(axis=1)
        channel, hour = np.divmod(choice, len(today))
        yes = draw.random(len(due)) < chances[due, channel, today[hour]]
        beliefs.learn(due, channel, today[hour], yes)
        free_on[due] = day + REST_DAYS
        begun[due] = np.column_stack((begun[due, 1:], np.full(len(due), day)))
    return reach_of(people, truth, beliefs.chance().reshape(truth.shape))


def beliefs_about(people: People, seed: int) -> Beliefs:
    """Return what is believed of each before the first contact."""
    known = [
        person.habits.pattern if one.employment >= 0 else None
        for person, one in zip(people.persons, people.candidates, strict=True)
    ]
    return Beliefs.of(known, seed)


def before_any(people: People, truth: Matrix, seed: int) -> Reach:
    """Return what is reached without a single contact, by knowing the population."""
    return reach_of(people, truth, beliefs_about(people, seed).chance().reshape(truth.shape))


def main() -> None:
    """Print the table and the verdict."""
    count, seeds = (int(word) for word in [*sys.argv[1:], "1200", "3"][:2])
    print("share of the gap to each borrower's own best slot: before any contact, after four weeks")
    worlds = {seed: make_people(count, seed) for seed in range(1, seeds + 1)}
    truths = {seed: truth_of(people) for seed, people in worlds.items()}
    first = np.mean([before_any(people, truths[seed], seed).own_closed for seed, people in worlds.items()])
    best = 0.0
    for rule in ("greedy", "draw"):
        last = [after_four_weeks(people, truths[seed], seed, rule=rule).own_closed for seed, people in worlds.items()]
        seen = "  ".join(f"{value:.3f}" for value in last)
        print(f"{rule:8s} {first:.3f} -> {np.mean(last):.3f} +-{mean_reach(last)[1]:.3f}   {seen}", flush=True)
        best = max(best, float(np.mean(last)))
    verdict("gap_closed_by_an_ideal_learner", best, 0.9, "what the bar of 0.9 is read by", best >= 0.9)


if __name__ == "__main__":
    main()
