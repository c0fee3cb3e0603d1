"""`forbear campaign`: import borrowers, start campaigns, see what they bring."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from forbear_client.access import Refused, connect, key_file_option, refused, url_option
from forbear_client.api import Api

console = Console()
KEY_LENGTH_MAX = 128


def open_api(context: click.Context) -> Api:
    """Make the client from the options of the group."""
    return connect(context.obj["url"], context.obj["key_file"])


DEADLINES = {
    "live_contact": "the 36th day after a missed due date is near, and no call is planned",
    "notice": "the written notice is due soon, and you have not said that it was given; no campaign sends it",
}


@click.group()
@url_option
@key_file_option
@click.pass_context
def campaign(context: click.Context, url: str, key_file: str) -> None:
    """Import borrowers, start campaigns, see what they bring.

    \b
    forbear campaign import portfolio.csv
    forbear campaign create "March reminders" --channels sms,email
    forbear campaign preflight CAMPAIGN_ID
    forbear campaign change CAMPAIGN_ID start
    forbear campaign report CAMPAIGN_ID
    forbear campaign rates --by-segment
    forbear campaign disparity CAMPAIGN_ID
    forbear campaign what-if CAMPAIGN_ID --voice 2
    forbear campaign next BORROWER_REF
    """
    context.obj = {"url": url, "key_file": key_file}


@campaign.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def import_file(context: click.Context, path: Path) -> None:
    """Import a portfolio file; every bad row is named, the good ones are kept."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with open_api(context) as api, Progress(*columns, console=console) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size)
        report = refused(lambda: api.import_borrowers(path, lambda sent: progress.advance(task, sent)))
    for name in ("read", "created", "changed", "unchanged", "rejected"):
        console.print(f"rows {name:10}{report['rows_' + name]:>10,}")
    if not report["rows_read"]:
        raise Refused(f"{path.name} holds no row; the first line names the columns, each further one is a loan")
    for error in report["first_errors"]:
        console.print(f"line {error['line']}, {error['field']}: {error['mend']}", style="yellow", highlight=False)
    if report["rows_rejected"] > len(report["first_errors"]):
        console.print(f"all errors: GET /v1/imports/{report['import_id']}/errors")


@campaign.command()
@click.argument("name")
@click.option("--key", help="a repeat under the same key creates nothing; made from the name when absent")
@click.option("--channels", default="sms,email,voice", show_default=True, help="with commas")
@click.option("--control-share", default=0.1, show_default=True, help="share served at random, to measure learning by")
@click.option(
    "--left-alone-share",
    default=0.0,
    show_default=True,
    help="share left without contact for two weeks by lot, to measure what contact brings; at most 0.2",
)
@click.option("--budget-a-day", type=float, help="most that the contacts of a day may cost; no limit when absent")
@click.pass_context
def create(
    context: click.Context, name: str, key: str | None, channels: str, control_share: float, left_alone_share: float,
    budget_a_day: float | None,
) -> None:  # fmt: skip
    """Create a campaign as a draft, and print it."""
    body: dict[str, Any] = {"name": name, "channels": channels.split(","), "control_share": control_share}
    body["left_alone_share"] = left_alone_share
    if budget_a_day is not None:
        body["budget_a_day"] = budget_a_day
    with open_api(context) as api:
        show(refused(lambda: api.create_campaign(body, key=key or _key_of(name))))


def _key_of(name: str) -> str:
    """Return a key that says which campaign is meant: the name, or its hash where a header cannot carry it."""
    is_plain = 0 < len(name) <= KEY_LENGTH_MAX and all("!" <= letter <= "~" for letter in name)
    return name if is_plain else hashlib.sha256(name.encode()).hexdigest()


@campaign.command("list")
@click.pass_context
def list_all(context: click.Context) -> None:
    """List the campaigns, newest first."""
    table = Table("name", "state", "planned next (UTC)")
    table.add_column("campaign", no_wrap=True, min_width=36)  # the other commands ask for it: never cut it short
    with open_api(context) as api:
        for item in refused(api.campaigns):
            planned = (item["next_plan_at"] or "")[:16].replace("T", " ")
            table.add_row(item["name"], item["state"], planned, item["campaign_id"])
    console.print(table)


@campaign.command()
@click.argument("campaign_id")
@click.pass_context
def preflight(context: click.Context, campaign_id: str) -> None:
    """Say before launch who would be skipped and why, what would be sent, its cost and load, and when it is done."""
    with open_api(context) as api:
        told = refused(lambda: api.preflight(campaign_id))
    console.print(f"{told['planned']:,} of {told['audience']:,} borrowers would be contacted on the first day")
    for one in told["skipped"]:
        console.print(f"{one['borrowers']:>8,} skipped: {one['why']}", highlight=False)
    for one in told["channels"]:
        parts = f" in {told['sms_parts']:,} parts" if one["channel"] == "sms" else ""
        console.print(f"{one['contacts']:>8,} by {one['channel']}{parts}, cost {one['cost']:,.2f}", highlight=False)
    if told["planned"]:
        _tell_day(told)
    for duty, borrowers in told["deadlines_at_risk"].items():
        if borrowers:
            console.print(f"{borrowers:,} borrowers: {DEADLINES.get(duty, duty)}", style="yellow")


def _tell_day(told: dict[str, Any]) -> None:
    table = Table("hour (UTC)", *(f"{one['channel']} (capacity)" for one in told["channels"]))
    for hour in told["load"]:
        cells = [f"{hour['contacts'][name]:,} ({hour['capacity'][name]:,})" for name in hour["contacts"]]
        table.add_row(hour["at"][:16].replace("T", " "), *cells)
    console.print(table)
    last = told["ends_at"][:16].replace("T", " ")
    days = "today" if told["days"] == 1 else f"in {told['days']} days at this pace"
    console.print(f"The last contact of the day begins at {last} UTC; whoever may be contacted is reached once {days}.")


@campaign.command()
@click.argument("campaign_id")
@click.argument("verb", type=click.Choice(["start", "pause", "resume", "cancel"]))
@click.pass_context
def change(context: click.Context, campaign_id: str, verb: str) -> None:
    """Start, pause, resume or cancel a campaign."""
    with open_api(context) as api:
        show(refused(lambda: api.change_campaign(campaign_id, verb)))


@campaign.command()
@click.argument("campaign_id")
@click.pass_context
def report(context: click.Context, campaign_id: str) -> None:
    """Print what a campaign has brought so far, as JSON.

    "total" compares contacts that were answered, "goal" borrowers who paid, promised or answered, as the campaign asks
    for, each within 14 days of the first contact: where the learned plan chose, and where a lot did.
    """
    with open_api(context) as api:
        show(refused(lambda: api.report(campaign_id)))


@campaign.command()
@click.option("--campaign", "campaign_id", help="of one campaign only")
@click.option("--by-segment", is_flag=True, help="each way in which borrowers earn by itself")
@click.option("--json", "as_json", is_flag=True, help="print the document of the API instead of a table")
@click.pass_context
def rates(context: click.Context, campaign_id: str | None, by_segment: bool, as_json: bool) -> None:
    """List how often contacts were answered within 48 hours, by channel and hour of the borrower's clock.

    Where the plan chose the hour, better borrowers may have got the better hours: `forbear evaluate` compares fairly.
    """
    with open_api(context) as api:
        cells = refused(lambda: api.response_rates(campaign_id, by_segment=by_segment))
    if as_json:
        show(cells)
        return
    if not cells:
        console.print("No contact has gone out yet.")
        return
    table = Table(
        *(["segment"] if by_segment else []), "channel", "hour", "contacts", "answered", "rate", "95 % interval"
    )
    for cell in cells:
        where = [cell["segment"]] if by_segment else []
        interval = f"{cell['low']:.0%} to {cell['high']:.0%}"
        counts = (f"{cell['contacts']:,}", f"{cell['answers']:,}", f"{cell['rate']:.0%}")
        table.add_row(*where, cell["channel"], f"{cell['hour']:02}:00", *counts, interval)
    console.print(table)


@campaign.command()
@click.argument("campaign_id")
@click.option("--json", "as_json", is_flag=True, help="print the document of the API instead of tables")
@click.pass_context
def disparity(context: click.Context, campaign_id: str, as_json: bool) -> None:
    """Compare how borrowers of each language and state fare: contacts, answers, exploration, treatments.

    Only contacts that the plan chose count, not those of the control group. Groups under 30 contacts are merged; a
    verdict needs 20 borrowers on either side. A flag is a question, not a finding, and no flag is no proof.
    """
    with open_api(context) as api:
        found = refused(lambda: api.disparity(campaign_id))
    if as_json:
        show(found)
        return
    for name in ("language", "region"):
        _tell_groups(name, found[f"{name}_summary"], found[f"by_{name}"])


def _tell_groups(title: str, summary: str, groups: list[dict[str, Any]]) -> None:
    console.print(f"By {title}: {summary}", highlight=False)
    if not groups:
        return
    table = Table(title, "borrowers", "contacts", "each", "answered of 100", "explored", "treatments")
    for one in groups:
        answered = one["answered"]
        share, low, high = (100 * answered[name] for name in ("rate", "low", "high"))
        treatments = ", ".join(f"{name.replace('_', ' ')} {part:.0%}" for name, part in one["treatments"].items())
        table.add_row(
            one["group"], f"{one['borrowers']:,}", f"{answered['contacts']:,}", f"{one['contacts_per_borrower']:.2f}",
            f"{share:.1f} ({low:.1f}, {high:.1f})", f"{one['explored']:.0%}", treatments,
        )  # fmt: skip
    console.print(table)
    for one in groups:
        if one["is_answer_rate_unequal"] or one["is_contact_count_unequal"]:
            console.print(f"  {one['group']}: {one['words']}", highlight=False)


@campaign.command("what-if")
@click.argument("campaign_id")
@click.option("--sms", default=1.0, show_default=True, help="capacity of this channel, times this")
@click.option("--email", default=1.0, show_default=True, help="capacity of this channel, times this")
@click.option("--voice", default=1.0, show_default=True, help="capacity of this channel, times this")
@click.option("--budget", type=float, help="most that the day may cost, in the unit of the cost settings")
@click.option("--json", "as_json", is_flag=True, help="print the document of the API instead of tables")
@click.pass_context
def what_if(context: click.Context, /, campaign_id: str, *, as_json: bool, **changes: float | None) -> None:
    """Say what more lines or less money would bring: the latest plan, solved again. Nothing is changed."""
    asked = {name: value for name, value in changes.items() if value is not None}
    with open_api(context) as api:
        found = refused(lambda: api.what_if(campaign_id, **asked))
    if as_json:
        show(found)
        return
    console.print(f"The plan of {found['day'][:16].replace('T', ' ')} UTC, solved again:", highlight=False)
    console.print(found["summary"], highlight=False)
    console.print(_both(found))
    table = Table("channel", "hour (UTC)", "one more contact brings", title="Most sought after as it is")
    for place in found["places_as_is"]:
        table.add_row(place["channel"], place["at"][:16].replace("T", " "), f"{place['price']:.3f} answers")
    console.print(table if table.row_count else "No place is scarce: more lines would bring nothing.")
    if found["changed"]["budget_price"] > 0:
        console.print(f"One more unit of money would bring {found['changed']['budget_price']:.2f} answers.")
    gaps = [100 * found[which]["gap"] for which in ("as_is", "changed")]
    console.print("At most {:.1f} % from the best assignment as it is, {:.1f} % changed.".format(*gaps))


def _both(found: dict[str, Any]) -> Table:
    """Show contacts by channel, answers and value of both plans."""
    table = Table("", *found["as_is"]["contacts"], "answers expected", "value less costs, in answers")
    for name in ("as_is", "changed"):
        one = found[name]
        counts = [f"{contacts:,}" for contacts in one["contacts"].values()]
        table.add_row(name.replace("_", " "), *counts, f"{one['expected_answers']:,.1f}", f"{one['value']:,.2f}")
    return table


@campaign.command("next")
@click.argument("borrower_ref")
@click.option("--slots", "with_slots", is_flag=True, help="Also what is expected in every slot that was open.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's document.")
@click.pass_context
def next_contact(context: click.Context, borrower_ref: str, with_slots: bool, as_json: bool) -> None:
    """Say why a borrower is contacted next as planned, or why not, and which rule closes the other hours.

    And how likely each step is: delivery, an answer, the right person, a promise, a payment; when planned, and now.
    """
    with open_api(context) as api:
        found = refused(lambda: api.next_contact(borrower_ref))
    if as_json:
        show(found)
        return
    if found["contact_id"]:
        click.echo(f"{found['channel']} on {found['local_time']} of the borrower's clock, template {found['template']}")
    else:
        click.echo("no contact is planned")
    click.echo("\n".join(f"  {reason}" for reason in found["reasons"]))
    if with_slots and found["expected_now"]:
        console.print(_slots(found["expected_now"]["slots"]))
    if found["closed"]:
        click.echo("\nclosed within two days (UTC)")
    spans: dict[tuple[str, ...], list[str]] = {}  # what closes them, to the channels that it closes
    for one in found["closed"]:
        begins, ends = (one[name][5:16].replace("T", " ") for name in ("starts_at", "ends_at"))
        spans.setdefault((begins, ends, one["by"], one["why"]), []).append(one["channel"])
    for (begins, ends, by, why), channels in spans.items():
        click.echo(f"  {', '.join(channels):<18}{begins} to {ends}  {by}: {why}")


def _slots(slots: list[dict[str, Any]]) -> Table:
    """Show the open slots in the order of the API: the likeliest answer first."""
    steps = ("delivered", "answered", "right_party", "promise", "payment", "anyway")
    title = "\nOpen slots of the plan's day, by what is known now, in %"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1), pad_edge=False)
    table.add_column("channel")
    table.add_column("borrower's clock", no_wrap=True)
    for step in steps:
        table.add_column(step.replace("_", " "), justify="right")
    for one in slots:
        shares = ("-" if one[step] is None else f"{100 * one[step]:.1f}" for step in steps)
        table.add_row(one["channel"], one["local_time"], *shares)
    return table


def show(document: Any) -> None:
    """Print a document as JSON."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
