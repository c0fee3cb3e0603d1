"""`forbear evaluate CAMPAIGN`: what did learning bring, compared with the control and with each fixed rule?"""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from forbear_client.access import connect, key_file_option, refused, url_option
from forbear_client.campaign_commands import show

console = Console()
SAID_OF_RULE = {
    "learned_better": "learned is better",
    "rule_better": "the rule is better",
    "not_told_apart": "not told apart",
    "too_few": "too few to tell",
}


@click.command()
@click.argument("campaign_id")
@url_option
@key_file_option
@click.option("--json", "as_json", is_flag=True, help="print the document of the API instead of a table")
def evaluate(campaign_id: str, url: str, key_file: str, as_json: bool) -> None:
    """Say what learning brought to a campaign, beside the control group and beside fixed rules.

    The first line compares contacts as they were made, the second borrowers: how many reached the campaign's goal
    (payment, promise or contact) within 14 days of their first contact, each on the side that a lot gave. Where the
    campaign leaves a share alone by lot, the third says what contact itself brought. Another says what drawing contacts
    by lot cost in expected answers.

    Then learned choice stands beside fixed rules such as "sms in the evening": the difference, on the same contacts of
    the control group. Lines and costs are left out on both sides. The intervals hold for all rules together, so the
    best of them may be picked out.

    The next table estimates, from contacts that were drawn by lot, what some policies would have brought by
    themselves; "dr" (doubly robust) is the column to act on, the others are there to disagree.
    "tell as much as": so many contacts that followed the policy would tell as much; below 50 nothing is claimed.

    Then come the forecasts of each step of a contact beside what happened; the fifths go from the contacts of which
    least was expected to those of which most was. Last comes what was amiss at the latest plan, and what to do.
    """
    with connect(url, key_file) as api:
        found = refused(lambda: api.evaluation(campaign_id))
    if as_json:
        show(found)
        return
    console.print(found["summary"], highlight=False)
    console.print(found["goal"]["summary"], highlight=False)
    if found["contact"] is not None:
        console.print(found["contact"]["summary"], highlight=False)
    console.print(found["trying"]["summary"], highlight=False)
    console.print(found["deciding"], highlight=False)
    console.print(f"\n{found['rules']['summary']}", highlight=False)
    if found["rules"]["rules"]:
        console.print(_rules(found["rules"]))
    console.print(_table(found["policies"]))
    for policy in found["policies"]:
        console.print(f"  {policy['policy']}: {policy['words']}", highlight=False)
    if found["steps"]:
        console.print(_steps(found["steps"]))
    for alarm in found["alarms"]:
        console.print(f"Amiss at the last plan: {alarm['words']}.", highlight=False)


def _rules(found: dict[str, Any]) -> Table:
    title = f"\nAnswers per 100 contacts: fixed rules, and learned choice ({100 * found['learned']:.1f}) less each"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1), pad_edge=False)
    table.add_column("rule", no_wrap=True)
    for name in ("rule's own", "learned less the rule"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what can be said", no_wrap=True)
    table.add_column("tell as much as", justify="right")
    for one in found["rules"]:
        gain, low, high = (round(100 * one[name], 1) + 0.0 for name in ("difference", "low", "high"))
        table.add_row(
            one["rule"], f"{100 * one['value']:.1f}", f"{gain:+.1f} ({low:+.1f}, {high:+.1f})",
            SAID_OF_RULE[one["verdict"]], f"{one['effective_contacts']:,.0f}",
        )  # fmt: skip
    return table


def _table(policies: list[dict[str, Any]]) -> Table:
    title = "\nAnswers per 100 contacts, estimated (95 % interval)"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1), pad_edge=False)  # fits eighty columns
    table.add_column("policy", no_wrap=True)
    for name in ("dr", "snips", "ips"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("contacts", "tell as much as"):
        table.add_column(name, justify="right")
    for policy in policies:
        estimates = [_say(policy[name]) for name in ("dr", "snips", "ips")]
        worth = f"{policy['effective_contacts']:,.0f}" + ("" if policy["is_telling"] else ", too few")
        table.add_row(policy["policy"], *estimates, f"{policy['contacts']:,}", worth)
    return table


def _steps(steps: list[dict[str, Any]]) -> Table:
    title = "\nForeseen and happened, per 100 contacts, where the time for it is over"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1), pad_edge=False)
    table.add_column("step", no_wrap=True)
    for name in ("contacts", "foreseen", "happened", "fifths, foreseen/happened", "error"):
        table.add_column(name, justify="right")
    for one in steps:
        whole = one["whole"]
        fifths = " ".join(f"{100 * part['predicted']:.0f}/{100 * part['happened']:.0f}" for part in one["fifths"])
        rates = [f"{100 * value:.1f}" for value in (whole["predicted"], whole["happened"])]
        name = one["step"].replace("_", " ")
        table.add_row(name, f"{whole['contacts']:,}", *rates, fifths, f"{100 * one['error']:.1f}")
    return table


def _say(estimate: dict[str, float] | None) -> str:
    if estimate is None:
        return "-"
    value, low, high = (round(100 * estimate[name], 1) + 0.0 for name in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f}, {high:.1f})"
