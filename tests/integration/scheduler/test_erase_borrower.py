"""Erasing a borrower through the API: nothing personal is left here, and the dispatcher is told until it answers."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from forbear_domain import ids
from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler, make_csv, make_row
from tests.kit.canaries import find_words

pytestmark = pytest.mark.needs_postgres

PERSONAL = ("B00001", "L00001", "Canaria", "canary@example.com", "12125550199")
CANARY = {"given_name": "Canaria", "email": "canary@example.com", "mobile": "+12125550199"}


async def test_nothing_personal_is_left_and_nothing_more_is_planned(scheduler: Scheduler) -> None:
    """Every table of the service is searched for what was imported; the others' contacts go on."""
    await scheduler.upload(make_csv([make_row(1, **CANARY), *(make_row(number) for number in range(2, 9))]))
    await scheduler.start_campaign()
    await scheduler.run_plan()
    borrower = ids.borrower_id(scheduler.tenant_id, "B00001")
    before = {one.split(": ")[1] for one in await find_words(scheduler.pool, "scheduler", PERSONAL)}
    answer = await scheduler.http.post("/v1/borrowers/B00001:erase")
    repeated = await scheduler.http.post("/v1/borrowers/B00001:erase")

    assert (202, "pending") == (answer.status_code, answer.json()["state"])
    assert answer.json() == repeated.json()
    assert set(PERSONAL) == before
    assert [] == await find_words(scheduler.pool, "scheduler", PERSONAL)
    planned = await scheduler.count("SELECT count(*) FROM contact WHERE borrower_id = $1 AND state = 0", borrower)
    assert 0 == planned
    assert 0 < await scheduler.count("SELECT count(*) FROM contact WHERE state = 0")


async def test_the_answer_says_until_when_law_keeps_the_evidence(scheduler: Scheduler) -> None:
    """Pending until the dispatcher has answered, then kept by law, then erased."""
    await scheduler.upload(make_csv([make_row(1)]))
    until = scheduler.clock.now() + timedelta(days=3)
    scheduler.dispatcher.kept_until = until
    await scheduler.http.post("/v1/borrowers/B00001:erase")
    await scheduler.run_release()
    kept = (await scheduler.http.get("/v1/borrowers/B00001/erasure")).json()
    scheduler.clock.move_to(until)
    gone = (await scheduler.http.get("/v1/borrowers/B00001/erasure")).json()

    assert [ids.borrower_id(scheduler.tenant_id, "B00001").bytes] == [
        one.borrower_id for one in scheduler.dispatcher.erasures
    ]
    assert ("kept_by_law", "test") == (kept["state"], kept["asked_by"])
    assert "erased" == gone["state"]
    assert [until] == [one.keep_until_time.ToDatetime(UTC) for one in scheduler.tracker.erasures]


async def test_a_borrower_without_evidence_is_erased_at_once(scheduler: Scheduler) -> None:
    """Nobody was contacted, so nothing is kept."""
    await scheduler.upload(make_csv([make_row(1)]))
    await scheduler.http.post("/v1/borrowers/B00001:erase")
    await scheduler.run_release()

    shown = (await scheduler.http.get("/v1/borrowers/B00001/erasure")).json()
    assert ("erased", None) == (shown["state"], shown["evidence_until"])


async def test_only_the_tenant_s_own_borrowers_can_be_erased(scheduler: Scheduler) -> None:
    """Another tenant's borrower is as unknown as one who does not exist."""
    await scheduler.upload(make_csv([make_row(1)]))
    other = {"Authorization": f"Bearer {OTHER_KEY}"}

    assert 404 == (await scheduler.http.post("/v1/borrowers/B00001:erase", headers=other)).status_code
    assert 404 == (await scheduler.http.post("/v1/borrowers/B99999:erase")).status_code
    assert 404 == (await scheduler.http.get("/v1/borrowers/B00001/erasure")).status_code
    assert 3 == await scheduler.count("SELECT count(*) FROM contact_point")
