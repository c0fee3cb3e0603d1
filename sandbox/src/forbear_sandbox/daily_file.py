"""What a lender's system sends: a first file, and day by day the borrowers whose circumstances changed since."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from forbear_client.api import Api
from forbear_sandbox.care import Told
from forbear_sandbox.circumstances import spans_of, words_on
from forbear_sandbox.portfolio import Row, lots_of, make_row
from forbear_sandbox.portfolio_file import read_rows
from forbear_sandbox.stack import Stack

NONE = "none"  # what a file says when nothing asks for care any more


def later_files(count: int, seed: int, as_of: date, days: int) -> dict[int, list[Row]]:
    """Return the rows of each day on which something changed, from the day after the first file to that of `days`.

    Their loans stand as they stood in the first file, which the import takes for unchanged: payments booked meanwhile
    stay.
    """
    shared, files = lots_of(seed), dict[int, list[Row]]()
    for number in range(count):
        own = shared.under(number)
        spans = spans_of(own)
        edges = {math.ceil(edge) for span in spans.values() for edge in span if 0.0 < edge <= days}
        before = words_on(spans, 0.0)
        for day in sorted(edges):
            words = words_on(spans, day)
            if words != before:
                row = make_row(number, own, shared, as_of)
                files.setdefault(day, []).append(replace(row, circumstances=";".join(words) or NONE))
            before = words
    return dict(sorted(files.items()))


def send(stack: Stack, api: Api, path: Path, told: Told) -> dict[str, Any]:
    """Import a file, note since when its words were known, and return the report of the import."""
    report = api.import_borrowers(path)
    told.hear(read_rows(path), datetime.fromisoformat(stack.world.state()["now"]))
    return report
