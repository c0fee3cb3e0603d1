"""Portfolios that do not change with the seed, reach nobody, and agree with themselves."""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import date
from pathlib import Path

import phonenumbers
import pytest

from forbear_sandbox import portfolio, uci_portfolio
from forbear_sandbox.places import places, zone_of
from forbear_sandbox.portfolio_file import read_rows

AS_OF = date(2026, 3, 2)
FICTION = re.compile(r"\+1[2-9]\d{2}55501\d{2}")
SHARED = Path(os.environ.get("FORBEAR_SHARED", Path(__file__).parents[4] / "shared"))


@pytest.fixture(scope="module")
def rows() -> list[portfolio.Row]:
    """Two thousand borrowers."""
    return list(portfolio.generate(2000, 1, AS_OF))


def test_the_same_seed_gives_the_same_portfolio_and_another_seed_another(rows: list[portfolio.Row]) -> None:
    """Row for row; a longer portfolio begins with the shorter one."""
    assert rows[:300] == list(portfolio.generate(300, 1, AS_OF))
    assert rows[:300] != list(portfolio.generate(300, 2, AS_OF))


def test_contact_points_are_reserved_for_fiction_and_nobody_shares_one(rows: list[portfolio.Row]) -> None:
    """555-01xx of real area codes (North American numbering plan), example domains (RFC 2606)."""
    numbers = [number for row in rows for number in (row.mobile, row.landline) if number]
    mails = [row.email for row in rows]

    assert len(numbers) == len(set(numbers))
    assert len(mails) == len(set(mails))
    assert all(FICTION.fullmatch(number) for number in numbers)
    assert all(mail.rpartition("@")[2] in ("example.com", "example.org", "example.net") for mail in mails)
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers)


def test_place_zone_and_area_code_agree_for_most_and_conflict_for_some(rows: list[portfolio.Row]) -> None:
    """About 8 % kept a number of another place; about 1 % have no place at all."""
    by_zip = {place.postal_code: place for place in places()}
    known = [row for row in rows if row.postal_code]

    assert all(by_zip[row.postal_code].region == row.region for row in known)
    assert all(row.time_zone in ("", by_zip[row.postal_code].time_zone) for row in known)
    conflicts = sum(row.mobile[2:5] not in by_zip[row.postal_code].area_codes for row in known) / len(known)
    assert 0.05 < conflicts < 0.11
    assert 0 < len(rows) - len(known) < 0.03 * len(rows)


def test_languages_come_in_the_documented_shares(rows: list[portfolio.Row]) -> None:
    """Within three percentage points."""
    counts = Counter(row.language for row in rows)

    for language, share in portfolio.LANGUAGES.items():
        assert share == pytest.approx(counts[language] / len(rows), abs=0.03)


def test_a_written_file_reads_back(rows: list[portfolio.Row], tmp_path: Path) -> None:
    """The columns are those of the import."""
    path = tmp_path / "portfolio.csv"

    assert 50 == portfolio.write_csv(rows[:50], path)
    assert [row.borrower_ref for row in rows[:50]] == [row["borrower_ref"] for row in read_rows(path)]
    assert list(portfolio.COLUMNS) == list(next(read_rows(path)))


def test_bad_rows_have_one_fault_each() -> None:
    """Every bad row differs from its good twin in one column."""
    assert len(portfolio.bad_rows(1, AS_OF)) == len({row["loan_ref"] for row in portfolio.bad_rows(1, AS_OF)}) >= 8


def test_a_zone_is_found_by_zip_code_then_by_area_code() -> None:
    """The ZIP code is better evidence of where somebody sleeps."""
    assert "America/New_York" == zone_of("10001", "+13105550100")
    assert "America/Los_Angeles" == zone_of("", "+13105550100")
    assert zone_of("", "") is None


@pytest.mark.slow
@pytest.mark.needs_shared_data
def test_the_card_data_becomes_thirty_thousand_accounts_that_nobody_shares() -> None:
    """Every account once, with a mobile number and an address of its own, and the real bill as balance."""
    path = SHARED / "data" / "uci_credit_card.csv.gz"
    if not path.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {path.name} in {path.parent}")

    rows = list(uci_portfolio.convert(path, 1, AS_OF))

    assert 30_000 == len(rows) == len({row.borrower_ref for row in rows})
    numbers = [number for row in rows for number in (row.mobile, row.landline) if number]
    assert len(numbers) == len(set(numbers))
    assert ("3913.00", "card") == (rows[0].balance, rows[0].product)
    assert all(float(row.past_due) <= float(row.balance) for row in rows)


def test_a_file_that_is_not_the_card_data_is_named(tmp_path: Path) -> None:
    """The message names the columns that are missing."""
    path = tmp_path / "other.csv"
    path.write_text("ID,AGE\n1,30\n")

    with pytest.raises(uci_portfolio.FormatError, match="LIMIT_BAL"):
        next(uci_portfolio.convert(path, 1, AS_OF))
