"""Whether those who ask for care got it: what the lender's files said of whom, beside what reached them in the world.

Two things must never be: a borrower whom the law wants left alone is contacted all the same, and somebody vulnerable,
in hardship, in dispute or before a court is contacted by lot, to find something out. Whom that means is told by the
files as they were handed over, and by the rests that began with words of hardship or with a hand-over to a person; what
reached them is the census. The plan's own log is asked for one thing only: which contacts a lot chose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forbear_sandbox.census import Contact, plain_id
from forbear_sandbox.stack import Stack

REPLY, OPT_OUT_CONFIRMATION, CRISIS_LINE = 2, 3, 6  # forbear.types.v1.Purpose
_ALWAYS = frozenset({OPT_OUT_CONFIRMATION, CRISIS_LINE})
ALLOWED: Mapping[str, frozenset[int]] = {
    "disputed": _ALWAYS | {REPLY},
    "litigated": _ALWAYS | {REPLY},
    "represented": _ALWAYS,
    "bankrupt": _ALWAYS,
    "deceased": _ALWAYS,
    "cease": _ALWAYS,
}
"""What may still reach whoever is left alone: one who writes gets the one confirmation, and the crisis line."""

YEAR = timedelta(days=365)  # after it ended, nothing is tried out for as long

# Arms: 1 is the plan's own choice; whatever else was drawn by lot, in the hold-out or outside it.
BY_LOT = "SELECT contact_id FROM scheduler.contact WHERE arm <> 1 OR propensity < 1"
PURPOSES = "SELECT attempt_id, contact_id, purpose FROM dispatcher.attempt"
# Rests with kinds 8 and 12 of ResponseKind: hardship, and what was handed over to a person.
RESTS = """
SELECT b.ref, extract(epoch FROM min(p.since)) FROM scheduler.pause p
JOIN scheduler.borrower b USING (tenant_id, borrower_id) WHERE p.kind IN (8, 12) GROUP BY b.ref
"""


class Told:
    """What a lender's files said of borrowers, and since when the services had acknowledged it."""

    def __init__(self) -> None:
        self._by_ref: dict[str, list[tuple[datetime, frozenset[str]]]] = {}

    def hear(self, rows: Iterable[Mapping[str, str]], at: datetime) -> None:
        """Note a file that was imported by `at`; an empty cell says nothing, and "none" that nothing asks for care."""
        for row in rows:
            cell = row.get("circumstances", "").strip()
            if cell:
                words = frozenset(word.strip().lower() for word in cell.split(";")) - {"none"}
                self._by_ref.setdefault(row["borrower_ref"], []).append((at, words))

    def words(self, ref: str, at: datetime) -> frozenset[str]:
        """Return what was known before an instant; what is told at that very instant may come too late for it."""
        return next((words for since, words in reversed(self._by_ref.get(ref, ())) if since < at), frozenset())

    def asked_for_care(self, ref: str, at: datetime) -> bool:
        """Return whether anything was known before an instant, or had been within the year before."""
        said = self._by_ref.get(ref, ())
        ends = [since for since, _ in said[1:]] + [at]
        return any(words and since < at and end > at - YEAR for (since, words), end in zip(said, ends, strict=False))

    def borrowers(self) -> frozenset[str]:
        """Return all of whom a file ever said anything."""
        return frozenset(ref for ref, said in self._by_ref.items() if any(words for _, words in said))


@dataclass(frozen=True, slots=True)
class Log:
    """What the services noted: the contact and the purpose of each attempt, the contacts by lot, rests that began."""

    attempts: Mapping[str, tuple[str, int]]
    by_lot: Collection[str]
    rests: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Care:
    """What reached those who ask for care."""

    borrowers: int  # of whom a file said something at any time
    answered: int  # contacts that reached somebody left alone, as they may: confirmations, answers, the crisis line
    cared_for: int  # contacts that reached somebody with whom nothing is tried out
    barred: Sequence[Contact]  # that reached somebody left alone, and must not
    by_lot: Sequence[Contact]  # that a lot chose for somebody with whom nothing is tried out


def look(contacts: Iterable[Contact], told: Told, log: Log) -> Care:
    """Look at every contact that reached somebody."""
    answered, cared_for, barred, by_lot = 0, 0, list[Contact](), list[Contact]()
    for one in contacts:
        contact, purpose = log.attempts.get(plain_id(one.attempt), ("", 0))
        held = told.words(one.borrower, one.at) & ALLOWED.keys()
        if held and all(purpose in ALLOWED[word] for word in held):
            answered += 1
        elif held:
            barred.append(one)
        rested = log.rests.get(one.borrower)
        if told.asked_for_care(one.borrower, one.at) or (rested is not None and rested < one.at):
            cared_for += 1
            by_lot += [one] if contact in log.by_lot else []
    return Care(len(told.borrowers()), answered, cared_for, barred, by_lot)


def read_log(stack: Stack) -> Log:
    """Read what the services noted, as the superuser sees it."""
    return Log(
        {plain_id(attempt): (contact, int(purpose)) for attempt, contact, purpose in stack.select(PURPOSES)},
        frozenset(contact for (contact,) in stack.select(BY_LOT)),
        {ref: datetime.fromtimestamp(float(since), tz=UTC) for ref, since in stack.select(RESTS)},
    )
