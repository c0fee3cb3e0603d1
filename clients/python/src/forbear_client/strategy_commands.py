"""`forbear strategy`: who decides whom to reach when, what asks to decide, and what the logs say of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from forbear_client.access import Refused, key_file_option, refused, url_option
from forbear_client.campaign_commands import open_api, show

console = Console()


@click.group()
@url_option
@key_file_option
@click.pass_context
def strategy(context: click.Context, url: str, key_file: str) -> None:
    """See who decides, and propose a strategy of your own.

    A proposed strategy contacts nobody until the logs of drawn contacts show that it gains; then it decides for 5 %,
    25 % and all of the borrowers, and is taken back by itself where it does harm.

    \b
    forbear strategy show
    forbear strategy export > mine.json        # the model as it has learned, to start from
    forbear strategy propose mine.json --name evenings --origin "more weight on evenings, by hand"
    """
    context.obj = {"url": url, "key_file": key_file}


@strategy.command("show")
@click.option("--json", "as_json", is_flag=True, help="print the document of the API instead of tables")
@click.pass_context
def show_strategies(context: click.Context, as_json: bool) -> None:
    """Say who decides, what asks to, and every change so far with its reason."""
    with open_api(context) as api:
        found = refused(api.strategies)
    if as_json:
        show(found)
        return
    _tell(found)


@strategy.command()
@click.pass_context
def export(context: click.Context) -> None:
    """Print the model as it has learned, as weights by term."""
    with open_api(context) as api:
        show(refused(api.learned_weights))


@strategy.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="lower-case letters, digits, hyphens")
@click.option("--origin", required=True, help="who made it, from what: it stands in the record")
@click.option("--unseen", is_flag=True, help="its maker saw none of our outcomes: all contacts count for it")
@click.pass_context
def propose(context: click.Context, path: Path, name: str, origin: str, unseen: bool) -> None:
    """Propose the weights of a file such as `export` prints."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        weights = dict(document["weights"])
    except (ValueError, KeyError, TypeError):
        raise Refused(f'{path} is not JSON of the form {{"weights": {{"<term>": 0.1, ...}}}}; see `export`') from None
    wrong = [term for term, weight in weights.items() if not _is_weight(weight)]
    if wrong:
        raise Refused(f"{path}: the weight of {wrong[0]!r} is no finite number; mend it, or leave the term out")
    body: dict[str, Any] = {"name": name, "origin": origin, "weights": weights}
    if not unseen:
        body["learned_until"] = document.get("learned_until")
    with open_api(context) as api:
        _tell(refused(lambda: api.propose_strategy(body)))


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _tell(found: dict[str, Any]) -> None:
    console.print(found["words"], highlight=False)
    table = Table("when", "strategy", "what", "why")
    for one in found["asking"]:
        table.add_row("today", one["strategy"], f"asks; the gate says {one['verdict']}", one["reason"])
    for one in found["record"]:
        what = f"{one['move'].replace('_', ' ')} against {one['against']}"
        table.add_row(one["decided_at"][:10], one["strategy"], what, one["reason"])
    if table.row_count:
        console.print(table)
