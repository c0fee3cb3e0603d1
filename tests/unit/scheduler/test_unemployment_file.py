"""Files of regional unemployment: read whole, or refused by line."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_scheduler.portfolio.unemployment import LineError, Rate, read_rates


def test_a_file_is_read_with_any_order_of_columns_and_prefixes() -> None:
    """As offices and spreadsheets write it: byte-order mark, CRLF, blank lines, US-OH."""
    text = "\ufeffMonth,Percent,Region\r\n2026-01,4.4,oh\r\n\r\n2025-01, 4 ,US-OH\r\n"

    rates, errors = read_rates(text)

    assert errors == []
    assert rates == [Rate("OH", date(2026, 1, 1), 4.4), Rate("OH", date(2025, 1, 1), 4.0)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (1, "header")),
        ("state,month,rate\nOH,2026-01,4", (1, "header")),
        ("region,month,percent\n", (1, "row")),
        ("region,month,percent\nOH,2026-01", (2, "row")),
        ("region,month,percent\nOH,2026-01,4\nZZ,2026-01,4", (3, "region")),
        ("region,month,percent\nOH,2026-13,4", (2, "month")),
        ("region,month,percent\nOH,0000-01,4", (2, "month")),
        ("region,month,percent\nOH,2026-01,4 %", (2, "percent")),
        ("region,month,percent\nOH,2026-01,-1", (2, "percent")),
        ("region,month,percent\nOH,2026-01,nan", (2, "percent")),
        ("region,month,percent\nOH,2026-01,101", (2, "percent")),
        ("region,month,percent\nOH,2026-01,4\nOH,2026-01,5", (3, "percent")),
    ],
)
def test_a_bad_line_is_named(text: str, expected: tuple[int, str]) -> None:
    """By line and column, with how to mend it, and without the value."""
    _, errors = read_rates(text)

    assert [(one.line, one.field) for one in errors] == [expected]


@given(st.text(alphabet=st.sampled_from('region,month percent\nOH20-1.4"\r\x00ü'), max_size=200))
def test_no_text_makes_the_reader_crash(tail: str) -> None:
    """It answers with rates or with errors."""
    rates, errors = read_rates("region,month,percent\n" + tail)

    assert rates or errors
    assert all(isinstance(one, LineError) for one in errors)
