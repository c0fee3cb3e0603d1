"""The steps of a contact beside its answer: delivered, the right person, a promise, a payment.

The response model (`model.py`) knows the chance a of an answer. Each other step is a small logistic regression given
what came before it, pooled over the tenant's borrowers:

    delivered    a + (1 - a) P(delivered | silent)                  who answered was reached
    right party  a P(right | answered)
    promise      a P(right | answered) P(promise | right)
    payment      a P(paid | answered) + (1 - a) P(paid | silent)    within 14 days
    anyway       P(paid | silent)                                   what such borrowers pay who do not answer

so that promise <= right party <= answered <= delivered holds by construction, and what a contact brings is payment less
anyway. That difference is a forecast, no experiment: who answers differs from who stays silent.

Nothing is stored: the regressions are fitted anew at each tick, from the latest contacts whose window for the step is
over. A contact whose window is open counts for nothing, neither as a yes nor as a no.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.evidence import EvidenceBank, Prior, sigmoid
from contact_scheduler.learning.features import FEATURE_NAMES, FEATURES, Employment
from contact_scheduler.learning.slots import CHANNELS, DAY_PARTS, HOURS_PER_WEEK, SLOTS, BoolArray, Channel, FloatArray
from contact_scheduler.learning.terms import BASIS, BASIS_NAMES

Matrix = NDArray[np.float64]
Flags = NDArray[np.int8]  # 1 yes, 0 no, UNTOLD

UNTOLD: Final = -1  # the window is open, or nobody reports such a thing
FITTED_MAX: Final = 20_000  # the latest contacts that one step is fitted to
BLOCK_ROWS: Final = 65_536
FEATURE_MAX: Final = 8.0  # no column of `encode` goes beyond five
REPORTS_MIN: Final = 30  # silent contacts on a channel after which a delivery report is missed

# Standard deviations of the normal priors, in log-odds. The level of a step gives way to some ten contacts; how it
# differs between channels, hours and people, to some hundred.
SD_LEVEL: Final = 1.0
SD_CHANNEL: Final = 0.7
SD_HOUR: Final = 0.3
SD_BORROWER: Final = 0.3


class Step(StrEnum):
    """What a contact may lead to, in order."""

    DELIVERED = "delivered"
    ANSWERED = "answered"
    RIGHT_PARTY = "right_party"
    PROMISE = "promise"
    PAYMENT = "payment"


class Given(StrEnum):
    """The regressions: a step, given what came before."""

    DELIVERED_IF_SILENT = "delivered_if_silent"
    RIGHT_IF_ANSWERED = "right_if_answered"
    PROMISE_IF_RIGHT = "promise_if_right"
    PAID_IF_ANSWERED = "paid_if_answered"
    PAID_IF_SILENT = "paid_if_silent"


# Where a tenant without contacts starts: designed, not fitted, and the same for every tenant, so that the data of one
# cannot move another's.
PRIOR_CHANCE: Final = {
    Given.DELIVERED_IF_SILENT: 0.95,
    Given.RIGHT_IF_ANSWERED: 0.8,
    Given.PROMISE_IF_RIGHT: 0.3,
    Given.PAID_IF_ANSWERED: 0.25,
    Given.PAID_IF_SILENT: 0.08,
}


@dataclass(frozen=True, slots=True)
class Courses:
    """What became of n contacts of one tenant, oldest first: arrays of length n, each flag 1, 0 or UNTOLD.

    `features` are those logged with the decision, `slot` is channel x 168 + local hour of the week. `answered` is
    within 48 hours; `right_party` and `promise` within 7 days, `payment` within 14.
    """

    features: FloatArray
    slot: NDArray[np.int64]
    delivered: Flags
    answered: Flags
    right_party: Flags
    promise: Flags
    payment: Flags

    def __len__(self) -> int:
        return len(self.slot)

    def happened(self, step: Step) -> Flags:
        """Return whether each contact came to a step, as `Chances` means it: after an answer where that is needed."""
        told: Flags = getattr(self, step)
        if step is Step.DELIVERED:
            return np.where(self.answered == 1, np.int8(1), told)
        if step in (Step.RIGHT_PARTY, Step.PROMISE):
            return np.where((told != UNTOLD) & (self.answered == 0), np.int8(0), told)
        return told


@dataclass(frozen=True, slots=True)
class Chances:
    """The chance of each step for n contacts; `delivered` is NaN on a channel that reports no delivery."""

    delivered: Matrix
    answered: Matrix
    right_party: Matrix
    promise: Matrix
    payment: Matrix
    anyway: Matrix

    def document(self, row: int) -> dict[str, Any]:
        """Return one contact's chances by name, rounded, as a plan keeps them; None: nobody can know."""
        values = {name: float(getattr(self, name)[row]) for name in self.__slots__}
        return {name: round(value, 4) if np.isfinite(value) else None for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class Funnel:
    """The regressions of one tenant at one tick: what plans and explanations read."""

    coefficients: dict[Given, Matrix]
    outcomes: dict[Given, int]  # contacts that each was fitted to
    reports_delivery: BoolArray  # [CHANNELS]

    @classmethod
    def before_any_contact(cls) -> Funnel:
        """Return what is assumed of a tenant that begins."""
        means = {given: _prior(given).mean for given in Given}
        return cls(means, dict.fromkeys(Given, 0), np.ones(CHANNELS, dtype=np.bool_))

    def chances(self, features: FloatArray, slot: NDArray[np.int64], answered: NDArray[np.floating]) -> Chances:
        """Return the chance of each step; `answered` is that of an answer in the slot, by the response model."""
        given = dict(zip(Given, self._given(features, slot).T, strict=True))
        a = np.clip(answered.astype(np.float64), 0.0, 1.0)
        right = a * given[Given.RIGHT_IF_ANSWERED]
        anyway = given[Given.PAID_IF_SILENT]
        delivered = a + (1.0 - a) * given[Given.DELIVERED_IF_SILENT]
        return Chances(
            delivered=np.where(self.reports_delivery[slot // HOURS_PER_WEEK], delivered, np.nan),
            answered=a,
            right_party=right,
            promise=right * given[Given.PROMISE_IF_RIGHT],
            payment=a * given[Given.PAID_IF_ANSWERED] + (1.0 - a) * anyway,
            anyway=anyway,
        )

    def _given(self, features: FloatArray, slot: NDArray[np.int64]) -> Matrix:
        """Return the chances [n, regressions], in blocks, so that a plan of millions takes no more memory."""
        table = np.stack([self.coefficients[given] for given in Given], axis=1)
        starts = range(0, max(len(slot), 1), BLOCK_ROWS)
        blocks = [slice(start, start + BLOCK_ROWS) for start in starts]
        return sigmoid(np.concatenate([_design(features[block], slot[block]) @ table for block in blocks]))


def fit_funnel(courses: Courses) -> Funnel:
    """Fit every step to the latest contacts that tell about it; rows with an impossible slot are left out."""
    fine = (courses.slot >= 0) & (courses.slot < SLOTS)
    answered, silent = fine & (courses.answered == 1), fine & (courses.answered == 0)
    right = answered & (courses.right_party == 1)
    told = {
        Given.DELIVERED_IF_SILENT: (silent, courses.delivered),
        Given.RIGHT_IF_ANSWERED: (answered, courses.right_party),
        Given.PROMISE_IF_RIGHT: (right, courses.promise),
        Given.PAID_IF_ANSWERED: (answered, courses.payment),
        Given.PAID_IF_SILENT: (silent, courses.payment),
    }
    coefficients: dict[Given, Matrix] = {}
    outcomes: dict[Given, int] = {}
    for given, (among, flag) in told.items():
        rows = np.flatnonzero(among & (flag != UNTOLD))[-FITTED_MAX:]
        bank = EvidenceBank(_prior(given), half_lives=(np.inf,))
        bank.update(_design(courses.features[rows], courses.slot[rows]), flag[rows].astype(np.float64))
        coefficients[given], outcomes[given] = bank.mean, len(rows)
    return Funnel(coefficients, outcomes, _reports_delivery(courses, silent))


def _reports_delivery(courses: Courses, silent: BoolArray) -> BoolArray:
    """Return on which channels deliveries are reported; a channel that is hardly used yet is believed to.

    A channel where only failures are heard of, such as mail that bounces, says nothing of what arrived.
    """
    channel = courses.slot[silent] // HOURS_PER_WEEK
    used = np.bincount(channel, minlength=CHANNELS)
    arrived = np.bincount(channel[courses.delivered[silent] == 1], minlength=CHANNELS)
    result: BoolArray = (used < REPORTS_MIN) | (arrived > 0)
    return result


def _term_rows() -> list[tuple[str, str, float]]:
    """List (feature, slot property, prior sd); the first is the level."""
    channels = [channel.name.lower() for channel in Channel]
    rows = [("base", "always", SD_LEVEL)]
    rows += [("base", channel, SD_CHANNEL) for channel in channels]
    rows += [("base", part, SD_HOUR) for part in (*DAY_PARTS, "weekend")]
    rows += [(f"{fact}:{c}", c, SD_BORROWER) for fact in ("attempts", "last_outcome", "prefers") for c in channels]
    facts = [name for name in FEATURE_NAMES if name.startswith("days_past_due")]
    facts += ["ability", "willingness", "other_language", "region_unemployment"]
    facts += [f"employment:{kind.name.lower()}" for kind in Employment]
    return rows + [(fact, "always", SD_BORROWER) for fact in facts]


_ROWS: Final = _term_rows()
_FEATURE: Final = np.array([FEATURE_NAMES.index(feature) for feature, _, _ in _ROWS])
_OF_SLOT: Final = BASIS[:, [BASIS_NAMES.index(prop) for _, prop, _ in _ROWS]]  # [SLOTS, terms]
_SD: Final = np.array([sd for _, _, sd in _ROWS])


def _prior(given: Given) -> Prior:
    chance = PRIOR_CHANCE[given]
    mean = np.zeros(len(_ROWS))
    mean[0] = np.log(chance / (1.0 - chance))
    return Prior.normal(mean, _SD)


def _design(features: FloatArray, slot: NDArray[np.int64]) -> Matrix:
    """Return the term values [n, terms]; what is unknown or infinite counts as nothing, what is absurd as much."""
    known = np.nan_to_num(features.reshape(-1, FEATURES)[:, _FEATURE].astype(np.float64), posinf=0.0, neginf=0.0)
    result: Matrix = np.clip(known, -FEATURE_MAX, FEATURE_MAX) * _OF_SLOT[slot]
    return result
