"""The life of a planned contact, as this service sees it."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum

from forbear_domain.model import ResponseKind

ATTRIBUTION = timedelta(hours=48)  # an answer within it belongs to the contact before it


class ContactPhase(IntEnum):
    """Where a planned contact stands; 1 to 5 are the final states of the wire."""

    PLANNED = 0
    ACCEPTED = 1
    REFUSED = 2
    EXPIRED = 3
    RECALLED = 4
    UNKNOWN = 5
    RELEASED = 6
    CANCELLED = 7

    @property
    def label(self) -> str:
        """Return the name used in APIs, metrics and pages."""
        return self.name.lower()


# What counts as an answer: somebody was reached. A refusal to hear more is not one that we wish to learn to provoke.
ANSWERS = frozenset(
    {ResponseKind.ENGAGED, ResponseKind.REPLIED, ResponseKind.PROMISED, ResponseKind.PAID, ResponseKind.ARRANGED}
)

# What a campaign is for. Opening or clicking is none of them: machines do that too.
GOALS = {
    "payment": frozenset({ResponseKind.PAID, ResponseKind.KEPT}),
    "promise": frozenset({ResponseKind.PROMISED, ResponseKind.ARRANGED, ResponseKind.PAID, ResponseKind.KEPT}),
    "contact": ANSWERS,
}

# How long a borrower is left in peace after each, where the response itself does not say; None: until it is lifted.
REST: dict[ResponseKind, timedelta | None] = {
    ResponseKind.PROMISED: timedelta(days=7),
    ResponseKind.PAID: timedelta(days=7),
    ResponseKind.ARRANGED: timedelta(days=35),
    ResponseKind.HARDSHIP: None,
    ResponseKind.OPTED_OUT: None,
    ResponseKind.HANDED_OVER: None,
}
