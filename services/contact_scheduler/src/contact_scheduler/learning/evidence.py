"""Bayesian logistic regression that learns from a stream, forgets at several speeds, and chooses the speed itself.

Each batch of outcomes is condensed once into Gaussian evidence (Laplace: a Gram matrix and a vector, linearised at the
present mean). Several memories keep that same evidence and differ only in how fast it fades; what fades falls back to
the prior, never to nothing. The memories are mixed by how well each predicted the outcomes *before* learning them, so a
drifting stream shortens its own memory and a steady one lengthens it.

How far the coefficients of a family lie from their prior is learned with them (empirical Bayes, one step of expectation
and maximisation a batch): many interactions may then be listed, and those that say nothing shrink to nothing.

What drifts most is the level: who answers rests, so the others are left. A level of its own follows it within some
thousand outcomes, so that the tastes of channels and hours need not be forgotten for its sake. Memories of a few
hundred outcomes are not kept: they predict the level best, win the comparison, and lose the tastes (docs/LEARNING.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

HALF_LIVES: Final = (4_000.0, 16_000.0, np.inf)  # in outcomes
LEVEL_HALF_LIFE: Final = 1_000.0  # outcomes
LEVEL_INFORMATION: Final = 10.0  # pulls the level back to nothing; a hundred outcomes at ten in a hundred know as much
LEVEL_STEPS: Final = 4
NO_FAMILY: Final = -1
SPREAD_ROWS: Final = 4.0  # coefficients that the given spread of a family counts for beside its own
LOSS_HALF_LIFE: Final = 1_000.0  # outcomes over which the memories are compared
NEWTON_STEPS_MAX: Final = 25
NEWTON_TOLERANCE: Final = 0.1  # log-odds of any row; one step from there is exact to a hundredth
OPEN_TOLERANCE: Final = 0.02  # of any coefficient
NEWTON_STRIDE_MAX: Final = 2.0  # log-odds of any row; a longer step may overshoot and never come back
LOG_ODDS_LIMIT: Final = 15.0  # beyond it a probability is 0 or 1 to single precision


def sigmoid(log_odds: Matrix) -> Matrix:
    """Returns probabilities, clipped so that no logarithm of them overflows."""
    result: Matrix = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT)))
    return result


def log_loss(label: Matrix, probability: Matrix) -> Matrix:
    """Returns the loss per row in nats; labels may lie between 0 and 1 (a yes that is only likely)."""
    result: Matrix = -label * np.log(probability) - (1.0 - label) * np.log1p(-probability)
    return result


@dataclass(frozen=True, slots=True)
class Prior:
    """Independent normal beliefs about the coefficients before any outcome."""

    mean: Matrix
    precision: Matrix  # diagonal

    @classmethod
    def normal(cls, mean: Matrix, sd: Matrix) -> Prior:
        """Builds a prior from means and standard deviations."""
        return cls(mean.astype(np.float64), 1.0 / np.square(sd.astype(np.float64)))


@dataclass(frozen=True, slots=True)
class OpenContacts:
    """Contacts whose window is open: 1 for an answer, 0 for silence so far, and how likely silence is at their age."""

    design: Matrix
    label: Matrix
    silent_chance: Matrix
    weight: Matrix


@dataclass(slots=True)
class EvidenceBank:
    """What the outcomes have said so far, kept once per memory length. Mutable; not shared between threads."""

    prior: Prior
    half_lives: tuple[float, ...] = HALF_LIVES
    loss_half_life: float = LOSS_HALF_LIFE
    level_column: int | None = None  # column of ones that carries the level; None: no level of its own
    family: NDArray[np.int64] | None = None  # [D], number of each coefficient's family or NO_FAMILY; None: no families
    gram: Matrix = field(init=False)  # [memories, D, D]
    pull: Matrix = field(init=False)  # [memories, D]
    means: Matrix = field(init=False)  # [memories, D]
    loss: Matrix = field(init=False)  # [memories], faded sum of prequential losses
    open_gram: Matrix = field(init=False)  # [D, D], what contacts still open say, taken back at each refresh
    open_pull: Matrix = field(init=False)  # [D]
    level: Matrix = field(init=False)  # [memories], log-odds on top of each memory's mean
    level_information: Matrix = field(init=False)  # [memories], faded
    stretch: Matrix = field(init=False)  # [D], learned variance of the prior over the given one
    outcomes: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        memories, size = len(self.half_lives), len(self.prior.mean)
        self.gram = np.zeros((memories, size, size))
        self.pull = np.zeros((memories, size))
        self.means = np.repeat(self.prior.mean[None, :], memories, axis=0)
        self.loss = np.zeros(memories)
        self.open_gram = np.zeros((size, size))
        self.open_pull = np.zeros(size)
        self.level = np.zeros(memories)
        self.level_information = np.zeros(memories)
        self.stretch = np.ones(size)

    @property
    def shares(self) -> Matrix:
        """How much each memory is trusted; sums to one."""
        share = np.exp(self.loss.min() - self.loss)
        result: Matrix = share / share.sum()
        return result

    @property
    def taste(self) -> Matrix:
        """What the memories hold, mixed by trust: the coefficients without the level of late."""
        result: Matrix = self.shares @ self.means
        return result

    @property
    def mean(self) -> Matrix:
        """The coefficients used for prediction: the memories' means, mixed by trust."""
        result = self.taste
        if self.level_column is not None:
            result[self.level_column] += self.level_of_late
        return result

    @property
    def level_of_late(self) -> float:
        """Log-odds on top of the taste, mixed by trust."""
        return float(self.shares @ self.level)

    @property
    def half_life(self) -> float:
        """The memory length that predicts best at present, in outcomes."""
        return self.half_lives[int(np.argmin(self.loss))]

    @property
    def trusted_gram(self) -> Matrix:
        """Evidence of the memory that is trusted most."""
        result: Matrix = self.gram[int(np.argmin(self.loss))]
        return result

    def precision(self, memory: int) -> Matrix:
        """Posterior precision of one memory."""
        result: Matrix = self.gram[memory] + self.open_gram
        result[np.diag_indices_from(result)] += self.prior.precision / self.stretch
        return result

    def update(self, design: Matrix, label: Matrix, weight: Matrix | None = None) -> None:
        """Learns one batch (rows: outcomes). Compares the memories on it first, then lets them fade and adds it."""
        weight = np.ones(len(label)) if weight is None else weight
        total = float(weight.sum())
        if total <= 0.0:
            return
        self._compare(design, label, weight, total)
        self._fade(total)
        base_gram, base_pull, at = self.gram, self.pull, self.taste
        for _ in range(NEWTON_STEPS_MAX):
            gram, pull = condense(design, label, weight, at)
            self.gram, self.pull = base_gram + gram, base_pull + pull
            self.solve()
            step = self.taste - at
            reach = float(np.abs(design @ step).max())
            if reach <= NEWTON_TOLERANCE:
                break
            at = at + step * min(1.0, NEWTON_STRIDE_MAX / reach)
        if self.family is not None:
            self._learn_spread(self.family)
        if self.level_column is not None:
            self._follow_level(design, label, weight, total)
        self.outcomes += total

    def clear_provisional(self) -> None:
        """Takes back what open contacts said, at once."""
        if self.open_gram.any():
            self.open_gram = np.zeros_like(self.open_gram)
            self.open_pull = np.zeros_like(self.open_pull)
            self.solve()

    def learn_provisional(self, parts: Callable[[], Iterable[OpenContacts]]) -> None:
        """Replaces what open contacts said; `parts` gives them in pieces, anew for each Newton step.

        Like final ones they speak of the taste; the level of late is theirs already and is not learned again.
        """
        self.clear_provisional()
        for _ in range(NEWTON_STEPS_MAX):
            at, level = self.taste, self.level_of_late
            gram, pull = np.zeros_like(self.open_gram), np.zeros_like(self.open_pull)
            for part in parts():
                of_part = condense(part.design, part.label, part.weight, at, part.silent_chance, level)
                gram += of_part[0]
                pull += of_part[1]
            self.open_gram, self.open_pull = gram, pull
            self.solve()
            if float(np.abs(self.taste - at).max()) <= OPEN_TOLERANCE:
                break

    def solve(self) -> None:
        """Recomputes the means from prior and evidence (after the prior was exchanged, or evidence was added)."""
        from scipy.linalg import cho_factor, cho_solve  # takes long to load: learning does, a start does not

        target = self.pull + self.open_pull + self.prior.precision / self.stretch * self.prior.mean
        for memory in range(len(self.half_lives)):
            self.means[memory] = cho_solve(cho_factor(self.precision(memory), lower=True), target[memory])

    def draw(self, normals: Matrix) -> Matrix:
        """Turns standard normals [draws, D] into coefficient draws around the mean, spread of the trusted memory."""
        from scipy.linalg import cho_factor, solve_triangular  # as in `solve`

        factor, _ = cho_factor(self.precision(int(np.argmax(self.shares))), lower=True)
        spread = solve_triangular(factor, normals.T, lower=True, trans="T")
        result: Matrix = self.mean + spread.T
        return result

    def _learn_spread(self, family: NDArray[np.int64]) -> None:
        """Takes one step towards the spread of each family under which the outcomes are likeliest."""
        memory, inside = int(np.argmin(self.loss)), family != NO_FAMILY
        variance = np.diagonal(np.linalg.inv(self.precision(memory)))
        square = (np.square(self.means[memory] - self.prior.mean) + variance) * self.prior.precision
        number = family[inside]
        found = (np.bincount(number, square[inside]) + SPREAD_ROWS) / (np.bincount(number) + SPREAD_ROWS)
        self.stretch[inside] = found[number]
        self.solve()

    def _compare(self, design: Matrix, label: Matrix, weight: Matrix, total: float) -> None:
        losses = log_loss(label[:, None], sigmoid(design @ self.means.T + self.level))
        self.loss = self.loss * 0.5 ** (total / self.loss_half_life) + weight @ losses
        self.loss -= self.loss.min()

    def _follow_level(self, design: Matrix, label: Matrix, weight: Matrix, total: float) -> None:
        """Moves each level towards what this batch says beyond its memory; what it knew before fades.

        The memories learn as if there were no level: what they catch up with, the level gives back.
        """
        keep = 0.5 ** (total / LEVEL_HALF_LIFE)
        self.level_information = self.level_information * keep
        for memory in range(len(self.half_lives)):
            log_odds = design @ self.means[memory]
            before = level = float(self.level[memory])
            inertia = float(self.level_information[memory])
            for _ in range(LEVEL_STEPS):
                probability = sigmoid(log_odds + level)
                information = float(weight @ (probability * (1.0 - probability)))
                pull = float(weight @ (label - probability)) - inertia * (level - before) - LEVEL_INFORMATION * level
                level += min(max(pull / (information + inertia + LEVEL_INFORMATION), -1.0), 1.0)
            self.level[memory] = level
            self.level_information[memory] += information

    def _fade(self, total: float) -> None:
        keep = np.array([0.5 ** (total / half_life) for half_life in self.half_lives])
        self.gram = self.gram * keep[:, None, None]
        self.pull = self.pull * keep[:, None]


def condense(
    design: Matrix,
    label: Matrix,
    weight: Matrix,
    at: Matrix,
    silent_chance: Matrix | None = None,
    level: float = 0.0,
) -> tuple[Matrix, Matrix]:
    """Returns the Gaussian evidence (Gram matrix, pull) of one batch, linearised at the coefficients `at`.

    `level` are log-odds that all rows have on top of it.
    With `silent_chance` s a row labelled 0 is a contact without an answer *so far*, whose likelihood is 1 - p (1 - s):
    the chance of a later yes, p s / (1 - p + p s), takes the label's place, and the curvature shrinks accordingly.
    """
    probability = sigmoid(design @ at + level)
    curvature = probability * (1.0 - probability)
    if silent_chance is not None:
        later = probability * silent_chance / (1.0 - probability + probability * silent_chance)
        label = np.where(label > 0.0, label, later)
        curvature = np.maximum(curvature - label * (1.0 - label), 0.0)
    curvature = curvature * weight
    gram: Matrix = (design * curvature[:, None]).T @ design
    pull: Matrix = gram @ at + design.T @ (weight * (label - probability))
    return gram, pull
