"""Offers are exact, and what was agreed lives by its table."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.arrangements import (
    ARRANGEMENT_MOVES,
    ArrangementEvent,
    ArrangementState,
    Option,
    PromiseEvent,
    PromiseState,
    Terms,
    advance_arrangement,
    advance_promise,
    allocate,
    defer,
    in_instalments,
    is_promise_met,
    offers,
    split,
)

MONDAY = date(2026, 3, 2)
FINAL = {ArrangementState.KEPT, ArrangementState.BROKEN, ArrangementState.REPLACED}
TERMS = Terms("USD", 61_240, 145_000, "mortgage")


@given(st.integers(3, 10**15))
def test_three_instalments_add_up_to_what_is_past_due(past_due: int) -> None:
    """No cent is lost or invented, and no part differs from another by more than one."""
    offer = in_instalments(Terms("USD", past_due, 0, "card"), MONDAY)
    parts = [part.amount_minor for part in offer.schedule]

    assert past_due == sum(parts)
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)


def test_instalments_fall_due_every_two_weeks_from_in_two_weeks() -> None:
    """Days are the borrower's; a month's end is nothing special."""
    offer = in_instalments(TERMS, MONDAY)

    assert [date(2026, 3, 16), date(2026, 3, 30), date(2026, 4, 13)] == [part.due_on for part in offer.schedule]
    assert [20_414, 20_413, 20_413] == [part.amount_minor for part in offer.schedule]


def test_a_loan_with_an_end_defers_what_is_past_due_to_it() -> None:
    """The usual instalment is due in 30 days; the rest is moved, not forgiven."""
    offer = defer(TERMS, MONDAY)

    assert 61_240 == offer.deferred_minor
    assert [(date(2026, 4, 1), 145_000)] == [(part.due_on, part.amount_minor) for part in offer.schedule]


def test_a_card_defers_only_the_day() -> None:
    """A debt without an end keeps its amount."""
    offer = defer(Terms("USD", 61_240, 2_000, "card"), MONDAY)

    assert 0 == offer.deferred_minor
    assert [(date(2026, 4, 1), 61_240)] == [(part.due_on, part.amount_minor) for part in offer.schedule]


def test_nothing_is_offered_where_nothing_is_past_due() -> None:
    """The twin: with three cents there are offers, with two there are none."""
    assert () == offers(Terms("USD", 2, 100, "loan"), MONDAY)
    assert [Option.DEFERRAL, Option.INSTALMENTS] == [
        offer.option for offer in offers(Terms("USD", 3, 100, "loan"), MONDAY)
    ]


def test_less_than_one_each_cannot_be_split() -> None:
    """An instalment of nothing is no instalment."""
    with pytest.raises(ValueError, match="cannot be split"):
        split(2, 3)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), max_size=6))
def test_a_payment_is_given_out_in_order_and_nothing_is_lost(amount: int, owed: list[int]) -> None:
    """What is given plus what is left is what was paid; nobody is paid before the one in front is full."""
    given_out, rest = allocate(amount, owed)

    assert amount == sum(given_out) + rest
    assert all(part <= debt for part, debt in zip(given_out, owed, strict=True))
    first_open = next((n for n, (part, debt) in enumerate(zip(given_out, owed, strict=True)) if part < debt), len(owed))
    assert not any(given_out[first_open + 1 :])
    assert rest == 0 or first_open == len(owed)


@given(st.lists(st.sampled_from(PromiseEvent), max_size=8))
def test_a_promise_ends_once_and_for_all(events: list[PromiseEvent]) -> None:
    """Whatever happens after the first event changes nothing."""
    state = PromiseState.OPEN
    ends = []
    for event in events:
        state = advance_promise(state, event)
        ends.append(state)

    assert len(set(ends)) <= 1


@given(st.lists(st.sampled_from(ArrangementEvent), max_size=20))
def test_an_arrangement_never_leaves_a_final_state(events: list[ArrangementEvent]) -> None:
    """Kept, broken and replaced are for ever; broken is reached only after a miss."""
    state, has_missed = ArrangementState.ACTIVE, False
    for event in events:
        before, state = state, advance_arrangement(state, event)
        has_missed = has_missed or state is ArrangementState.AT_RISK
        assert state is before or (before, event) in ARRANGEMENT_MOVES
        assert (
            before not in (ArrangementState.KEPT, ArrangementState.BROKEN, ArrangementState.REPLACED) or state is before
        )

    assert state is not ArrangementState.BROKEN or has_missed


@pytest.mark.parametrize(
    ("amount", "paid", "past_due", "expected"),
    [
        (30_000, 30_000, 5, True),
        (30_000, 29_999, 5, False),
        (30_000, 0, 0, True),
        (None, 1, 5, True),
        (None, 0, 5, False),
    ],
)
def test_a_promise_is_met_by_its_amount_or_by_nothing_left_past_due(
    amount: int | None, paid: int, past_due: int, expected: bool
) -> None:
    """To the cent; without an amount any payment keeps it."""
    assert expected is is_promise_met(amount, paid, past_due)
