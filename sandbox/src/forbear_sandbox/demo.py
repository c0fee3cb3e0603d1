"""The main job from end to end: import a portfolio, run a campaign on the stepped clock, and show what it brought."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from rich.console import Console

from forbear_client.api import Api, ApiError
from forbear_sandbox import portfolio
from forbear_sandbox.care import Told, look, read_log
from forbear_sandbox.census import to_contact
from forbear_sandbox.child import ChildError
from forbear_sandbox.daily_file import later_files, send
from forbear_sandbox.evidence import read_claims
from forbear_sandbox.judgement import verify_ledger
from forbear_sandbox.left_alone import follow, read_lots
from forbear_sandbox.portfolio_file import PortfolioError, check_file
from forbear_sandbox.stack import START, Options, Stack
from forbear_sandbox.summary import Result, show
from forbear_sandbox.understanding import read_understood
from forbear_sandbox.world_client import WorldError

BORROWERS = 1_200
DAYS = 28.0
BORROWERS_MAX, DAYS_MAX = 25_000, 366  # about as many reserved numbers as there are; what ends within a day or so
CONTROL_SHARE = 0.25
LEFT_ALONE_SHARE = 0.1
PLATFORM_KEY = "demonstration"
TELL_EVERY_S = 2.0
POLL_S = 0.05
HAND_OVER_S = 30.0
FIRST_TOLD_AT = START.replace(hour=17, minute=3)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `demo`."""
    add = parser.add_argument
    add(
        "--portfolio",
        type=Path,
        help="a portfolio of your own (CSV or NDJSON); otherwise one is made up from the seed",
    )
    add("--borrowers", type=count, default=BORROWERS, help="how many to make up (%(default)s)")
    add("--days", type=days, default=DAYS, help="how long the campaign runs (%(default)s)")
    add("--seed", type=int, default=1, help="the same seed gives the same people, month and digest (%(default)s)")
    add("--run-dir", type=Path, default=Path("run/demo"), help="where logs, census and picture go (%(default)s)")


def count(text: str) -> int:
    """Read a number of borrowers from the command line."""
    if not text.isdecimal() or not 0 < int(text) <= BORROWERS_MAX:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {BORROWERS_MAX:,} is wanted")
    return int(text)


def days(text: str) -> float:
    """Read a number of days from the command line."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1 <= number <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"a number of days from 1 to {DAYS_MAX} is wanted")
    return number


def run(asked: argparse.Namespace) -> int:
    """Run the demonstration; return 0 when ledger and world agree."""
    console = Console(highlight=False)
    try:
        if asked.portfolio is not None:
            check_file(asked.portfolio)
        asked.run_dir.parent.mkdir(parents=True, exist_ok=True)
        result = demonstrate(asked, console)
    except (PortfolioError, OSError) as error:
        console.print(f"cannot start: {error}", style="bold red", soft_wrap=True)
        return 2
    except (ApiError, ChildError, WorldError) as error:
        console.print(f"the demonstration broke off: {error}", style="bold red", soft_wrap=True)
        console.print(f"logs: {asked.run_dir}/*.log")
        return 1
    except KeyboardInterrupt:
        console.print("stopped; nothing is left running")
        return 130
    show(console, result)
    return 1 if result.problems() else 0


def demonstrate(
    asked: argparse.Namespace, console: Console, at_half: Callable[[Stack], None] = lambda _: None
) -> Result:
    """Do everything and return what came of it; `at_half` is called in the middle of the campaign, while it runs."""
    started_s = monotonic()
    path = asked.portfolio or _make_portfolio(asked)
    console.print("starting PostgreSQL, Valkey, the world and the three services ...")
    told = Told()
    with Stack(asked.run_dir, Options(seed=asked.seed, portfolio=path, is_durable=False)) as stack:
        console.print(f"campaign API {stack.scheduler_url}   webhooks {stack.tracker_url}")
        with Api(stack.scheduler_url, stack.api_key) as api:
            borrowers = _import(stack, api, path, told, console)
            end = START + timedelta(days=asked.days)
            last_midnight = end.replace(hour=0, minute=0)  # whole days only, so that no stump of a week is shown
            body = {
                "name": "Four weeks of care",
                "control_share": CONTROL_SHARE,
                "left_alone_share": LEFT_ALONE_SHARE,
                "ends_at": max(last_midnight, START + timedelta(hours=20)).isoformat(),
            }
            campaign_id = api.create_campaign(body, key=PLATFORM_KEY)["campaign_id"]
            api.change_campaign(campaign_id, "start")
            watch = _Watch(stack, api, campaign_id, end, console, at_half)
            for at, file in _later_files(asked, end).items():
                watch.run_until(at)
                send(stack, api, file, told)
                _wait_until_handed_over(stack)
            watch.run_until(end)
            report, effect = api.report(campaign_id), api.evaluation(campaign_id)["contact"]
        return _collect(stack, asked, report, effect, borrowers, told, monotonic() - started_s)


def _wait_until_handed_over(stack: Stack) -> None:
    """Return when the dispatcher knows what an import bars: the time stands until then, or seeds would not repeat."""
    until_s = monotonic() + HAND_OVER_S
    while stack.select("SELECT id FROM scheduler.outbox LIMIT 1"):
        if monotonic() > until_s:
            raise WorldError("the scheduler does not hand over what an import bars; see contact-scheduler.log")
        sleep(POLL_S)


def _make_portfolio(asked: argparse.Namespace) -> Path:
    path = Path(f"{asked.run_dir}-portfolio.csv")
    portfolio.write_csv(portfolio.generate(asked.borrowers, asked.seed, START.date()), path)
    return path


def _later_files(asked: argparse.Namespace, end: datetime) -> dict[datetime, Path]:
    """Write what the lender tells after the first file, which is nothing for a portfolio of your own, by its instant.

    At noon in New York, in the middle of a day's contacts: some are planned, some on their way.
    """
    if asked.portfolio is not None:
        return {}
    days = (end - FIRST_TOLD_AT).days
    files = {}
    for day, rows in later_files(asked.borrowers, asked.seed, START.date(), days).items():
        path = Path(f"{asked.run_dir}-portfolio-{day:02}.csv")
        portfolio.write_csv(rows, path)
        files[FIRST_TOLD_AT + timedelta(days=day)] = path
    return files


def _import(stack: Stack, api: Api, path: Path, told: Told, console: Console) -> int:
    report = send(stack, api, path, told)
    kept = report["rows_read"] - report["rows_rejected"]
    console.print(f"imported {kept:,} loans from {path.name}; {report['rows_rejected']:,} rows rejected")
    for error in report["first_errors"][:5]:
        console.print(f"  line {error['line']}, {error['field']}: {error['mend']}", style="yellow")
    if not kept:
        raise PortfolioError(f"no row of {path} can be used")
    return int(kept)


@dataclass(slots=True)
class _Watch:
    """Lets the time run, telling once in a while where it is."""

    stack: Stack
    api: Api
    campaign_id: str
    end: datetime
    console: Console
    at_half: Callable[[Stack], None]
    is_half_done: bool = False
    told_s: float = 0.0

    def run_until(self, until: datetime) -> None:
        """Return when the time is there. Raises WorldError when it stands still."""
        self.stack.world.aim(until)
        while not (state := self.stack.world.state())["is_reached"]:
            now = datetime.fromisoformat(state["now"])
            if now >= START + (self.end - START) / 2 and not self.is_half_done:
                self.is_half_done = True
                self.at_half(self.stack)
            if state["clock"]["is_stalled"]:
                raise WorldError(f"the time stands still at {now:%d %B %H:%M}; busy: {state['clock']['busy']}")
            if monotonic() - self.told_s >= TELL_EVERY_S:
                self.told_s = monotonic()
                _tell(self.console, now, self.end, state, self.api.report(self.campaign_id)["total"])
            sleep(POLL_S)


def _tell(console: Console, now: datetime, end: datetime, state: dict[str, Any], total: dict[str, Any]) -> None:
    share = (now - START) / (end - START)
    bar = "#" * round(24 * share) + "." * (24 - round(24 * share))
    learned, control = total["learned"], total["control"]
    console.print(
        f"{bar} {now:%a %d %b %H:%M}  {state['contacts']:>7,} contacts   answered: "
        f"learned {100 * learned['rate']:.1f} %, random {100 * control['rate']:.1f} %"
    )


def _collect(
    stack: Stack, asked: argparse.Namespace, report: dict[str, Any], effect: dict[str, Any], borrowers: int,
    told: Told, took_s: float,
) -> Result:  # fmt: skip
    claims = read_claims(stack.database_url("forbear_auditor"))
    contacts, log = [to_contact(one) for one in stack.world.contacts()], read_log(stack)
    is_whole, verdict = verify_ledger(stack)
    return Result(
        borrowers=borrowers,
        days=asked.days,
        took_s=took_s,
        report=report,
        effect=effect,
        census=stack.world.summary(),
        claims=claims,
        agreement=stack.world.compare(sorted(claims.accepted)),
        understood=read_understood(stack),
        care=look(contacts, told, log),
        left_alone=follow(contacts, read_lots(stack), told, log),
        ledger_is_whole=is_whole,
        ledger_verdict=verdict,
        picture=asked.run_dir / "campaign.png",
    )
