"""Metrics of the contact scheduler. Labels come from closed lists and all exist from the start."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from contact_scheduler.clocks import ClockKind
from contact_scheduler.contacts import ContactPhase
from contact_scheduler.learning.monitor import AlarmKind
from contact_scheduler.learning.strategies import Move
from forbear_domain.model import ResponseKind

PLANS = Counter("forbear_scheduler_plans_total", "Plans made")
_PLANNED = Counter("forbear_scheduler_contacts_planned_total", "Contacts planned, by arm", ["arm"])
PLANNED_CONTACTS = {arm: _PLANNED.labels(arm) for arm in ("planned", "explored", "control")}
_RELEASED = Counter("forbear_scheduler_contacts_released_total", "Contacts handed to the dispatcher", ["channel"])
RELEASED_CONTACTS = {number: _RELEASED.labels(label) for number, label in ((1, "sms"), (2, "email"), (3, "voice"))}
EXPIRED_CONTACTS = Counter("forbear_scheduler_contacts_expired_total", "Planned contacts whose time passed unreleased")
_OUTCOMES = Counter("forbear_scheduler_outcomes_total", "Final states reported by the dispatcher", ["state"])
OUTCOMES = {phase: _OUTCOMES.labels(phase.label) for phase in ContactPhase if 1 <= phase <= 5}
_RESPONSES = Counter("forbear_scheduler_responses_total", "Responses reported by the tracker", ["kind"])
RESPONSES = {kind: _RESPONSES.labels(kind.label) for kind in ResponseKind}
_ROWS = Counter("forbear_scheduler_import_rows_total", "Rows of portfolio files", ["result"])
IMPORT_ROWS = {result: _ROWS.labels(result) for result in ("created", "changed", "unchanged", "rejected")}
_MOVES = Counter(
    "forbear_scheduler_strategy_moves_total", "Strategies released, widened, rolled back or refused", ["move"]
)
STRATEGY_MOVES = {move: _MOVES.labels(move.value) for move in Move}
_ALARMS = Counter(
    "forbear_scheduler_model_alarms_total", "Alarms about a model or its data that stood at a plan, by kind", ["kind"]
)
MODEL_ALARMS = {kind: _ALARMS.labels(kind.value) for kind in AlarmKind}
PAYMENTS = Counter("forbear_scheduler_payments_total", "Payments taken")
_AT_RISK = Gauge("forbear_scheduler_duties_at_risk", "Duties of mortgages that run out soon, by kind", ["kind"])
DUTIES_AT_RISK = {kind: _AT_RISK.labels(kind.label) for kind in ClockKind}
_MISSED = Counter("forbear_scheduler_duties_missed_total", "Duties of mortgages that ran out undone, by kind", ["kind"])
DUTIES_MISSED = {kind: _MISSED.labels(kind.label) for kind in ClockKind}
RELEASE_LAG = Gauge(
    "forbear_scheduler_release_lag_seconds", "How long the oldest due contact has waited for its release"
)
PLAN_SECONDS = Histogram(
    "forbear_scheduler_plan_seconds", "Time that one plan took", buckets=(0.1, 0.5, 1, 5, 15, 60, 300)
)
