"""Does the choice of channel and hour treat groups of borrowers unequally? Language stands for national origin.

Contacts of one borrower resemble each other, so a plain test of two shares would cry wolf: its variance is widened by
the design effect (Kish 1965) of contacts within borrowers. All groups of one report together are flagged by chance in
at most about one report of twenty (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist
from typing import Final

from contact_scheduler.learning.lift import Rate, rate

CONTACTS_MIN: Final = 30  # a group with fewer is merged: it would tell little, and perhaps of whom
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
class Group:
    """One group beside all others; a flag is None where there are no others."""

    name: str
    tally: Tally
    answered: Rate
    others: Tally
    is_answer_rate_unequal: bool | None
    is_contact_count_unequal: bool | None

    @property
    def words(self) -> str:
        """Say in one line whether this group fares otherwise than the others."""
        if self.is_answer_rate_unequal is None:
            return "No other group to compare with."
        mine, theirs = self.tally, self.others
        found = []
        if self.is_answer_rate_unequal:
            shares = [100 * one.answers / one.contacts for one in (mine, theirs)]
            found.append(f"answers {shares[0]:.1f} of 100 contacts, the others {shares[1]:.1f}")
        if self.is_contact_count_unequal:
            counts = [one.contacts / one.borrowers for one in (mine, theirs)]
            found.append(f"gets {counts[0]:.2f} contacts a borrower, the others {counts[1]:.2f}")
        return f"Beyond chance: {'; '.join(found)}." if found else "No difference beyond chance."


def compare_groups(tallies: Iterable[tuple[str, Tally]]) -> list[Group]:
    """Compare each group with all others, the largest first; none while all together have under `CONTACTS_MIN`."""
    merged = _merge_small(tallies)
    whole = sum(merged.values(), Tally())
    if whole.contacts < CONTACTS_MIN:
        return []
    questions = 2 * (len(merged) if len(merged) > 2 else 1)  # of two groups one is the other's mirror
    threshold = NormalDist().inv_cdf(1 - ERROR / questions / 2)
    groups = []
    for name, tally in sorted(merged.items(), key=lambda item: (item[0] == OTHER, -item[1].contacts, item[0])):
        others = sum((one for key, one in merged.items() if key != name), Tally())
        is_alone = not others.contacts
        group = Group(
            name, tally, rate(tally.answers, tally.contacts), others,
            None if is_alone else abs(_answers_apart(tally, others, whole)) > threshold,
            None if is_alone else abs(_contacts_apart(tally, others, whole)) > threshold,
        )  # fmt: skip
        groups.append(group)
    return groups


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


def _answers_apart(mine: Tally, others: Tally, whole: Tally) -> float:
    """Return the difference of two answer rates in standard errors, as if both were the common one; 0 if all agree."""
    share = whole.answers / whole.contacts
    plain = whole.contacts * share * (1 - share)
    if not plain:
        return 0.0
    spread = whole.answers_squared - 2 * share * whole.contacts_answers + share**2 * whole.contacts_squared
    widened = max(1.0, spread / plain) * share * (1 - share)
    error = sqrt(widened * (1 / mine.contacts + 1 / others.contacts))
    return (mine.answers / mine.contacts - others.answers / others.contacts) / error


def _contacts_apart(mine: Tally, others: Tally, whole: Tally) -> float:
    """Return the difference of two means of contacts a borrower in standard errors; 0 where everybody got as many."""
    spread = whole.contacts_squared - whole.contacts**2 / whole.borrowers
    if spread <= 0 or whole.borrowers < 3:
        return 0.0
    error = sqrt(spread / (whole.borrowers - 1) * (1 / mine.borrowers + 1 / others.borrowers))
    return (mine.contacts / mine.borrowers - others.contacts / others.borrowers) / error
