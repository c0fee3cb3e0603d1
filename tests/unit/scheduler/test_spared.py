"""What trying things out costs one borrower is counted, and has an end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contact_scheduler.learning.assign import Arm
from contact_scheduler.planning.candidates import Touch
from contact_scheduler.planning.spared import LOST_MAX, has_given_enough
from contact_scheduler.trying import count_trying
from tests.kit.one_borrower import START


@pytest.mark.parametrize(
    ("lost", "enough"), [([], False), ([0.0] * 50, False), ([0.1, 0.14], False), ([0.1, 0.0, 0.15], True)]
)
def test_whoever_gave_up_a_quarter_of_an_answer_is_spared(lost: list[float], enough: bool) -> None:
    """Over all their contacts; planned ones give up nothing."""
    touches = [Touch(1, START + timedelta(days=day), 10, 0.1, False, False, True, lost=one)
               for day, one in enumerate(lost)]  # fmt: skip

    assert 0.25 == LOST_MAX
    assert enough is has_given_enough(touches)


def test_the_cost_of_trying_is_told_with_the_most_of_one_borrower() -> None:
    """The control group's is told beside it and is nobody's most: it is not spared."""
    found = count_trying(
        [(Arm.EXPLORED, 1, 0.1), (Arm.EXPLORED, 2, 0.05), (Arm.EXPLORED, 1, 0.1), (Arm.CONTROL, 3, 0.9)]
    )

    assert (
        "Trying things out in 3 contacts gave up 0.2 expected answers, of one borrower at most 0.20; whoever has given "
        "up 0.25 is spared. The 1 contacts of the control group gave up 0.9."
    ) == found.summary
