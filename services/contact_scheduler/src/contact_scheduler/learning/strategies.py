"""Which strategy decides, and how one takes another's place: gate, ramp, roll-back. Pure; the service keeps the record.

A strategy is a way to prefer slots. Two are built in: `even` draws evenly among what is lawful, `learning` follows the
model as it learns. Others are tables of term weights that somebody proposes (`Table`). Every strategy is valued on the
same drawn contacts, among the twelve options of channel x part of the day: what it would have chosen, what was drawn
with which probability, and what came of it. Nobody is contacted by a strategy before these logs speak for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.explore import OPTIONS, option_of
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.ope import Z_DAILY, Comparison, Estimate, Verdict, release_gate
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, BoolArray, FloatArray
from contact_scheduler.learning.terms import TERMS
from contact_scheduler.learning.worth import Worth

Matrix = NDArray[np.float64]

EVEN: Final = "even"
LEARNING: Final = "learning"
BUILT_IN: Final = (EVEN, LEARNING)
STEPS: Final = (0.05, 0.25, 1.0)  # share of the borrowers for whom a released strategy decides
STEP_REST: Final = timedelta(days=3)  # at least, on each step
COMPLAINTS_LIMIT: Final = 0.02  # opt-outs per contact that no strategy may exceed
LIVE_ROWS_MIN: Final = 200  # contacts of each side before a strategy is judged by its own contacts
WEIGHT_LIMIT: Final = 20.0  # log-odds; no honest coefficient comes near


@dataclass(frozen=True, slots=True)
class Table:
    """A proposed strategy: one weight in log-odds for each term of the model, fixed.

    `learned_until` is the instant up to which its maker saw our outcomes: it is judged by later contacts only.
    """

    name: str
    coefficients: Matrix
    learned_until: datetime | None = None

    @property
    def weights(self) -> FloatArray:
        """Return features -> log-odds of every slot, float32 [FEATURES, SLOTS]."""
        return TERMS.weights(self.coefficients).astype(np.float32)


def term_names() -> list[str]:
    """Return the names of the terms, in the order of the coefficients."""
    return [TERMS.name(index) for index in range(len(TERMS))]


def coefficients_from(weights: Mapping[str, float]) -> Matrix:
    """Build coefficients from weights by term; a term that is not named keeps its prior mean.

    Raises ValueError that names the first term which does not exist or whose weight is impossible.
    """
    position = {name: index for index, name in enumerate(term_names())}
    result = TERMS.prior_mean.copy()
    for name, weight in weights.items():
        if name not in position:
            raise ValueError(f"there is no term {name!r}; see `forbear strategy export` for their names")
        if not abs(weight) <= WEIGHT_LIMIT:
            raise ValueError(f"the weight of {name!r} must lie between -{WEIGHT_LIMIT:g} and {WEIGHT_LIMIT:g}")
        result[position[name]] = weight
    return result


@dataclass(frozen=True, slots=True)
class Standing:
    """Who decides: `strategy` for `share` of the borrowers, `fallback` for the others, for all if taken back."""

    strategy: str = LEARNING
    share: float = 1.0
    fallback: str = EVEN
    since: datetime | None = None


class Move(StrEnum):
    """What a decision does."""

    RELEASED = "released"
    WIDENED = "widened"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Counts:
    """Contacts that one strategy decided, and how many of them were answered, by channel: int64 [CHANNELS] each."""

    contacts: NDArray[np.int64]
    answers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Live:
    """What the contacts that two strategies decided brought: answers at their worth, less costs, per contact.

    Borrowers fell to the one or the other by lot; protected files, which no lot touches, are not among them.
    """

    own: int  # contacts
    others: int
    own_value: float
    others_value: float
    low: float  # of the difference, for a question that is asked every day
    high: float

    @property
    def is_telling(self) -> bool:
        """Whether both sides have contacts enough."""
        return min(self.own, self.others) >= LIVE_ROWS_MIN


def compare_live(own: Counts, others: Counts, worth: Worth) -> Live:
    """Compare the contacts that two strategies decided."""
    (rows, value, variance), (other_rows, other_value, other_variance) = (_moments(one, worth) for one in (own, others))
    reach = Z_DAILY * float(np.sqrt(variance / max(rows, 1) + other_variance / max(other_rows, 1)))
    difference = value - other_value
    return Live(rows, other_rows, value, other_value, difference - reach, difference + reach)


def _moments(counts: Counts, worth: Worth) -> tuple[int, float, float]:
    """Return contacts, and mean and variance of what one brought."""
    rows = int(counts.contacts.sum())
    cost = np.asarray(worth.cost)
    gain, silent = np.asarray(worth.of_answer) - cost, counts.contacts - counts.answers
    value = float(counts.answers @ gain - silent @ cost) / max(rows, 1)
    squares = float(counts.answers @ np.square(gain) + silent @ np.square(cost)) / max(rows, 1)
    return rows, value, squares - value**2


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the logs say of one strategy beside another; `live` is what the contacts that each decided brought."""

    comparison: Comparison
    complaints: Estimate
    live: Live | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of the record: who moved, against whom, and why."""

    move: Move
    strategy: str
    against: str
    share: float
    reason: str
    evidence: Evidence | None = None


def stand_after(standing: Standing, decision: Decision, at: datetime) -> Standing:
    """Return who decides after a decision."""
    match decision.move:
        case Move.RELEASED:
            return Standing(decision.strategy, decision.share, decision.against, at)
        case Move.WIDENED:
            return replace(standing, share=decision.share, since=at)
        case Move.ROLLED_BACK:
            return Standing(decision.against, 1.0, EVEN, at)
        case Move.REFUSED:
            return standing


Weigh = Callable[[str, str], "Evidence | None"]


def decide_next(standing: Standing, candidates: Sequence[str], weigh: Weigh, now: datetime) -> Decision | None:
    """Return the one step that the evidence asks for, or None. Taking back comes before everything else.

    `weigh(new, present)` values two strategies on the same logged contacts, None without any; `candidates` ask to be
    released, longest waiting first. `learning` changes daily, so it is never refused for good.
    """
    strategy, fallback = standing.strategy, standing.fallback
    if strategy != fallback:
        evidence = weigh(strategy, fallback)
        harm = None if evidence is None else _harm(evidence)
        if harm is not None:
            return Decision(Move.ROLLED_BACK, strategy, fallback, 0.0, harm, evidence)
        if standing.share < 1.0:
            return _widen(standing, evidence, now)
    for candidate in candidates:
        evidence = weigh(candidate, strategy)
        if evidence is None:
            continue
        answer = release_gate(evidence.comparison, evidence.complaints, COMPLAINTS_LIMIT)
        if answer.verdict is Verdict.RELEASE:
            return Decision(Move.RELEASED, candidate, strategy, STEPS[0], answer.reason, evidence)
        if answer.verdict is Verdict.REFUSE and candidate != LEARNING:
            return Decision(Move.REFUSED, candidate, strategy, 0.0, answer.reason, evidence)
    return None


def _harm(evidence: Evidence) -> str | None:
    """Return why a strategy must be taken back, or None.

    What its own contacts brought goes before what drawn contacts let expect: they are many more, and of all hours.
    Complaints count either way.
    """
    live = evidence.live
    if live is not None and live.is_telling:
        if live.high < 0.0:
            return (
                f"its own {live.own:,} contacts brought {live.own_value:.4f} each, the {live.others:,} others "
                f"{live.others_value:.4f}: at least {-live.high:.4f} less"
            )
        if live.low > 0.0 and evidence.complaints.low <= COMPLAINTS_LIMIT:
            return None
    answer = release_gate(evidence.comparison, evidence.complaints, COMPLAINTS_LIMIT)
    return answer.reason if answer.verdict is Verdict.REFUSE else None


def _widen(standing: Standing, evidence: Evidence | None, now: datetime) -> Decision | None:
    rested = standing.since is None or now - standing.since >= STEP_REST
    if evidence is None or not rested:
        return None
    answer = release_gate(evidence.comparison, evidence.complaints, COMPLAINTS_LIMIT)
    if answer.verdict is not Verdict.RELEASE:
        return None
    share = next(step for step in STEPS if step > standing.share)
    return Decision(Move.WIDENED, standing.strategy, standing.fallback, share, answer.reason, evidence)


@dataclass(frozen=True, slots=True)
class DrawnLog:
    """n drawn contacts as a strategy sees them: features, the cells that were open, and the cost of each channel.

    `is_open` is [n, CHANNELS, H]; `first_hour` is the hour of the week on the borrower's clock at hour 0.
    """

    features: FloatArray
    is_open: BoolArray
    first_hour: NDArray[np.int64]

    def choices(self, table: Table, worth: Worth) -> NDArray[np.int64]:
        """Return the option (channel x part of the day) that a table would have chosen for each row."""
        hours = self.is_open.shape[2]
        local = (self.first_hour[:, None] + np.arange(hours)) % HOURS_PER_WEEK
        log_odds = (self.features.reshape(-1, FEATURES) @ table.weights).reshape(-1, CHANNELS, HOURS_PER_WEEK)
        seen = np.take_along_axis(log_odds, np.repeat(local[:, None, :], CHANNELS, axis=1), axis=2)
        gain = np.asarray(worth.of_answer)[:, None] / (1.0 + np.exp(-np.clip(seen, -30.0, 30.0)))
        value = gain - np.asarray(worth.cost)[:, None]
        best = np.where(self.is_open, value, -np.inf).reshape(len(local), -1).argmax(axis=1)
        channel, hour = np.divmod(best, hours)
        return option_of(channel, local[np.arange(len(local)), hour])


def one_hot(option: NDArray[np.int64]) -> Matrix:
    """Return a strategy that always takes one option, as probabilities [n, OPTIONS]."""
    target = np.zeros((len(option), OPTIONS))
    target[np.arange(len(option)), option] = 1.0
    return target


def even_choice(open_cells: Matrix) -> Matrix:
    """Return even choice among open cells, as probabilities [n, OPTIONS]; `open_cells` counts those of each option."""
    result: Matrix = open_cells / np.maximum(open_cells.sum(axis=1, keepdims=True), 1.0)
    return result
