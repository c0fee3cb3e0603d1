"""From the bytes of an upload to records with line numbers, in bounded memory.

Both readers take chunks of any size and return whole records; a record is never split and never held longer than it
takes to complete it. UTF-8 with or without byte-order mark; anything else is refused by name.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import orjson

from contact_scheduler.portfolio.columns import NAMES, REQUIRED

RECORD_CHARS_MAX = 64 * 1024
SHOWABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]{0,40}")
OTHER_ENCODINGS = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
    b"PK\x03\x04": "a spreadsheet or archive",
    b"\x1f\x8b": "gzip",
}


@dataclass(eq=False)
class FileRefused(Exception):
    """The file as a whole cannot be read from here on: field, way to mend it, line where it was noticed."""

    field: str
    mend: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.mend}"


class Record(NamedTuple):
    """One row of the file: its cells in the order of NAMES, or why it cannot be read."""

    line: int
    cells: list[str] | None
    field: str = ""
    mend: str = ""


class Reader(Protocol):
    """Turns chunks of bytes into records."""

    def feed(self, chunk: bytes) -> list[Record]:
        """Return the records that this chunk completed. Raises FileRefused."""

    def finish(self) -> list[Record]:
        """Return what is left at the end of the file. Raises FileRefused."""


class _Lines:
    """Decodes UTF-8 and cuts lines."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="strict")
        self._rest = ""
        self._is_first = True
        self.count = 0  # lines handed out so far

    def feed(self, chunk: bytes, *, is_last: bool = False) -> list[str]:
        """Return the lines completed by this chunk, line ends kept."""
        if self._is_first and chunk:
            self._refuse_other_encodings(chunk)
            self._is_first = False
        try:
            text = self._rest + self._decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as error:
            mend = "the file is not UTF-8; save it as UTF-8 and send it again"
            raise FileRefused("encoding", mend, self.count + 1 + error.object.count(b"\n", 0, error.start)) from error
        lines = text.splitlines(keepends=True) if "\r" in text else text.split("\n")
        if "\r" not in text:
            lines = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
        is_open = bool(lines) and not lines[-1].endswith("\n")
        self._rest = lines.pop() if is_open and not is_last else ""
        self.count += len(lines)
        if len(self._rest) > RECORD_CHARS_MAX:
            raise FileRefused("line", f"a line is longer than {RECORD_CHARS_MAX} characters", self.count + 1)
        return lines

    def _refuse_other_encodings(self, chunk: bytes) -> None:
        for mark, name in OTHER_ENCODINGS.items():
            if chunk.startswith(mark):
                raise FileRefused("encoding", f"the file is {name}; send plain CSV or NDJSON in UTF-8", 1)


class CsvReader:
    """Reads CSV with a header line; cells may be quoted and hold line breaks."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self._held: list[str] = []  # lines of a record whose closing quote has not come yet
        self._order: list[int] | None = None  # for each of NAMES the position of its cell, -1 where absent
        self._width = 0

    def feed(self, chunk: bytes) -> list[Record]:
        """Return the records that this chunk completed."""
        return self._parse(self._complete(self._lines.feed(chunk)))

    def finish(self) -> list[Record]:
        """Return what is left at the end of the file."""
        lines = self._held + self._lines.feed(b"", is_last=True)
        self._held = []
        records = self._parse(lines)
        if self._order is None:
            raise FileRefused("header", f"the file is empty; its first line names the columns: {', '.join(NAMES)}", 1)
        return records

    def _complete(self, lines: list[str]) -> list[str]:
        """Return held and new lines up to the last one that ends a record, and hold the rest."""
        lines = self._held + lines
        self._held = []
        end, quotes = 0, 0
        for index, line in enumerate(lines, 1):
            quotes += line.count('"')
            if quotes % 2 == 0:
                end = index
        self._held = lines[end:]
        if sum(map(len, self._held)) > RECORD_CHARS_MAX:
            opened_on = self._lines.count - len(self._held) + 1
            mend = "a quotation mark is opened here and not closed; close it or double it"
            raise FileRefused("quotes", mend, opened_on)
        return lines[:end]

    def _parse(self, lines: list[str]) -> list[Record]:
        first = self._lines.count - len(self._held) - len(lines) + 1
        reader = csv.reader(lines, strict=True)
        records: list[Record] = []
        while True:
            line = first + reader.line_num
            try:
                cells = next(reader)
            except StopIteration:
                return records
            except csv.Error:
                records.append(Record(line, None, "row", "the quotation marks of this row do not match; double them"))
                continue
            if cells and self._order is None:
                self._read_header(cells)
            elif cells:
                records.append(self._arrange(line, cells))

    def _arrange(self, line: int, cells: list[str]) -> Record:
        assert self._order is not None
        if len(cells) != self._width:
            return Record(
                line, None, "row", f"the row has {len(cells)} cells, the header {self._width}; make them equal"
            )
        return Record(line, ["" if at < 0 else cells[at] for at in self._order])

    def _read_header(self, cells: list[str]) -> None:
        names = [cell.strip().lower() for cell in cells]
        check_names(names, line=1)
        self._order = [names.index(name) if name in names else -1 for name in NAMES]
        self._width = len(names)


class NdjsonReader:
    """Reads one JSON object a line; keys are column names, empty lines are skipped."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def feed(self, chunk: bytes) -> list[Record]:
        """Return the records that this chunk completed."""
        return self._parse(self._lines.feed(chunk))

    def finish(self) -> list[Record]:
        """Return what is left at the end of the file."""
        return self._parse(self._lines.feed(b"", is_last=True))

    def _parse(self, lines: list[str]) -> list[Record]:
        first = self._lines.count - len(lines) + 1
        return [_from_json(first + index, line) for index, line in enumerate(lines) if line.strip()]


def check_names(names: list[str], line: int) -> None:
    """Raise FileRefused when columns are missing, unknown or named twice; values are never shown."""
    missing = [name for name in REQUIRED if name not in names]
    if len(missing) == len(REQUIRED):
        mend = f"the first line must name the columns, of which these are required: {', '.join(REQUIRED)}"
        raise FileRefused("header", mend, line)
    unknown = [
        name if SHOWABLE_NAME.fullmatch(name) else f"column {at}"
        for at, name in enumerate(names, 1)
        if name not in NAMES
    ]
    twice = sorted({name for name in names if names.count(name) > 1 and name in NAMES})
    parts = [
        f"missing: {', '.join(missing)}" if missing else "",
        f"unknown: {', '.join(unknown)}" if unknown else "",
        f"twice: {', '.join(twice)}" if twice else "",
    ]
    if any(parts):
        raise FileRefused("header", "; ".join(part for part in parts if part) + "; mend the header line", line)


def _from_json(line: int, text: str) -> Record:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Record(line, None, "row", "the line is not JSON; write one object a line")
    if not isinstance(value, dict):
        return Record(line, None, "row", "the line is not a JSON object")
    for name, item in value.items():
        if name not in NAMES:
            shown = name if SHOWABLE_NAME.fullmatch(name) else "row"
            return Record(line, None, shown, "this key is unknown; remove it")
        if isinstance(item, dict | list | bool):
            return Record(line, None, name, "write text, a number or null")
    cells = [value.get(name) for name in NAMES]
    return Record(line, ["" if cell is None else str(cell) for cell in cells])
