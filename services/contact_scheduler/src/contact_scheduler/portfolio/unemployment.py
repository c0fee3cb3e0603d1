"""Regional unemployment as a file: `region,month,percent`, one line a state and month.

Statistical offices publish such series monthly; in the US the Bureau of Labor Statistics does so for every state (Local
Area Unemployment Statistics). The file holds only what is to be added or corrected.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import Final, NamedTuple

from contact_scheduler.portfolio.columns import STATES

HEADER: Final = ("region", "month", "percent")
ROWS_MAX: Final = 50_000  # seven decades of all states
ERRORS_SHOWN: Final = 20
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
PERCENT = re.compile(r"\d{1,2}(\.\d{1,3})?|100(\.0{1,3})?")


class Rate(NamedTuple):
    """Unemployed per 100 of the labour force of a state in a month, which is given by its first day."""

    region: str
    month: date
    percent: float


class LineError(NamedTuple):
    """What is wrong with one line, from 1, and how to mend it; never repeats the value."""

    line: int
    field: str
    mend: str


def read_rates(text: str) -> tuple[list[Rate], list[LineError]]:
    """Read a file. Where there are errors nothing of it may be used; at most `ERRORS_SHOWN` of them are told."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    rates: dict[tuple[str, date], Rate] = {}
    errors: list[LineError] = []
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        if sorted(header) != sorted(HEADER):
            return [], [LineError(1, "header", f"begin with the line {','.join(HEADER)}")]
        for cells in rows:
            if not any(cells):
                continue
            found = _read_row(dict(zip(header, (cell.strip() for cell in cells), strict=False)), rows.line_num)
            if isinstance(found, LineError):
                errors.append(found)
            elif rates.setdefault((found.region, found.month), found) != found:
                errors.append(
                    LineError(rows.line_num, "percent", "this region and month stands above with another rate")
                )
            if len(errors) == ERRORS_SHOWN or len(rates) > ROWS_MAX:
                break
    except csv.Error:
        errors.append(LineError(rows.line_num, "row", "not CSV; check the quotes"))
    if len(rates) > ROWS_MAX:
        errors.append(LineError(rows.line_num, "row", f"send at most {ROWS_MAX:,} lines at once"))
    if not rates and not errors:
        errors.append(LineError(1, "row", "the file holds no rate"))
    return list(rates.values()), errors


def _read_row(cells: dict[str, str], line: int) -> Rate | LineError:
    if len(cells) < len(HEADER):
        return LineError(line, "row", f"give {len(HEADER)} cells: {','.join(HEADER)}")
    region = cells["region"].upper().removeprefix("US-")
    if region not in STATES:
        return LineError(line, "region", "give the two letters of a US state or territory, such as OH")
    month = MONTH.fullmatch(cells["month"])
    if month is None or month[1] < "1900":
        return LineError(line, "month", "give year and month as YYYY-MM, such as 2026-01")
    if PERCENT.fullmatch(cells["percent"]) is None:
        return LineError(line, "percent", "give 0 to 100 with a decimal point and without %, such as 4.3")
    return Rate(region, date(int(month[1]), int(month[2]), 1), float(cells["percent"]))
