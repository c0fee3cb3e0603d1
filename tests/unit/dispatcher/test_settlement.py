"""What follows from a provider's answer."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_dispatcher.settlement import ATTEMPTS_MAX, BACKOFF_MAX_S, ContactRow, backoff, settle
from forbear_domain.lifecycle import State
from forbear_providers.contract import SendOutcome, SendState

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
ATTEMPT = uuid.UUID(int=9)
CLAIMED = ContactRow(State.CLAIMED, "", NOW + timedelta(hours=8))
TRANSIENT = SendOutcome(SendState.REFUSED_TRANSIENT, reason="too_many_requests")


@pytest.mark.parametrize(
    ("outcome", "number", "row", "state"),
    [
        (SendOutcome(SendState.ACCEPTED), 1, CLAIMED, State.ACCEPTED),
        (SendOutcome(SendState.REFUSED_FINAL, reason="invalid_number"), 1, CLAIMED, State.REFUSED),
        (SendOutcome(SendState.UNKNOWN), 1, CLAIMED, State.UNKNOWN),
        (TRANSIENT, 1, CLAIMED, State.QUEUED),
        (TRANSIENT, ATTEMPTS_MAX, CLAIMED, State.REFUSED),
        (TRANSIENT, 1, ContactRow(State.CLAIMED, "paid", CLAIMED.expire_at), State.RECALLED),
        (TRANSIENT, 1, ContactRow(State.CLAIMED, "", NOW + timedelta(seconds=5)), State.EXPIRED),
        (SendOutcome(SendState.ACCEPTED), 1, ContactRow(State.UNKNOWN, "", NOW), State.ACCEPTED),
        (TRANSIENT, 1, ContactRow(State.UNKNOWN, "", NOW), None),
        (SendOutcome(SendState.ACCEPTED), 1, ContactRow(State.ACCEPTED, "", NOW), None),
    ],
)
def test_every_answer_leads_to_one_state(
    outcome: SendOutcome, number: int, row: ContactRow, state: State | None
) -> None:
    """Only a transient refusal goes back to the gate; None leaves a row that others have settled."""
    settled = settle(outcome, ATTEMPT, number, row, NOW)

    assert state == (settled.state if settled else None)


@given(st.uuids(), st.integers(1, 20), st.none() | st.floats(0, 7200))
def test_the_wait_is_repeatable_bounded_and_never_below_the_provider_s_wish(
    attempt: uuid.UUID, number: int, wish_s: float | None
) -> None:
    """Between half and all of the doubled wait, spread by the attempt's id."""
    wait_s = backoff(attempt, number, wish_s).total_seconds()
    full_s = min(30.0 * 2 ** (number - 1), BACKOFF_MAX_S)

    assert wait_s == backoff(attempt, number, wish_s).total_seconds()
    assert full_s / 2 <= wait_s + 1e-6
    assert wait_s <= max(full_s, wish_s or 0.0) + 1e-6
    assert (wish_s or 0.0) <= wait_s + 1e-6
