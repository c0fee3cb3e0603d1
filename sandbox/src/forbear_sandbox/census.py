"""The sandbox's own count of what reached whom: what the services claim is compared with this, never with itself.

Every contact that a provider took is one line of `census.jsonl`, written before the sender gets an answer, so that it
survives a kill of the sandbox. What happened to it, and what borrowers did, are lines of their own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

LAWFUL_FROM_HOUR, LAWFUL_TO_HOUR = 8, 21  # 12 CFR 1006.6(b)(1)(i): after 8 a.m. and before 9 p.m., local time


@dataclass(frozen=True, slots=True)
class Contact:
    """One message, call or mail that a provider took.

    `attempt` is the sender's own id, read off the wire. `is_answer` says that the borrower had written just before.
    """

    at: datetime
    channel: str
    provider_ref: str
    attempt: str
    sender: str
    address: str
    borrower: str
    zone: str
    text_sha256: str
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the services claim beside what the world saw; all sets are empty when they agree."""

    agreed: int
    unseen: frozenset[str]  # claimed as sent, never seen here
    unclaimed: frozenset[str]  # seen here, not claimed
    doubled: frozenset[str]  # seen here more than once

    @property
    def is_equal(self) -> bool:
        """Whether both tell the same."""
        return not (self.unseen or self.unclaimed or self.doubled)


@dataclass(slots=True)
class Census:
    """Counts in memory, and lines in a file when there is one."""

    path: Path | None = None
    contacts: list[Contact] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    _file: int | None = None

    def __post_init__(self) -> None:
        """Open the file and count what an earlier life of the sandbox wrote to it."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self._reload(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def reached(self, contact: Contact) -> None:
        """Count a contact that a provider took."""
        self.contacts.append(contact)
        self._write({"kind": "contact", **asdict(contact)})

    def happened(self, at: datetime, what: str, borrower: str, detail: str = "") -> None:
        """Count an event, such as "sms.delivered", "reply.promise" or "paid"."""
        self.events[what] += 1
        self._write({"kind": "event", "at": at, "what": what, "borrower": borrower, "detail": detail})

    def summary(self) -> dict[str, object]:
        """Return the counts that a person or a test compares: by channel, by fate, and what must never happen."""
        attempts = Counter(contact.attempt for contact in self.contacts if contact.attempt)
        return {
            "contacts": dict(Counter(contact.channel for contact in self.contacts)),
            "total": len(self.contacts),
            "borrowers": len({contact.borrower for contact in self.contacts if contact.borrower}),
            "strangers": sum(not contact.borrower for contact in self.contacts),
            "events": dict(sorted(self.events.items())),
            "twice": sum(count - 1 for count in attempts.values()),
            "outside_hours": sum(not is_lawful_hour(contact) and not contact.is_answer for contact in self.contacts),
            "answers_outside_hours": sum(
                not is_lawful_hour(contact) and contact.is_answer for contact in self.contacts
            ),
        }

    def compare(self, claimed: Iterable[str | UUID]) -> Comparison:
        """Compare the attempts that the ledger claims as taken by a provider with those seen here."""
        return compare((contact.attempt for contact in self.contacts), claimed)

    def _write(self, line: Mapping[str, object]) -> None:
        if self._file is not None:
            os.write(self._file, orjson.dumps(line) + b"\n")

    def _reload(self, path: Path) -> None:
        for text in path.read_bytes().splitlines():
            line = orjson.loads(text)
            if line.pop("kind") == "contact":
                self.contacts.append(to_contact(line))
            else:
                self.events[line["what"]] += 1


def to_contact(line: Mapping[str, Any]) -> Contact:
    """Return the contact that a line of the census tells of."""
    return Contact(**{**line, "at": datetime.fromisoformat(line["at"])})


def compare(seen: Iterable[str], claimed: Iterable[str | UUID]) -> Comparison:
    """Compare attempt ids, which may be written with or without hyphens."""
    counts = Counter(plain_id(attempt) for attempt in seen)
    told = {plain_id(attempt) for attempt in claimed}
    return Comparison(
        agreed=len(told & counts.keys()),
        unseen=frozenset(told - counts.keys()),
        unclaimed=frozenset(counts.keys() - told),
        doubled=frozenset(attempt for attempt, count in counts.items() if count > 1),
    )


def is_lawful_hour(contact: Contact) -> bool:
    """Return whether a contact came between 8 a.m. and 9 p.m. where the borrower really lives."""
    if not contact.zone:
        return True
    local = contact.at.astimezone(ZoneInfo(contact.zone))
    return LAWFUL_FROM_HOUR <= local.hour < LAWFUL_TO_HOUR


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text as the borrower gets it."""
    return sha256(text.encode()).hexdigest()


def attempt_of(url: str) -> str:
    """Return the attempt that a callback URL names: `?attempt=<uuid>` or `/twilio/voice/<uuid>`, else ""."""
    parts = urlsplit(url)
    named = parse_qs(parts.query).get("attempt")
    candidate = named[0] if named else parts.path.rstrip("/").rpartition("/")[2]
    return plain_id(candidate) if _is_id(candidate) else ""


def plain_id(attempt: str | UUID) -> str:
    """Return an id as 32 hexadecimal digits."""
    return str(attempt).replace("-", "").lower()


def _is_id(text: str) -> bool:
    plain = plain_id(text)
    return len(plain) == 32 and all(digit in "0123456789abcdef" for digit in plain)
