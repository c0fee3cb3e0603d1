"""`forbear cases`: what people must take over. Every act stands in the ledger under the name of whose key it is."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forbear_client.access import connect, key_file_option, refused, url_option

console = Console(highlight=False)
note_option = click.option("--note", required=True, help="What was done, and why. The ledger holds a commitment to it.")
_WHO = {"said": "borrower", "sent": "sent", "did": "borrower", "machine": "machine", "person": "person"}


@click.group()
@url_option
@key_file_option
@click.pass_context
def cases(context: click.Context, url: str, key_file: str) -> None:
    """Work on what people must take over, the earliest due first.

    \b
    python -m contact_scheduler create-key --tenant demo --person "Ana Ruiz" --api-key-file ana.key
    export FORBEAR_API_KEY_FILE=ana.key      a key of your own: what you do stands under your name
                                             (`make up` writes one: run/up/person-key)
    forbear cases list
    forbear cases show CASE_ID               the whole story, and what may be done
    forbear cases claim CASE_ID
    forbear cases note CASE_ID --note "called, no answer"
    forbear cases answer CASE_ID options.offered
    forbear cases lift CASE_ID SUPPRESSION_ID verification_sent --note "sent by letter on Monday"
    forbear cases close CASE_ID returned --note "verified; the borrower agrees"
    """
    context.obj = {"url": url, "key_file": key_file}


@cases.command("list")
@click.option("--closed", is_flag=True, help="Closed cases, the last closed first.")
@click.option("--reason", default="", help="Of one reason only, such as dispute.")
@click.option("--all", "is_all", is_flag=True, help="Every page, not the first 50 only.")
@click.pass_context
def list_cases(context: click.Context, closed: bool, reason: str, is_all: bool) -> None:
    """List cases; overdue ones stand first."""
    table = Table("case", "borrower", "why", "due (UTC)", "with", "what must be done")
    state = "closed" if closed else ""
    with connect(**context.obj) as api:
        page = refused(lambda: api.cases(state=state, reason=reason))
        found = page["cases"]
        while is_all and page["next_page_token"]:
            page = refused(functools.partial(api.cases, state=state, reason=reason, page_token=page["next_page_token"]))
            found += page["cases"]
    for case in found:
        table.add_row(*_row(case))
    console.print(table)
    console.print(
        f"{page['open']:,} open, {page['overdue']:,} overdue{'; more with --all' if page['next_page_token'] else ''}"
    )


@cases.command("show")
@click.argument("case_id", type=click.UUID)
@click.pass_context
def show_case(context: click.Context, case_id: object) -> None:
    """Tell a case with the whole story of its borrower. It holds personal data."""
    with connect(**context.obj) as api:
        told = refused(lambda: api.case(str(case_id)))
    case = told["case"]
    state = f"closed by {case['closed_by']}" if case["closed_at"] else f"with {case['claimed_by'] or 'nobody'}"
    late = ", OVERDUE" if case["is_overdue"] else ""
    console.print(f"[bold]{case['reason']}[/bold] of {escape(case['borrower_ref'])}, {escape(state)}{late}")
    console.print(f"{case['duty']} ({case['source']}), due {_at(case['due_at'])}")
    for bar in told["bars"]:
        how = f"lift on: {', '.join(bar['bases'])}" if bar["bases"] and bar["is_in_force"] else bar["rule"]
        console.print(f"bar {bar['suppression_id']} {bar['kind']}{'' if bar['is_in_force'] else ' (over)'}: {how}")
    console.print(f"answers: {', '.join(told['templates'])}\n")
    for line in told["story"]:
        channel = f" by {line['channel']}" if line["channel"] else ""
        console.print(f"{_at(line['at'])}  {_WHO[line['kind']]:8}{channel} {escape(line['summary'])}")
        if line["words"]:
            console.print(f"                  [dim]{escape(line['words'])}[/dim]")


@cases.command("claim")
@click.argument("case_id", type=click.UUID)
@click.pass_context
def claim(context: click.Context, case_id: object) -> None:
    """Take a case, so that two people do not work on it."""
    _do(context, case_id, "claim")


@cases.command("release")
@click.argument("case_id", type=click.UUID)
@click.option("--note", default="", help="Why.")
@click.pass_context
def release(context: click.Context, case_id: object, note: str) -> None:
    """Give a case back to the queue, whoever has it."""
    _do(context, case_id, "release", note=note)


@cases.command("note")
@click.argument("case_id", type=click.UUID)
@note_option
@click.pass_context
def write_note(context: click.Context, case_id: object, note: str) -> None:
    """Write down what was done outside of here, such as a call."""
    _do(context, case_id, "note", note=note)


@cases.command("answer")
@click.argument("case_id", type=click.UUID)
@click.argument("template")
@click.pass_context
def answer(context: click.Context, case_id: object, template: str) -> None:
    """Have an approved text sent, in the borrower's language; the gate decides whether and when."""
    _do(context, case_id, "answer", template=template)


@cases.command("lift")
@click.argument("case_id", type=click.UUID)
@click.argument("suppression_id", type=click.UUID)
@click.argument("basis")
@note_option
@click.pass_context
def lift(context: click.Context, case_id: object, suppression_id: object, basis: str, note: str) -> None:
    """Lift a bar on one of its grounds, as `show` names them."""
    _do(context, case_id, "lift", suppression_id=str(suppression_id), basis=basis, note=note)


@cases.command("close")
@click.argument("case_id", type=click.UUID)
@click.argument("outcome", type=click.Choice(["resolved", "returned"]))
@note_option
@click.pass_context
def close(context: click.Context, case_id: object, outcome: str, note: str) -> None:
    """Close a case: resolved (stays with people; asked again after a month) or returned (the machine may go on)."""
    _do(context, case_id, "close", outcome=outcome, note=note)


def _do(context: click.Context, case_id: object, act: str, **fields: Any) -> None:
    with connect(**context.obj) as api:
        case = refused(lambda: api.act_on_case(str(case_id), act, **fields))
    console.print(f"{case['reason']}: {'closed' if case['closed_at'] else 'with ' + (case['claimed_by'] or 'nobody')}")


def _row(case: dict[str, Any]) -> tuple[str, ...]:
    due = _at(case["due_at"]) + (" [bold red]overdue[/bold red]" if case["is_overdue"] else "")
    whose = case["closed_by"] if case["closed_at"] else case["claimed_by"]
    return case["case_id"], escape(case["borrower_ref"]), case["reason"], due, escape(whose or "nobody"), case["duty"]


def _at(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")
