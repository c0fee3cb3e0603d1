"""What reading a reply yields: labels, extracted facts, confidence, and the action to take. Plain values, no logic."""

import datetime as dt
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from forbear_replies.labels import ACTION_OF, URGENCY, Action, Label, Lang, WantedChannel


@dataclass(frozen=True, slots=True)
class Extract:
    """Facts stated in a reply; ``None`` where the text gives nothing.

    ``amount``, ``currency``, ``date`` belong to a promise or a payment made; ``not_before``, ``not_after`` (``HH:MM``
    clock of the borrower) and ``days`` (``mon``..``sun``) say when contact is welcome; the rest are wishes.
    """

    amount: Decimal | None = None
    currency: str | None = None
    date: dt.date | None = None
    not_before: str | None = None
    not_after: str | None = None
    days: tuple[str, ...] | None = None
    channel: WantedChannel | None = None
    language: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The extract as the record format of replies has it: ISO day, a bare number, lists, nulls."""
        found = asdict(self)
        if self.amount is not None:
            found["amount"] = int(self.amount) if self.amount == int(self.amount) else float(self.amount)
        if self.date is not None:
            found["date"] = self.date.isoformat()
        if self.days is not None:
            found["days"] = list(self.days)
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """One reply, understood.

    ``confidence`` is the calibrated chance that the labels are exactly right; where it is low, or the reply asks
    for one, ``needs_person`` is true. ``lang`` is the language the text was read in.
    """

    labels: frozenset[Label]
    extract: Extract
    confidence: float
    action: Action
    lang: Lang
    needs_person: bool

    @property
    def actions(self) -> tuple[Action, ...]:
        """Everything the tracker has to do, most urgent first."""
        wanted = {ACTION_OF[label] for label in self.labels} | {self.action}
        return tuple(action for action in URGENCY if action in wanted)
