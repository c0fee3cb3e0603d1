"""Checks the rows of a portfolio: good ones come out with their values and ids, bad ones with line, field and mend."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Any

from contact_scheduler.portfolio.columns import BORROWER_COLUMNS, COLUMNS, CONSENTS, NAMES, Column, Fault, Value
from contact_scheduler.portfolio.phones import Bad
from contact_scheduler.portfolio.reading import Record
from forbear_chassis.postgres import UUID

CACHE_ENTRIES_MAX = 10_000
CELL_CHARS_MAX = 512
DIGEST_BYTES = 16
# Part of every digest: raise it when what is derived from a row changes, so that the next import derives it again.
DERIVATION = b"forbear-row-1"

BORROWER_CELLS = len(BORROWER_COLUMNS)


def pick(*names: str) -> Callable[[list[Value]], Any]:
    """Return what takes the values of these columns, in this order, out of a row's values."""
    return itemgetter(*(NAMES.index(name) for name in names))


REFS = pick("borrower_ref", "loan_ref")
CROSS_CHECKED = pick("mobile", "landline", "email", "balance", "past_due")
CONSENTED_ON = pick(*CONSENTS)
PHONE_CHECKED_ON = NAMES.index("phone_checked_on")


@dataclass(slots=True)
class Row:
    """One good row: values in the order of NAMES, ids, and digests of its two halves.

    `row["name"]` reads one value; `pick` reads several at once, in a quarter of the time.
    """

    line: int
    borrower_id: UUID
    loan_id: UUID
    borrower_digest: bytes
    loan_digest: bytes
    values: list[Value]

    def __getitem__(self, name: str) -> Value:
        return self.values[NAMES.index(name)]


@dataclass(slots=True)
class Checked:
    """What became of one batch of records."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class RowChecker:
    """Checks records of one tenant's file. Keeps caches for columns with few values; holds nothing of past rows."""

    def __init__(self, tenant_id: bytes, today: date) -> None:
        self._tenant_id = tenant_id
        self._today = today
        self._readers = [_Remembered(column).__getitem__ if column.is_cached else _reader(column) for column in COLUMNS]

    def check(self, records: list[Record]) -> Checked:
        """Return good rows and faults of a batch, in order; a loan that a batch names twice is a fault."""
        checked = Checked()
        lines: dict[UUID, int] = {}
        for record in records:
            values, faults = self._read(record)
            if not faults:
                faults = self._cross_check(record.line, values)
            if faults:
                checked.faults += faults
                continue
            row = self._make_row(record, values)
            first = lines.setdefault(row.loan_id, record.line)
            if first == record.line:
                checked.rows.append(row)
            else:
                checked.faults.append(duplicate(record.line, first))
        return checked

    def _read(self, record: Record) -> tuple[list[Any], list[Fault]]:
        if record.cells is None:
            return [], [Fault(record.line, record.field, record.mend)]
        values = [read(cell) for read, cell in zip(self._readers, record.cells, strict=True)]
        if Bad not in map(type, values):
            return values, []
        faulty = [(name, value) for name, value in zip(NAMES, values, strict=True) if isinstance(value, Bad)]
        return [], [Fault(record.line, name, value.mend) for name, value in faulty]

    def _cross_check(self, line: int, values: list[Any]) -> list[Fault]:
        mobile, landline, email, balance, past_due = CROSS_CHECKED(values)
        faults = []
        if mobile is None and landline is None and email is None:
            faults.append(Fault(line, "mobile", "give at least one of mobile, landline and email"))
        for name, given_on in zip(CONSENTS, CONSENTED_ON(values), strict=True):
            if given_on is not None and given_on > self._today:
                faults.append(Fault(line, name, "a consent cannot lie in the future; give the day it was given"))
        checked_on = values[PHONE_CHECKED_ON]
        if checked_on is not None and checked_on > self._today:
            faults.append(
                Fault(line, "phone_checked_on", "a check cannot lie in the future; give the day of its answer")
            )
        if float(past_due) > float(balance):
            faults.append(Fault(line, "past_due", "what is past due cannot exceed the balance; mend one of them"))
        return faults

    def _make_row(self, record: Record, values: list[Any]) -> Row:
        cells = record.cells or []
        borrower_ref, loan_ref = REFS(values)
        return Row(
            line=record.line,
            borrower_id=make_id(self._tenant_id, f"borrower:{borrower_ref}"),
            loan_id=make_id(self._tenant_id, f"loan:{loan_ref}"),
            borrower_digest=_digest(cells[:BORROWER_CELLS]),
            loan_digest=_digest(cells[BORROWER_CELLS:] + cells[:1]),
            values=values,
        )


def duplicate(line: int, first_line: int) -> Fault:
    """Make the fault of a loan that stands in the file twice."""
    return Fault(line, "loan_ref", f"this loan stands on line {first_line} already; keep one of the two rows")


def make_id(namespace: bytes, name: str) -> UUID:
    """Return uuid5 as `forbear_domain.ids` does (a test compares both), in a third of the time."""
    digest = bytearray(hashlib.sha1(namespace + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes(digest))


def _digest(cells: list[str]) -> bytes:
    text = "\x1f".join(cells)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES, person=DERIVATION).digest()


def _reader(column: Column) -> Callable[[str], Value | Bad]:
    """Return what reads one cell: stripped, not too long, and checked; an empty one is None where it may be."""

    def read(cell: str) -> Value | Bad:
        text = cell.strip()
        if not text:
            return Bad("this cell must not be empty") if column.is_required else None
        if len(text) > CELL_CHARS_MAX or "\x00" in text:
            return Bad(f"write at most {CELL_CHARS_MAX} characters, none of them NUL")
        return check(text)

    check = column.check
    return read


class _Remembered(dict[str, "Value | Bad"]):
    """What a column's reader said of each distinct cell, up to a limit; a hit costs one look-up and no call."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._read = _reader(column)

    def __missing__(self, cell: str) -> Value | Bad:
        value = self._read(cell)
        if len(self) < CACHE_ENTRIES_MAX:
            self[cell] = value
        return value
