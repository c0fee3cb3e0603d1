"""What is no portfolio is said to be none before anything is started, and rows without sense move nobody in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest

from forbear_sandbox import portfolio
from forbear_sandbox.census import Census
from forbear_sandbox.population import Population
from forbear_sandbox.portfolio_file import PortfolioError, check_file, read_rows
from forbear_sandbox.traffic import Agenda, WorldTime

AS_OF = date(2026, 3, 2)


def test_csv_and_ndjson_of_the_same_people_are_the_same_people(tmp_path: Path) -> None:
    """By the name of the file; null is an empty column."""
    portfolio.write_csv(portfolio.generate(20, 1, AS_OF), tmp_path / "people.csv")
    rows = list(read_rows(tmp_path / "people.csv"))
    lines = [orjson.dumps({name: value or None for name, value in row.items()}) for row in rows]
    (tmp_path / "people.ndjson").write_bytes(b"\n".join(lines))

    assert rows == list(read_rows(check_file(tmp_path / "people.ndjson")))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"", "has no rows"),
        ("a.csv", b"name,phone\nx,y\n", "borrower_ref and loan_ref are missing"),
        ("a.csv", b"borrower_ref,loan_ref\n\xff\xfe,1\n", "UTF-8"),
        ("a.ndjson", b"borrower_ref,loan_ref\n", "is no portfolio"),
        ("a.ndjson", b"[1, 2]\n", "borrower_ref and loan_ref are missing"),
    ],
)
def test_a_file_that_is_no_portfolio_is_told_so_by_name(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    """With what is wanted and where it is described, and without a trace of the program."""
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(PortfolioError, match=why) as told:
        check_file(path)
    assert str(path) in str(told.value)


def test_a_file_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    """The commonest mistake of all."""
    with pytest.raises(PortfolioError, match="No such file"):
        check_file(tmp_path / "nobody.csv")
    with pytest.raises(PortfolioError, match="directory"):
        check_file(tmp_path)


def test_rows_that_the_import_rejects_move_nobody_in(tmp_path: Path) -> None:
    """The good neighbours of a row with an amount or a zone that is none live here all the same."""
    good, first, second = (dict(row) for row in _rows(tmp_path, 3))
    first["past_due"] = "12,5"
    second |= {"postal_code": "", "mobile": "", "time_zone": "Mars/Olympus"}
    population = Population(WorldTime(datetime(2026, 3, 2, tzinfo=UTC)), Agenda(), Census(None), seed=1)

    assert 1 == population.settle([first, good, second])
    assert {good["borrower_ref"]} == set(population.by_ref)


def _rows(folder: Path, count: int) -> list[dict[str, str]]:
    portfolio.write_csv(portfolio.generate(count, 1, AS_OF), folder / "rows.csv")
    return list(read_rows(folder / "rows.csv"))
