"""Nobody pays for our learning without bound: what trying things out costs a borrower is counted, and capped.

The cost of a drawn contact is what the model expected of the best open cell beyond the drawn one, in average answers.
The control group is not spared: to let go those who lose most by it would leave the hold-out with those who lose
little, and the lift would be told too high. Its size is the lender's choice, and its cost stands in the evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contact_scheduler.planning.candidates import Touch

LOST_MAX: Final = 0.25  # expected answers: what one contact at a good hour brings


def has_given_enough(touches: Sequence[Touch]) -> bool:
    """Return whether so much was tried out with a borrower, by any campaign, that nothing more is."""
    return sum(touch.lost for touch in touches) >= LOST_MAX
