"""When the lawful hours end: the instant that goes with a message, so that nobody's queue delivers it later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.policy import Channel, Facts, Inconvenience, Place, closes_at, decide, rules_for
from tests.unit.policy.policy_facts import ORDINARY, PACKS

NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
NOON = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)  # a Tuesday, noon in New York, nine in Los Angeles
ZONES = (NEW_YORK, "America/Chicago", "America/Denver", LOS_ANGELES, "America/Phoenix", "Pacific/Honolulu")


def facts(*zones: str, **more: Any) -> Facts:
    """An ordinary e-mail to somebody who may be in these zones."""
    where = Place(frozenset(zones), frozenset({"US"}))
    return replace(ORDINARY, channel=Channel.EMAIL, place=where, **more)


def end(what: Facts, now: datetime = NOON) -> datetime:
    """When it closes."""
    return closes_at(what, rules_for(PACKS, what.place.jurisdictions, now.date()), now)


def test_the_window_ends_at_nine_in_the_evening_on_the_borrower_s_clock() -> None:
    """12 CFR 1006.6(b)(1)(i)."""
    assert end(facts(NEW_YORK)) == datetime(2026, 3, 4, 2, 0, tzinfo=UTC)


def test_where_two_zones_are_possible_the_eastern_one_ends_it() -> None:
    """Comment 6(b)(1)(i)-2: it must be lawful in both."""
    assert end(facts(NEW_YORK, LOS_ANGELES)) == end(facts(NEW_YORK))


def test_a_time_that_the_borrower_called_inconvenient_ends_it_earlier() -> None:
    """ "Not after three on Tuesdays": it dies at three. The twin names another channel, and changes nothing."""
    tuesday = frozenset({1})
    stated = Inconvenience(weekdays=tuesday, starts=time(15), ends=time(17))
    other = Inconvenience(weekdays=tuesday, starts=time(15), ends=time(17), channel=Channel.VOICE)

    assert end(facts(NEW_YORK, inconvenient=(stated,))) == datetime(2026, 3, 3, 20, 0, tzinfo=UTC)
    assert end(facts(NEW_YORK, inconvenient=(other,))) == end(facts(NEW_YORK))


@given(
    st.sets(st.sampled_from(ZONES), min_size=1, max_size=3),
    st.timedeltas(timedelta(0), timedelta(days=360)).map(lambda after: NOON - timedelta(days=60) + after),
)
def test_up_to_the_end_it_is_lawful_and_from_then_on_it_is_not(zones: set[str], now: datetime) -> None:
    """Over every day of a year, clock changes among them; compared with the decision itself."""
    what = facts(*zones)
    rules = rules_for(PACKS, what.place.jurisdictions, now.date())
    if not decide(what, rules, now).allowed:
        return

    closing = closes_at(what, rules, now)

    assert now < closing <= now + timedelta(hours=13, seconds=1)
    steps = [now + (closing - now) * share / 7 for share in range(7)] + [closing - timedelta(seconds=1)]
    assert all(decide(what, rules, at).allowed for at in steps)
    assert not decide(what, rules, closing).allowed


@pytest.mark.parametrize("minute", range(0, 60, 7))
def test_the_end_is_never_the_next_day_s_while_the_window_is_open(minute: int) -> None:
    """In the last hour of the evening it is the same evening's."""
    late = datetime(2026, 3, 4, 1, minute, 59, tzinfo=UTC)

    assert end(facts(NEW_YORK), late) == datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
