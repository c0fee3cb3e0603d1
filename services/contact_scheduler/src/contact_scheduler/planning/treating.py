"""What is offered to each borrower, from the two scores of their loan, and in which words after silence.

The same words again say nothing new to somebody who let them pass. After two contacts without an answer a text asks
what would help; after four it asks for nothing and offers a person; then the two take turns. The treatment stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.learning.scores import LoanScores
from contact_scheduler.learning.treatment import Treatment, choose_treatment
from contact_scheduler.planning.candidates import Candidate, Touch

TEXT_OF_DUTY: Final = "duty.live_contact"
TEXTS: Final = {
    Treatment.REMIND_GENTLY: "reminder.gentle",
    Treatment.OFFER_INSTALMENTS: "offer.instalments",
    Treatment.OFFER_DEFERRAL: "offer.deferral",
    Treatment.HAND_TO_PERSON: "reminder.firm",
    Treatment.LEAVE_IN_PEACE: "offer.deferral",
}
REMINDERS: Final = frozenset({Treatment.REMIND_GENTLY, Treatment.HAND_TO_PERSON})
TIMES_MAX: Final = 2  # that one text goes out in a row without an answer
FOLLOW_UPS: Final = ("follow_up.ask", "follow_up.help")


def treatments_of(everybody: Sequence[Candidate], scores: LoanScores) -> NDArray[np.int8]:
    """Return the treatment of each; whoever was in hardship or with a person is offered time, whatever the scores say.

    The person who looks after such a file looks after it until the rest is lifted; the plan only meets it afterwards.
    """
    nobody = np.zeros(len(everybody), dtype=np.bool_)
    chosen = choose_treatment(scores.ability, scores.willingness, nobody)
    is_protected = np.array([one.is_protected for one in everybody], dtype=np.bool_)
    firm = is_protected & (chosen == Treatment.HAND_TO_PERSON)
    return np.where(firm, np.int8(Treatment.OFFER_DEFERRAL), chosen)


def text_of(treatment: Treatment, one: Candidate, run: Sequence[Touch]) -> str:
    """Return the template for a borrower whose latest contacts, `run`, have had no answer so far.

    An offer is made before it is followed up, also to somebody who was silent about something else; a reminder is not.
    """
    if one.is_duty:
        return TEXT_OF_DUTY
    text = TEXTS[treatment]
    told = len(run) if treatment in REMINDERS else sum(touch.template == text for touch in run)
    if told < TIMES_MAX:
        return text
    return FOLLOW_UPS[(len(run) // TIMES_MAX - 1) % len(FOLLOW_UPS)]
