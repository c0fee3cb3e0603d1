"""The life of a contact at the dispatcher: one table of legal transitions.

The numbers of the final states equal those of the wire (`ContactState`). What is not in the table cannot happen:
`advance` raises, and the stores write a state only where the row is still in the one that the step starts from.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class State(IntEnum):
    """Where a contact stands."""

    ACCEPTED = 1
    REFUSED = 2
    EXPIRED = 3
    RECALLED = 4
    UNKNOWN = 5
    QUEUED = 10
    CLAIMED = 11


class Step(StrEnum):
    """What happens to a contact."""

    POSTPONE = "postpone"  # the gate says: not before
    REFUSE = "refuse"  # the gate, or the provider for good
    EXPIRE = "expire"  # its time passed
    RECALL = "recall"  # it was taken back
    CLAIM = "claim"  # a permit was given and an attempt written
    ACCEPT = "accept"  # the provider took it
    RETRY = "retry"  # the provider refused for now, or the permit grew too old: back to the gate
    LOSE = "lose"  # nobody knows whether the provider took it
    FIND = "find"  # the provider has it after all
    RULE_OUT = "rule_out"  # the provider proves that it never had it: back to the gate


TRANSITIONS: dict[tuple[State, Step], State] = {
    (State.QUEUED, Step.POSTPONE): State.QUEUED,
    (State.QUEUED, Step.REFUSE): State.REFUSED,
    (State.QUEUED, Step.EXPIRE): State.EXPIRED,
    (State.QUEUED, Step.RECALL): State.RECALLED,
    (State.QUEUED, Step.CLAIM): State.CLAIMED,
    (State.CLAIMED, Step.ACCEPT): State.ACCEPTED,
    (State.CLAIMED, Step.REFUSE): State.REFUSED,
    (State.CLAIMED, Step.RETRY): State.QUEUED,
    (State.CLAIMED, Step.EXPIRE): State.EXPIRED,
    (State.CLAIMED, Step.RECALL): State.RECALLED,
    (State.CLAIMED, Step.LOSE): State.UNKNOWN,
    (State.UNKNOWN, Step.FIND): State.ACCEPTED,
    (State.UNKNOWN, Step.RULE_OUT): State.QUEUED,
    (State.UNKNOWN, Step.EXPIRE): State.EXPIRED,
    (State.UNKNOWN, Step.RECALL): State.RECALLED,
}

FINAL = frozenset({State.ACCEPTED, State.REFUSED, State.EXPIRED, State.RECALLED})


class IllegalStep(AssertionError):
    """A step was taken that the table does not have: a bug."""


def advance(state: State, step: Step) -> State:
    """Return the state after a step. Raises IllegalStep when the table does not have it."""
    after = TRANSITIONS.get((state, step))
    if after is None:
        raise IllegalStep(f"a contact that is {state.name} cannot {step}")
    return after
