"""Draws docs/pictures/learning_*.svg: calibration on real calls, weeks of learning, regret, what was learned beside the
truth by channel and hour, and prices by hour.

Run: .venv/bin/python bench/learn_pictures.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_calls import FROM_CALL, load, prequential
from bench.learn_plan import case, learned
from bench.learn_population import FourWeeks, watch_four_weeks
from bench.learn_world import World
from contact_scheduler.learning import Channel, Employment, PlanOptions, make_plan
from contact_scheduler.learning.quality import reliability

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
SEEDS = range(3)


def calibration() -> None:
    """Predicted against observed rates, real calls in time order."""
    design, label = load()
    predicted = prequential(design, label, 50)
    found = reliability(label[FROM_CALL:], predicted[FROM_CALL:])
    figure, axes = plt.subplots(figsize=(4.2, 4.0))
    axes.plot([0, 1], [0, 1], color="0.7")
    axes.scatter(found.predicted, found.observed, s=8 + found.count / 100)
    axes.set(xlabel="predicted", ylabel="observed", title=f"real calls, each before learned (ECE {found.ece:.4f})")
    _save(figure, "learning_calibration")


def weeks() -> None:
    """Three pictures of four weeks with made-up people: gap closed, regret, and rates learned beside the truth."""
    lived = {
        personal_sd: [watch_four_weeks(borrowers=2_000, seed=seed, personal_sd=personal_sd) for seed in SEEDS]
        for personal_sd in (0.0, 0.3, 0.6)
    }
    figure, axes = plt.subplots(figsize=(5.2, 3.6))
    for personal_sd, runs in lived.items():
        closed = np.mean([run.closed for run in runs], axis=0)
        axes.plot(range(5), closed, marker="o", label=f"personal differences {personal_sd}")
    axes.set(xlabel="weeks", ylabel="gap to the hidden optimum closed", ylim=(-0.1, 1.02), xticks=range(5))
    axes.legend()
    _save(figure, "learning_weeks")
    _regret(lived[0.3])
    _rates(lived[0.3][0], World.of(2_000, SEEDS[0], 0.3).facts.employment)


def _regret(runs: list[FourWeeks]) -> None:
    """Answers missed against each borrower's best slot of the day, summed over the days; bands over the seeds."""
    days = np.arange(1, len(runs[0].missed) + 1) / 7
    figure, axes = plt.subplots(figsize=(5.2, 3.6))
    for name, colour, found in (
        ("even choice", "0.5", [run.missed_by_even for run in runs]),
        ("learned", "tab:blue", [run.missed for run in runs]),
    ):
        total = np.cumsum(found, axis=1)
        axes.plot(days, total.mean(axis=0), color=colour, label=name)
        axes.fill_between(days, total.min(axis=0), total.max(axis=0), color=colour, alpha=0.25, linewidth=0)
    axes.axhline(0.0, color="tab:green", label="each borrower's best slot")
    axes.set(xlabel="weeks", ylabel="answers missed so far", title="regret, 1,000 contacts a day")
    axes.legend()
    _save(figure, "learning_regret")


def _rates(run: FourWeeks, employment: np.ndarray) -> None:
    """Heat map of channel x hour of day, mean over the days of the week: learned above, truth below, by employment."""
    kinds, hours = (Employment.EMPLOYED, Employment.SHIFT, Employment.RETIRED), np.arange(8, 21)
    figure, axes = plt.subplots(2, len(kinds), figsize=(9.6, 3.4), sharex=True, sharey=True, layout="constrained")
    tables = [
        [of[employment == kind].reshape(-1, 3, 7, 24).mean(axis=(0, 2))[:, hours] for kind in kinds]
        for of in (run.learned, run.truth)
    ]
    highest = float(np.max(tables))
    for row, name in enumerate(("learned", "truth")):
        for column, kind in enumerate(kinds):
            image = axes[row, column].imshow(
                100 * tables[row][column], aspect="auto", interpolation="nearest", vmin=0, vmax=100 * highest
            )
            axes[row, column].set_yticks(range(len(Channel)), [channel.name.lower() for channel in Channel])
            axes[row, column].set_xticks(range(0, len(hours), 3), [f"{hour:02d}:00" for hour in hours[::3]])
            axes[row, column].set_title(f"{kind.name.lower()}: {name}", fontsize=10)
    figure.colorbar(image, ax=axes, label="answers of 100")
    _save(figure, "learning_rates", tight=False)


def prices() -> None:
    """Heat map of what one more place would bring, by channel and hour of the horizon."""
    posterior, _ = learned()
    borrowers, lawful, horizon, capacity = case(20_000)
    plan = make_plan(posterior, borrowers, lawful, horizon, capacity, PlanOptions(1, 1))
    figure, axes = plt.subplots(figsize=(8.0, 2.2))
    image = axes.imshow(plan.prices[:, :72], aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(Channel)), [channel.name.lower() for channel in Channel])
    axes.set(
        xlabel="hour of the horizon (UTC)",
        title="what one more place would bring, in answers (white: no contact is lawful)",
    )
    figure.colorbar(image)
    _save(figure, "learning_prices")


def _save(figure: Figure, name: str, *, tight: bool = True) -> None:
    if tight:
        figure.tight_layout()
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draws all pictures."""
    mpl.rcParams["svg.hashsalt"] = "forbear"
    calibration()
    weeks()
    prices()


if __name__ == "__main__":
    main()
