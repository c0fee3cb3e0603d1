"""The steps of a contact: learned from what the tracker reports, foreseen for each planned one, told to who asks."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from contact_scheduler.learn_funnel import learn_funnel, to_courses
from contact_scheduler.learning.funnel import UNTOLD, Courses, Given, Step
from contact_scheduler.store.funnel import read_courses
from forbear.types.v1 import types_pb2
from forbear_chassis.postgres import UUID
from forbear_domain import ids
from tests.integration.scheduler.reporting import report_outcomes, report_response
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)
LATER = (Step.RIGHT_PARTY, Step.PROMISE, Step.PAYMENT)
STORIES = {  # of every eighth borrower: what is reported of a contact, and after how many days
    0: [("DELIVERED", 0)],
    1: [("UNDELIVERED", 0)],
    2: [("DELIVERED", 0), ("ENGAGED", 0)],
    3: [("DELIVERED", 0), ("REPLIED", 1), ("WRONG_PARTY", 1), ("OPTED_OUT", 1)],
    4: [("DELIVERED", 0), ("REPLIED", 1), ("PROMISED", 3), ("PAID", 9)],
    5: [("DELIVERED", 0), ("PAID", 13)],
    6: [("DELIVERED", 0), ("REPLIED", 3)],
    7: [],
}  # fmt: skip


async def live_through(scheduler: Scheduler, portfolio: str) -> Any:
    """Send one day's contacts, let each borrower do as its story says, and return when they were sent."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(cadence={"rest_days": 30, "contacts_a_week_max": 1}, control_share=0.2)
    await scheduler.live_until(scheduler.clock.now() + DAY)
    await report_outcomes(scheduler)
    rows = await scheduler.pool.fetch(
        "SELECT c.contact_id, c.sent_at, ref FROM contact c JOIN borrower USING (tenant_id, borrower_id) "
        "WHERE state = 1"
    )
    for row in rows:
        for kind, days in STORIES[int(row["ref"][1:]) % 8]:
            number = types_pb2.ResponseKind.Value(f"RESPONSE_KIND_{kind}")
            at = row["sent_at"] + days * DAY + timedelta(hours=1)
            paid = b"" if kind == "PAID" else row["contact_id"].bytes
            await report_response(scheduler, row["ref"], number, paid, at)
    return max(row["sent_at"] for row in rows)


async def read(scheduler: Scheduler, now: Any) -> tuple[Courses, list[int]]:
    """Return the courses that are known at an instant, and the story of each."""
    async with scheduler.pool.acquire() as connection:
        rows = await read_courses(connection, scheduler.tenant_id, now, 1_000)
    borrowers = await scheduler.pool.fetch(
        "SELECT ref FROM contact JOIN borrower USING (tenant_id, borrower_id) WHERE state = 1 "
        "ORDER BY sent_at, contact_id"
    )
    return to_courses(rows), [int(row["ref"][1:]) % 8 for row in borrowers]


async def test_each_step_counts_what_was_reported_once_its_window_is_over(scheduler: Scheduler, portfolio: str) -> None:
    """After two days deliveries and answers are known, after a week promises, after two weeks payments."""
    sent_at = await live_through(scheduler, portfolio)

    early, stories = await read(scheduler, sent_at + timedelta(hours=49))
    assert {UNTOLD} == {flag for step in LATER for flag in early.happened(step).tolist()}
    assert [{0: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 1: 0, 7: UNTOLD}[one] for one in stories] == early.delivered.tolist()
    assert [one in (2, 3, 4) for one in stories] == (early.answered == 1).tolist()
    week, _ = await read(scheduler, sent_at + timedelta(days=7, hours=1))
    assert {UNTOLD} == set(week.happened(Step.PAYMENT).tolist())
    assert [one == 4 for one in stories] == (week.happened(Step.RIGHT_PARTY) == 1).tolist()
    assert [one == 4 for one in stories] == (week.happened(Step.PROMISE) == 1).tolist()
    late, _ = await read(scheduler, sent_at + timedelta(days=14, hours=1))
    assert [one in (4, 5) for one in stories] == (late.happened(Step.PAYMENT) == 1).tolist()
    nothing, _ = await read(scheduler, sent_at)
    assert 0 == len(nothing)


async def test_one_tenants_contacts_do_not_move_another(scheduler: Scheduler, portfolio: str) -> None:
    """A tenant without contacts keeps the priors, to the bit, whatever the other one's borrowers did."""
    sent_at = await live_through(scheduler, portfolio)
    other = UUID(ids.tenant_id("other").bytes)
    async with scheduler.pool.acquire() as connection:
        before = await learn_funnel(connection, other, sent_at)
        after = await learn_funnel(connection, other, sent_at + 15 * DAY)
        own = await learn_funnel(connection, scheduler.tenant_id, sent_at + 15 * DAY)

    assert all((before.coefficients[one] == after.coefficients[one]).all() for one in Given)
    assert own.outcomes[Given.PAID_IF_SILENT] > 0
    assert own.coefficients[Given.PAID_IF_SILENT][0] > before.coefficients[Given.PAID_IF_SILENT][0]  # more paid


async def test_the_next_contact_tells_what_is_expected_of_it(scheduler: Scheduler, portfolio: str) -> None:
    """Over HTTP as numbers that nest, and in words; a borrower without a contact has no expectation."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()
    row = await scheduler.pool.fetchrow(
        "SELECT ref, probability FROM contact JOIN borrower USING (tenant_id, borrower_id) ORDER BY ref LIMIT 1"
    )
    shown = (await scheduler.http.get(f"/v1/borrowers/{row['ref']}/next-contact")).json()
    expected = shown["expected"]

    assert row["probability"] == pytest.approx(expected["answered"], abs=1e-4)
    assert 1 >= expected["delivered"] >= expected["answered"] >= expected["right_party"] >= expected["promise"] > 0
    assert expected["payment"] > expected["anyway"] > 0
    words = next(reason for reason in shown["reasons"] if reason.startswith("expected when planned: "))
    assert f"answered {expected['answered']:.0%}" in words
    assert "would pay without an answer" in words
    slots = shown["expected_now"]["slots"]
    own = {key: shown["expected_now"][key] for key in expected}
    planned = [one for one in slots if (one["channel"], one["local_time"]) == (shown["channel"], shown["local_time"])]
    assert [own] == [{key: one[key] for key in own} for one in planned]
    assert [one["answered"] for one in slots] == sorted((one["answered"] for one in slots), reverse=True)
    assert any(f"{len(slots)} hours and channels were lawful" in reason for reason in shown["reasons"])
    assert {int(one["local_time"][-5:-3]) for one in slots} <= set(range(8, 21))
    await scheduler.pool.execute("UPDATE contact SET state = 7")
    assert (await scheduler.http.get(f"/v1/borrowers/{row['ref']}/next-contact")).json()["expected"] is None
    assert uuid.UUID(shown["contact_id"])


async def test_the_evaluation_sets_forecasts_beside_what_happened(scheduler: Scheduler, portfolio: str) -> None:
    """After two weeks every step has as many contacts as tell about it, over HTTP and on the console."""
    sent_at = await live_through(scheduler, portfolio)
    campaign_id = (await scheduler.http.get("/v1/campaigns")).json()[0]["campaign_id"]
    scheduler.clock.move_to(sent_at + 15 * DAY)
    shown = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/evaluation")).json()["steps"]
    sent = await scheduler.count("SELECT count(*) FROM contact WHERE state = 1")

    assert [step.value for step in Step] == [one["step"] for one in shown]
    by_step = {one["step"]: one for one in shown}
    assert sent == by_step["answered"]["whole"]["contacts"] == by_step["payment"]["whole"]["contacts"]
    assert sent > by_step["delivered"]["whole"]["contacts"]
    for one in shown:
        assert sum(part["contacts"] for part in one["fifths"]) == one["whole"]["contacts"]
        assert [part["predicted"] for part in one["fifths"]] == sorted(part["predicted"] for part in one["fifths"])
        assert 0 <= abs(one["whole"]["predicted"] - one["whole"]["happened"]) <= one["error"] + 1e-9
    expected = await scheduler.count("SELECT avg((reason->'steps'->>'payment')::float8) FROM contact WHERE state = 1")
    assert expected == pytest.approx(by_step["payment"]["whole"]["predicted"])
    await scheduler.http.post("/console/login", data={"key": KEY})
    page = (await scheduler.http.get("/console")).text
    assert "What was foreseen of contacts, and what happened" in page
    assert '<th scope="row">right party</th>' in page


async def test_the_console_shows_a_borrower_with_what_is_expected(scheduler: Scheduler, portfolio: str) -> None:
    """Every step in plain words, with its chance when planned and now; no session, and no such borrower: nothing."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()
    ref = await scheduler.count(
        "SELECT ref FROM contact JOIN borrower USING (tenant_id, borrower_id) ORDER BY ref LIMIT 1"
    )
    asked = {"ref": ref}
    turned_away = await scheduler.http.get("/console/borrowers", params=asked)
    await scheduler.http.post("/console/login", data={"key": KEY})
    page = (await scheduler.http.get("/console/borrowers", params=asked)).text
    stranger = await scheduler.http.get("/console/borrowers", params={"ref": "<b>nobody"})

    assert 303 == turned_away.status_code
    expected = (await scheduler.http.get(f"/v1/borrowers/{ref}/next-contact")).json()["expected"]
    assert "by the right person" in page
    for share in expected.values():
        assert f"<td>{share * 100:.1f} %</td>" in page
    assert "Why</h3>" in page
    assert 404 == stranger.status_code
    assert "You have no borrower with this reference" in stranger.text
    assert "<b>" not in stranger.text
