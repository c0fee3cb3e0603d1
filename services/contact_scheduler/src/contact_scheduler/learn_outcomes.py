"""Teaches a tenant's response model what became of its contacts. Runs at the plan's tick, in the plan's transaction.

Only what happened before the tick is learned, in the order in which it happened, whatever the order in which it was
reported: the same events give the same model.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import structlog

from contact_scheduler.learning import state
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.model import Feedback, Posterior, ResponseModel
from contact_scheduler.learning.slots import HOURS_PER_WEEK
from contact_scheduler.store.learning import ModelVersion, Outcome, keep_model, latest_model, take_outcomes
from forbear_chassis.postgres import UUID, Connection

log = structlog.get_logger(__name__)


async def learn_outcomes(connection: Connection, tenant_id: UUID, tick_at: datetime) -> tuple[int, Posterior]:
    """Learn what settled since the last tick; return the model's version and what is known now.

    A state that cannot be read (another version of the terms) is left behind: the model starts again from its prior.
    """
    tenant = str(tenant_id)
    kept = await latest_model(connection, tenant_id)
    version, outcomes = (0, 0) if kept is None else (kept.version, kept.outcomes)
    model = _load(kept)
    settled = await take_outcomes(connection, tenant_id, tick_at)
    if settled:
        report = model.update(tenant, _feedback(settled))
        version, outcomes = version + 1, outcomes + report.learned
        await keep_model(connection, tenant_id, ModelVersion(version, state.to_bytes(model), outcomes), tick_at)
        log.info("outcomes_learned", tenant_id=tenant, version=version, learned=report.learned, refused=report.refused)
    return version, model.for_tenant(tenant)


def _load(kept: ModelVersion | None) -> ResponseModel:
    if kept is None:
        return ResponseModel()
    try:
        return state.from_bytes(kept.blob)
    except state.StateError as error:
        log.warning("model_left_behind", version=kept.version, error=str(error))
        return ResponseModel()


def _feedback(settled: list[Outcome]) -> Feedback:
    features = np.frombuffer(b"".join(one.features for one in settled), dtype=np.float32).reshape(-1, FEATURES)
    return Feedback(
        features=features,
        slot=np.array([(one.channel - 1) * HOURS_PER_WEEK + one.slot for one in settled], dtype=np.int64),
        label=np.array([one.has_answered for one in settled], dtype=np.float32),
    )
