"""What would a policy that nobody followed have brought? Estimates from drawn contacts with their logged probabilities.

Policies choose among twelve options, channel x part of the day. Even choice and the fixed channels are valued by the
control group alone, whose hours are even as theirs would be; the model's own choice, as it stood before each answer, by
the explored contacts too, whose probabilities are those given a contact: a draw of "no contact" leaves no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.explore import OPTIONS
from contact_scheduler.learning.ope import LoggedChoices, PolicyValue, evaluate_policy
from contact_scheduler.learning.slots import DAY_PARTS
from forbear_domain.model import Channel

EFFECTIVE_ROWS_MIN: Final = 50.0  # below it an interval is not worth showing as an answer
CHANNEL_OF_OPTION: Final[NDArray[np.int64]] = np.arange(OPTIONS) // len(DAY_PARTS)

Matrix = NDArray[np.float64]


class Drawn(NamedTuple):
    """One drawn contact whose window has closed. `open` counts the open cells of each option."""

    arm: Arm
    option: int
    propensity: float  # as logged: of the cell for control, of the option for explored contacts
    open: Sequence[int]
    best: int
    has_answered: bool
    borrower: int  # a number for each


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy and its value in answers per contact; None without a row to tell it by."""

    name: str
    words: str
    rows: int
    value: PolicyValue | None

    @property
    def is_telling(self) -> bool:
        """Whether enough rows stand behind it."""
        return self.value is not None and self.value.dr.effective_rows >= EFFECTIVE_ROWS_MIN


def value_policies(drawn: list[Drawn]) -> list[Policy]:
    """Value even choice, each fixed channel and the model's own choice."""
    control = [one for one in drawn if one.arm is Arm.CONTROL]
    even = even_among_open(control)
    policies = [_policy("even", "channel and hour drawn evenly among what is lawful", control, even)]
    for channel in Channel:
        words = f"always {channel.label}, at an even hour; where it is not lawful, drawn evenly"
        policies.append(_policy(channel.label, words, control, prefer(even, options_of(channel), even)))
    words = "channel and part of the day that the model liked best before it knew the answer"
    return [*policies, _policy("model", words, drawn, liked_best(drawn))]


def log_of(drawn: Sequence[Drawn]) -> LoggedChoices:
    """Put drawn contacts into the arrays that the estimators take."""
    return LoggedChoices(
        option=np.array([one.option for one in drawn], dtype=np.int64),
        propensity=np.array([_propensity(one) for one in drawn]),
        reward=np.array([one.has_answered for one in drawn], dtype=np.float64),
        borrower=np.unique([one.borrower for one in drawn], return_inverse=True)[1],
    )


def even_among_open(drawn: Sequence[Drawn]) -> Matrix:
    """Return an even draw among the open cells, as probabilities [n, options]."""
    cells = np.array([one.open for one in drawn], dtype=np.float64).reshape(-1, OPTIONS)
    share: Matrix = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1.0)
    return share


def liked_best(drawn: Sequence[Drawn]) -> Matrix:
    """Return what the model liked best before it knew the answer, as probabilities [n, options]."""
    best = np.zeros((len(drawn), OPTIONS))
    best[np.arange(len(drawn)), [one.best for one in drawn]] = 1.0
    return best


def options_of(channel: Channel) -> NDArray[np.bool_]:
    """Mark the options of one channel."""
    return np.isin(CHANNEL_OF_OPTION, channel - 1)


def prefer(otherwise: Matrix, is_wanted: NDArray[np.bool_], even: Matrix) -> Matrix:
    """Return an even draw among the wanted options that are open; where none is, what `otherwise` does."""
    kept = np.where(is_wanted, even, 0.0)
    total = kept.sum(axis=1, keepdims=True)
    target: Matrix = np.where(total > 0.0, kept / np.where(total > 0.0, total, 1.0), otherwise)
    return target


def _policy(name: str, words: str, drawn: list[Drawn], target: Matrix) -> Policy:
    value = evaluate_policy(log_of(drawn), target) if drawn else None
    return Policy(name, words, len(drawn), value)


def _propensity(one: Drawn) -> float:
    """Return the probability of the option: a control row's even draw among cells, summed over its cells."""
    return one.open[one.option] / sum(one.open) if one.arm is Arm.CONTROL else one.propensity
