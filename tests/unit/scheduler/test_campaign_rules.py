"""Ticks, states of campaigns, and who may be planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.campaigns import Audience, Campaign, State, Verb, next_plan_at, target_state, tick_of
from contact_scheduler.contacts import REST
from contact_scheduler.planning.candidates import Candidate, Skipped, Touch, Window, find_eligible
from contact_scheduler.store.feedback import Response
from contact_scheduler.take_feedback import pause_for
from forbear_domain.model import Channel, ResponseKind

NOW = datetime(2026, 3, 4, 9, 5, tzinfo=UTC)
WINDOW = Window.after(NOW, next_plan_at(NOW, 9))
REST_DAYS = [timedelta(days=3)]
ID = UUID(int=1)
CAMPAIGN = Campaign(
    tenant_id=ID, campaign_id=ID, name="x", goal="payment", audience=Audience(), channels=tuple(Channel), rest_days=3,
    contacts_a_week_max=2, control_share=0.1, hour_start=8, hour_end=21, starts_at=NOW, ends_at=None,
    state=State.ACTIVE, next_plan_at=NOW, created_at=NOW,
)  # fmt: skip
BORROWER = Candidate(
    borrower_id=ID, place_id=1, language="en", employment=0, monthly_income=None, unemployment_pct=None,
    preferred_channel=None, wished_channel=None, wished_hours=None, loan_id=ID, product="mortgage", instalment=1,
    past_due=1, past_due_days=1, missed_payments_12m=0, kept_promises=0, broken_promises=0, consented=0b10, fresh=0b10,
    kinds=(0, 2, 0), is_paused=False,
)  # fmt: skip


def touch(at: datetime, *, is_open: bool = False) -> Touch:
    """One earlier contact."""
    return Touch(1, at, 10, 0.1, is_open=is_open, has_answered=False, is_settled=True)


@given(st.integers(0, 366 * 24 * 60), st.integers(0, 23))
def test_each_instant_belongs_to_one_tick_and_the_next_lies_ahead(minutes: int, hour: int) -> None:
    """The tick at or before an instant is less than a day old, and the next one is a day after it."""
    instant = NOW + timedelta(minutes=minutes)
    tick = tick_of(instant, hour)

    assert timedelta(0) <= instant - tick < timedelta(days=1)
    assert tick + timedelta(days=1) == next_plan_at(instant, hour) > instant


@pytest.mark.parametrize(
    ("state", "verb", "target"),
    [
        (State.DRAFT, Verb.START, State.ACTIVE), (State.ACTIVE, Verb.START, State.ACTIVE),
        (State.PAUSED, Verb.START, None), (State.ACTIVE, Verb.PAUSE, State.PAUSED), (State.DRAFT, Verb.PAUSE, None),
        (State.PAUSED, Verb.RESUME, State.ACTIVE), (State.PAUSED, Verb.CANCEL, State.CANCELLED),
        (State.CANCELLED, Verb.RESUME, None), (State.CANCELLED, Verb.CANCEL, State.CANCELLED),
        (State.COMPLETED, Verb.CANCEL, None),
    ],
)  # fmt: skip
def test_a_campaign_changes_state_only_along_its_life(state: State, verb: Verb, target: State | None) -> None:
    """A repeat leads where it led before; what cannot be done leads nowhere."""
    assert target is target_state(state, verb)


def test_a_plan_covers_the_full_hours_up_to_the_next_plan() -> None:
    """Two successive windows touch and never overlap."""
    following = Window.after(next_plan_at(NOW, 9), next_plan_at(NOW, 9) + timedelta(days=1))

    assert (24, datetime(2026, 3, 4, 10, tzinfo=UTC)) == (WINDOW.hours, WINDOW.starts_at)
    assert following.starts_at == WINDOW.starts_at + timedelta(hours=WINDOW.hours)


@pytest.mark.parametrize(
    ("borrower", "touches", "skipped"),
    [
        (replace(BORROWER, is_paused=True), [], Skipped.PAUSED),
        (replace(BORROWER, consented=0), [], Skipped.UNREACHABLE),
        (BORROWER, [touch(NOW - timedelta(days=9), is_open=True)], Skipped.OPEN),
        (BORROWER, [touch(NOW - timedelta(days=1))], Skipped.RESTING),
        (BORROWER, [touch(NOW - timedelta(days=5)), touch(NOW - timedelta(days=4))], Skipped.RESTING),
    ],
)
def test_who_is_left_out_and_why(borrower: Candidate, touches: list[Touch], skipped: Skipped) -> None:
    """Pause, consent, a contact on its way, rest and weekly cap each leave a borrower out by their name."""
    found = find_eligible([borrower], REST_DAYS, {ID: touches}, CAMPAIGN, WINDOW)

    assert ([], {skipped: 1}) == (found.rows, dict(found.skipped))


@given(st.timedeltas(timedelta(hours=1), timedelta(days=8)))
def test_rest_is_counted_in_days_of_the_plan(ago: timedelta) -> None:
    """Rest that ends within the window leaves all of it open; rest that goes beyond leaves none."""
    found = find_eligible([BORROWER], REST_DAYS, {ID: [touch(NOW - ago)]}, CAMPAIGN, WINDOW)

    is_over = NOW - ago + REST_DAYS[0] < WINDOW.starts_at + timedelta(hours=WINDOW.hours)
    assert is_over == bool(found.rows)


def test_a_contact_may_come_at_the_hour_of_the_one_before() -> None:
    """Contacts do not drift to later and later hours: three days after a contact at 17:16 the whole day is open."""
    last = datetime(2026, 3, 1, 22, 16, tzinfo=UTC)

    assert [0] == find_eligible([BORROWER], REST_DAYS, {ID: [touch(last)]}, CAMPAIGN, WINDOW).rows


@pytest.mark.parametrize("kind", list(ResponseKind))
def test_what_brings_rest_and_for_how_long(kind: ResponseKind) -> None:
    """A response rests a borrower when its kind does or when it names an instant, which then counts."""
    until = NOW + timedelta(days=2)
    plain = pause_for(Response(ID, ID, ID, None, kind, 1, NOW))  # type: ignore[arg-type]
    named = pause_for(Response(ID, ID, ID, None, kind, 1, NOW, pause_until=until))  # type: ignore[arg-type]

    assert (plain is not None) == (kind in REST)
    assert named is not None
    assert until == named.until
