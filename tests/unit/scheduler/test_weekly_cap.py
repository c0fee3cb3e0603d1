"""The campaign's weekly cap counts days of the borrower's calendar, in every zone they may be in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from contact_scheduler.campaigns import Audience, Campaign, State
from contact_scheduler.planning.candidates import Candidate, Touch, Window
from contact_scheduler.planning.lawful import Calendar, LawfulHours, Place
from forbear_domain.model import Channel

ID = UUID(int=1)
TICK = datetime(2026, 3, 9, 5, tzinfo=UTC)  # the day after clocks were put forward in the United States
CAMPAIGN = Campaign(
    tenant_id=ID, campaign_id=ID, name="x", goal="payment", audience=Audience(), channels=(Channel.EMAIL,), rest_days=0,
    contacts_a_week_max=1, control_share=0.1, hour_start=8, hour_end=21, starts_at=TICK, ends_at=None,
    state=State.ACTIVE, next_plan_at=TICK, created_at=TICK,
)  # fmt: skip
BORROWER = Candidate(
    borrower_id=ID, place_id=1, language="en", employment=0, monthly_income=None, unemployment_pct=None,
    preferred_channel=None, wished_channel=None, wished_hours=None, loan_id=ID, product="mortgage", instalment=1,
    past_due=1, past_due_days=1, missed_payments_12m=0, kept_promises=0, broken_promises=0, consented=0b111,
    fresh=0b111, kinds=(0, 2, 0), is_paused=False,
)  # fmt: skip
ZONES = st.sampled_from(["America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Pacific/Guam"])


@settings(max_examples=100, deadline=None)
@given(
    zones=st.sets(ZONES, min_size=1, max_size=2), tick_hour=st.integers(0, 23), days=st.integers(1, 3),
    ago_hours=st.lists(st.integers(1, 14 * 24), min_size=1, max_size=5), week_max=st.integers(1, 3),
)  # fmt: skip
def test_an_open_hour_never_makes_one_too_many_in_seven_days(
    zones: set[str], tick_hour: int, days: int, ago_hours: list[int], week_max: int
) -> None:
    """Judged hour by hour on every clock; and no hour is closed that the cap leaves open."""
    tick = TICK + timedelta(hours=tick_hour)
    window = Window.after(tick, tick + timedelta(days=days))
    touches = [Touch(2, tick - timedelta(hours=ago), 10, 0.1, False, False, True) for ago in sorted(ago_hours)[::-1]]
    campaign = replace(CAMPAIGN, contacts_a_week_max=week_max)
    places, history = {1: Place(tuple(sorted(zones)), ("US-NY",))}, {ID: touches}

    lawful, _ = LawfulHours(Calendar(window), campaign, "creditor").patterns([BORROWER], places, history, {})
    free, _ = LawfulHours(Calendar(window), replace(campaign, contacts_a_week_max=7), "creditor").patterns(
        [BORROWER], places, history, {}
    )

    column = Channel.EMAIL - 1
    for hour in range(window.hours):
        at = window.starts_at + timedelta(hours=hour)
        is_full = len(touches) >= week_max and any(_days_between(touches[-week_max].at, at, zone) < 7 for zone in zones)
        expected = bool(free.patterns[free.pattern_of[0]][column, hour]) and not is_full
        assert expected == bool(lawful.patterns[lawful.pattern_of[0]][column, hour])


def _days_between(first: datetime, last: datetime, zone: str) -> int:
    clock = ZoneInfo(zone)
    return (last.astimezone(clock).date() - first.astimezone(clock).date()).days
