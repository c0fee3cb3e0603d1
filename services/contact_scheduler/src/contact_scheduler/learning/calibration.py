"""Was what was foreseen what happened? Forecasts of each step beside the contacts they were made for, by fifths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.funnel import UNTOLD, Courses, Step

Matrix = NDArray[np.float64]

PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """Contacts of similar forecasts: how many, the mean forecast, and the share that came to the step."""

    contacts: int
    predicted: float
    happened: float


@dataclass(frozen=True, slots=True)
class StepCalibration:
    """One step over all contacts whose window for it is over, and by fifths from the least likely to the likeliest.

    `error` is the expected calibration error: the mean distance of forecast and share over the fifths, weighted by
    contacts. With few contacts chance alone makes it some hundredths.
    """

    step: Step
    whole: Part
    fifths: tuple[Part, ...]
    error: float


def calibrate(step: Step, predicted: Matrix, happened: Matrix) -> StepCalibration | None:
    """Compare forecast probabilities [n] with what happened (0 or 1) [n], in fifths of n; None without a row."""
    if not len(predicted):
        return None
    order = np.argsort(predicted, kind="stable")
    fifths = [_part(predicted[rows], happened[rows]) for rows in np.array_split(order, PARTS) if len(rows)]
    error = sum(one.contacts * abs(one.predicted - one.happened) for one in fifths) / len(predicted)
    return StepCalibration(step, _part(predicted, happened), tuple(fifths), error)


def calibrate_steps(courses: Courses, foreseen: Sequence[dict[str, float | None]]) -> list[StepCalibration]:
    """Compare every step of contacts with what was foreseen for each when it was planned.

    A step that was not foreseen, or of which nothing is told yet, leaves its contact out.
    """
    found = []
    for step in Step:
        values = [one.get(step) for one in foreseen]
        predicted = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        happened = courses.happened(step)
        told = np.isfinite(predicted) & (happened != UNTOLD)
        compared = calibrate(step, predicted[told], happened[told].astype(np.float64))
        if compared is not None:
            found.append(compared)
    return found


def _part(predicted: Matrix, happened: Matrix) -> Part:
    return Part(len(predicted), float(predicted.mean()), float(happened.mean()))
