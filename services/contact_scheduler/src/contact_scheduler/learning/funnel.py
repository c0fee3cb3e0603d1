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

Nothing is stored: the regressions are fitted anew at each tick, from the latest contacts. One whose window for the
right person or a promise is open counts as what it is: nothing so far, at an age at which some of what comes has not
come yet (`delay.py`). So does one whose borrower stays silent, for a payment: who is not moved by a contact pays on any
day alike, and half of those who will pay within two weeks have not after one. After an answer a payment counts when its
two weeks are over: counted earlier, it made forecasts worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.delay import DelayCounts
from contact_scheduler.learning.evidence import EvidenceBank, OpenContacts, Prior, sigmoid
from contact_scheduler.learning.features import FEATURE_NAMES, FEATURES, Employment
from contact_scheduler.learning.slots import CHANNELS, DAY_PARTS, HOURS_PER_WEEK, SLOTS, BoolArray, Channel, FloatArray
from contact_scheduler.learning.terms import BASIS, BASIS_NAMES

Matrix = NDArray[np.float64]
Flags = NDArray[np.int8]  # 1 yes, 0 no, UNTOLD

UNTOLD: Final = -1  # the window is open, or nobody reports such a thing
FITTED_MAX: Final = 20_000  # the latest contacts that one step is fitted to, and as many whose window is open
BLOCK_ROWS: Final = 65_536
FEATURE_MAX: Final = 8.0  # no column of `encode` goes beyond five
REPORTS_MIN: Final = 30  # silent contacts on a channel after which a delivery report is missed

# Standard deviations of the normal priors, in log-odds. The level of a step gives way to some ten contacts; how it
# differs between channels, hours and people, to some hundred.
SD_LEVEL: Final = 1.0
SD_CHANNEL: Final = 0.7
SD_HOUR: Final = 0.15
SD_BORROWER: Final = 0.15


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


# Hours within which a step counts as one of the contact.
WINDOW_H: Final = {Step.RIGHT_PARTY: 168.0, Step.PROMISE: 168.0, Step.PAYMENT: 336.0}

# Learned from contacts whose window is open, too.
CENSORED: Final = frozenset({Given.RIGHT_IF_ANSWERED, Given.PROMISE_IF_RIGHT, Given.PAID_IF_SILENT})

# Where a tenant without contacts starts: designed, not fitted, and the same for every tenant, so that the data of one
# cannot move another's.
PRIOR_CHANCE: Final = {
    Given.DELIVERED_IF_SILENT: 0.95,
    Given.RIGHT_IF_ANSWERED: 0.8,
    Given.PROMISE_IF_RIGHT: 0.3,
    Given.PAID_IF_ANSWERED: 0.25,
    Given.PAID_IF_SILENT: 0.08,
}
PRIOR_MACHINE: Final = 0.5  # of calls that no person takes, a machine takes about half


@dataclass(frozen=True, slots=True)
class Courses:
    """What is known of n contacts of one tenant, oldest first, all of them sent two days ago or earlier: length n each.

    `features` are those logged with the decision, `slot` is channel x 168 + local hour of the week. `delivered` is 1, 0
    or UNTOLD, `answered` 1 or 0, both within 48 hours. `age_h` are the hours since a contact was sent; the other three
    are the hours after which it came to a step, infinite where it has not so far.
    """

    features: FloatArray
    slot: NDArray[np.int64]
    age_h: Matrix
    delivered: Flags
    answered: Flags
    right_party_h: Matrix
    promise_h: Matrix
    payment_h: Matrix

    def __len__(self) -> int:
        return len(self.slot)

    def after_h(self, step: Step) -> Matrix:
        """Return the hours after which each contact came to a later step, infinite where it has not within its window.

        A promise is one of the right person: who is somebody else promises nothing.
        """
        hours: Matrix = getattr(self, f"{step}_h")
        if step is Step.PROMISE:
            hours = np.where(np.isfinite(self.after_h(Step.RIGHT_PARTY)), hours, np.inf)
        return np.where(hours <= WINDOW_H[step], hours, np.inf)

    def happened(self, step: Step) -> Flags:
        """Return whether each contact came to a step, as `Chances` means it: after an answer where that is needed.

        UNTOLD where the window is open, or where nobody reports such a thing.
        """
        if step is Step.DELIVERED:
            return np.where(self.answered == 1, np.int8(1), self.delivered)
        if step is Step.ANSWERED:
            return self.answered
        came = np.isfinite(self.after_h(step)).astype(np.int8)
        if step is not Step.PAYMENT:
            came = came * (self.answered == 1)
        return np.where(self.age_h >= WINDOW_H[step], came, np.int8(UNTOLD)).astype(np.int8)


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
    """Fit every step to the latest contacts that tell about it; rows with an impossible slot or age are left out."""
    fine = (courses.slot >= 0) & (courses.slot < SLOTS) & np.isfinite(courses.age_h)
    answered, silent = fine & (courses.answered == 1), fine & (courses.answered == 0)
    right = answered & np.isfinite(courses.after_h(Step.RIGHT_PARTY))
    later = {
        Given.RIGHT_IF_ANSWERED: (answered, Step.RIGHT_PARTY),
        Given.PROMISE_IF_RIGHT: (right, Step.PROMISE),
        Given.PAID_IF_ANSWERED: (answered, Step.PAYMENT),
        Given.PAID_IF_SILENT: (silent, Step.PAYMENT),
    }
    told = np.flatnonzero(silent & (courses.delivered != UNTOLD))[-FITTED_MAX:]
    banks = {Given.DELIVERED_IF_SILENT: _fit(Given.DELIVERED_IF_SILENT, courses, told, courses.delivered)}
    outcomes = {Given.DELIVERED_IF_SILENT: len(told)}
    for given, (among, step) in later.items():
        rows = np.flatnonzero(among)
        is_over, came = courses.age_h[rows] >= WINDOW_H[step], np.isfinite(courses.after_h(step)).astype(np.int8)
        closed, still_open = rows[is_over][-FITTED_MAX:], rows[~is_over][-FITTED_MAX:]
        banks[given] = _fit(given, courses, closed, came)
        if given in CENSORED and len(still_open):
            _add_open(banks[given], courses, rows, still_open, step)
        outcomes[given] = len(closed)
    return Funnel({given: banks[given].mean for given in Given}, outcomes, _reports_delivery(courses, silent))


def _fit(given: Given, courses: Courses, rows: NDArray[np.int64], flag: Flags) -> EvidenceBank:
    """Fit one step to contacts whose window is over."""
    bank = EvidenceBank(_prior(given), half_lives=(np.inf,))
    bank.update(_design(courses.features[rows], courses.slot[rows]), flag[rows].astype(np.float64))
    return bank


def _add_open(
    bank: EvidenceBank, courses: Courses, rows: NDArray[np.int64], still_open: NDArray[np.int64], step: Step
) -> None:
    """Add contacts whose window is open: what has not come so far may yet."""
    came = np.isfinite(courses.after_h(step))[still_open].astype(np.float64)
    not_yet = _share_to_come(courses, rows, step)[np.isin(rows, still_open)]
    design = _design(courses.features[still_open], courses.slot[still_open])
    part = OpenContacts(design, came, not_yet, np.ones(len(still_open)))
    bank.learn_provisional(lambda: [part])


def _share_to_come(courses: Courses, rows: NDArray[np.int64], step: Step) -> Matrix:
    """Return by row how much of what comes within the window has not at its age: payments evenly, others as of late."""
    window_h, age_h = WINDOW_H[step], np.maximum(courses.age_h[rows], 0.0)
    if step is Step.PAYMENT:
        return np.maximum(1.0 - age_h / window_h, 0.0)
    after_h = courses.after_h(step)[rows]
    came = np.isfinite(after_h)
    counts = DelayCounts(window_h)
    counts.add(np.where(came, after_h, np.minimum(age_h, window_h)), came)
    return counts.curve().survival(age_h)


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
    """List (feature, slot property, prior sd): the level, the channels, hours, and who the borrower is."""
    channels = [channel.name.lower() for channel in Channel]
    rows = [("base", "always", SD_LEVEL)]
    rows += [("base", channel, SD_CHANNEL) for channel in channels]
    rows += [("base", part, SD_HOUR) for part in (*DAY_PARTS, "weekend")]
    rows += [(f"prefers:{c}", c, SD_BORROWER) for c in channels]
    rows += [(f"{fact}:{c}", "always", SD_BORROWER) for fact in ("attempts", "last_outcome") for c in channels]
    facts = [name for name in FEATURE_NAMES if name.startswith("days_past_due")]
    facts += ["ability", "willingness", "other_language", "region_unemployment"]
    facts += [f"employment:{kind.name.lower()}" for kind in Employment]
    return rows + [(fact, "always", SD_BORROWER) for fact in facts]


_ROWS: Final = _term_rows()
_FEATURE: Final = np.array([FEATURE_NAMES.index(feature) for feature, _, _ in _ROWS])
_OF_SLOT: Final = BASIS[:, [BASIS_NAMES.index(prop) for _, prop, _ in _ROWS]]  # [SLOTS, terms]
_SD: Final = np.array([sd for _, _, sd in _ROWS])


def _prior(given: Given) -> Prior:
    mean = np.zeros(len(_ROWS))
    mean[0] = _log_odds(PRIOR_CHANCE[given])
    if given is Given.DELIVERED_IF_SILENT:
        mean[1 + Channel.VOICE] = _log_odds(PRIOR_MACHINE) - mean[0]
    return Prior.normal(mean, _SD)


def _log_odds(chance: float) -> float:
    return float(np.log(chance / (1.0 - chance)))


def _design(features: FloatArray, slot: NDArray[np.int64]) -> Matrix:
    """Return the term values [n, terms]; what is unknown or infinite counts as nothing, what is absurd as much."""
    known = np.nan_to_num(features.reshape(-1, FEATURES)[:, _FEATURE].astype(np.float64), posinf=0.0, neginf=0.0)
    result: Matrix = np.clip(known, -FEATURE_MAX, FEATURE_MAX) * _OF_SLOT[slot]
    return result
