"""One plan: from eligible candidates to contact rows, each with its probability, its alternatives and its reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import orjson
from numpy.typing import NDArray

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.learning.budget import Budget
from contact_scheduler.learning.explore import control_group
from contact_scheduler.learning.features import Borrowers, encode, without_habits
from contact_scheduler.learning.funnel import Chances
from contact_scheduler.learning.lots import PURPOSE_NETWORK, draw_key, ids_from_bytes, uniform
from contact_scheduler.learning.monitor import Alarm, watch_facts
from contact_scheduler.learning.plan import Plan, PlanOptions, make_plan
from contact_scheduler.learning.scores import LoanScores
from contact_scheduler.learning.slots import (
    DAY_PART_OF_HOUR,
    DAY_PARTS,
    HOURS_PER_WEEK,
    BoolArray,
    FloatArray,
    Horizon,
    IntArray,
    LawfulSlots,
)
from contact_scheduler.learning.treatment import Treatment
from contact_scheduler.planning.candidates import HOUR, Candidate, Skipped, Touch
from contact_scheduler.planning.drawn import Draw, describe_draw, write_cells
from contact_scheduler.planning.elsewhere import leave_out, tried_in_vain
from contact_scheduler.planning.facts import describe
from contact_scheduler.planning.good_day import DAYS_OF_CHOICE, has_better_day
from contact_scheduler.planning.lawful import Calendar
from contact_scheduler.planning.networks import deal
from contact_scheduler.planning.patience import weigh_waiting
from contact_scheduler.planning.request import PlannedDay, PlanRequest
from contact_scheduler.planning.rest import silences, stretch
from contact_scheduler.planning.sift import Sifted, sift
from contact_scheduler.planning.spared import has_given_enough
from contact_scheduler.planning.treating import text_of
from contact_scheduler.portfolio.check import make_id
from forbear_domain.model import Purpose

QUARTER = timedelta(minutes=15)  # contacts of an hour begin on its quarters: a channel is not asked for all at once
AFTER = timedelta(minutes=1)  # the law opens after the hour, not on it
QUARTERS = 4
DAY = timedelta(days=1)
LIFE = timedelta(hours=3)  # a contact that could not be sent until then is planned anew instead
CHANNEL_LABELS = ("sms", "email", "voice")
ARM_LABELS = ("none", "planned", "explored", "control")
DUTY_WORTH = 100.0  # duties come first where places are scarce, and nothing is tried out on them


def plan_day(request: PlanRequest) -> PlannedDay:
    """Plan at most one contact per borrower; the same request gives the same plan."""
    sifted = sift(request)
    skipped, rest, scores, rows = sifted.skipped, sifted.rest, sifted.scores, sifted.people
    lawful = _elsewhere(request, sifted)
    in_time = sifted.is_met & ~_waits(request, sifted, lawful)
    skipped[Skipped.RESTING] += int((sifted.is_met & ~in_time).sum())
    lawful = _within_networks(request, rows, lawful)
    has_left = np.array([pattern.any() for pattern in lawful.patterns], dtype=np.bool_)
    kept = np.flatnonzero(has_left[lawful.pattern_of] & in_time)
    skipped[Skipped.NOT_WORTH] += int(in_time.sum()) - len(kept)
    if not len(kept):
        return PlannedDay([], _counts(request, skipped, None), _no_prices(request), 0.0, lots=sifted.lots)

    chosen = np.array(sifted.rows)[kept]
    waiting = weigh_waiting(
        [rows[row] for row in kept], [rest[row] for row in chosen], request.history, request.campaign,
        request.window.tick_at,
    )  # fmt: skip
    cast = _cast(request, sifted.calendar, [rows[row] for row in kept], _only(scores, chosen), waiting)
    lawful = LawfulSlots(lawful.patterns, lawful.pattern_of[kept])
    tables = request.deciding.weights_for(cast.strategy_of)
    plan = make_plan(
        request.posterior, cast.borrowers, lawful, cast.horizon, request.capacity, _options(request), tables
    )  # fmt: skip
    skipped[Skipped.NOT_WORTH] += int((plan.channel < 0).sum())
    slot = _slots(cast, plan)
    plain = request.posterior.probability(without_habits(cast.borrowers.features), slot)
    steps = request.funnel.chances(cast.borrowers.features, slot, plan.probability)
    choices = _Choices(cast, plan, lawful, scores, sifted.treatments, chosen, plain, steps, sifted.runs)
    prices = np.nan_to_num(plan.prices).tolist()
    return PlannedDay(
        list(_contacts(request, choices)),
        _counts(request, skipped, plan),
        prices,
        float(plan.gap),
        plan.budget_price,
        cast.alarms,
        sifted.lots,
    )


@dataclass(frozen=True, slots=True)
class _Cast:
    """The rows of a plan as the decision core reads them."""

    rows: list[Candidate]
    borrowers: Borrowers
    horizon: Horizon
    strategy_of: NDArray[np.str_]
    alarms: tuple[Alarm, ...]
    waiting: FloatArray  # how much each counts because nobody could contact them for long: 1 and more


@dataclass(frozen=True, slots=True)
class _Choices:
    """What was chosen, with everything that its reasons name.

    `chosen` leads to rows of `scores`, `treatments` and `runs`.
    """

    cast: _Cast
    plan: Plan
    lawful: LawfulSlots
    scores: LoanScores
    treatments: NDArray[np.int8]
    chosen: NDArray[np.int64]
    plain: FloatArray  # the probability expected of others like them: with the borrowers' own habits left out
    steps: Chances  # of delivery, the right person, a promise and a payment, where a slot was chosen
    runs: list[list[Touch]]  # the latest contacts in a row without an answer so far


def _waits(request: PlanRequest, sifted: Sifted, lawful: LawfulSlots) -> NDArray[np.bool_]:
    """Return which of the eligible rest longer than the campaign says, and have a better day to come.

    The hold-out takes the first day: it is what the choice of days is measured against, too. No lot moves the day of
    whoever is protected.
    """
    eligible, rest = sifted.rows, sifted.rest
    waits = np.zeros(len(eligible), dtype=np.bool_)
    own, window = timedelta(days=request.campaign.rest_days), request.window
    ids = ids_from_bytes(b"".join(request.candidates[position].borrower_id.bytes for position in eligible))
    is_protected = np.array([request.candidates[position].is_protected for position in eligible], dtype=np.bool_)
    in_control = control_group(ids, request.campaign.control_share, request.seed) & ~is_protected
    has_rested = [
        rest[position] > own and request.candidates[position].borrower_id in request.history for position in eligible
    ]
    has_cell = np.array([pattern.any() for pattern in lawful.patterns], dtype=np.bool_)
    unhurried = np.flatnonzero(np.array(has_rested, dtype=np.bool_) & ~in_control & has_cell[lawful.pattern_of])
    if not len(unhurried):
        return waits
    positions = np.array(eligible, dtype=np.int64)[unhurried]
    rows = [request.candidates[position] for position in positions]
    ended = [
        window.ends_at - request.history[one.borrower_id][-1].at - rest[position]
        for one, position in zip(rows, positions, strict=True)
    ]
    waits[unhurried] = has_better_day(
        request.posterior, encode(describe(rows, request.history, _only(sifted.scores, positions), window.tick_at)),
        lawful.dense(unhurried),
        np.stack([sifted.calendar.local_hours(request.places[one.place_id].zones[0]) for one in rows]).astype(np.int64),
        np.array([DAYS_OF_CHOICE - int(ago / DAY) for ago in ended], dtype=np.int64), request.worth,
    )  # fmt: skip
    return waits


def _elsewhere(request: PlanRequest, sifted: Sifted) -> LawfulSlots:
    """Leave out where each of the eligible was met in vain; a duty may come anywhere."""
    people, runs = sifted.people, (sifted.runs[position] for position in sifted.rows)
    found = [None if one.is_duty else tried_in_vain(run) for one, run in zip(people, runs, strict=True)]
    if not any(cell is not None for cell in found):
        return sifted.lawful
    homes = [request.places[one.place_id] for one in people]
    hours = [sifted.calendar.local_hours(home.zones[0] if home.is_known else "UTC") for home in homes]
    return leave_out(sifted.lawful, found, np.stack(hours).astype(np.int64))


def _within_networks(request: PlanRequest, rows: list[Candidate], lawful: LawfulSlots) -> LawfulSlots:
    if not request.networks or not rows:
        return lawful
    ids = ids_from_bytes(b"".join(one.borrower_id.bytes for one in rows))
    lots = uniform(ids, draw_key(request.seed, PURPOSE_NETWORK, request.window.tick_at.toordinal()))
    is_duty = np.array([one.is_duty for one in rows], dtype=np.bool_)
    return deal(lawful, [one.borrower_id for one in rows], is_duty, lots, request.networks)


def _only(scores: LoanScores, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    return scores.ability[rows], scores.willingness[rows]


def _cast(
    request: PlanRequest, calendar: Calendar, rows: list[Candidate], scores: tuple[FloatArray, FloatArray],
    waiting: FloatArray,
) -> _Cast:  # fmt: skip
    homes = [request.places[one.place_id].zones[0] for one in rows]
    zones = sorted(set(homes))
    ids = ids_from_bytes(b"".join(one.borrower_id.bytes for one in rows))
    is_protected = np.array([one.is_protected for one in rows], dtype=np.bool_)
    strategy_of = request.deciding.strategy_of(ids, is_protected, request.seed)
    is_control = control_group(ids, request.campaign.control_share, request.seed)
    is_duty = np.array([one.is_duty for one in rows], dtype=np.bool_)
    is_spared = np.array([has_given_enough(request.history.get(one.borrower_id, [])) for one in rows], dtype=np.bool_)
    facts = describe(rows, request.history, scores, request.window.tick_at)
    borrowers = Borrowers(
        ids=ids,
        features=encode(facts),
        zone=np.array([zones.index(zone) for zone in homes], dtype=np.int16),
        worth=np.where(is_duty, np.float32(DUTY_WORTH), waiting),
        is_protected=is_protected | is_duty | (is_spared & ~is_control),
        is_control=(is_control | request.deciding.is_even(strategy_of)) & ~is_duty,
    )
    return _Cast(rows, borrowers, calendar.horizon(zones), strategy_of, watch_facts(facts), waiting)


def _slots(cast: _Cast, plan: Plan) -> IntArray:
    """Return the slot that was chosen for each; any where none was."""
    local = cast.horizon.local_hour[cast.borrowers.zone, np.maximum(plan.hour, 0)].astype(np.int64)
    slot: IntArray = np.maximum(plan.channel, 0).astype(np.int64) * HOURS_PER_WEEK + local
    return slot


def _options(request: PlanRequest) -> PlanOptions:
    return PlanOptions(
        seed=request.seed, tick=request.window.tick_at.toordinal(), worth=request.worth, with_second=True,
        start_prices=request.start_prices,
        budget=None if request.budget is None else Budget(request.budget, request.money),
    )  # fmt: skip


def _contacts(request: PlanRequest, choices: _Choices) -> Iterator[tuple[object, ...]]:
    """Yield rows in the order of `store.planning.CONTACT`."""
    plan, cast, window = choices.plan, choices.cast, request.window
    campaign = request.campaign.campaign_id
    cells = choices.lawful.patterns.sum(axis=(1, 2))
    texts = [write_cells(pattern) for pattern in choices.lawful.patterns]
    had_place = plan.places_of_draws()
    for row in np.flatnonzero(plan.channel >= 0).tolist():
        one, hour = cast.rows[row], int(plan.hour[row])
        treatment = Treatment(int(choices.treatments[choices.chosen[row]]))
        contact_id = make_id(campaign.bytes, f"contact:{one.borrower_id}:{request.number}")
        not_before = window.starts_at + hour * HOUR + contact_id.bytes[15] % QUARTERS * QUARTER + AFTER
        template = text_of(treatment, one, choices.runs[choices.chosen[row]])
        pattern = int(choices.lawful.pattern_of[row])
        reason = _reason(request, choices, row, int(cells[pattern]), texts[pattern], had_place.get(row))
        yield (
            request.campaign.tenant_id, contact_id, campaign, one.borrower_id, one.loan_id, int(plan.channel[row]) + 1,
            int(cast.horizon.local_hour[cast.borrowers.zone[row], hour]), int(plan.arm[row]),
            float(plan.propensity[row]), float(plan.probability[row]), _value(request, plan, row),
            treatment.name.lower(), template, reason, cast.borrowers.features[row].tobytes(),
            ContactPhase.PLANNED.value, not_before, min(not_before + LIFE, window.ends_at),
            one.kinds[int(plan.channel[row])], Purpose.DUTY if one.is_duty else Purpose.REMINDER,
        )  # fmt: skip


def _value(request: PlanRequest, plan: Plan, row: int) -> float:
    """Return what a contact is expected to bring, less its cost, in average answers; its urgency is no value."""
    channel = int(plan.channel[row])
    return float(plan.probability[row]) * request.worth.of_answer[channel] - request.worth.cost[channel]


def _reason(
    request: PlanRequest, choices: _Choices, row: int, lawful_cells: int, cells: str, had_place: BoolArray | None
) -> str:
    """Return as JSON what the choice was made from; words are made of it when somebody asks."""
    plan, chosen = choices.plan, choices.chosen[row]
    second = None
    if plan.second_channel[row] >= 0:
        hour = int(plan.second_hour[row])
        local = int(choices.cast.horizon.local_hour[choices.cast.borrowers.zone[row], hour])
        second = {"channel": int(plan.second_channel[row]) + 1, "slot": local}
    reason: dict[str, object] = {
        "lawful_cells": lawful_cells,
        "cells": cells,
        "hours": request.window.hours,
        "first": int(choices.cast.horizon.local_hour[choices.cast.borrowers.zone[row], 0]),
        "price": round(float(np.nan_to_num(plan.prices[plan.channel[row], plan.hour[row]])), 4),
        "second": second,
        "ability": round(float(choices.scores.ability[chosen]), 3),
        "willingness": round(float(choices.scores.willingness[chosen]), 3),
        "outcomes_learned": int(request.posterior.outcomes),
        "plain": round(float(choices.plain[row]), 5),
        "strategy": str(choices.cast.strategy_of[row]),
        "steps": choices.steps.document(row),
    }
    if choices.cast.waiting[row] > 1.0:
        reason["waiting"] = round(float(choices.cast.waiting[row]), 2)
    silent, own = silences(choices.runs[chosen]), timedelta(days=request.campaign.rest_days)
    if choices.runs[chosen]:
        reason["unanswered"] = len(choices.runs[chosen])
    local = int(choices.cast.horizon.local_hour[choices.cast.borrowers.zone[row], plan.hour[row]])
    cell = None if choices.cast.rows[row].is_duty else tried_in_vain(choices.runs[chosen])
    if cell is not None and cell != (int(plan.channel[row]), int(DAY_PART_OF_HOUR[local % 24])):
        reason["in_vain"] = [cell[0] + 1, DAY_PARTS[cell[1]]]
    if not choices.cast.rows[row].is_duty and (rest := stretch(own, silent)) > own:
        reason |= {"silent": silent, "rest_days": rest / DAY, "own_rest_days": own / DAY}
    if choices.cast.rows[row].is_protected or choices.cast.rows[row].is_duty:
        reason["protected"] = True  # by no lot: says nothing where strategies are compared
    if had_place is not None:
        draw = Draw(row, int(plan.channel[row]), int(plan.hour[row]), had_place)
        reason["drawn"] = describe_draw(
            request.posterior, choices.cast.borrowers, choices.lawful, choices.cast.horizon, request.worth, draw
        )
    return orjson.dumps(reason).decode()


def _counts(request: PlanRequest, skipped: Counter[Skipped], plan: Plan | None) -> dict[str, int]:
    """Return borrowers of the audience by what became of them."""
    counts = {"audience": len(request.candidates)} | {reason.label: skipped[reason] for reason in Skipped}
    arms = (
        np.zeros(len(ARM_LABELS), dtype=np.int64)
        if plan is None
        else np.bincount(plan.arm[plan.channel >= 0], minlength=4)
    )
    return counts | {label: int(arms[arm]) for arm, label in enumerate(ARM_LABELS) if arm}


def _no_prices(request: PlanRequest) -> list[list[float]]:
    return [[0.0] * request.window.hours for _ in CHANNEL_LABELS]
