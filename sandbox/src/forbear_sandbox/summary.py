"""What a demonstration ends with: the numbers a person asks for, each side by side with what the world saw."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from textwrap import fill
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from forbear_sandbox import understanding
from forbear_sandbox.care import Care
from forbear_sandbox.evidence import Claims
from forbear_sandbox.left_alone import LeftAlone
from forbear_sandbox.picture import Cell, Week, draw
from forbear_sandbox.understanding import Understood

RULES_SHOWN_MAX = 12
DEEDS_SHOWN_MAX = 12
SENTENCE_WIDTH = 120
STATES = ("accepted", "refused", "expired", "recalled", "cancelled", "unknown", "planned", "released")


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that the summary shows.

    `agreement` is the comparison of ledger and census, `effect` what contact brings as the service tells it.
    """

    borrowers: int
    days: float
    took_s: float
    report: dict[str, Any]
    effect: dict[str, Any]
    census: dict[str, Any]
    claims: Claims
    agreement: dict[str, Any]
    understood: Understood
    care: Care
    left_alone: LeftAlone
    ledger_is_whole: bool
    ledger_verdict: str
    picture: Path

    def problems(self) -> list[str]:
        """Return what must never be, in words; empty when all is well."""
        found = {
            "attempts that the ledger claims and the world never saw": len(self.agreement["unseen"]),
            "contacts that the world saw and the ledger does not claim": self._unclaimed(),
            "contacts that reached somebody twice": len(self.agreement["doubled"]) or self.census["twice"],
            "contacts outside 8:00 to 21:00 where the borrower lives": self.census["outside_hours"],
            "contacts that reached a stranger": self.census["strangers"],
            "contacts that reached whom law wants left alone": len(self.care.barred),
            "reminders that reached whom a lot left alone": len(self.left_alone.broken),
            "contacts by lot to those with whom nothing is tried out": len(self.care.by_lot),
            "ledger that does not verify": int(not self.ledger_is_whole),
        }
        return [f"{count} {what}" for what, count in found.items() if count]

    def _unclaimed(self) -> int:
        return len(set(self.agreement["unclaimed"]) - self.claims.unknown)

    def digest(self) -> str:
        """Return twelve characters that are equal when two runs brought the same."""
        told = {
            "states": self.report["states"],
            "weeks": self.report["weeks"],
            "events": self.census["events"],
            "blocked": sorted([*rule, count] for rule, count in self.claims.blocked.items()),
        }
        return sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def show(console: Console, result: Result) -> None:
    """Print the summary and draw the picture."""
    console.rule(f"{result.days:.0f} days, {result.borrowers:,} borrowers, in {result.took_s:.0f} s")
    console.print(_contacts(result), _weeks(result.report), _blocked(result), understanding.table(result.understood))
    console.print(f"lift      {told_lift(result.report['total'])}")
    console.print(f"goal      {told_goal(result.report['goal'])}")
    console.print(f"contact   {told_contact(result.effect, result.left_alone)}")
    console.print(f"people    {_deeds(result)}")
    console.print(f"care      {told_care(result.care)}")
    _evidence(console, result)
    draw(result.picture, _cells(result.report), _picture_weeks(result.report), _title(result))
    console.print(f"picture   {result.picture}")
    console.print(f"digest    {result.digest()} (the same seed gives the same digest)")


def _contacts(result: Result) -> Table:
    table = Table(title="Contacts by channel and how they ended", title_justify="left")
    shown = [state for state in STATES if any(state in states for states in result.report["states"].values())]
    table.add_column("channel")
    for state in shown:
        table.add_column(state, justify="right")
    table.add_column("the world saw", justify="right")
    for channel, states in sorted(result.report["states"].items()):
        seen = result.census["contacts"].get(channel, 0)
        table.add_row(channel, *(f"{states.get(state, 0):,}" for state in shown), f"{seen:,}")
    table.caption = "The world also saw answers, confirmations and follow-ups, which belong to no plan."
    table.caption_justify = "left"
    return table


def _weeks(report: dict[str, Any]) -> Table:
    table = Table(title="Answered within 48 hours, per 100 contacts", title_justify="left")
    for name in ("week", "learned policy", "served at random", "difference (95 % interval)"):
        table.add_column(name, justify="right" if name != "week" else "left")
    for week in [*report["weeks"], {**report["total"], "week": "all"}]:
        learned, control = week["learned"], week["control"]
        table.add_row(
            str(week["week"]),
            f"{100 * learned['rate']:.1f} of {learned['contacts']:,}",
            f"{100 * control['rate']:.1f} of {control['contacts']:,}",
            f"{100 * week['difference']:+.1f} ({100 * week['low']:+.1f} to {100 * week['high']:+.1f})",
        )
    return table


def told_lift(total: dict[str, Any]) -> str:
    """Say in one sentence what learning brought over all weeks, and whether chance explains it."""
    learned, control = total["learned"], total["control"]
    if not learned["contacts"] or not control["contacts"]:
        return "not told: one side had no contact yet"
    low, high = 100 * total["low"], 100 * total["high"]
    verdict = "more than chance explains" if low > 0 else "worse than chance explains" if high < 0 else "may be chance"
    return (
        f"of 100 contacts {100 * learned['rate']:.1f} were answered where the learned policy chose channel and hour, "
        f"{100 * control['rate']:.1f} where a lot did:\n"
        f"          {100 * total['difference']:+.1f}, in all likelihood (95 %) {low:+.1f} to {high:+.1f}: {verdict}"
    )


def told_goal(goal: dict[str, Any]) -> str:
    """Say whether more borrowers reached the campaign's goal, and what they paid, in lines below each other."""
    return _below(goal["summary"])


def told_contact(effect: dict[str, Any], left: LeftAlone) -> str:
    """Say what contact itself brings, and whether those whom a lot left alone were, as the world counted."""
    return _below(
        f"{effect['summary']} The world saw: of {left.borrowers:,} left alone by lot {left.untouched:,} heard nothing "
        f"for 14 days; the others got {left.owed:,} contacts that no campaign plans, such as duties and answers, "
        f"{left.asked:,} reminders because they needed care or had asked, and {len(left.broken):,} that must not be."
    )


def _below(words: str) -> str:
    return fill(words, SENTENCE_WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 10).lstrip()


def told_care(care: Care) -> str:
    """Say in one sentence what reached those who ask for care."""
    return (
        f"of {care.borrowers:,} borrowers the lender told what asks for care: {len(care.barred):,} contacts reached "
        f"whom law wants left alone ({care.answered:,} answers aside),\n          and {len(care.by_lot):,} of the "
        f"{care.cared_for:,} to those with whom nothing is tried out were chosen by lot"
    )


def _blocked(result: Result) -> Table:
    table = Table(title="What the gate held back at the moment of sending", title_justify="left")
    table.add_column("rule", no_wrap=True)
    table.add_column("times", justify="right")
    table.add_column("why, for one of them")
    by_rule: dict[str, tuple[int, str]] = {}
    for (rule, why), count in sorted(result.claims.blocked.items()):
        total, first = by_rule.get(rule, (0, why))
        by_rule[rule] = (total + count, first)
    for rule, (count, why) in sorted(by_rule.items(), key=lambda item: (-item[1][0], item[0]))[:RULES_SHOWN_MAX]:
        table.add_row(rule, f"{count:,}", why)
    if not by_rule:
        table.add_row("none", "0", "the plan asked the law first, and nothing changed in between")
    return table


def _deeds(result: Result) -> str:
    """Return what the world saw borrowers do, most frequent first."""
    events = [(name, count) for name, count in result.census["events"].items() if name.startswith(("did.", "paid"))]
    shown = sorted(events, key=lambda item: (-item[1], item[0]))[:DEEDS_SHOWN_MAX]
    return ", ".join(f"{name.removeprefix('did.').replace('_', ' ')} {count:,}" for name, count in shown)


def _evidence(console: Console, result: Result) -> None:
    claims, agreement = result.claims, result.agreement
    console.print(f"ledger    {result.ledger_verdict}")
    console.print(
        f"ledger    {len(claims.accepted):,} attempts taken by a provider, {len(claims.unknown):,} unknown; "
        f"the world saw {result.census['total']:,} contacts; {agreement['agreed']:,} are the same"
    )
    problems = result.problems()
    for problem in problems:
        console.print(f"PROBLEM   {problem}", style="bold red")
    if not problems:
        console.print("world     nobody was contacted twice, outside lawful hours, or without the ledger knowing")


def _cells(report: dict[str, Any]) -> list[Cell]:
    return [Cell(cell["channel"], cell["hour"], cell["contacts"], cell["answers"]) for cell in report["heat_map"]]


def _picture_weeks(report: dict[str, Any]) -> list[Week]:
    def part(rate: dict[str, Any]) -> tuple[float, float, float]:
        return rate["rate"], rate["low"], rate["high"]

    return [Week(week["week"], part(week["learned"]), part(week["control"])) for week in report["weeks"]]


def _title(result: Result) -> str:
    return f"{result.days:.0f} days with {result.borrowers:,} borrowers: where and when they answer"
