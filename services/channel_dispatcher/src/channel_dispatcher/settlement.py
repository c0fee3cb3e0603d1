"""What follows from a provider's answer: the next step of the contact, and when. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from forbear_domain.lifecycle import State, Step, advance
from forbear_providers.contract import SendOutcome, SendState

ATTEMPTS_MAX = 5
PAUSED = "provider_paused"  # the reason of a claim that was given back because its account's circuit had opened
THROWN = "switch_thrown"  # the reason of one that was given back because of a kill switch
UNASKED = frozenset({PAUSED, THROWN})  # no provider was asked: such an attempt does not count against the attempts
BACKOFF_FIRST_S = 30.0
BACKOFF_MAX_S = 3600.0
CHECK_AFTER = timedelta(seconds=120)
"""An unknown outcome is looked up only when nobody can be sending it any more: the permit lives 60 s, a call 30 s."""


_CLAIMED, _ACCEPTED, _ACCEPT = State.CLAIMED, SendState.ACCEPTED, Step.ACCEPT
"""Held here, because a member of an enumeration takes 0.1 us to find (Python 3.11), and each message needs them."""


class Settled(NamedTuple):
    """The contact's new state; `due_at` is set when it goes back to the gate."""

    step: Step
    state: State
    reason: str
    due_at: datetime | None = None


def settle(outcome: SendOutcome, attempt: UUID, number: int, contact: ContactRow, now: datetime) -> Settled | None:
    """Return what becomes of a contact after an attempt, or None when its row already says otherwise.

    A claim that was given up as lost while it was still being sent is found again if the provider took it; any other
    answer for it is left to reconciliation.
    """
    reason = outcome.reason or outcome.code
    if contact.state is _CLAIMED and outcome.state is _ACCEPTED:  # first, because nearly all end so
        return _to(_CLAIMED, _ACCEPT, reason)
    if contact.state is State.UNKNOWN:
        return _to(contact.state, Step.FIND, reason) if outcome.state is SendState.ACCEPTED else None
    if contact.state is not State.CLAIMED:
        return None
    if outcome.state is SendState.UNKNOWN:
        return _to(contact.state, Step.LOSE, reason or "outcome_unknown")
    is_last = number >= ATTEMPTS_MAX and outcome.reason not in UNASKED
    if outcome.state is SendState.REFUSED_FINAL or is_last:
        return _to(contact.state, Step.REFUSE, reason)
    if contact.recall_reason:
        return _to(contact.state, Step.RECALL, contact.recall_reason)
    due_at = now + backoff(attempt, number, outcome.retry_after_s)
    if due_at >= contact.expire_at:
        return _to(contact.state, Step.EXPIRE, reason)
    return Settled(Step.RETRY, advance(contact.state, Step.RETRY), reason, due_at)


class ContactRow(NamedTuple):
    """What the queue knows of a contact in flight."""

    state: State
    recall_reason: str
    expire_at: datetime


def backoff(attempt: UUID, number: int, retry_after_s: float | None) -> timedelta:
    """Return how long to wait after the `number`-th attempt: doubling, spread by half, never below the provider's wish.

    The spread follows from the attempt's id, so that a run can be repeated.
    """
    full_s = min(BACKOFF_FIRST_S * 2 ** (number - 1), BACKOFF_MAX_S)
    share = int.from_bytes(hashlib.blake2b(attempt.bytes, digest_size=4).digest(), "big") / 2**32
    return timedelta(seconds=max(full_s * (0.5 + share / 2), retry_after_s or 0.0))


@lru_cache(maxsize=1024)
def _to(state: State, step: Step, reason: str) -> Settled:
    return Settled(step, advance(state, step), reason)
