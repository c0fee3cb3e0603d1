"""Speed, memory and quality of the plan; one decision; updates; and 504 options against library bandits.

CPU time of one core, median of five after one warm-up (three at a million). The bare loop (score, mask, argmax) runs
over the same arrays in the same process; the libraries are installed the first time (a minute or two).
Run: .venv/bin/python bench/learn_plan.py
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core; read when numpy is loaded

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._peer_venvs import install_peer
from bench.learn_data import verdict
from bench.learn_world import CONSENT_SHARES, CONSENTS, ZONES_OFFSETS_H, facts_of, lawful_patterns
from contact_scheduler.learning import (
    FEATURES,
    SLOTS,
    Borrowers,
    Feedback,
    Horizon,
    LawfulSlots,
    Plan,
    PlanOptions,
    Posterior,
    ResponseModel,
    decide_one,
    encode,
    make_plan,
)
from contact_scheduler.learning.budget import Budget

HORIZON_H = 168
PLACES_SHARE = 0.7
MONEY = (0.008, 0.0004, 0.014)  # of a contact by text, mail and call, as the settings assume
ROWS = 512
ROOT = Path(__file__).resolve().parents[1]


def median_cpu_s(work: Callable[[], object], times: int) -> float:
    """Median CPU seconds after one warm-up."""
    work()
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return float(np.median(found))


def features_of(count: int) -> np.ndarray:
    """Encodes a population in pieces, so that only the features stay in memory."""
    result = np.empty((count, FEATURES), dtype=np.float32)
    for first in range(0, count, 50_000):
        size = min(50_000, count - first)
        result[first : first + size] = encode(facts_of(size, first))
    result[:, -7:] = np.random.default_rng(4).normal(0, 0.3, (count, 7))
    return result


def learned() -> tuple[Posterior, float]:
    """A model taught 100,000 outcomes, and the outcomes a second it learned."""
    draw, model = np.random.default_rng(1), ResponseModel()
    features = features_of(100_000)
    slot = draw.integers(0, SLOTS, len(features))
    label = (draw.random(len(features)) < 0.05 + 0.1 * (slot // 168 == 1) + 0.1 * (slot % 24 > 16)).astype(np.float32)
    start = time.process_time()
    for first in range(0, len(slot), 2_000):
        part = slice(first, first + 2_000)
        model.update("acme", Feedback(features[part], slot[part], label[part]))
    return model.for_tenant("acme"), len(slot) / (time.process_time() - start)


def case(count: int) -> tuple[Borrowers, LawfulSlots, Horizon, np.ndarray]:
    """Borrowers in four zones with seven consent patterns each; places for seven in ten."""
    draw, horizon = np.random.default_rng(5), Horizon.from_offsets(0, HORIZON_H, ZONES_OFFSETS_H)
    zone = draw.integers(0, len(ZONES_OFFSETS_H), count).astype(np.int16)
    pattern = (zone * CONSENTS + draw.choice(CONSENTS, count, p=CONSENT_SHARES)).astype(np.int32)
    lawful = LawfulSlots(lawful_patterns(horizon), pattern)
    shape = draw.gamma(2.0, 1.0, (3, HORIZON_H)) * lawful.patterns.any(axis=0)
    capacity = np.floor(shape / shape.sum() * PLACES_SHARE * count).astype(np.int64)
    flags = draw.random(count) < 0.03, draw.random(count) < 0.03
    ids = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(7919)
    return Borrowers(ids, features_of(count), zone, np.ones(count, np.float32), *flags), lawful, horizon, capacity


def bare(posterior: Posterior, borrowers: Borrowers, lawful: LawfulSlots, horizon: Horizon) -> np.ndarray:
    """Score all 504 cells, mask, argmax: the least anybody must do."""
    best = np.empty(len(borrowers), dtype=np.int64)
    order = np.argsort(borrowers.zone, kind="stable")
    edges = np.searchsorted(borrowers.zone[order], np.arange(len(horizon.local_hour) + 1))
    penalty = np.where(lawful.patterns, 0.0, -1e9).astype(np.float32).reshape(len(lawful.patterns), -1)
    for zone, local in enumerate(horizon.local_hour):
        weights = posterior.weights.reshape(FEATURES, 3, 168)[:, :, local].reshape(FEATURES, -1)
        for first in range(edges[zone], edges[zone + 1], ROWS):
            rows = order[first : min(first + ROWS, edges[zone + 1])]
            value = borrowers.features[rows] @ weights
            value += penalty[lawful.pattern_of[rows]]
            best[rows] = value.argmax(axis=1)
    return best


def cost_of(plan: Plan) -> float:
    """Money that the contacts of a plan take."""
    return float(np.asarray(MONEY)[plan.channel[plan.channel >= 0]].sum())


def _half_of(plan: Plan) -> Budget:
    """Half the money that a plan takes."""
    return Budget(0.5 * cost_of(plan), MONEY)


def one_decision_us(posterior: Posterior) -> float:
    """Microseconds of one decision with its propensity among the lawful of 504 slots."""
    features, hour = features_of(1)[0], np.arange(SLOTS) % 24
    lawful = (hour >= 8) & (hour < 21)
    return (
        median_cpu_s(
            lambda: [decide_one(posterior.weights, features, lawful, gamma=50.0, lot=0.4) for _ in range(500)], 5
        )
        * 2e3
    )


def library_rates() -> tuple[float, float]:
    """Borrowers a second of contextualbandits LinUCB and MABWiser LinTS, as many features and options, in this run.

    They run in a process and a venv of their own, with the versions of `requirements/bench_bandits/`.
    """
    commands = install_peer(ROOT / "requirements" / "bench_bandits" / "bandits.in", ROOT / "run" / "bench-bandits")
    asked = [str(commands / "python"), str(ROOT / "bench" / "_bandit_peers.py"), str(FEATURES), str(SLOTS)]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    found = json.loads(told.splitlines()[-1])
    return found["linucb"], found["lints"]


def main() -> None:
    """Prints the table and the verdicts."""
    posterior, rate = learned()
    ratio, gap, linear, last = 0.0, 0.0, {}, {}
    for count in (10_000, 100_000, 1_000_000):
        borrowers, lawful, horizon, capacity = case(count)
        arrays = borrowers, lawful, horizon
        times = 3 if count == 1_000_000 else 5
        plan_once = partial(make_plan, posterior, *arrays, capacity)
        floor = median_cpu_s(partial(bare, posterior, *arrays), times)
        spent = median_cpu_s(partial(plan_once, PlanOptions(1, 1)), times)
        plan = plan_once(PlanOptions(1, 1))
        warm = median_cpu_s(partial(plan_once, PlanOptions(1, 2, start_prices=plan.prices)), times)
        ratio, gap, linear[count], last[count] = spent / floor, plan.gap, spent, floor
        placed, money = int((plan.channel >= 0).sum()), replace(PlanOptions(1, 1), budget=_half_of(plan))
        del plan  # one plan at a time, as in the service
        short = median_cpu_s(partial(plan_once, money), times)
        rationed = plan_once(money)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{count:9,d} borrowers x 504: plan {spent:.2f} s (yesterday's prices {warm:.2f} s), bare {floor:.2f} s, "
            f"{ratio:.2f}x, gap {100 * gap:.2f} %, placed {placed:,} of {int(capacity.sum()):,}, peak {memory:.0f} MiB"
        )
        print(
            f"          with half the money: {short:.2f} s, gap {100 * rationed.gap:.2f} %, "
            f"spent {100 * cost_of(rationed) / money.budget.ceiling:.2f} % of it"
        )
    decision = one_decision_us(posterior)
    ucb, thompson = library_rates()
    ours, scoring = 1_000_000 / linear[1_000_000], 1_000_000 / last[1_000_000]
    print(f"updates {rate:,.0f} outcomes/s; one decision {decision:.0f} us")
    print(f"504 options, borrowers/s: Forbear scoring {scoring:,.0f}, whole plan {ours:,.0f}")
    print(f"                          LinUCB {ucb:,.0f}, LinTS {thompson:,.0f} (in this run)")
    verdict("plan_times_bare", ratio, 4.0, "<= 4", ratio <= 4.0)
    verdict("plan_gap", gap, 0.01, "<= 0.01", gap <= 0.01)
    verdict("budget_gap", rationed.gap, 0.01, "half the money: <= 0.01", rationed.gap <= 0.01)
    verdict("budget_times_plan", short / spent, 15.6, "half the money: <= 3", short / spent <= 3.0)
    verdict("plan_peak_mib", memory, 282, "<= 400", memory <= 400)
    growth = linear[1_000_000] / linear[100_000]
    verdict("plan_growth_10x_borrowers", growth, 10, "<= 11", growth <= 11)
    verdict("one_decision_us", decision, 13, "<= 60", decision <= 60)
    verdict("updates_per_s", rate, 20_000, ">= 20000", rate >= 20_000)
    verdict("scoring_over_linucb", scoring / ucb, 30, "score and choose: >= 30 x", scoring / ucb >= 30)
    verdict("scoring_over_lints", scoring / thompson, 100, "score and choose: >= 100 x", scoring / thompson >= 100)
    verdict("plan_over_linucb", ours / ucb, 30, "whole plan: >= 30 x", ours / ucb >= 30)
    verdict("plan_over_lints", ours / thompson, 100, "whole plan: >= 100 x", ours / thompson >= 100)


if __name__ == "__main__":
    main()
