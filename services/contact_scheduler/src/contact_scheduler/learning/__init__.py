"""The decision core: learns who answers where and when, and plans lawful contacts. Numpy only: no I/O, no clock.

The path of one plan, in the order the service calls it:

    facts     = BorrowerFacts(...)                          struct of arrays, NaN = unknown
    borrowers = Borrowers(ids, encode(facts), zone, worth, is_protected, control_group(ids, 0.03, seed))
    lawful    = LawfulSlots.from_dense(mask [n, 3, H])      or directly: few patterns, one number per borrower
    horizon   = Horizon(local_hour [zones, H])              local hour of week 0..167, Monday 00:00 = 0
    posterior = model.for_tenant("acme")                    a frozen view
    plan      = make_plan(posterior, borrowers, lawful, horizon, capacity [3, H], PlanOptions(seed, tick))
    why       = explain(posterior, borrowers, row, lawful_of_row [3, H], horizon)

and of one round of feedback (rows sorted by time and id; features as logged with the decision):

    model.update("acme", Feedback(features, slot, label))      contacts whose attribution window has closed
    model.provisional("acme", Feedback(..., silent_chance=curve.survival(age_h)))
                                                               all whose window is open, answered or not; replaces
    model.refresh_pool()                                       nightly: what tenants have in common; or, with one
    model.lean_on("acme", summaries of the others)             stored model per tenant, for each of them
    to_bytes(model) / from_bytes(blob)                         versioned, checked, no pickle

Scores and treatment: `score_loans`, `choose_treatment`. Proof: `evaluate_policy`, `release_gate`, `lift_by_week`.
Retraining the scores needs scikit-learn and lives apart in `contact_scheduler.learning.training`.
"""

from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.delay import DelayCounts, DelayCurve
from contact_scheduler.learning.explain import Choice, Explanation, Reason, explain
from contact_scheduler.learning.explore import Decision, control_group, decide_one, gamma_for, inverse_gap_weights
from contact_scheduler.learning.features import (
    FEATURES,
    BorrowerFacts,
    Borrowers,
    ColumnHealth,
    Employment,
    column_health,
    encode,
)
from contact_scheduler.learning.habits import HabitSums, habit_features
from contact_scheduler.learning.lift import Lift, Rate, lift, lift_by_week, rate
from contact_scheduler.learning.lots import draw_key, ids_from_bytes, uniform
from contact_scheduler.learning.model import Feedback, Posterior, ResponseModel, TenantSummary, UpdateReport
from contact_scheduler.learning.monitor import Alarm, AlarmKind
from contact_scheduler.learning.ope import LoggedChoices, PolicyValue, Release, evaluate_policy, release_gate
from contact_scheduler.learning.plan import Plan, PlanOptions, make_plan
from contact_scheduler.learning.scorecard import Scorecard
from contact_scheduler.learning.scores import LoanFacts, LoanScores, score_loans
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, SLOTS, Channel, Horizon, LawfulSlots
from contact_scheduler.learning.state import StateError, from_bytes, to_bytes
from contact_scheduler.learning.treatment import WHY, Treatment, choose_treatment

__all__ = [
    "CHANNELS",
    "FEATURES",
    "HOURS_PER_WEEK",
    "SLOTS",
    "WHY",
    "Alarm",
    "AlarmKind",
    "Arm",
    "BorrowerFacts",
    "Borrowers",
    "Channel",
    "Choice",
    "ColumnHealth",
    "Decision",
    "DelayCounts",
    "DelayCurve",
    "Employment",
    "Explanation",
    "Feedback",
    "HabitSums",
    "Horizon",
    "LawfulSlots",
    "Lift",
    "LoanFacts",
    "LoanScores",
    "LoggedChoices",
    "Plan",
    "PlanOptions",
    "PolicyValue",
    "Posterior",
    "Rate",
    "Reason",
    "Release",
    "ResponseModel",
    "Scorecard",
    "StateError",
    "TenantSummary",
    "Treatment",
    "UpdateReport",
    "choose_treatment",
    "column_health",
    "control_group",
    "decide_one",
    "draw_key",
    "encode",
    "evaluate_policy",
    "explain",
    "from_bytes",
    "gamma_for",
    "habit_features",
    "ids_from_bytes",
    "inverse_gap_weights",
    "lift",
    "lift_by_week",
    "make_plan",
    "rate",
    "release_gate",
    "score_loans",
    "to_bytes",
    "uniform",
]
