"""Watches what goes into a tenant's model and what comes out of it, and says when something is wrong.

Three kinds of alarm: a column that arrives unknown or stops varying, a response level that leaves the predicted one
(a two-sided CUSUM per channel), and a model that predicts worse than the plain base rate. An alarm is a value that
each plan keeps and people see. It is answered elsewhere: a shorter memory comes by itself (evidence.py), and where even
choice is surely better, the release gate lets even choice decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.evidence import Matrix, log_loss
from contact_scheduler.learning.features import FEATURE_NAMES, FEATURES, BorrowerFacts, column_health
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, Channel, FloatArray, IntArray

FADE_ROWS: Final = 5_000.0  # rows over which shares and losses are averaged
UNKNOWN_SHARE_MAX: Final = 0.2
ROWS_MIN: Final = 500.0  # no alarm on fewer rows
CUSUM_SLACK_SD: Final = 0.25  # drift smaller than this many standard deviations is left to learning
CUSUM_LIMIT_SD: Final = 10.0
CUSUM_CAP_SD: Final = 10.5  # so that an alarm ends some batches after forecasts hold again
WATCHED_FACTS: Final = ("days_past_due", "employment", "region_unemployment_pct")  # what imports and series supply
AUDIENCE_MIN: Final = 100  # no alarm about the facts of fewer borrowers


class AlarmKind(StrEnum):
    """What is wrong."""

    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_CONSTANT = "column_constant"
    LEVEL_DRIFT = "level_drift"
    WORSE_THAN_BASE_RATE = "worse_than_base_rate"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong: its kind, the column or channel it concerns, and how much.

    `value` is the share of unknown values; the drift in standard deviations, at most 10.5, negative where fewer
    answered than was forecast; or the loss per contact above that of the base rate, in nats.
    """

    kind: AlarmKind
    subject: str
    value: float

    @property
    def words(self) -> str:
        """Says what is wrong, what the software does about it, and what a person can do."""
        subject = self.subject.replace("_pct", " rate").replace("_", " ")
        match self.kind:
            case AlarmKind.COLUMN_UNKNOWN:
                return (
                    f"{subject} is unknown for {self.value:.0%} of the borrowers: for them it counts as nothing; "
                    "look at what the import supplies"
                )
            case AlarmKind.COLUMN_CONSTANT:
                return (
                    f"{subject} is the same for everybody of whom it is known: it cannot tell borrowers apart; "
                    "look at what the import supplies"
                )
            case AlarmKind.LEVEL_DRIFT:
                return (
                    f"{'more' if self.value > 0 else 'fewer'} answers by {subject} of late than were forecast, far "
                    "beyond chance: the model forgets sooner until it has caught up; ask what has changed, in the "
                    "messages, at the carrier or in the portfolio"
                )
            case AlarmKind.WORSE_THAN_BASE_RATE:
                return (
                    f"forecasts are worse than the plain response rate (log loss {self.value:.3f} higher a contact): "
                    "where the logs show that even choice is better, even choice decides"
                )


@dataclass(slots=True)
class Monitor:
    """Faded sums over the last few thousand outcomes of one tenant. Mutable."""

    rows: float
    unknown: Matrix = field(repr=False)  # [FEATURES]
    total: Matrix = field(repr=False)  # [FEATURES]
    square: Matrix = field(repr=False)  # [FEATURES]
    ever_varied: NDArray[np.bool_] = field(repr=False)  # [FEATURES]
    cusum: Matrix = field(repr=False)  # [CHANNELS, 2]
    tally: Matrix = field(repr=False)  # rows, positives, model loss

    @classmethod
    def new(cls) -> Monitor:
        """Starts a watch without history."""
        blank = np.zeros(FEATURES)
        return cls(
            0.0,
            blank,
            blank.copy(),
            blank.copy(),
            np.zeros(FEATURES, dtype=np.bool_),
            np.zeros((CHANNELS, 2)),
            np.zeros(3),
        )

    def note_features(self, features: FloatArray) -> Matrix:
        """Notes a batch and returns it as float64 with every unknown entry at zero, the prior's own value."""
        values = features.astype(np.float64)
        is_unknown = ~np.isfinite(values)
        values[is_unknown] = 0.0
        keep = 0.5 ** (len(values) / FADE_ROWS)
        self.rows = self.rows * keep + len(values)
        self.unknown = self.unknown * keep + is_unknown.sum(axis=0)
        self.total = self.total * keep + values.sum(axis=0)
        self.square = self.square * keep + np.square(values).sum(axis=0)
        self.ever_varied |= self._variance() > 1e-9
        return values

    def note_outcomes(self, slot: IntArray, label: Matrix, probability: Matrix) -> None:
        """Compares outcomes with what was predicted before learning them."""
        keep = 0.5 ** (len(label) / FADE_ROWS)
        news = np.array([len(label), label.sum(), log_loss(label, probability).sum()])
        self.tally = self.tally * keep + news
        for channel in np.unique(slot // HOURS_PER_WEEK):
            here = slot // HOURS_PER_WEEK == channel
            spread = float(np.sqrt((probability[here] * (1.0 - probability[here])).sum()))
            step = float((label[here] - probability[here]).sum()) / max(spread, 1e-9)
            up, down = self.cusum[channel]
            sums = up + step - CUSUM_SLACK_SD, down - step - CUSUM_SLACK_SD
            self.cusum[channel] = np.clip(sums, 0.0, CUSUM_CAP_SD)

    def alarms(self) -> tuple[Alarm, ...]:
        """Lists what is wrong now, in a fixed order."""
        if self.rows < ROWS_MIN:
            return ()
        found = [
            Alarm(AlarmKind.COLUMN_UNKNOWN, FEATURE_NAMES[column], float(self.unknown[column] / self.rows))
            for column in np.flatnonzero(self.unknown / self.rows > UNKNOWN_SHARE_MAX)
        ]
        stuck = self.ever_varied & (self._variance() <= 1e-9)
        found += [Alarm(AlarmKind.COLUMN_CONSTANT, FEATURE_NAMES[column], 1.0) for column in np.flatnonzero(stuck)]
        found += [
            Alarm(AlarmKind.LEVEL_DRIFT, channel.name.lower(), _signed(*self.cusum[channel].tolist()))
            for channel in Channel
            if self.cusum[channel].max() > CUSUM_LIMIT_SD
        ]
        excess = self._excess_loss()
        if excess > 0.0:
            found.append(Alarm(AlarmKind.WORSE_THAN_BASE_RATE, "model", excess))
        return tuple(found)

    def _variance(self) -> Matrix:
        rows = max(self.rows, 1.0)
        result: Matrix = self.square / rows - np.square(self.total / rows)
        return result

    def _excess_loss(self) -> float:
        """Loss per row above that of predicting the base rate, beyond two standard errors of chance."""
        rows, positives, loss = self.tally
        rate = min(max(positives / max(rows, 1.0), 1e-6), 1.0 - 1e-6)
        base = -rate * np.log(rate) - (1.0 - rate) * np.log(1.0 - rate)
        return float(loss / max(rows, 1.0) - base - 2.0 / np.sqrt(max(rows, 1.0)) * np.sqrt(rate))


def watch_facts(facts: BorrowerFacts) -> tuple[Alarm, ...]:
    """Lists watched facts that are unknown for many of an audience, or the same for all of it.

    Facts are watched here because an unknown one is encoded as the prior's own value, which tells nothing later.
    """
    if len(facts.days_past_due) < AUDIENCE_MIN:
        return ()
    health = column_health(facts)
    gaps = [
        Alarm(AlarmKind.COLUMN_UNKNOWN, name, health.unknown_share[name])
        for name in WATCHED_FACTS
        if health.unknown_share[name] > UNKNOWN_SHARE_MAX
    ]
    return (*gaps, *(Alarm(AlarmKind.COLUMN_CONSTANT, name, 1.0) for name in WATCHED_FACTS if name in health.constant))


def _signed(up: float, down: float) -> float:
    return up if up >= down else -down
