"""Ways out for a borrower who has fallen behind: offers computed for the loan, and the lives of what was agreed. Pure.

Money is in minor units and splits without losing or inventing one; days are on the borrower's calendar. A machine here
is one table: what is not in the table cannot happen and leaves the state as it is, so a repeat is harmless.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

DEFERRAL_DAYS = 30
INSTALMENTS = 3
INSTALMENT_EVERY_DAYS = 14  # most borrowers are paid every two weeks
PROMISE_GRACE_DAYS = 1  # a payment made on the day is booked on the next
CHECK_IN_DAYS = 3  # after a missed promise: one kind question, and room to answer it, before reminders go on
INSTALMENT_GRACE_DAYS = 3
AT_RISK_DAYS = 7  # how long a missed instalment may be made good before the arrangement ends
PROMISE_DAYS_MAX = 60
TERM_PRODUCTS = frozenset({"mortgage", "loan"})  # these have an end to which an amount can be moved


class Option(IntEnum):
    """A way out; the number is the one that the borrower replies or keys."""

    DEFERRAL = 1
    INSTALMENTS = 2


@dataclass(frozen=True, slots=True)
class Instalment:
    """One amount to be paid by one day."""

    number: int
    due_on: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Offer:
    """One option with its exact terms. `deferred_minor` is moved to the end of the loan; it is not forgiven."""

    option: Option
    currency: str
    deferred_minor: int
    schedule: tuple[Instalment, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an offer is computed from; see `LoanTerms` on the wire."""

    currency: str
    past_due_minor: int
    instalment_minor: int
    product: str


def offers(terms: Terms, today: date) -> tuple[Offer, ...]:
    """Return the options open to a borrower, in the order of their numbers; none where nothing is past due."""
    if terms.past_due_minor < INSTALMENTS:
        return ()
    return (defer(terms, today), in_instalments(terms, today))


def defer(terms: Terms, today: date) -> Offer:
    """Move the past-due amount to the end of the loan; the next usual instalment is due in 30 days.

    A debt without an end, or without a known instalment, keeps its amount: only the day on which it is due moves.
    """
    due_on = today + timedelta(days=DEFERRAL_DAYS)
    if terms.product in TERM_PRODUCTS and terms.instalment_minor > 0:
        return Offer(
            Option.DEFERRAL, terms.currency, terms.past_due_minor, (Instalment(1, due_on, terms.instalment_minor),)
        )
    return Offer(Option.DEFERRAL, terms.currency, 0, (Instalment(1, due_on, terms.past_due_minor),))


def in_instalments(terms: Terms, today: date) -> Offer:
    """Split the past-due amount into three, two weeks apart, the first in two weeks."""
    parts = split(terms.past_due_minor, INSTALMENTS)
    schedule = tuple(
        Instalment(number, today + timedelta(days=INSTALMENT_EVERY_DAYS * number), part)
        for number, part in enumerate(parts, 1)
    )
    return Offer(Option.INSTALMENTS, terms.currency, 0, schedule)


def split(amount_minor: int, parts: int) -> tuple[int, ...]:
    """Split an amount so that the parts add up to it and differ by at most one; larger parts come first."""
    if amount_minor < parts:
        raise ValueError(f"{amount_minor} cannot be split into {parts} parts of at least one")
    share, rest = divmod(amount_minor, parts)
    return tuple(share + 1 if number < rest else share for number in range(parts))


class PromiseState(IntEnum):
    """Where a promise to pay stands. The last three are final."""

    OPEN = 1
    KEPT = 2
    MISSED = 3
    REPLACED = 4


class PromiseEvent(IntEnum):
    """What can happen to a promise."""

    PAID = 1
    LAPSED = 2
    SUPERSEDED = 3


PROMISE_MOVES: Mapping[tuple[PromiseState, PromiseEvent], PromiseState] = {
    (PromiseState.OPEN, PromiseEvent.PAID): PromiseState.KEPT,
    (PromiseState.OPEN, PromiseEvent.LAPSED): PromiseState.MISSED,
    (PromiseState.OPEN, PromiseEvent.SUPERSEDED): PromiseState.REPLACED,
}


class ArrangementState(IntEnum):
    """Where an arrangement stands. The last three are final."""

    ACTIVE = 1
    AT_RISK = 2
    KEPT = 3
    BROKEN = 4
    REPLACED = 5


class ArrangementEvent(IntEnum):
    """What can happen to an arrangement."""

    INSTALMENT_PAID = 1
    ALL_PAID = 2
    INSTALMENT_MISSED = 3
    NOT_MADE_GOOD = 4
    SUPERSEDED = 5


_A, _E = ArrangementState, ArrangementEvent
ARRANGEMENT_MOVES: Mapping[tuple[ArrangementState, ArrangementEvent], ArrangementState] = {
    (_A.ACTIVE, _E.ALL_PAID): _A.KEPT,
    (_A.ACTIVE, _E.INSTALMENT_PAID): _A.ACTIVE,
    (_A.ACTIVE, _E.INSTALMENT_MISSED): _A.AT_RISK,
    (_A.ACTIVE, _E.SUPERSEDED): _A.REPLACED,
    (_A.AT_RISK, _E.ALL_PAID): _A.KEPT,
    (_A.AT_RISK, _E.INSTALMENT_PAID): _A.ACTIVE,
    (_A.AT_RISK, _E.NOT_MADE_GOOD): _A.BROKEN,
    (_A.AT_RISK, _E.SUPERSEDED): _A.REPLACED,
}


def advance_promise(state: PromiseState, event: PromiseEvent) -> PromiseState:
    """Return the state after an event; a final state never changes."""
    return PROMISE_MOVES.get((state, event), state)


def advance_arrangement(state: ArrangementState, event: ArrangementEvent) -> ArrangementState:
    """Return the state after an event; a final state never changes."""
    return ARRANGEMENT_MOVES.get((state, event), state)


def allocate(amount_minor: int, owed: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Pay open amounts in order; return what each receives, and what is left over."""
    given = []
    for open_minor in owed:
        part = min(amount_minor, max(0, open_minor))
        given.append(part)
        amount_minor -= part
    return tuple(given), amount_minor


def is_promise_met(amount_minor: int | None, paid_minor: int, past_due_minor: int) -> bool:
    """Return whether payments since the promise fulfil it; a promise without an amount is met by any payment."""
    if past_due_minor == 0:
        return True
    return paid_minor > 0 if amount_minor is None else paid_minor >= amount_minor
