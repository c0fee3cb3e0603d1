"""Borrowers who reached a campaign's goal on the side that a lot gave them, over HTTP, console and command line."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contact_scheduler.learning.assign import Arm
from forbear_chassis.http import HttpServer
from forbear_chassis.postgres import UUID
from forbear_client.cli import main
from forbear_domain import ids
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres
DAY = timedelta(days=1)


async def log_contact(
    scheduler: Scheduler, campaign_id: str, number: int, arm: Arm, days_ago: int, reason: str = "{}", purpose: int = 1
) -> None:  # fmt: skip
    """Write one contact that a provider took so many days ago."""
    await scheduler.pool.execute(
        "INSERT INTO contact (tenant_id, contact_id, campaign_id, borrower_id, loan_id, channel, slot, arm, "
        "propensity, probability, value, treatment, template, reason, features, state, not_before, expire_at, sent_at, "
        "purpose) "
        "VALUES ($1, gen_random_uuid(), $2, $3, $4, 1, 9, $5, 1, 0.1, 0.1, 'remind_gently', 'reminder.gentle', $6, "
        "'', 1, $7, $7, $7, $8)",
        scheduler.tenant_id, UUID(campaign_id), UUID(ids.borrower_id(scheduler.tenant_id, f"B{number:05d}").bytes),
        UUID(bytes(16)), arm.value, reason, scheduler.clock.now() - days_ago * DAY, purpose,
    )  # fmt: skip


def payment(scheduler: Scheduler, number: int, days_ago: int, amount: str) -> dict[str, Any]:
    """Make one payment of a borrower, as a lender reports it."""
    return {
        "payment_ref": f"P{number}-{days_ago}", "borrower_ref": f"B{number:05d}", "loan_ref": f"L{number:05d}",
        "amount": amount, "currency": "USD", "paid_at": (scheduler.clock.now() - days_ago * DAY).isoformat(),
    }  # fmt: skip


async def evaluate_on_terminal(scheduler: Scheduler, campaign_id: str, folder: Path) -> str:
    """Return what `forbear evaluate` prints, each run of blanks as one."""
    server = HttpServer(scheduler.app, "127.0.0.1:0")
    await server.start()
    key_file = folder / "key"
    key_file.write_text(KEY, encoding="utf-8")
    words = ["evaluate", campaign_id, "--url", f"http://127.0.0.1:{server.port}", "--key-file", str(key_file)]
    told = await asyncio.to_thread(CliRunner().invoke, main, words)
    await server.stop(1.0)
    return " ".join(told.output.split())


async def test_borrowers_count_once_on_the_side_of_their_first_contact_for_what_followed_it(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    """Not for money before it or after two weeks; protected files, duties and the newly contacted on neither side."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 9)]))
    campaign_id = await scheduler.start_campaign(control_share=0.5)
    for number, arm, days_ago in [
        (1, Arm.PLANNED, 20), (2, Arm.EXPLORED, 20), (2, Arm.CONTROL, 16), (3, Arm.PLANNED, 20), (4, Arm.PLANNED, 9),
        (5, Arm.CONTROL, 20), (5, Arm.CONTROL, 15), (6, Arm.CONTROL, 20),
    ]:  # fmt: skip
        await log_contact(scheduler, campaign_id, number, arm, days_ago)
    await log_contact(scheduler, campaign_id, 7, Arm.PLANNED, 20, reason='{"protected": true}')
    await log_contact(scheduler, campaign_id, 8, Arm.PLANNED, 20, purpose=5)
    payments = [
        payment(scheduler, 1, 21, "900.00"), payment(scheduler, 2, 18, "60.00"), payment(scheduler, 2, 12, "30.00"),
        payment(scheduler, 3, 5, "700.00"), *(payment(scheduler, number, 8, "100.00") for number in (4, 5, 7, 8)),
    ]  # fmt: skip
    booked = (await scheduler.http.post("/v1/payments", json={"payments": payments})).json()
    goal = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/evaluation")).json()["goal"]
    report = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/report")).json()
    told = await evaluate_on_terminal(scheduler, campaign_id, tmp_path)
    await scheduler.http.post("/console/login", data={"key": KEY})
    page = (await scheduler.http.get("/console")).text

    assert (8, []) == (booked["taken"], booked["rejected"])
    sides = [[goal[side][name] for name in ("reached", "borrowers", "paid_minor")] for side in ("learned", "control")]
    assert [[1, 3, 9_000], [1, 2, 10_000]] == sides
    assert ("payment", "USD", False) == (goal["goal"], goal["currency"], goal["is_proven"])
    assert "Of 100 borrowers 33.3 paid within 14 days of their first contact" in goal["summary"]
    assert "They paid $30.00 a borrower there and $50.00 here: -$20.00 (" in goal["summary"]
    assert goal["summary"] in told
    assert goal == report["goal"]
    assert "Of 100 borrowers 33.3 paid within 14 days of their first contact" in page
