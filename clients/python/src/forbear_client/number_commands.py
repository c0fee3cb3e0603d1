"""`forbear numbers`: which mobiles may be somebody else's by now, and what a database of such numbers answered."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forbear_chassis.clock import SystemClock
from forbear_client.access import Refused, connect, key_file_option, refused, url_option
from forbear_client.number_checks import AnswersFile, NumberChecks, in_batches, questions_of
from forbear_client.twilio_lookup import TwilioLookup
from forbear_providers.number_lookup import LOOKUP_URL, SourceError

BATCH = 1_000
STALE_DAYS = 30

console = Console(highlight=False)


@click.group()
def numbers() -> None:
    """Keep consents to texts fresh: a text needs a consent, a text from the borrower, or a check of the last 60 days.

    \b
    forbear numbers due                          whose number should be checked
    forbear numbers check portfolio.csv ...      ask Twilio Lookup, and record what it answers
    forbear numbers record answers.csv           record the result of a bulk query

    yes bars the number for all your borrowers, no keeps the consent fresh, no data changes nothing.
    """


@numbers.command("due")
@click.option("--days", default=7, show_default=True, help="Consents that are stale by then.")
@url_option
@key_file_option
def due(days: int, url: str, key_file: str) -> None:
    """List borrowers whose consent to texts goes stale soon, or has; numbers are not shown."""
    table = Table("borrower", "ask since", "checked on", "fresh until")
    count, after = 0, ""
    with connect(url, key_file) as api:
        while True:
            page = refused(partial(api.numbers_due, days, after))
            for one in page["due"]:
                table.add_row(
                    escape(one["borrower_ref"]), one["since"], one["checked_on"] or "never", one["fresh_until"]
                )
            count += len(page["due"])
            after = page["next_after"]
            if not after:
                break
    console.print(table)
    console.print(f"{count:,} to check")


@numbers.command("check")
@click.argument("portfolio", type=click.File("r", encoding="utf-8-sig"))
@click.option(
    "--account-file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the account at Twilio: its SID and its token, on a line each.",
)  # fmt: skip
@click.option("--lookup-url", default=LOOKUP_URL, show_default=True, help="The lookup service.")
@click.option(
    "--older-than", default=STALE_DAYS, show_default=True, help="Ask where consent and check are this many days old."
)
@click.option("--today", "today_at", type=click.DateTime(["%Y-%m-%d"]), help="Day of the answers, if not this one.")
@url_option
@key_file_option
def check(
    portfolio: TextIO, account_file: Path, lookup_url: str, older_than: int, today_at: datetime | None, url: str,
    key_file: str,
) -> None:  # fmt: skip
    """Ask about the mobiles of PORTFOLIO (columns mobile and sms_consent_on), and record the answers.

    It runs where you do: no service of ours but the dispatcher speaks to the outside. Each question costs what Twilio
    takes for it. What was answered before an error is recorded; run it again for the rest.
    """
    today = (today_at or SystemClock().now()).date()
    sid, token = _account_in(account_file)
    questions = questions_of(portfolio, today - timedelta(days=older_than))
    _record(TwilioLookup(questions, today, sid, token, lookup_url), url, key_file)


@numbers.command("record")
@click.argument("answers", type=click.File("r", encoding="utf-8-sig"))
@url_option
@key_file_option
def record(answers: TextIO, url: str, key_file: str) -> None:
    """Record the result of a bulk query.

    \b
    phone,since,answer,checked_on
    +12125550100,2025-11-03,no,2026-03-02
    +12125550101,2025-11-03,yes,2026-03-02
    """
    _record(AnswersFile(answers), url, key_file)


def _account_in(file: Path) -> tuple[str, str]:
    words = file.read_text(encoding="utf-8").split()
    if len(words) != 2:
        raise Refused(f"{file.name}: write the SID on the first line and the token on the second, and nothing else")
    return words[0], words[1]


def _record(source: NumberChecks, url: str, key_file: str) -> None:
    told: Counter[str] = Counter()
    with connect(url, key_file) as api:
        try:
            for batch in in_batches(source.checks(), BATCH):
                documents = [one.document() for one in batch]
                told.update(refused(partial(api.record_number_checks, documents)))
                told["asked"] += len(batch)
        except SourceError as error:
            raise Refused(f"{error} ({told['asked']:,} answers are recorded)") from None
    console.print(
        f"{told['asked']:,} answers: {told['fresh']:,} consents are fresh for 60 days, "
        f"{told['barred']:,} numbers barred, {told['silent']:,} unchanged, {told['unknown']:,} not yours",
        soft_wrap=True,
    )
