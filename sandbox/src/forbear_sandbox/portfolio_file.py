"""A portfolio file as the world reads it: who lives here. Which rows are good is for the services' import to judge."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import orjson

NDJSON = (".ndjson", ".jsonl")
NAMES = ("borrower_ref", "loan_ref")


class PortfolioError(ValueError):
    """A file that is no portfolio; the text says what is wanted."""


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a file, NDJSON or CSV by its name, as they stand. Raises PortfolioError or OSError."""
    wanted = f"{path} is no portfolio: CSV with a head line, or NDJSON, in UTF-8, with the columns of docs/PORTFOLIO.md"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in map(orjson.loads, file) if path.suffix in NDJSON else csv.DictReader(file):
                if not isinstance(row, dict) or any(name not in row for name in NAMES):
                    raise PortfolioError(f"{wanted}; {' and '.join(NAMES)} are missing")
                yield {name: "" if value is None else str(value) for name, value in row.items() if name is not None}
    except (UnicodeDecodeError, csv.Error, orjson.JSONDecodeError) as error:
        raise PortfolioError(wanted) from error


def check_file(path: Path) -> Path:
    """Return the path of a file whose first row can be read. Raises PortfolioError."""
    try:
        first = next(read_rows(path), None)
    except OSError as error:
        raise PortfolioError(f"{path} cannot be read: {error.strerror}") from error
    if first is None:
        raise PortfolioError(f"{path} has no rows")
    return path
