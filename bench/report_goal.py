"""What it costs to tell who reached a campaign's goal: of a large campaign, and of a small one beside a long past.

A real PostgreSQL with one tenant: 50,000 borrowers of a large campaign, 1,000 of a small one, three contacts each, and
a past of 500,000 payments and 300,000 responses, most of them of borrowers whom neither campaign reached. Measured
is the CPU time of PostgreSQL's own process for the statement behind report, evaluation and console, median of five;
beside it what it takes to count the events of the tenant, each looked at once.

    .venv/bin/python bench/report_goal.py
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.learn_data import verdict
from contact_scheduler.learning.assign import Arm
from contact_scheduler.store.goals import read_goal
from contact_scheduler.store.planning import CONTACT
from forbear_chassis.postgres import UUID, Pool, migrate, open_pool
from forbear_domain.model import ResponseKind
from forbear_sandbox.servers import EmbeddedPostgres
from tests.kit.databases import fresh_database, make_template, scratch_folder

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
LARGE, SMALL = 50_000, 1_000
PAYMENTS, RESPONSES = 500_000, 300_000
PEOPLE: Final = 400_000  # whose payments and responses the tenant knows; the campaigns' borrowers among them
ROUNDS: Final = 5
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
LARGE_LIMIT_S, SMALL_LIMIT_S = 0.5, 0.02


def _id(number: int) -> UUID:
    return UUID(number.to_bytes(16, "big"))


TENANT: Final = _id(7)


def contacts(campaign: int, borrowers: range, each: int) -> Iterator[tuple[Any, ...]]:
    """Make the contacts of a campaign, a tenth of the borrowers served by lot, in the order of `CONTACT`."""
    for borrower in borrowers:
        arm = Arm.CONTROL if borrower % 10 == 0 else Arm.PLANNED
        for number in range(each):
            sent_at = NOW - timedelta(days=30 - 4 * number, minutes=borrower % 600)
            yield (
                TENANT, _id(campaign * 10**9 + borrower * 8 + number), _id(campaign), _id(borrower), _id(1), 1, 9,
                arm.value, 1.0, 0.1, 0.1, "remind_gently", "reminder.gentle", "{}", b"", 1, sent_at,
                sent_at + timedelta(hours=3), 0, 1, sent_at,
            )  # fmt: skip


async def fill(pool: Pool) -> None:
    """Write both campaigns and the tenant's past."""
    lots = np.random.default_rng(1)
    ages = lots.uniform(0, 365, PAYMENTS + RESPONSES)
    people = lots.integers(1, PEOPLE, PAYMENTS + RESPONSES)
    kinds = (ResponseKind.PAID.value, ResponseKind.REPLIED.value, ResponseKind.DELIVERED.value)
    payments = (
        (TENANT, _id(row), _id(int(people[row])), _id(1), 5_000, "USD", NOW - timedelta(days=float(ages[row])))
        for row in range(PAYMENTS)
    )
    responses = (
        (TENANT, _id(row), _id(int(people[row])), kinds[row % 3], 1, NOW - timedelta(days=float(ages[row])))
        for row in range(PAYMENTS, PAYMENTS + RESPONSES)
    )
    async with pool.acquire() as connection:
        for campaign, borrowers, each in ((1, range(1, LARGE + 1), 3), (2, range(LARGE + 1, LARGE + SMALL + 1), 3)):
            await connection.copy_records_to_table(
                "contact", records=contacts(campaign, borrowers, each), columns=(*CONTACT, "sent_at")
            )
        await connection.copy_records_to_table("payment", records=payments)
        await connection.copy_records_to_table(
            "response", records=responses,
            columns=("tenant_id", "response_id", "borrower_id", "kind", "channel", "event_at"),
        )  # fmt: skip


def cpu_s(process: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


async def cost(pool: Pool, ask: Callable[[], Awaitable[Any]], repeats: int) -> float:
    """Return the CPU seconds of the pool's backends for asking once, median of some rounds of `repeats`."""
    rows = await pool.fetch("SELECT pid FROM pg_stat_activity WHERE usename = current_user")
    processes = [row["pid"] for row in rows]
    spent = []
    for _ in range(ROUNDS):
        begun = sum(map(cpu_s, processes))
        for _ in range(repeats):
            await ask()
        spent.append((sum(map(cpu_s, processes)) - begun) / repeats)
    return statistics.median(spent)


async def measure(postgres: EmbeddedPostgres) -> None:
    """Fill a database, ask, and print."""
    make_template(postgres)
    with fresh_database(postgres) as database:
        await migrate(database.url("forbear_scheduler_owner"), "contact_scheduler.store.migrations", "scheduler")
        database.run_sql(f'ALTER DATABASE "{database.name}" SET max_parallel_workers_per_gather = 0')  # all is measured
        pool = await open_pool(database.url("forbear_scheduler"), size_max=2)
        await fill(pool)
        database.run_sql("ANALYZE")
        found = [await read_goal(pool, TENANT, _id(number), "payment", NOW) for number in (1, 2)]
        large = await cost(pool, lambda: read_goal(pool, TENANT, _id(1), "payment", NOW), 2)
        small = await cost(pool, lambda: read_goal(pool, TENANT, _id(2), "payment", NOW), 20)
        count = "SELECT (SELECT count(paid_at) FROM payment) + (SELECT count(event_at) FROM response)"
        bare = await cost(pool, lambda: pool.fetchval(count), 2)
        await pool.close()
    for name, rows in zip(("large", "small"), found, strict=True):
        told = [f"{row['reached']:,} of {row['borrowers']:,}" for row in rows]
        print(f"{name} campaign: the goal was reached by {told[0]} where the plan chose, {told[1]} where a lot did")
    print(f"counting all {PAYMENTS + RESPONSES:,} events once: {bare:.3f} s")
    verdict("goal_cpu_s_of_50000_borrowers", large, bare, f"< {LARGE_LIMIT_S}", large < LARGE_LIMIT_S)
    verdict("goal_cpu_s_of_1000_borrowers", small, bare, f"< {SMALL_LIMIT_S}", small < SMALL_LIMIT_S)


def main() -> None:
    """Print the figures."""
    with scratch_folder() as folder, EmbeddedPostgres(folder) as postgres:
        asyncio.run(measure(postgres))


if __name__ == "__main__":
    main()
