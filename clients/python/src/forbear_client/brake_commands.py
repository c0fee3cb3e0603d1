"""`forbear brake`: what is tolerated before the brake slows or stops a template, for a tenant or for one campaign."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from forbear_client.access import connect, key_file_option, refused, url_option

SIGNALS = ("opted_out", "complained", "wrong_party", "filtered", "unanswered")

console = Console(highlight=False)
campaign_option = click.option("--campaign", type=click.UUID, help="Only this campaign; its word goes before yours.")
because = click.option("--reason", required=True, help='Short constant for the ledger, such as "cautious_start".')


@click.group()
def brake() -> None:
    """What the brake tolerates: a share of contacts, for each signal of harm, within bounds that hold for all.

    \b
    forbear brake show
    forbear brake set opted_out 0.02 --reason cautious_start
    forbear brake set opted_out 0.08 --campaign CAMPAIGN_ID --reason old_debts
    forbear brake reset opted_out --campaign CAMPAIGN_ID --reason as_usual

    What it slowed or stopped is listed by `forbear switch list`, and goes on after `forbear switch lift`.
    """


@brake.command("show")
@campaign_option
@url_option
@key_file_option
def show(url: str, key_file: str, campaign: Any) -> None:
    """Show what is tolerated of each signal, and the bounds within which it can be set."""
    with connect(url, key_file) as api:
        found = refused(lambda: api.tolerances(_text(campaign)))
    table = Table("signal", "tolerated", "bounds", "set for", "why", box=None)
    for one in found:
        set_for = ("campaign" if one["campaign_id"] else "all") if one["reason"] else ""
        bounds = f"{one['least']:.2%} to {one['most']:.2%}"
        table.add_row(one["signal"], f"{one['tolerated']:.2%}", bounds, set_for, one["reason"])
    console.print(table)


@brake.command("set")
@click.argument("signal", type=click.Choice(SIGNALS))
@click.argument("share", type=click.FloatRange(0, 1, min_open=True, max_open=True))
@campaign_option
@because
@url_option
@key_file_option
def set_tolerance(signal: str, share: float, campaign: Any, reason: str, url: str, key_file: str) -> None:
    """Tolerate SHARE of contacts, such as 0.02, of SIGNAL; the next event is judged by it."""
    with connect(url, key_file) as api:
        refused(lambda: api.set_tolerance(signal, share, _text(campaign), reason))
    click.echo(f"{share:.2%} of contacts may bring {signal}")


@brake.command("reset")
@click.argument("signal", type=click.Choice(SIGNALS))
@campaign_option
@because
@url_option
@key_file_option
def reset_tolerance(signal: str, campaign: Any, reason: str, url: str, key_file: str) -> None:
    """Go back to what holds otherwise: for a campaign your own setting, for you what the brake begins with."""
    with connect(url, key_file) as api:
        refused(lambda: api.set_tolerance(signal, None, _text(campaign), reason))
    click.echo(f"{signal} is judged as it is elsewhere")


def _text(campaign: Any) -> str | None:
    return None if campaign is None else str(campaign)
