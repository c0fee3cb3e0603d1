"""What is said of closed hours is what the plan did: an hour is explained exactly when the plan could not take it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from contact_scheduler.campaigns import Audience, Campaign, State
from contact_scheduler.planning.candidates import HOUR, Candidate, Touch, Window
from contact_scheduler.planning.closed import Closed, closed_hours
from contact_scheduler.planning.lawful import Calendar, LawfulHours, Place
from forbear_domain.model import Channel

ID = UUID(int=1)
NOW = datetime(2026, 3, 6, 14, 20, tzinfo=UTC)  # two nights before clocks go forward
CAMPAIGN = Campaign(
    tenant_id=ID, campaign_id=ID, name="x", goal="payment", audience=Audience(), channels=tuple(Channel), rest_days=0,
    contacts_a_week_max=2, control_share=0.1, hour_start=9, hour_end=20, starts_at=NOW, ends_at=None,
    state=State.ACTIVE, next_plan_at=NOW, created_at=NOW,
)  # fmt: skip
BORROWER = Candidate(
    borrower_id=ID, place_id=1, language="en", employment=0, monthly_income=None, unemployment_pct=None,
    preferred_channel=None, wished_channel=None, wished_hours=None, loan_id=ID, product="mortgage", instalment=1,
    past_due=1, past_due_days=1, missed_payments_12m=0, kept_promises=0, broken_promises=0, consented=0b1110,
    fresh=0b1110, kinds=(0, 2, 0), is_paused=False,
)  # fmt: skip
NEW_YORK = Place(("America/New_York",), ("US-NY",))
PLACES = st.sampled_from([
    NEW_YORK,
    Place(("America/New_York", "America/Los_Angeles"), ("US-NY", "US-CA")),
    Place(("America/New_York",), ("US-MA",)),
    Place(("America/New_York", ""), ("US-NY",)),
])  # fmt: skip


def ask(one: Candidate, place: Place, touches: list[Touch], spoken: list[datetime]) -> list[Closed]:
    """Explain the next two days."""
    lawful = LawfulHours(Calendar(Window.after(NOW, NOW + timedelta(days=2))), CAMPAIGN, "collecting_servicer")
    return closed_hours(lawful, one, place, touches, spoken)


@settings(max_examples=60, deadline=None)
@given(
    place=PLACES, consented=st.integers(0, 7), fresh=st.integers(0, 7),
    wished_channel=st.sampled_from([None, 1, 3]), wished_hours=st.sampled_from([None, (18, 20)]),
    preferred_channel=st.sampled_from([None, 2]), wished_days=st.sampled_from([0, 0b0011111, 0b1000000]),
    touched=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 240), st.booleans()), max_size=6),
    spoken=st.lists(st.integers(1, 200), max_size=1),
)  # fmt: skip
def test_an_hour_is_explained_exactly_when_the_plan_could_not_take_it(
    place: Place, consented: int, fresh: int, wished_channel: int | None, wished_hours: tuple[int, int] | None,
    preferred_channel: int | None, wished_days: int, touched: list[tuple[int, int, bool]], spoken: list[int],
) -> None:  # fmt: skip
    """Against the vectorised law, for any consents, wishes, places and pasts."""
    one = replace(
        BORROWER, consented=consented << 1, fresh=fresh << 1, wished_channel=wished_channel, wished_hours=wished_hours,
        preferred_channel=preferred_channel, wished_days=wished_days,
    )  # fmt: skip
    touches = sorted(
        (
            Touch(channel, NOW - ago * HOUR, 10, 0.1, False, False, True, one.kinds[channel - 1],
                  has_conversed=conversed and channel == Channel.VOICE)
            for channel, ago, conversed in touched
        ),
        key=lambda touch: touch.at,
    )  # fmt: skip
    calls = [NOW - ago * HOUR for ago in spoken]
    window = Window.after(NOW, NOW + timedelta(days=2))
    lawful = LawfulHours(Calendar(window), CAMPAIGN, "collecting_servicer")
    patterns, _ = lawful.patterns([one], {1: place}, {ID: touches}, {ID: calls})
    is_open = patterns.patterns[patterns.pattern_of[0]]

    explained = ask(one, place, touches, calls)

    for channel in Channel:
        for row in range(window.hours):
            at = window.starts_at + row * HOUR
            causes = [span.by for span in explained if span.channel is channel and span.starts_at <= at < span.ends_at]
            assert [bool(causes)] == [not is_open[channel - 1, row]], (channel, at, causes)
            assert len(causes) <= 1


def test_night_is_closed_by_the_rule_of_law_and_the_edges_of_the_day_by_the_campaign() -> None:
    """Calls at night: the federal rule by its id; eight in the morning: the campaign's own hours."""
    calls = [span for span in ask(BORROWER, NEW_YORK, [], []) if span.channel is Channel.VOICE]

    night = next(span for span in calls if span.starts_at == datetime(2026, 3, 7, 2, tzinfo=UTC))
    morning = next(span for span in calls if span.ends_at == datetime(2026, 3, 7, 14, tzinfo=UTC))
    assert night.by.startswith(("REGF-", "TCPA-"))
    assert "8" in night.why
    assert ("campaign", timedelta(hours=1)) == (morning.by, morning.ends_at - morning.starts_at)


def test_what_closes_a_channel_as_a_whole_is_one_span() -> None:
    """No consent, another channel wished for, nobody knows where: forty-eight hours of one cause."""
    silent = ask(replace(BORROWER, consented=0b0110), NEW_YORK, [], [])
    wished = ask(replace(BORROWER, wished_channel=2), NEW_YORK, [], [])
    nowhere = ask(BORROWER, Place(("",), ()), [], [])

    assert ["consent"] == [span.by for span in silent if span.channel is Channel.VOICE]
    assert ["wish", "wish"] == [span.by for span in wished if span.channel is not Channel.EMAIL]
    assert ["place"] * 3 == [span.by for span in nowhere]
