"""`forbear unemployment`: load regional unemployment by month, and see what the next plan takes of it."""

from __future__ import annotations

from typing import BinaryIO

import click
from rich.console import Console
from rich.table import Table

from forbear_client.access import connect, key_file_option, refused, url_option

console = Console(highlight=False)


@click.group()
def unemployment() -> None:
    """Regional unemployment, an input of the ability to pay: it counts for what is offered, never for how often.

    \b
    forbear unemployment load rates.csv
    curl -s https://rates.example.com/states.csv | forbear unemployment load -
    forbear unemployment show
    """


@unemployment.command("load")
@click.argument("file", type=click.File("rb"))
@url_option
@key_file_option
def load(file: BinaryIO, url: str, key_file: str) -> None:
    """Add the rates of FILE, or of a feed on standard input (-), or correct those known; an error changes nothing.

    \b
    region,month,percent
    OH,2026-01,4.4
    OH,2025-01,4.1

    A year's history lets the change within the year count, too.
    """
    body = file.read()
    with connect(url, key_file) as api:
        report = refused(lambda: api.load_unemployment(body))
    console.print(f"{report['created']:,} new, {report['changed']:,} corrected, {report['unchanged']:,} known already")


@unemployment.command("show")
@url_option
@key_file_option
def show(url: str, key_file: str) -> None:
    """Show the latest rate of each region, which the next plan takes."""
    with connect(url, key_file) as api:
        found = refused(api.unemployment)
    table = Table("region", "month", "percent", "points in a year")
    for one in found:
        change = "not loaded" if one["change"] is None else f"{one['change']:+.1f}"
        table.add_row(one["region"], one["month"][:7], f"{one['percent']:.1f}", change)
    console.print(table)
