"""Who of an audience is met in a window and who is not, before anything is chosen: eligible, lawful, or left alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.scores import LoanScores
from contact_scheduler.learning.slots import BoolArray, LawfulSlots
from contact_scheduler.learning.treatment import Treatment
from contact_scheduler.planning.candidates import Candidate, Skipped, Touch, find_eligible
from contact_scheduler.planning.facts import score_candidates
from contact_scheduler.planning.lawful import Calendar, LawfulHours
from contact_scheduler.planning.left_alone import Lot, leave_alone
from contact_scheduler.planning.request import Situation
from contact_scheduler.planning.rest import rest_of, silences, unanswered
from contact_scheduler.planning.treating import treatments_of
from forbear_chassis.postgres import UUID


@dataclass(frozen=True, slots=True)
class Sifted:
    """An audience sifted. `rows` are positions among the candidates, and the arrays after them follow `rows`."""

    scores: LoanScores
    treatments: NDArray[np.int8]
    runs: list[list[Touch]]  # of each candidate: the latest contacts in a row without an answer so far
    rest: list[timedelta]  # of each candidate
    calendar: Calendar
    rows: list[int]  # who may be planned
    people: list[Candidate]
    lawful: LawfulSlots
    is_left_alone: BoolArray  # by lot
    is_met: BoolArray  # has a lawful hour and is not left alone
    lots: dict[UUID, Lot]  # cast just now
    skipped: Counter[Skipped]


def sift(situation: Situation) -> Sifted:
    """Say who can be met; the same situation gives the same lots."""
    everybody, campaign, window = situation.candidates, situation.campaign, situation.window
    scores = score_candidates(everybody, situation.history, situation.cards)
    treatments = treatments_of(everybody, scores)
    runs = [
        unanswered(one, situation.history.get(one.borrower_id, []), situation.conversations.get(one.borrower_id, []))
        for one in everybody
    ]
    rest = [
        rest_of(campaign, Treatment(int(treatment)), one, silences(run))
        for treatment, one, run in zip(treatments, everybody, runs, strict=True)
    ]
    eligible = find_eligible(everybody, rest, situation.history, campaign, window)
    people = [everybody[position] for position in eligible.rows]
    calendar = Calendar(window)
    lawful_hours = LawfulHours(calendar, campaign, situation.actor, situation.policy)
    lawful, has_any = lawful_hours.patterns(people, situation.places, situation.history, situation.conversations)
    lots, is_left_alone = leave_alone(
        people, has_any, situation.lots, situation.lots_elsewhere, campaign, situation.seed, window
    )
    skipped = eligible.skipped + Counter(
        {Skipped.UNLAWFUL: int((~has_any).sum()), Skipped.LEFT_ALONE: int(is_left_alone.sum())}
    )
    return Sifted(
        scores, treatments, runs, rest, calendar, eligible.rows, people, lawful, is_left_alone,
        has_any & ~is_left_alone, lots, skipped,
    )  # fmt: skip
