"""What a lender knows of a borrower that asks for care, and what each word of its file means."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from forbear.types.v1 import types_pb2 as pb


class Circumstance(IntEnum):
    """One word of the column `circumstances`; numbers are kept in rows. From DISPUTED on, nobody is contacted."""

    VULNERABLE = 1
    HARDSHIP = 2
    DISPUTED = 3
    LITIGATED = 4
    REPRESENTED = 5
    BANKRUPT = 6
    DECEASED = 7
    CEASE = 8

    @property
    def label(self) -> str:
        """Return the word of the file."""
        return self.name.lower()


FIRST_HELD: Final = Circumstance.DISPUTED
"""This one and those after it hold a borrower: no plan contacts them, and the gate bars them."""

WORDS: Final = {one.label: one for one in Circumstance}

NONE: Final = "none"
"""The word that ends whatever was said before; an empty cell says nothing."""

BARS: Final = {
    Circumstance.DISPUTED: pb.SUPPRESSION_KIND_DISPUTE,
    Circumstance.LITIGATED: pb.SUPPRESSION_KIND_DISPUTE,  # before a court: no rule knows it apart from a dispute
    Circumstance.REPRESENTED: pb.SUPPRESSION_KIND_ATTORNEY,
    Circumstance.BANKRUPT: pb.SUPPRESSION_KIND_BANKRUPTCY,
    Circumstance.DECEASED: pb.SUPPRESSION_KIND_DECEASED,
    Circumstance.CEASE: pb.SUPPRESSION_KIND_CEASE,
}
"""What the gate is told of each that holds a borrower."""

REASONS: Final = {
    Circumstance.VULNERABLE: "is vulnerable",
    Circumstance.HARDSHIP: "is in hardship",
    Circumstance.DISPUTED: "disputes the debt",
    Circumstance.LITIGATED: "is in litigation about the debt",
    Circumstance.REPRESENTED: "is represented by an attorney",
    Circumstance.BANKRUPT: "is bankrupt",
    Circumstance.DECEASED: "has died",
    Circumstance.CEASE: "demanded that contact cease",
}
"""Each as the end of a sentence that begins with "the borrower"."""
