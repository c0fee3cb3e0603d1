"""Nothing that is drawn may touch whoever asks for care: whatever the lots are, their plan is the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.model import Posterior, ResponseModel
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK
from contact_scheduler.learning.strategies import EVEN, LEARNING, Standing, Table, coefficients_from
from contact_scheduler.learning.worth import Worth
from contact_scheduler.planning.candidates import Candidate, Touch, Window
from contact_scheduler.planning.compose import plan_day
from contact_scheduler.planning.deciding import Deciding
from contact_scheduler.planning.lawful import Place
from contact_scheduler.planning.request import PlanRequest
from tests.kit.one_borrower import BORROWER, CAMPAIGN, START

DAY = timedelta(days=1)
PEOPLE = [replace(BORROWER, borrower_id=UUID(int=(1 << 100) * number + number)) for number in range(1, 41)]
SILENT = [Touch(2, START + 3 * number * DAY, 9, 0.2, False, False, is_settled=True) for number in range(6)]
CHOSEN = slice(3, None)  # of a planned row: all but the tenant, the contact and the campaign
TRIAL = "mornings"

Planned = dict[object, tuple[object, ...]]


def believes(seed: int) -> Posterior:
    """A model with an opinion about every day, so that the silent may have a better one to wait for."""
    weights = np.zeros((FEATURES, CHANNELS * HOURS_PER_WEEK), dtype=np.float32)
    weights[0] = np.repeat(np.random.default_rng(seed).normal(-2.0, 0.5, 21), 24)
    return replace(ResponseModel().for_tenant("t"), weights=weights)


def plan(people: Sequence[Candidate], *, seed: int, share: float, standing: Standing, model: int) -> Planned:
    """Plan the second of the days on which the rest after a sixth silence may end; return each one's contact."""
    tick = START + 23 * DAY
    request = PlanRequest(
        campaign=replace(CAMPAIGN, control_share=share), actor="collecting_servicer", policy=None,
        window=Window.after(tick, tick + DAY), candidates=list(people),
        history={one.borrower_id: SILENT for one in people}, conversations={},
        places={1: Place(("America/New_York",), ("US-NY",))}, posterior=believes(model),
        capacity=np.full((3, 24), 100, dtype=np.int64), worth=Worth(cost=(0.0, 0.0, 0.0)), seed=seed, number=1,
        start_prices=None,
        deciding=Deciding(standing, [Table(TRIAL, coefficients_from({}))]),
    )  # fmt: skip
    return {row[3]: row[CHOSEN] for row in plan_day(request).contacts}


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.1, 0.5]), model=st.integers(0, 3),
    trial=st.sampled_from([0.0, 0.05, 0.25]), fallback=st.sampled_from([EVEN, LEARNING]),
)  # fmt: skip
def test_no_seed_hold_out_or_strategy_on_trial_moves_the_plan_of_whoever_asks_for_care(
    seed: int, share: float, model: int, trial: float, fallback: str
) -> None:
    """Channel, hour, arm, propensity, text and reasons, and also whether there is a contact on this day at all."""
    cared_for = [replace(one, is_protected=True) for one in PEOPLE]
    standing = Standing(TRIAL, trial, fallback)

    assert plan(cared_for, seed=seed, share=0.0, standing=Standing(fallback), model=model) == plan(
        cared_for, seed=seed, share=share, standing=standing, model=model
    )


def test_the_same_lots_do_move_the_plans_of_others() -> None:
    """So that the test above can fail: hold-out, trial and seed each change something for those who ask for none."""
    plain = plan(PEOPLE, seed=1, share=0.0, standing=Standing(), model=0)
    others = [
        plan(PEOPLE, seed=1, share=0.5, standing=Standing(), model=0),
        plan(PEOPLE, seed=1, share=0.0, standing=Standing(TRIAL, 0.25, LEARNING), model=0),
        plan(PEOPLE, seed=2, share=0.0, standing=Standing(), model=0),
    ]

    assert all(plain != other for other in others)
