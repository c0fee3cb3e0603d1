"""How long a borrower is left alone between two contacts: as the campaign says, and longer the longer they are silent.

Silence is an answer too. Who let three contacts pass was not reached at a bad hour only, and more at the same pace is
felt as pressure. So the gaps grow while silence goes on, and an answer brings them back to the campaign's at once. They
never end: help is of no use to those who do not hear of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from contact_scheduler.campaigns import Campaign
from contact_scheduler.learning.treatment import Treatment
from contact_scheduler.planning.candidates import Candidate, Touch

GRACE: Final = 3  # contacts without an answer that lengthen nothing: at a good hour half of all are missed so by chance
STEP: Final = 0.5  # of the campaign's rest, for each further one
STRETCH_MAX: Final = 3.0  # times the campaign's rest
REST_MAX: Final = timedelta(days=14)  # nobody is left longer for silence alone; a campaign may rest longer by itself
PEACE_REST: Final = timedelta(days=14)  # between offers of help to somebody who can neither pay nor be moved to


def unanswered(one: Candidate, touches: Sequence[Touch], spoken: Sequence[datetime] = ()) -> list[Touch]:
    """Return the latest contacts in a row without an answer so far, since the borrower was last heard of.

    `touches` are oldest first. Any answer ends the run, however late, as do a pause (somebody promised, paid or wrote)
    and a call (`spoken`).
    """
    heard = max((at for at in (one.rested_until, *spoken) if at is not None), default=None)
    start = len(touches)
    for touch in reversed(touches):
        if touch.has_answered or touch.has_answered_late or (heard is not None and touch.at <= heard):
            break
        start -= 1
    return list(touches[start:])


def silences(run: Sequence[Touch]) -> int:
    """Return how many of these stayed unanswered for good: no open windows, nothing that may not have gone out."""
    return sum(touch.is_settled for touch in run)


def rest_of(campaign: Campaign, treatment: Treatment, one: Candidate, silent: int) -> timedelta:
    """Return the rest after the latest contact; our own long ones give way to a duty, the campaign's does not."""
    own = timedelta(days=campaign.rest_days)
    if one.is_duty:
        return own
    longer = stretch(own, silent)
    return max(longer, PEACE_REST) if treatment is Treatment.LEAVE_IN_PEACE else longer


def stretch(rest: timedelta, silent: int) -> timedelta:
    """Return a campaign's rest as silence lengthens it: never less than it, and by no more than REST_MAX allows."""
    factor = min(STRETCH_MAX, 1.0 + STEP * max(0, silent - GRACE))
    return max(rest, min(rest * factor, REST_MAX))
