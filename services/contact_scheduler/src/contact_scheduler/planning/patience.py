"""Nobody starves: whoever has waited long for a place counts for more each week, until they come before the others.

Where places are scarce, a plan that seeks answers alone gives them to the same borrowers again and again. It changes
who gets a scarce place, never how often anybody is contacted: rest, weekly cap and law are asked before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from contact_scheduler.campaigns import Campaign
from contact_scheduler.learning.slots import FloatArray
from contact_scheduler.planning.candidates import Candidate, History, free_at

DAY: Final = timedelta(days=1)
PATIENCE: Final = timedelta(days=7)  # of waiting change nothing: a good hour of a scarce channel is worth a few days
DOUBLING: Final = timedelta(days=7)  # of further waiting make a borrower count twice as much
WEIGHT_MAX: Final = 64.0  # below what a duty counts; answers of borrowers hardly differ more


def weigh_waiting(
    rows: Sequence[Candidate], rest: Sequence[timedelta], history: History, campaign: Campaign, tick_at: datetime
) -> FloatArray:
    """Return how much each counts: 1, and after PATIENCE twice as much for every DOUBLING, up to WEIGHT_MAX."""
    waited = [
        (tick_at - _waits_since(one, rests, history, campaign, tick_at) - PATIENCE) / DOUBLING
        for one, rests in zip(rows, rest, strict=True)
    ]
    result: FloatArray = np.exp2(np.clip(waited, 0.0, np.log2(WEIGHT_MAX))).astype(np.float32)
    return result


def _waits_since(one: Candidate, rest: timedelta, history: History, campaign: Campaign, tick_at: datetime) -> datetime:
    """Return since when nothing but a place was wanting: in the campaign, past due, rested, no reason for peace."""
    since = max(campaign.starts_at, tick_at - one.past_due_days * DAY)
    if one.rested_until is not None:
        since = max(since, one.rested_until)
    free = free_at(history.get(one.borrower_id, []), rest, campaign.contacts_a_week_max)
    return since if free is None else max(since, free)
