"""Somebody, or something, at the other end of a call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from forbear_sandbox.borrower import Borrower
from forbear_sandbox.people import Answer, Gather

YES = {"en": "Yes, this is me", "es": "Sí, soy yo", "zh-Hans": "是我", "zh-Hant": "是我"}
NOBODY = {"machine": 0.47, "no-answer": 0.43, "busy": 0.06, "failed": 0.04}
KEYS_OF_WISHES = {
    "promise": "1", "pay": "1", "cannot_pay": "2", "lost_job": "2", "distress": "2", "later": "3", "stop": "9",
    "balance": "0", "how_to_pay": "0", "dispute": "0",
}  # fmt: skip


class Nobody:
    """A call that no person takes: a machine listens, or nothing does."""

    def __init__(self, outcome: str) -> None:
        self.outcome = outcome

    def hear(self, said: str, gather: Gather | None) -> Answer:
        """Say nothing."""
        return Answer()

    def hung_up(self) -> None:
        """Notice nothing."""


class Person:
    """A borrower on the phone: says who they are, keys what they want, and remembers what was agreed."""

    outcome = "human"

    def __init__(
        self, borrower: Borrower, now: datetime, did: Callable[[str], None], terms: Callable[[str], None]
    ) -> None:
        """`did` is told what the borrower keyed, as a meaning; `terms` what was said after that."""
        self._borrower = borrower
        self._now = now
        self._did = did
        self._terms = terms
        self._lots = borrower.lots.under("call", now)
        self._stage = 0

    def hear(self, said: str, gather: Gather | None) -> Answer:
        """Answer the identity question, the menu and the choice of a way out, in this order."""
        if gather is None:
            self._terms(said)
            return Answer()
        self._stage += 1
        if self._lots.happens(0.06, "hangs up", self._stage):
            return Answer(hangs_up=True)
        if self._lots.happens(0.05, "does not understand", self._stage):
            self._stage -= 1
            return Answer() if self._lots.happens(0.5, "silent") else Answer(hangs_up=True)
        match self._stage:  # what is wanted is decided when it is asked for, not before
            case 1:
                return self._identify(gather)
            case 2:
                return self._want(said)
            case 3:
                return self._choose()
        return Answer(hangs_up=True)

    def hung_up(self) -> None:
        """Remember that there was a call."""
        self._borrower.wrote_at = self._now

    def _identify(self, gather: Gather) -> Answer:
        if self._borrower.habits.is_wrong_person:
            self._did("wrong_number")
            return Answer(digits="2")
        if gather.takes_speech and self._lots.happens(0.25, "speaks"):
            return Answer(speech=YES[self._borrower.language])
        return Answer(digits="1")

    def _want(self, said: str) -> Answer:
        wish = self._borrower.wish("voice", self._now, "")
        digits = KEYS_OF_WISHES.get(wish.meaning, "")
        if not digits:
            return Answer(hangs_up=True)
        self._did(wish.meaning)
        if digits == "1":
            self._borrower.listens_for_terms = True
        return Answer(digits=digits)

    def _choose(self) -> Answer:
        choice = self._borrower.choose(self._now)
        self._borrower.listens_for_terms = True
        self._did(f"option_{choice}")
        return Answer(digits=choice)


def nobody(borrower: Borrower, now: datetime) -> Nobody:
    """Return what takes a call that the borrower does not take."""
    if borrower.habits.carrier_code in (30003, 30005, 30006):
        return Nobody("failed")
    return Nobody(borrower.lots.weighted(NOBODY, "nobody", now))
