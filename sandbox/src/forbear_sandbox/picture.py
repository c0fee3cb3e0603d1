"""Two pictures of a campaign in one PNG: response rate by channel and hour, and learned against control by week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

CHANNELS = ("sms", "email", "voice")
HOURS = range(8, 21)
ATTEMPTS_MIN = 15  # a cell with fewer attempts shows no colour: its rate would be noise
LEARNED, CONTROL = "#1b6ca8", "#b0622d"


@dataclass(frozen=True, slots=True)
class Cell:
    """Attempts and responses at one channel and local hour."""

    channel: str
    hour: int
    attempts: int
    responses: int


@dataclass(frozen=True, slots=True)
class Week:
    """Response rates of one week, each with its 95 % interval, as shares."""

    number: int
    learned: tuple[float, float, float]  # rate, low, high
    control: tuple[float, float, float]


def draw(path: Path, cells: Sequence[Cell], weeks: Sequence[Week], title: str) -> None:
    """Write the picture. Cells outside HOURS are left out; an empty campaign gives empty axes."""
    figure, (heat, lines) = plt.subplots(1, 2, figsize=(13, 4.2), width_ratios=(3, 2), layout="constrained")
    figure.suptitle(title, fontsize=12)
    _draw_heat(heat, cells)
    _draw_weeks(lines, weeks)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_heat(axes: Axes, cells: Sequence[Cell]) -> None:
    attempts = np.zeros((len(CHANNELS), len(HOURS)))
    responses = np.zeros_like(attempts)
    for cell in cells:
        if cell.channel in CHANNELS and cell.hour in HOURS:
            place = CHANNELS.index(cell.channel), cell.hour - HOURS.start
            attempts[place] += cell.attempts
            responses[place] += cell.responses
    rate = np.where(attempts >= ATTEMPTS_MIN, 100 * responses / np.maximum(attempts, 1), np.nan)
    image = axes.imshow(rate, aspect="auto", cmap="viridis", vmin=0)
    for row, column in np.ndindex(*rate.shape):
        if not np.isnan(rate[row, column]):
            light = rate[row, column] > np.nanmax(rate) * 0.6
            text = f"{rate[row, column]:.0f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color="black" if light else "white")
    axes.set_xticks(range(len(HOURS)), [f"{hour}" for hour in HOURS])
    axes.set_yticks(range(len(CHANNELS)), CHANNELS)
    axes.set_xlabel("hour on the borrower's clock")
    axes.set_title(f"responses per 100 attempts (cells with {ATTEMPTS_MIN} attempts or more)", fontsize=10)
    axes.figure.colorbar(image, ax=axes, label="%")


def _draw_weeks(axes: Axes, weeks: Sequence[Week]) -> None:
    for name, colour, shift in (("learned", LEARNED, -0.05), ("control", CONTROL, 0.05)):
        values = [getattr(week, name) for week in weeks]
        rate, low, high = (100 * np.array([value[part] for value in values]) for part in range(3))
        numbers = [week.number + shift for week in weeks]
        errors = np.maximum([rate - low, high - rate], 0)
        axes.errorbar(numbers, rate, yerr=errors, marker="o", capsize=4, color=colour, label=name)
    axes.set_xticks([week.number for week in weeks])
    axes.set_xlabel("week")
    axes.set_ylabel("responses per 100 contacts")
    axes.set_ylim(bottom=0)
    axes.set_title("learned policy and random control (95 % intervals)", fontsize=10)
    axes.legend(frameon=False, loc="upper left")
