"""The whole stack with a campaign in it, for end-to-end tests: run the time, break things, and count what came of it.

What is expected is always taken from the sandbox's own census, from the ledger as an auditor reads it, and from the
tables as the superuser reads them: never from what a service says about itself alone.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from forbear_client.api import Api
from forbear_sandbox import portfolio
from forbear_sandbox.care import Told
from forbear_sandbox.daily_file import send
from forbear_sandbox.evidence import Claims
from forbear_sandbox.judgement import judge
from forbear_sandbox.portfolio_file import read_rows
from forbear_sandbox.stack import START, Options, Stack
from forbear_sandbox.world_client import WorldClient

WAIT_MAX_S = 180.0
POLL_S = 0.01
LOG_TAIL_CHARS = 3_000

DAY = timedelta(days=1)
DAYTIME = timedelta(hours=14)
CHANNELS = ("sms", "email", "voice")
CONTACTS_A_WEEK_MAX = 7  # as often as a campaign may, so that every day has contacts
CAMPAIGN = {
    "name": "End to end",
    "control_share": 0.2,
    "cadence": {"rest_days": 0.5, "contacts_a_week_max": CONTACTS_A_WEEK_MAX},
}

running: list[Stack] = []  # stacks alive at this moment, so that a failed test can show their logs


def quiet_hour(days: int) -> datetime:
    """Return half past eight in UTC so many days after the start.

    It is half past ten at night in Honolulu and half past three in New York: no contact is lawful anywhere, what was
    planned has been sent or has expired, and the next plan is half an hour away.
    """
    return START.replace(hour=8, minute=30) + days * DAY


@dataclass(slots=True)
class Scene:
    """A stack with a portfolio imported and a campaign started."""

    stack: Stack
    api: Api
    campaign_id: str
    rows: list[dict[str, str]]
    told: Told = field(default_factory=Told)
    days: int = 0

    @property
    def world(self) -> WorldClient:
        """The world's control."""
        return self.stack.world

    def run_until(self, until: datetime) -> None:
        """Let the time run to an instant. Raises WorldError when it stalls."""
        self.world.run_until(until)

    def next_quiet_hour(self) -> datetime:
        """Return the quiet hour after the next day of the campaign; every call is one day later."""
        self.days += 1
        return quiet_hour(self.days)

    def next_daytime(self) -> datetime:
        """Return an instant of that day at which everybody may be answered: 8:30 in Honolulu, 13:30 in New York."""
        return quiet_hour(self.days + 1) - DAYTIME

    def wait_for(self, condition: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Return the first state of the world that fulfils a condition, while the time runs."""
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(self.world.state())
            return condition(found)

        wait_until(is_there, what)
        return found

    def select(self, sql: str) -> list[list[str]]:
        """Return rows of the database as texts, as the superuser sees them."""
        return self.stack.select(sql)

    def tell(self, circumstances: Mapping[str, str]) -> None:
        """Import a file that says these words of these borrowers, as their lender does while a campaign runs."""
        path = self.stack.run_dir.with_name("told.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(self.rows[0]))
            writer.writeheader()
            for row in self.rows:
                if row["borrower_ref"] in circumstances:
                    writer.writerow(row | {"circumstances": circumstances[row["borrower_ref"]]})
        report = send(self.stack, self.api, path, self.told)
        assert len(circumstances) == report["rows_changed"], report

    def count(self, sql: str) -> int:
        """Return the number that a query gives."""
        return int(self.select(sql)[0][0])


def wait_until(is_there: Callable[[], bool], what: str) -> None:
    """Return when a condition holds."""
    deadline_s = monotonic() + WAIT_MAX_S
    while not is_there():
        assert monotonic() < deadline_s, f"waited {WAIT_MAX_S:.0f} s for {what}"
        sleep(POLL_S)


@contextmanager
def open_stack(folder: Path, options: Options) -> Iterator[Stack]:
    """Run a stack whose logs are shown when a test fails."""
    stack = Stack(folder, options)
    running.append(stack)
    try:
        with stack:
            yield stack
    finally:
        running.remove(stack)


@contextmanager
def open_scene(folder: Path, borrowers: int, *, seed: int = 1, **options: Any) -> Iterator[Scene]:
    """Start a campaign over borrowers who do not exist; see `open_campaign`."""
    path = folder / "portfolio.csv"
    portfolio.write_csv(portfolio.generate(borrowers, seed, START.date()), path)
    with open_campaign(folder, path, seed=seed, **options) as scene:
        yield scene


@contextmanager
def open_campaign(
    folder: Path,
    path: Path,
    *,
    channels: Sequence[str] = CHANNELS,
    is_durable: bool = False,
    world: Path | None = None,
    **options: Any,
) -> Iterator[Scene]:
    """Start a stack, import a portfolio file, and start a campaign; the time stands at the start.

    `world` names a file of all who live in the world, where they are more than the portfolio's.

    Not durable means that a power cut would lose data; a killed PostgreSQL loses nothing, a killed Valkey everything.
    """
    stack_options = Options(portfolio=world or path, is_durable=is_durable, **options)
    with (
        open_stack(folder / "stack", stack_options) as stack,
        Api(stack.scheduler_url, stack.api_key) as api,
    ):
        told = Told()
        report = send(stack, api, path, told)
        assert 0 == report["rows_rejected"], report["first_errors"]
        campaign_id = api.create_campaign({**CAMPAIGN, "channels": channels}, key="e2e")["campaign_id"]
        api.change_campaign(campaign_id, "start")
        yield Scene(stack, api, campaign_id, list(read_rows(path)), told)


def log_tails(stack: Stack) -> list[tuple[str, str]]:
    """Return the ends of all logs of a stack, by title."""
    logs = sorted(stack.run_dir.glob("*.log"))
    return [(f"end of {path.name}", path.read_text("utf-8", "replace")[-LOG_TAIL_CHARS:]) for path in logs]


def assert_all_is_well(scene: Scene) -> Claims:
    """Nothing is lost, sent twice or too often, unlawful or untold at a quiet hour, whatever happened before."""
    judgement = judge(scene.stack, CONTACTS_A_WEEK_MAX, scene.told)

    assert [] == judgement.violations, judgement.violations
    return judgement.claims
