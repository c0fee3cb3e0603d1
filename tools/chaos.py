"""`make chaos`: kill -9 at random moments of a running campaign, again and again, and judge what came of it.

    python tools/chaos.py --rounds 200 --seed 1 --minutes 30

Each round kills one of the three services, Valkey or PostgreSQL at a seeded moment while the stepped clock runs, and
starts it again after a short real time; the providers misbehave in turns meanwhile. Then the campaign runs on in peace,
ends, and is judged by the world's own count, the tables and the ledger (`forbear_sandbox.judgement`). Exit code 1 when
any promise is broken. Moments are seeded, but what a process was doing at that moment is not: a run cannot be repeated
exactly, only its lots can.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy
from rich.console import Console
from rich.table import Table

from forbear_client.api import Api, ApiError
from forbear_sandbox import portfolio
from forbear_sandbox.care import Told
from forbear_sandbox.child import ChildError
from forbear_sandbox.daily_file import later_files, send
from forbear_sandbox.judgement import Judgement, Promise, Violation, judge
from forbear_sandbox.stack import SERVICES, START, Options, Stack
from forbear_sandbox.summary import told_care

PARTS = (*SERVICES, "valkey", "postgres")
BORROWERS = 1_200
CONTACTS_A_WEEK_MAX = 4
CAMPAIGN = {
    "name": "Chaos",
    "control_share": 0.1,
    "cadence": {"rest_days": 1, "contacts_a_week_max": CONTACTS_A_WEEK_MAX},
}
FAR = timedelta(days=365)
DAY = timedelta(days=1)
PEACE_DAYS = 2  # of the campaign after the last kill
NEWS_DAYS = 20  # of borrowers' lives in each daily file, or a storm of a week would hear next to nothing
AFTERMATH_DAYS = 3  # after its end, for what is to be found out, answered and followed up
STALL_MAX_S = 120.0
WAIT_MAX_S = 45.0
DOWN_MAX_S = 0.6
TELL_EVERY = 10
LOG_CHARS = 1_500

# In turns, `TURN_ROUNDS` rounds each. Hangs are few: each costs a real time-out of its client.
TURN_ROUNDS = 5
TURNS: dict[str, list[dict[str, object]]] = {
    "slow": [{"kind": "slow", "share": 0.5, "seconds": 0.05}],
    "500": [{"kind": "error_500", "share": 0.2}],
    "torn": [{"kind": kind, "share": 0.1} for kind in ("cut_before", "cut_after", "garbage")],
    "429": [{"kind": "too_many", "share": 0.2}],
    "callbacks": [
        {"kind": "callback_lost", "share": 0.1}, {"kind": "callback_twice", "share": 0.2},
        {"kind": "callback_late", "share": 0.1, "seconds": 3600.0}, {"kind": "callback_reversed", "share": 0.2},
    ],
    "hang": [{"kind": "hang", "channel": channel, "count": 1} for channel in ("sms", "voice")],
    "none": [],
}  # fmt: skip


@dataclass(slots=True)
class Storm:
    """What was done to a stack so far, and what went wrong that must not."""

    stack: Stack
    told: Told = field(default_factory=Told)
    later: dict[int, list[portfolio.Row]] = field(default_factory=dict)  # what the lender is still to tell, by day
    news: int = 0  # rows of daily files that were taken in
    kills: Counter[str] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    restart_s: dict[str, list[float]] = field(default_factory=lambda: {part: [] for part in PARTS})
    violations: list[Violation] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """How many kills there were."""
        return self.kills.total()

    def wrong(self, what: str, proof: str) -> None:
        """Note that something did not live as it should."""
        self.violations.append(Violation(Promise.ALIVE, f"{what} (round {self.rounds})", 1, (proof,)))


def main(arguments: Sequence[str]) -> int:
    """Run the storm and print what came of it; return 0 when every promise was kept."""
    asked = _parse(arguments)
    console = Console(highlight=False)
    started_s = monotonic()
    path = Path(f"{asked.run_dir}-portfolio.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = portfolio.generate(asked.borrowers, asked.seed, START.date())
    portfolio.write_csv(with_recent_consents(rows), path)
    with Stack(asked.run_dir, Options(seed=asked.seed, portfolio=path, is_durable=True)) as stack:
        storm = Storm(stack)
        storm.later = news(asked.borrowers, asked.seed)
        campaign_id = start_campaign(storm, path)
        try:
            rage(storm, asked, console)
            console.print(f"{storm.rounds} rounds done; the campaign goes on in peace and ends")
            finish(storm, campaign_id)
        except ChildError as error:
            storm.wrong("broken off", str(error))
        judgement = judge(stack, CONTACTS_A_WEEK_MAX, storm.told)
        now = datetime.fromisoformat(stack.world.state()["now"])
    violations = [*storm.violations, *judgement.violations]
    show(console, storm, judgement, violations)
    print(json.dumps(summary(asked, storm, judgement, violations, (now - START) / DAY, monotonic() - started_s)))
    return 1 if violations else 0


def with_recent_consents(rows: Iterable[portfolio.Row]) -> list[portfolio.Row]:
    """Return rows whose consents to texts are recent, so that all three channels are in use."""
    recent = (START - 30 * DAY).date().isoformat()
    return [replace(row, sms_consent_on=recent) if row.sms_consent_on else row for row in rows]


def news(borrowers: int, seed: int) -> dict[int, list[portfolio.Row]]:
    """Return the daily file of each day: what changed for borrowers in `NEWS_DAYS` days, a row for each of them."""
    files: defaultdict[int, dict[str, portfolio.Row]] = defaultdict(dict)
    for day, rows in later_files(borrowers, seed, START.date(), FAR.days).items():
        files[ceil(day / NEWS_DAYS)].update((row.borrower_ref, row) for row in rows)
    return {day: with_recent_consents(rows.values()) for day, rows in files.items()}


def tell_more(storm: Storm) -> None:
    """Import what the lender knows more by now; what fails because a part has just come back is told a round later."""
    day = (datetime.fromisoformat(storm.stack.world.state()["now"]) - START).days
    path = storm.stack.run_dir.with_name("chaos-told.csv")
    with Api(storm.stack.scheduler_url, storm.stack.api_key) as api, suppress(ApiError):
        while storm.later and min(storm.later) <= day:
            first = min(storm.later)
            portfolio.write_csv(storm.later[first], path)
            send(storm.stack, api, path, storm.told)
            storm.news += len(storm.later.pop(first))


def start_campaign(storm: Storm, path: Path) -> str:
    """Import the borrowers and start the campaign; return its id."""
    with Api(storm.stack.scheduler_url, storm.stack.api_key) as api:
        send(storm.stack, api, path, storm.told)
        campaign_id = str(api.create_campaign(CAMPAIGN, key="chaos")["campaign_id"])
        api.change_campaign(campaign_id, "start")
    return campaign_id


def rage(storm: Storm, asked: argparse.Namespace, console: Console) -> None:
    """Kill and restart, round by round, until all rounds are done or the time is over."""
    lots, deadline_s = numpy.random.default_rng(asked.seed), monotonic() + 60 * asked.minutes
    turns, parts = list(TURNS), list(PARTS)
    storm.stack.world.aim(START + FAR)
    for number in range(asked.rounds):
        if monotonic() > deadline_s:
            break
        if number % len(parts) == 0:
            lots.shuffle(parts)
        turn = turns[number // TURN_ROUNDS % len(turns)]
        if number % TURN_ROUNDS == 0:
            storm.stack.world.set_faults(TURNS[turn])
        storm.turns[turn] += 1
        await_moment(storm, lots, asked.every)
        tell_more(storm)  # at once before the kill, while contacts go out
        kill_and_restart(storm, parts[number % len(parts)], float(lots.uniform(0.02, DOWN_MAX_S)))
        if (number + 1) % TELL_EVERY == 0:
            tell(storm.stack, console, number + 1, turn)
    storm.stack.world.set_faults([])


def await_moment(storm: Storm, lots: numpy.random.Generator, every: int) -> None:
    """Wait for the moment to strike: mostly while contacts go out, now and then any moment at all."""
    if lots.random() < 0.25:
        sleep(float(lots.uniform(0.0, 0.5)))
        return
    world = storm.stack.world
    wanted = int(world.state()["contacts"]) + int(lots.integers(1, 2 * every))
    deadline_s = monotonic() + WAIT_MAX_S
    while (state := world.state())["contacts"] < wanted and monotonic() < deadline_s:
        look_after(storm, state)
        sleep(0.005)
    sleep(float(lots.uniform(0.0, 0.03)))


def look_after(storm: Storm, state: dict[str, Any]) -> None:
    """Start what ended by itself, as an orchestrator does, and note it. Raises ChildError when the time stands."""
    for part in PARTS:
        if not storm.stack.is_running(part):
            log = storm.stack.log_path(part).read_text("utf-8", "replace")
            storm.wrong(f"{part} ended unasked", log[-LOG_CHARS:])
            storm.stack.restart(part)
    clock = state["clock"]
    if clock["still_s"] > STALL_MAX_S:
        held = f"missing {clock['missing']}, busy {clock['busy']}, failing {state['failing']}"
        raise ChildError(f"the time stands at {state['now']} for {clock['still_s']:.0f} s: {held}")


def kill_and_restart(storm: Storm, part: str, down_s: float) -> None:
    """Kill a part, leave it down for a while, and start it again. Raises ChildError when it does not come back."""
    storm.stack.kill(part)
    storm.kills[part] += 1
    sleep(down_s)
    started_s = monotonic()
    storm.stack.restart(part)
    storm.restart_s[part].append(monotonic() - started_s)


def finish(storm: Storm, campaign_id: str) -> None:
    """Let the campaign run some days in peace, end it at an hour at which nobody may be contacted, and wait."""
    stack = storm.stack
    now = datetime.fromisoformat(stack.world.state()["now"])
    # 8:30 UTC: too late in Honolulu, too early in New York, and half an hour before the next plan.
    quiet = now.replace(hour=8, minute=30, second=0, microsecond=0) + (PEACE_DAYS + 1) * DAY
    for days in reversed(range(PEACE_DAYS + 1)):
        run_to(storm, quiet - days * DAY)
        tell_more(storm)
    with Api(stack.scheduler_url, stack.api_key) as api:
        api.change_campaign(campaign_id, "cancel")
    run_to(storm, quiet + AFTERMATH_DAYS * DAY)


def run_to(storm: Storm, until: datetime) -> None:
    """Let the time run to an instant. Raises ChildError when it does not get there."""
    storm.stack.world.aim(until)
    while not (state := storm.stack.world.state())["is_reached"]:
        look_after(storm, state)
        sleep(0.05)


def tell(stack: Stack, console: Console, rounds: int, turn: str) -> None:
    """Print where the storm is."""
    state = stack.world.state()
    now = datetime.fromisoformat(state["now"])
    console.print(f"round {rounds:>4}  {now:%a %d %b %H:%M}  {state['contacts']:>7,} contacts  provider: {turn}")


def show(console: Console, storm: Storm, judgement: Judgement, violations: Sequence[Violation]) -> None:
    """Print what was done, and which promises were kept."""
    done = Table(title="What was killed", title_justify="left")
    for name in ("part", "kill -9", "back after, median (s)", "longest (s)"):
        done.add_column(name, justify="left" if name == "part" else "right")
    for part, times in storm.restart_s.items():
        middle, longest = (f"{numpy.median(times):.2f}", f"{max(times):.2f}") if times else ("-", "-")
        done.add_row(part, str(storm.kills[part]), middle, longest)
    kept = Table(title="What was promised", title_justify="left")
    for name in ("promise", "violations", "what"):
        kept.add_column(name, justify="right" if name == "violations" else "left")
    for promise in Promise:
        broken = [one for one in violations if one.promise is promise]
        kept.add_row(promise, f"{sum(one.count for one in broken):,}", "; ".join(one.what for one in broken))
    console.print(done, kept)
    console.print(f"rounds by provider fault: {', '.join(f'{turn} {n}' for turn, n in storm.turns.items())}")
    console.print(f"planned contacts by final state: {judgement.states}; the world saw {len(judgement.contacts):,}")
    console.print(f"unknown for good: {len(judgement.claims.unknown):,} attempts; ledger: {judgement.verdict}")
    console.print(f"daily files told of {storm.news:,} changes; {' '.join(told_care(judgement.care).split())}")
    for one in violations:
        console.print(f"VIOLATION {one.promise}: {one.count} {one.what}", style="bold red")
        print(*(f"    {line}" for line in one.evidence), sep="\n")


def summary(
    asked: argparse.Namespace,
    storm: Storm,
    judgement: Judgement,
    violations: Sequence[Violation],
    days: float,
    took_s: float,
) -> dict[str, object]:
    """Return the last line: what a program reads."""
    count = sum(one.count for one in violations)
    return {
        "name": "chaos", "value": count, "reference": storm.rounds, "ratio": None, "goal": "0 violations",
        "ok": not violations, "seed": asked.seed, "rounds_asked": asked.rounds, "borrowers": asked.borrowers,
        "contacts": len(judgement.contacts), "days": round(days, 1), "took_s": round(took_s),
    }  # fmt: skip


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--rounds", type=int, default=200, help="kills (%(default)s)")
    add("--seed", type=int, default=1, help="of the borrowers and of the lots (%(default)s)")
    add("--minutes", type=float, default=30.0, help="no further round after so many minutes (%(default)s)")
    add("--borrowers", type=int, default=BORROWERS, help="how many to make up (%(default)s)")
    add("--every", type=int, default=15, help="contacts between two kills, on average (%(default)s)")
    add("--run-dir", type=Path, default=Path("run/chaos"), help="where logs, databases and census go (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
