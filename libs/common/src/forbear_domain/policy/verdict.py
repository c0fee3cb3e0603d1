"""What the engine answers: allow, wait, refuse or ask a person, with everything needed to explain it."""

from datetime import datetime
from enum import IntEnum

from forbear_domain.values import value


class Outcome(IntEnum):
    """Ordered by strictness: the greatest of all findings is the verdict."""

    ALLOW = 0
    NOT_BEFORE = 1
    FLAG = 2
    REFUSE = 3


_ALLOW = Outcome.ALLOW  # each contact is asked several times, and a member of an enumeration takes 0.1 us to find


@value(frozen=True)
class Finding:
    """One rule that fired."""

    rule: str
    outcome: Outcome
    why: str
    source: str
    until: datetime | None = None  # the first instant at which this rule no longer objects, if time heals it
    counted: tuple[int, ...] = ()  # positions in `facts.past` of the contacts that were counted
    facts_used: tuple[str, ...] = ()  # names of the fields of `Facts` it looked at


@value(frozen=True)
class Verdict:
    """The answer for one proposed contact at one instant."""

    outcome: Outcome
    why: str  # one sentence a person reads
    rule: str | None = None  # the deciding rule; None when allowed
    source: str = ""
    not_before: datetime | None = None  # UTC; set exactly when outcome is NOT_BEFORE
    fired: tuple[Finding, ...] = ()  # all findings, the deciding one first
    packs: tuple[str, ...] = ()  # "US-FED@2026.11" of every pack consulted

    @property
    def allowed(self) -> bool:
        """Whether the contact may be made now."""
        return self.outcome is _ALLOW

    @property
    def counted(self) -> tuple[int, ...]:
        """Positions in `facts.past` that the deciding rule counted."""
        return self.fired[0].counted if self.fired else ()

    @property
    def facts_used(self) -> tuple[str, ...]:
        """Names of the facts that the deciding rule looked at."""
        return self.fired[0].facts_used if self.fired else ()
