"""Checks the rows of a portfolio: good ones come out with their values and ids, bad ones with line, field and mend."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from contact_scheduler.portfolio.columns import BORROWER_COLUMNS, COLUMNS, CONSENTS, NAMES, Check, Fault, Value
from contact_scheduler.portfolio.phones import Bad
from contact_scheduler.portfolio.reading import Record
from forbear_chassis.postgres import UUID

CACHE_ENTRIES_MAX = 10_000
CELL_CHARS_MAX = 512
DIGEST_BYTES = 16
# Part of every digest: raise it when what is derived from a row changes, so that the next import derives it again.
DERIVATION = b"forbear-row-1"

AT = {name: index for index, name in enumerate(NAMES)}
BORROWER_CELLS = len(BORROWER_COLUMNS)


@dataclass(slots=True)
class Row:
    """One good row: values in the order of NAMES, ids, and digests of its two halves. `row["name"]` reads a value."""

    line: int
    borrower_id: UUID
    loan_id: UUID
    borrower_digest: bytes
    loan_digest: bytes
    values: list[Value]

    def __getitem__(self, name: str) -> Value:
        return self.values[AT[name]]


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
        self._checks = [_cached(column.check) if column.is_cached else column.check for column in COLUMNS]

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

    def _read(self, record: Record) -> tuple[list[Value], list[Fault]]:
        if record.cells is None:
            return [], [Fault(record.line, record.field, record.mend)]
        values: list[Value] = []
        faults: list[Fault] = []
        for column, check, cell in zip(COLUMNS, self._checks, record.cells, strict=True):
            text = cell.strip()
            value: Value | Bad
            if not text:
                value = Bad("this cell must not be empty") if column.is_required else None
            elif len(text) > CELL_CHARS_MAX or "\x00" in text:
                value = Bad(f"write at most {CELL_CHARS_MAX} characters, none of them NUL")
            else:
                value = check(text)
            if isinstance(value, Bad):
                faults.append(Fault(record.line, column.name, value.mend))
                value = None
            values.append(value)
        return values, faults

    def _cross_check(self, line: int, values: list[Value]) -> list[Fault]:
        faults = []
        if values[AT["mobile"]] is None and values[AT["landline"]] is None and values[AT["email"]] is None:
            faults.append(Fault(line, "mobile", "give at least one of mobile, landline and email"))
        for name in CONSENTS:
            given_on = values[AT[name]]
            if isinstance(given_on, date) and given_on > self._today:
                faults.append(Fault(line, name, "a consent cannot lie in the future; give the day it was given"))
        if float(str(values[AT["past_due"]])) > float(str(values[AT["balance"]])):
            faults.append(Fault(line, "past_due", "what is past due cannot exceed the balance; mend one of them"))
        return faults

    def _make_row(self, record: Record, values: list[Value]) -> Row:
        cells = record.cells or []
        borrower_ref, loan_ref = str(values[AT["borrower_ref"]]), str(values[AT["loan_ref"]])
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


def _cached(check: Check) -> Check:
    """Remember what a check said of each distinct text, up to a limit."""
    seen: dict[str, Value | Bad] = {}
    get: Callable[[str], Value | Bad | None] = seen.get

    def checked(text: str) -> Value | Bad:
        value = get(text)
        if value is None:
            value = check(text)
            if len(seen) < CACHE_ENTRIES_MAX:
                seen[text] = value
        return value

    return checked
