"""`forbear questions`: what only the tenant can say, and the next import must."""

from __future__ import annotations

import functools

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forbear_client.access import connect, key_file_option, refused, url_option

console = Console(highlight=False)


@click.command()
@url_option
@key_file_option
@click.option("--all", "is_all", is_flag=True, help="Every page, not the first thousand only.")
def questions(url: str, key_file: str, is_all: bool) -> None:
    """List borrowers whom nobody may contact, or not at one address, until you answer.

    
    place_unknown          nobody knows where the borrower is
    phone_region_unknown   an area code that belongs to no place
    no_common_hour         the borrower may be in places that have no lawful hour in common
    address_shared         two borrowers have the same phone or mailbox: it is used for neither
    address_moved          it was another borrower's within a week: it rests until then

    Correct the columns named and import the rows again: that closes the question.
    """
    table = Table("borrower", "why", "address", "reachable otherwise", "what to give")
    with connect(url, key_file) as api:
        page = refused(api.questions)
        found = page["questions"]
        while is_all and page["next_after"]:
            page = refused(functools.partial(api.questions, page["next_after"]))
            found += page["questions"]
    for one in found:
        reachable = "no" if one["is_unreachable"] else "yes"
        until = f" until {one['rests_until'][:10]}" if one["rests_until"] else ""
        table.add_row(
            escape(one["borrower_ref"]), one["reason"] + until, one["channel"] or "", reachable, one["supply"]
        )
    console.print(table)
    console.print(f"{len(found):,} questions{'; more with --all' if page['next_after'] else ''}")
