"""Does the choice of channel and hour treat groups of borrowers unequally? Language stands for national origin.

Contacts of one borrower resemble each other, so a plain test of two shares would cry wolf: its variance is widened by
the design effect (Kish 1965) of contacts within borrowers. All groups of one report together are flagged by chance in
at most about one report of twenty (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist
from typing import Final

from contact_scheduler.learning.lift import Rate, rate

CONTACTS_MIN: Final = 30  # a group with fewer is merged: it would tell little, and perhaps of whom
BORROWERS_MIN: Final = 20  # on either side of a verdict: with fewer, one borrower's habits would make it
EXPECTED_MIN: Final = 5.0  # answers, and silences, on the smaller side, for a verdict on answers (Cochran 1952)
OTHER: Final = "other"
ERROR: Final = 0.05  # of a report in which all groups fare alike


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one group; the squares are sums over borrowers, products of a borrower's contacts and answers."""

    borrowers: int = 0
    contacts: int = 0
    answers: int = 0
    explored: int = 0
    contacts_squared: int = 0
    answers_squared: int = 0
    contacts_answers: int = 0
    treatments: Mapping[str, int] = field(default_factory=dict)  # contacts by treatment

    def __add__(self, other: Tally) -> Tally:
        """Count both together; no borrower may be in both."""
        names = sorted({*self.treatments, *other.treatments})
        return Tally(
            self.borrowers + other.borrowers, self.contacts + other.contacts, self.answers + other.answers,
            self.explored + other.explored, self.contacts_squared + other.contacts_squared,
            self.answers_squared + other.answers_squared, self.contacts_answers + other.contacts_answers,
            {name: self.treatments.get(name, 0) + other.treatments.get(name, 0) for name in names},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Apart:
    """One group less the others, with an interval wide enough for all groups of the report together."""

    difference: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether chance alone is an unlikely explanation."""
        return self.low > 0.0 or self.high < 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """One group beside all others. What is apart is None where there are no others, or too few to say."""

    name: str
    tally: Tally
    answered: Rate
    others: Tally
    answers_apart: Apart | None  # answers per contact
    contacts_apart: Apart | None  # contacts per borrower

    @property
    def is_flagged(self) -> bool:
        """Whether this group fares otherwise beyond chance."""
        return any(one is not None and one.is_clear for one in (self.answers_apart, self.contacts_apart))

    @property
    def words(self) -> str:
        """Say in one line whether this group fares otherwise than the others."""
        mine, theirs = self.tally, self.others
        if not theirs.contacts:
            return "No other group to compare with."
        if self.contacts_apart is None:
            return f"Too few borrowers for a verdict ({BORROWERS_MIN} needed)."
        found = []
        if self.answers_apart is not None and self.answers_apart.is_clear:
            shares = [100 * one.answers / one.contacts for one in (mine, theirs)]
            found.append(f"answers {shares[0]:.1f} of 100 contacts, the others {shares[1]:.1f}")
        if self.contacts_apart.is_clear:
            counts = [one.contacts / one.borrowers for one in (mine, theirs)]
            found.append(f"gets {counts[0]:.2f} contacts a borrower, the others {counts[1]:.2f}")
        told = f"Beyond chance: {'; '.join(found)}." if found else "No difference beyond chance."
        return told if self.answers_apart is not None else f"{told} Of answers too little is known for a verdict."


def compare_groups(tallies: Iterable[tuple[str, Tally]]) -> list[Group]:
    """Compare each group with all others, the largest first; none while all together have under `CONTACTS_MIN`."""
    merged = _merge_small(tallies)
    whole = sum(merged.values(), Tally())
    if whole.contacts < CONTACTS_MIN:
        return []
    rests = {name: sum((one for key, one in merged.items() if key != name), Tally()) for name in merged}
    judged = sum(min(tally.borrowers, rests[name].borrowers) >= BORROWERS_MIN for name, tally in merged.items())
    questions = 2 * (judged if judged > 2 else 1)  # of two groups one is the other's mirror
    z = NormalDist().inv_cdf(1 - ERROR / questions / 2)
    return [
        Group(
            name, tally, rate(tally.answers, tally.contacts), rests[name], _answers_apart(tally, rests[name], whole, z),
            _contacts_apart(tally, rests[name], whole, z),
        )
        for name, tally in sorted(merged.items(), key=lambda item: (item[0] == OTHER, -item[1].contacts, item[0]))
    ]  # fmt: skip


def summarize(groups: Sequence[Group]) -> str:
    """Say in plain sentences whether any group fares otherwise."""
    if not groups:
        return f"Fewer than {CONTACTS_MIN} contacts have gone out; too few to compare."
    if len(groups) == 1:
        return "There is only one group; nothing can be compared."
    judged = [one for one in groups if one.contacts_apart is not None]
    flagged = [one.name for one in groups if one.is_flagged]
    if not judged:
        told = "No group has enough borrowers for a verdict."
    elif flagged:
        fare = "fares" if len(flagged) == 1 else "fare"
        told = f"Of {len(judged)} groups that can be judged, {len(flagged)} {fare} otherwise: {', '.join(flagged)}."
    else:
        told = f"Of {len(judged)} groups that can be judged, none fares otherwise beyond chance."
    few = len(groups) - len(judged)
    return f"{told} Of {few} too little is known for a verdict." if few and judged else told


def _merge_small(tallies: Iterable[tuple[str, Tally]]) -> dict[str, Tally]:
    """Add up by name; what has too few contacts goes to `OTHER`, with the smallest large one while it has too few."""
    sums: dict[str, Tally] = {}
    for name, tally in tallies:
        sums[name] = sums.get(name, Tally()) + tally
    by_size = sorted(sums, key=lambda name: (sums[name].contacts, name))
    other = Tally()
    while by_size and (sums[by_size[0]].contacts < CONTACTS_MIN or 0 < other.contacts < CONTACTS_MIN):
        other += sums.pop(by_size.pop(0))
    if other.contacts:
        sums[OTHER] = sums.get(OTHER, Tally()) + other
    return sums


def _answers_apart(mine: Tally, others: Tally, whole: Tally, z: float) -> Apart | None:
    """Compare two answer rates, with the error that they would have if both were the common one."""
    share = whole.answers / whole.contacts
    fewest = min(mine.contacts, others.contacts) * min(share, 1 - share)
    if min(mine.borrowers, others.borrowers) < BORROWERS_MIN or fewest < EXPECTED_MIN:
        return None
    spread = whole.answers_squared - 2 * share * whole.contacts_answers + share**2 * whole.contacts_squared
    widened = max(1.0, spread / (whole.contacts * share * (1 - share))) * share * (1 - share)
    error = sqrt(widened * (1 / mine.contacts + 1 / others.contacts))
    return _apart(mine.answers / mine.contacts - others.answers / others.contacts, z * error)


def _contacts_apart(mine: Tally, others: Tally, whole: Tally, z: float) -> Apart | None:
    """Compare two means of contacts a borrower, with the error that they would have if both were the common one."""
    if min(mine.borrowers, others.borrowers) < BORROWERS_MIN:
        return None
    spread = max(whole.contacts_squared - whole.contacts**2 / whole.borrowers, 0.0)
    error = sqrt(spread / (whole.borrowers - 1) * (1 / mine.borrowers + 1 / others.borrowers))
    return _apart(mine.contacts / mine.borrowers - others.contacts / others.borrowers, z * error)


def _apart(difference: float, reach: float) -> Apart:
    return Apart(difference, difference - reach, difference + reach)
