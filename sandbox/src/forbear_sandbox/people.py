"""What the providers ask of the people they reach. The population answers; without one, everything is delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a text on its way: the final status and the carrier's code."""

    status: str = "delivered"
    code: int | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether somebody can read it."""
        return self.status == "delivered"


@dataclass(frozen=True, slots=True)
class Gather:
    """What a call asks for."""

    takes_digits: bool
    takes_speech: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody on the phone does: keys, says, nothing, or hangs up."""

    digits: str = ""
    speech: str = ""
    hangs_up: bool = False


@dataclass(frozen=True, slots=True)
class MailFate:
    """What a mail server says to a recipient: a code of 250 takes the mail, and it may bounce later."""

    code: int = 250
    text: str = "2.1.5 ok"
    bounces: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was taken."""

    at: datetime
    envelope_sender: str
    recipient: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Who:
    """Who has an address: nobody we know when all is empty. `is_talking` says that they wrote to us just now."""

    borrower: str = ""
    zone: str = ""
    is_talking: bool = False


class Listener(Protocol):
    """Whoever or whatever is at the other end of one call."""

    outcome: str  # "human", "machine", "no-answer", "busy" or "failed"

    def hear(self, said: str, gather: Gather | None) -> Answer:
        """Hear what was said since the last answer; a gather wants an answer."""

    def hung_up(self) -> None:
        """Learn that the call is over."""


class People(Protocol):
    """Everybody who can be reached."""

    def who(self, address: str) -> Who:
        """Return who has a number or address."""

    def text_fate(self, to: str, at: datetime) -> Fate:
        """Return what becomes of a text."""

    def left_on(self, number: str) -> date | None:
        """Return since when a number of ours is somebody else's; None where it is still theirs, or never was ours."""

    def on_text(self, to: str, sender: str, body: str) -> None:
        """Let somebody read a text; reactions come later."""

    def pick_up(self, to: str, sender: str) -> Listener:
        """Let a phone ring and return who takes it."""

    def mail_fate(self, recipient: str, at: datetime) -> MailFate:
        """Return what the recipient's mail server says."""

    def on_mail(self, mail: Mail) -> None:
        """Let somebody find a mail; reactions come later."""
