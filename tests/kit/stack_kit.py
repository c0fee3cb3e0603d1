"""The whole stack with a campaign in it, for end-to-end tests: run the time, break things, and count what came of it.

What is expected is always taken from the sandbox's own census, from the ledger as an auditor reads it, and from the
tables as the superuser reads them: never from what a service says about itself alone.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from forbear_client.api import Api
from forbear_sandbox import portfolio
from forbear_sandbox.census import plain_id
from forbear_sandbox.evidence import Claims, read_claims
from forbear_sandbox.stack import SERVICES, START, Options, Stack
from forbear_sandbox.world_client import WorldClient

SCHEMAS = ("scheduler", "dispatcher", "tracker")
WAIT_MAX_S = 180.0
POLL_S = 0.01
LOG_TAIL_CHARS = 3_000

DAY = timedelta(days=1)
DAYTIME = timedelta(hours=14)
CHANNELS = ("sms", "email", "voice")
# As often as a campaign may, so that every day has contacts.
CAMPAIGN = {
    "name": "End to end",
    "control_share": 0.2,
    "cadence": {"rest_days": 0.5, "contacts_a_week_max": 7},
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
        return [line.split("|") for line in self.stack.postgres.run_sql(sql, "forbear").splitlines()]

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
    folder: Path, path: Path, *, channels: Sequence[str] = CHANNELS, is_durable: bool = False, **options: Any
) -> Iterator[Scene]:
    """Start a stack, import a portfolio file, and start a campaign; the time stands at the start.

    Not durable means that a power cut would lose data; a killed PostgreSQL loses nothing, a killed Valkey everything.
    """
    stack_options = Options(portfolio=path, is_durable=is_durable, **options)
    with (
        open_stack(folder / "stack", stack_options) as stack,
        Api(stack.scheduler_url, stack.api_key) as api,
    ):
        report = api.import_borrowers(path)
        assert 0 == report["rows_rejected"], report["first_errors"]
        campaign_id = api.create_campaign({**CAMPAIGN, "channels": channels}, key="e2e")["campaign_id"]
        api.change_campaign(campaign_id, "start")
        yield Scene(stack, api, campaign_id, list(portfolio.read_csv(path)))


def log_tails(stack: Stack) -> list[tuple[str, str]]:
    """Return the ends of all logs of a stack, by title."""
    logs = sorted(stack.run_dir.glob("*.log"))
    return [(f"end of {path.name}", path.read_text("utf-8", "replace")[-LOG_TAIL_CHARS:]) for path in logs]


# What must be true at a quiet hour, whatever happened before.


def assert_nobody_was_contacted_twice(scene: Scene) -> None:
    """Neither an attempt nor a contact reached the world more than once, and nobody whom we do not know."""
    seen = scene.world.contacts()
    contact_of = dict(scene.select("SELECT replace(attempt_id::text, '-', ''), contact_id FROM dispatcher.attempt"))
    attempts = Counter(plain_id(one["attempt"]) for one in seen)
    contacts = Counter(contact_of.get(attempt, f"unknown attempt {attempt}") for attempt in attempts.elements())

    assert {} == {attempt: count for attempt, count in attempts.items() if count > 1}
    assert {} == {contact: count for contact, count in contacts.items() if count > 1}
    assert [] == [contact for contact in contacts if contact.startswith("unknown")]
    assert [] == [one for one in seen if not one["borrower"]]


def assert_nothing_is_lost(scene: Scene) -> None:
    """Every contact ended in a state that is the same wherever one looks, and nothing waits to be told."""
    open_ones = "SELECT contact_id, state, expire_at FROM scheduler.contact WHERE state IN (0, 6)"
    in_queue = (
        "SELECT contact_id, state, due_at, reason FROM dispatcher.contact WHERE state IN (10, 11) AND purpose = 1"
    )
    differing = (
        "SELECT contact_id, s.state, d.state FROM scheduler.contact s "
        "FULL JOIN (SELECT * FROM dispatcher.contact WHERE purpose = 1) d USING (contact_id) "
        "WHERE CASE WHEN d.state IS NULL THEN s.state NOT IN (2, 3, 7) "
        "ELSE s.state <> 7 AND s.state IS DISTINCT FROM d.state END"
    )
    untold = (
        "SELECT a.attempt_id, a.state FROM dispatcher.attempt a LEFT JOIN tracker.attempt t ON t.id = a.attempt_id "
        "WHERE a.state IN (1, 5) AND t.id IS NULL"
    )

    assert [] == scene.select(open_ones)
    assert [] == scene.select(in_queue)
    assert [] == scene.select(differing)
    assert [] == scene.select(untold)
    assert [] == scene.select("SELECT id, kind, tries FROM tracker.event WHERE processed_at IS NULL")
    for schema in SCHEMAS:
        assert [] == scene.select(f"SELECT id, topic FROM {schema}.outbox")


def assert_ledger_equals_census(scene: Scene) -> Claims:
    """The ledger is whole, and claims exactly what the world saw; what nobody knows is said to be unknown."""
    auditor = scene.stack.database_url("forbear_auditor")
    verified = subprocess.run(
        [sys.executable, "-m", "forbear_client.cli", "ledger", "verify", "--database-url", auditor],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    claims = read_claims(auditor)
    agreement = scene.world.compare(sorted(claims.accepted))

    assert 0 == verified.returncode, verified.stdout + verified.stderr
    assert [] == agreement["unseen"]
    assert set() == set(agreement["unclaimed"]) - claims.unknown
    assert [] == agreement["doubled"]
    return claims


def assert_all_is_well(scene: Scene) -> Claims:
    """Everything above, lawful hours, and a world that met no fault of its own."""
    assert_nobody_was_contacted_twice(scene)
    assert_nothing_is_lost(scene)
    assert 0 == scene.world.summary()["outside_hours"]
    assert [] == scene.world.state()["failures"]
    assert all(scene.stack.is_running(name) for name in SERVICES)
    return assert_ledger_equals_census(scene)
