"""Make a portfolio of the UCI "default of credit card clients" data (I-Cheng Yeh, 2009): 30,000 real card accounts.

Real and kept: the last bill, six months of payment status and the age of retirement (Taiwan, April to September 2005,
one New Taiwan dollar taken as one dollar). Made up by us: who the person is, where they live and how they are reached,
drawn as in `portfolio`. The data set holds no names or contact points, and the file is read from where you keep it:

    python -m forbear_sandbox portfolio --uci uci_credit_card.csv.gz --out portfolio.csv
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from forbear_sandbox.lots import Lots
from forbear_sandbox.portfolio import Row, make_row

MONTHS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")  # status, the newest month first
MINIMUM_PAYMENT = 0.05


class FormatError(ValueError):
    """The file is not the data set that this converter knows."""


def convert(path: Path, seed: int, as_of: date) -> Iterator[Row]:
    """Yield one row per account, in the order of the file. Raises FormatError when a column is missing."""
    lots = Lots("uci", seed)
    with _open(path) as file:
        reader = csv.DictReader(file)
        missing = {"ID", "LIMIT_BAL", "AGE", *MONTHS, "BILL_AMT1", "PAY_AMT1"} - set(reader.fieldnames or ())
        if missing:
            raise FormatError(f"{path} lacks the columns {', '.join(sorted(missing))}")
        for number, account in enumerate(reader):
            yield _row(number, account, lots, as_of)


def _row(number: int, account: Mapping[str, str], lots: Lots, as_of: date) -> Row:
    own = lots.under(number)
    bill = max(0.0, float(account["BILL_AMT1"]))
    # The status counts months of delay; 0 and below mean paid in time, so they are not yet a month late.
    months = max(0, int(account["PAY_0"]))
    days = 30 * months + int(own.between(1, 29, "days"))
    instalment = max(MINIMUM_PAYMENT * bill, 25.0)
    made = make_row(number, own, lots, as_of)
    retired = int(account["AGE"]) >= 65
    return replace(
        made,
        borrower_ref=f"UCI{int(account['ID']):05d}",
        loan_ref=f"UCI{int(account['ID']):05d}-1",
        product="card",
        balance=f"{bill:.2f}",
        past_due=f"{min(bill, instalment * (months + 1)):.2f}",
        instalment=f"{instalment:.2f}",
        past_due_days=str(days),
        due_on=(as_of - timedelta(days=days)).isoformat(),
        monthly_income="",
        employment="retired" if retired else made.employment,
        missed_payments_12m=str(sum(int(account[month]) >= 1 for month in MONTHS)),
    )


def _open(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8")
    return path.open(encoding="utf-8", newline="")
