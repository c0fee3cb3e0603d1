"""What trying things out cost in expected answers, all told and for the borrower whom it cost most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from contact_scheduler.learning.assign import Arm
from contact_scheduler.planning.spared import LOST_MAX


@dataclass(frozen=True, slots=True)
class Trying:
    """Contacts of one campaign that were drawn by lot, and the answers given up by them as the model foresaw."""

    explored: int
    explored_lost: float
    explored_most: float  # of one borrower
    control: int
    control_lost: float

    @property
    def summary(self) -> str:
        """Return the answer in plain sentences."""
        return (
            f"Trying things out in {self.explored:,} contacts gave up {self.explored_lost:.1f} expected answers, of "
            f"one borrower at most {self.explored_most:.2f}; whoever has given up {LOST_MAX:g} is spared. The "
            f"{self.control:,} contacts of the control group gave up {self.control_lost:.1f}."
        )


def count_trying(rows: Iterable[tuple[Arm, int, float]]) -> Trying:
    """Count from (arm, borrower, expected answers given up) of each drawn contact."""
    contacts: dict[Arm, int] = defaultdict(int)
    lost: dict[Arm, float] = defaultdict(float)
    of_borrower: dict[int, float] = defaultdict(float)
    for arm, borrower, given_up in rows:
        contacts[arm] += 1
        lost[arm] += given_up
        if arm is Arm.EXPLORED:
            of_borrower[borrower] += given_up
    return Trying(
        contacts[Arm.EXPLORED], lost[Arm.EXPLORED], max(of_borrower.values(), default=0.0), contacts[Arm.CONTROL],
        lost[Arm.CONTROL],
    )  # fmt: skip
