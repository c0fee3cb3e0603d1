"""A campaign's page in words: numbers that add up, and rules that say what they ask for."""

from __future__ import annotations

import re

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.planning.candidates import Skipped
from contact_scheduler.web.campaign_words import SAID_OF_SKIPPED, SAID_OF_STATE, meaning_of, tell_plan


def test_the_numbers_of_a_plan_add_up_to_its_audience() -> None:
    """Whatever a borrower was left out for is told; nobody of the audience is lost between the words."""
    arms = {"planned": 1_399, "explored": 14, "control": 115}
    left_out = {reason.label: 10 + reason.value for reason in Skipped}
    told = tell_plan({"audience": sum(arms.values()) + sum(left_out.values())} | arms | left_out)

    audience, contacted, *parts = (int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", told))
    assert sum(arms.values()) == contacted
    assert list(arms.values()) == parts[:3]
    assert sorted(left_out.values()) == sorted(parts[3:])
    assert audience == contacted + sum(parts[3:])


def test_a_plan_that_left_nobody_out_says_no_more() -> None:
    """No list of noughts."""
    told = tell_plan({"audience": 3, "planned": 2, "explored": 0, "control": 1, "paused": 0})

    assert told.endswith("1 by lot as the control group.")


def test_every_state_and_every_reason_to_leave_out_has_words() -> None:
    """A new one without words would be shown to nobody."""
    assert set(ContactPhase) == set(SAID_OF_STATE)
    assert set(Skipped) == set(SAID_OF_SKIPPED)


def test_a_rule_says_what_it_asks_for_and_a_code_its_words() -> None:
    """A rule of several parts says the first and how many there are."""
    assert "8:00" in meaning_of("REGF-6B1-TIME")
    assert meaning_of("US-MA-2IN7").startswith("Two communications by telephone or text in seven days")
    assert meaning_of("US-MA-2IN7").endswith(" And 2 more.")
    assert "no such mailbox" == meaning_of("no_such_mailbox")
