"""What is offered to each borrower, from the two scores of their loan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.scores import LoanScores
from contact_scheduler.learning.treatment import Treatment, choose_treatment
from contact_scheduler.planning.candidates import Candidate


def treatments_of(everybody: Sequence[Candidate], scores: LoanScores) -> NDArray[np.int8]:
    """Return the treatment of each; whoever was in hardship or with a person is offered time, whatever the scores say.

    The person who looks after such a file looks after it until the rest is lifted; the plan only meets it afterwards.
    """
    nobody = np.zeros(len(everybody), dtype=np.bool_)
    chosen = choose_treatment(scores.ability, scores.willingness, nobody)
    is_protected = np.array([one.is_protected for one in everybody], dtype=np.bool_)
    firm = is_protected & (chosen == Treatment.HAND_TO_PERSON)
    return np.where(firm, np.int8(Treatment.OFFER_DEFERRAL), chosen)
