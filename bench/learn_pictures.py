"""Draws docs/pictures/learning_*.svg: calibration on real calls, weeks of learning, and prices by hour.

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
from bench.learn_population import four_weeks
from contact_scheduler.learning import Channel, PlanOptions, make_plan
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
    """Share of the gap closed by week."""
    figure, axes = plt.subplots(figsize=(5.2, 3.6))
    for personal_sd in (0.0, 0.3, 0.6):
        runs = [four_weeks(borrowers=2_000, seed=seed, personal_sd=personal_sd) for seed in SEEDS]
        axes.plot(range(5), np.mean(runs, axis=0), marker="o", label=f"personal differences {personal_sd}")
    axes.set(xlabel="weeks", ylabel="gap to the hidden optimum closed", ylim=(0, 1.02))
    axes.legend()
    _save(figure, "learning_weeks")


def prices() -> None:
    """Heat map of what one more place would bring, by channel and hour of the horizon."""
    posterior, _ = learned()
    borrowers, lawful, horizon, capacity = case(20_000)
    plan = make_plan(posterior, borrowers, lawful, horizon, capacity, PlanOptions(1, 1))
    figure, axes = plt.subplots(figsize=(8.0, 2.2))
    image = axes.imshow(plan.prices[:, :72], aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(Channel)), [channel.name.lower() for channel in Channel])
    axes.set(xlabel="hour of the horizon (UTC)", title="what one more place would bring, in responses")
    figure.colorbar(image)
    _save(figure, "learning_prices")


def _save(figure: Figure, name: str) -> None:
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
