"""Asks whether phone numbers were given to somebody else: the port, and the answers of a bulk query as a file.

A source answers questions of the form "was this number disconnected for good on or after this date?", as the database
of the FCC does: yes, no, or no data (DA 21-1649). Whatever is not plainly yes or no is no data, which loosens nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol, TextIO

from forbear_providers.number_lookup import Answer, SourceError, answer_of

QUESTIONS_HEADER = ("mobile", "sms_consent_on")
ANSWERS_HEADER = ("phone", "since", "answer", "checked_on")
LINES_MAX = 1_000_000


class Question(NamedTuple):
    """A number, E.164, and the date from which on it must not have changed hands."""

    phone: str
    since: date


class NumberCheck(NamedTuple):
    """One answer, as `POST /v1/numbers:record` takes it."""

    phone: str
    since: date
    answer: Answer
    checked_on: date

    def document(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {
            "phone": self.phone, "since": self.since.isoformat(), "answer": self.answer.value,
            "checked_on": self.checked_on.isoformat(),
        }  # fmt: skip


class NumberChecks(Protocol):
    """A source of answers."""

    def checks(self) -> Iterator[NumberCheck]:
        """Yield answers, each once; raises SourceError where the source fails."""


@dataclass(frozen=True, slots=True)
class AnswersFile:
    """The result of a bulk query: CSV with `phone,since,answer,checked_on`; other columns are left alone."""

    lines: TextIO

    def checks(self) -> Iterator[NumberCheck]:
        """Yield the answers in the order of the file. Raises SourceError with the line that cannot be read."""
        for line, row in _rows(self.lines, ANSWERS_HEADER):
            phone, since, answer, checked_on = row
            yield NumberCheck(
                phone, _day(line, "since", since), answer_of(answer), _day(line, "checked_on", checked_on)
            )


def questions_of(portfolio: TextIO, stale_before: date) -> Iterator[Question]:
    """Read what to ask from a portfolio file: each mobile with consent to texts that was not checked since a day."""
    asked: set[Question] = set()
    for line, row in _rows(portfolio, QUESTIONS_HEADER, ("phone_checked_on",)):
        phone, consent_on, checked_on = row
        if not phone or not consent_on:
            continue
        since = _day(line, "sms_consent_on", consent_on)
        known_on = max(since, _day(line, "phone_checked_on", checked_on)) if checked_on else since
        question = Question(phone, since)
        if known_on < stale_before and question not in asked:
            asked.add(question)
            yield question


def _rows(file: TextIO, header: tuple[str, ...], optional: tuple[str, ...] = ()) -> Iterator[tuple[int, list[str]]]:
    reader = csv.DictReader(file)
    missing = [name for name in header if name not in (reader.fieldnames or ())]
    if missing:
        raise SourceError(f"line 1: the column {missing[0]} is missing; there must be {', '.join(header)}")
    try:
        for line, row in enumerate(reader, 2):
            if line > LINES_MAX:
                raise SourceError(f"the file is longer than {LINES_MAX:,} lines; cut it in pieces")
            yield line, [(row.get(name) or "").strip() for name in (*header, *optional)]
    except csv.Error as error:
        raise SourceError(f"the file is no CSV: {error}") from None
    except UnicodeDecodeError:
        raise SourceError("the file is not in UTF-8") from None


def _day(line: int, field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SourceError(f"line {line}: {field} must be a date such as 2026-03-02") from None


def in_batches(checks: Iterable[NumberCheck], size: int) -> Iterator[list[NumberCheck]]:
    """Yield the checks in lists of at most `size`."""
    batch: list[NumberCheck] = []
    for one in checks:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
