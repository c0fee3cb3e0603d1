"""Teaches a tenant's response model what became of its contacts. Runs at the plan's tick, in the plan's transaction.

Only what happened before the tick is learned, in the order in which it was sent, whatever the order in which it was
reported: the same events give the same model. A contact is learned for good when its window has closed; until then it
counts provisionally, answered or silent so far, and is taken back at the next tick.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray

from contact_scheduler.contacts import ATTRIBUTION
from contact_scheduler.learning import state
from contact_scheduler.learning.delay import DelayCounts
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.model import Feedback, Posterior, ResponseModel, TenantSummary, UpdateReport
from contact_scheduler.learning.monitor import Alarm
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, FloatArray
from contact_scheduler.store.learning import (
    ModelVersion,
    Outcome,
    keep_model,
    latest_model,
    other_summaries,
    peek_outcomes,
    take_outcomes,
)
from forbear_chassis.postgres import UUID, Connection

HOUR = timedelta(hours=1)
WINDOW_H = ATTRIBUTION / HOUR

log = structlog.get_logger(__name__)


class Learned(NamedTuple):
    """What a tick knows: the model's version, its posterior, and what is wrong with it or with its data."""

    version: int
    posterior: Posterior
    alarms: tuple[Alarm, ...]


async def learn_outcomes(connection: Connection, tenant_id: UUID, tick_at: datetime) -> Learned:
    """Learn what became known since the last tick.

    A state that cannot be read (another version of the terms) is left behind: the model starts again from its prior.
    """
    tenant = str(tenant_id)
    kept = await latest_model(connection, tenant_id, to_change=True)
    version, outcomes = (0, 0) if kept is None else (kept.version, kept.outcomes)
    model = await _open_model(connection, tenant_id, kept, tick_at)
    known = await take_outcomes(connection, tenant_id, tick_at)
    if known:
        report = teach(model, tenant, known, tick_at)
        version, outcomes = version + 1, outcomes + report.learned
        stored = ModelVersion(version, state.to_bytes(model), outcomes, model.summary(tenant).to_bytes())
        await keep_model(connection, tenant_id, stored, tick_at)
        log.info("outcomes_learned", tenant_id=tenant, version=version, learned=report.learned, refused=report.refused)
    return Learned(version, model.for_tenant(tenant), model.alarms(tenant))


class Foretaste(NamedTuple):
    """What a tick at this instant would know. `still_open` counts contacts that an answer may yet come to."""

    posterior: Posterior
    still_open: int


async def foretaste(connection: Connection, tenant_id: UUID, now: datetime) -> Foretaste:
    """Learn what a tick would learn now, and write nothing: the same bits, for who asks between two ticks."""
    tenant = str(tenant_id)
    kept = await latest_model(connection, tenant_id, to_change=False)
    model = await _open_model(connection, tenant_id, kept, now)
    known = await peek_outcomes(connection, tenant_id, now)
    if known:
        await asyncio.to_thread(teach, model, tenant, known, now)
    return Foretaste(model.for_tenant(tenant), sum(not one.is_closed for one in known))


async def _open_model(
    connection: Connection, tenant_id: UUID, kept: ModelVersion | None, now: datetime
) -> ResponseModel:
    """Return the stored model, leaning on what the others had learned before this instant."""
    model = _load(kept)
    summaries = [TenantSummary.from_bytes(blob) for blob in await other_summaries(connection, tenant_id, now)]
    model.lean_on(str(tenant_id), [one for one in summaries if one is not None])
    return model


def teach(model: ResponseModel, tenant: str, known: list[Outcome], tick_at: datetime) -> UpdateReport:
    """Learn closed contacts for good and all open ones provisionally; report the former."""
    silent_chance = _silent_chance(known, tick_at)
    is_closed = np.array([one.is_closed for one in known], dtype=np.bool_)
    report = model.update(tenant, _feedback(known, is_closed, None))
    model.provisional(tenant, _feedback(known, ~is_closed, silent_chance))
    return report


def _silent_chance(known: list[Outcome], tick_at: datetime) -> FloatArray:
    """Return the chance that somebody who will answer is silent at this age, from how fast answers came of late."""
    channel = np.array([one.channel - 1 for one in known])
    has_answered = np.array([one.answered_at is not None for one in known], dtype=np.bool_)
    age_h = np.array([((one.answered_at or tick_at) - one.sent_at) / HOUR for one in known])
    result = np.zeros(len(known), dtype=np.float32)
    for number in range(CHANNELS):
        here = channel == number
        counts = DelayCounts(WINDOW_H)
        counts.add(age_h[here], has_answered[here])
        result[here] = counts.curve().survival(age_h[here])
    return result


def _load(kept: ModelVersion | None) -> ResponseModel:
    if kept is None:
        return ResponseModel()
    try:
        return state.from_bytes(kept.blob)
    except state.StateError as error:
        log.warning("model_left_behind", version=kept.version, error=str(error))
        return ResponseModel()


def _feedback(known: list[Outcome], is_wanted: NDArray[np.bool_], silent_chance: FloatArray | None) -> Feedback:
    wanted = [known[row] for row in np.flatnonzero(is_wanted)]
    return Feedback(
        features=np.frombuffer(b"".join(one.features for one in wanted), dtype=np.float32).reshape(-1, FEATURES),
        slot=np.array([(one.channel - 1) * HOURS_PER_WEEK + one.slot for one in wanted], dtype=np.int64),
        label=np.array([one.answered_at is not None for one in wanted], dtype=np.float32),
        silent_chance=None if silent_chance is None else silent_chance[is_wanted],
    )
