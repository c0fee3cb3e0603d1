"""The judge of the lot: a reminder within two weeks breaks it, unless the borrower asked before or needs care."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from forbear_sandbox.care import Log, Told
from forbear_sandbox.census import Contact
from forbear_sandbox.judgement import DUTY
from forbear_sandbox.left_alone import REMINDER, LeftAlone, Lots, follow

DRAWN = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
DAY = timedelta(days=1)
LEFT, MET = "B000001", "B000002"


def contact(days: float, ref: str = LEFT, attempt: str = "a1") -> Contact:
    """A text so many days after the lot."""
    return Contact(DRAWN + days * DAY, "sms", "SM1", attempt, "", "", ref, "America/New_York", "")


def judge(
    *contacts: Contact,
    purpose: int = REMINDER,
    said: str = "",
    wished: float | None = None,
    rested: float | None = None,
) -> LeftAlone:
    """Follow the contacts; what was said, wished and rested for came so many days after the lot, words after one."""
    told = Told()
    told.hear([{"borrower_ref": LEFT, "circumstances": said}], DRAWN + DAY)
    at = {LEFT: DRAWN}
    wishes = {} if wished is None else {LEFT: DRAWN + wished * DAY}
    rests = {} if rested is None else {LEFT: DRAWN + rested * DAY}
    return follow(contacts, Lots(at, wishes), told, Log({"a1": ("c1", purpose)}, set(), rests))


@pytest.mark.parametrize(("days", "is_broken"), [(-1, False), (0.5, True), (13.9, True), (14, False), (20, False)])
def test_a_reminder_breaks_the_lot_for_two_weeks(days: float, is_broken: bool) -> None:
    """And neither before it nor after; whoever was not drawn may be reminded any day."""
    assert is_broken == bool(judge(contact(days), contact(days, MET)).broken)


def test_what_no_campaign_plans_and_what_the_lot_gives_way_to_are_told_apart() -> None:
    """A duty is owed; a reminder to somebody who asked before, or needs care, was asked for; later excuses are none."""
    assert (0, 1, 0, 0) == counts(judge(contact(3), purpose=DUTY))
    assert (0, 0, 1, 0) == counts(judge(contact(3), said="hardship"))
    assert (0, 0, 1, 0) == counts(judge(contact(3), wished=2))
    assert (0, 0, 1, 0) == counts(judge(contact(3), rested=2))
    assert (0, 0, 0, 1) == counts(judge(contact(3), wished=4, rested=4))
    assert (0, 0, 0, 1) == counts(judge(contact(0.5), said="hardship"))
    assert (1, 0, 0, 0) == counts(judge(contact(3, MET)))


def test_an_attempt_that_nobody_noted_is_a_reminder() -> None:
    """A contact that the dispatcher does not know is owed to nobody."""
    assert [contact(3, attempt="a2")] == judge(contact(3, attempt="a2"), purpose=DUTY).broken


def counts(found: LeftAlone) -> tuple[int, int, int, int]:
    """Return who heard nothing, and contacts by kind."""
    return found.untouched, found.owed, found.asked, len(found.broken)
