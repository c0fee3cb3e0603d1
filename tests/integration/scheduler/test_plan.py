"""Plan and release on a real database with real gRPC peers."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear_domain import ids
from tests.integration.scheduler.reporting import report_outcomes
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)


async def test_a_started_campaign_is_planned_at_once_and_released_when_due(
    scheduler: Scheduler, portfolio: str
) -> None:
    """Contacts reach the dispatcher at their time, complete, lawful on the borrower's clock, and once."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(control_share=0.2)
    await scheduler.run_plan()
    planned = await scheduler.count("SELECT count(*) FROM contact")
    await scheduler.live_until(scheduler.clock.now() + timedelta(hours=11))

    assert 30 < planned <= 40
    assert planned == len(scheduler.dispatcher.contacts)
    assert 0 == scheduler.dispatcher.repeated
    contact = next(iter(scheduler.dispatcher.contacts.values()))
    assert ("Harbor Home Loans", "Ana", "en", True) == (
        contact.recipient.brand, contact.recipient.given_name, contact.recipient.language, contact.recipient.consented
    )  # fmt: skip
    assert (135_000, 20, "mortgage") == (
        contact.recipient.loan.past_due_minor, contact.recipient.loan.past_due_days, contact.recipient.loan.product
    )  # fmt: skip
    assert {"America/New_York"} == {place.zone for place in contact.recipient.places}
    slots = await scheduler.pool.fetch("SELECT slot % 24 AS hour FROM contact")
    assert all(8 <= row["hour"] < 21 for row in slots)


async def test_a_day_is_planned_once_whoever_asks_again(scheduler: Scheduler, portfolio: str) -> None:
    """Pausing and resuming, or a second pass, adds no contact to a day that is planned."""
    await scheduler.upload(portfolio)
    campaign_id = await scheduler.start_campaign()
    await scheduler.run_plan()
    planned = await scheduler.count("SELECT count(*) FROM contact")
    for verb in ("pause", "resume"):
        await scheduler.http.post(f"/v1/campaigns/{campaign_id}:{verb}")
    await scheduler.run_plan()

    assert planned == await scheduler.count("SELECT count(*) FROM contact")
    assert 1 == await scheduler.count("SELECT count(*) FROM plan_run")


async def test_a_contacted_borrower_rests_as_long_as_the_campaign_says(scheduler: Scheduler, portfolio: str) -> None:
    """With three days of rest nobody is contacted on two plans less than three days apart, and everybody again."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(cadence={"rest_days": 3, "contacts_a_week_max": 2})
    for _ in range(9):
        await scheduler.live_until(scheduler.clock.now() + DAY)
        await report_outcomes(scheduler)
    gaps = await scheduler.pool.fetch(
        "SELECT day - lag(day) OVER (PARTITION BY borrower_id ORDER BY day) AS gap "
        "FROM (SELECT borrower_id, (not_before - interval '9 hours')::date AS day FROM contact) planned"
    )

    assert 80 <= await scheduler.count("SELECT count(*) FROM contact")
    assert 3 <= min(row["gap"] for row in gaps if row["gap"] is not None)


async def test_nobody_is_planned_whose_place_is_unknown_or_who_never_agreed(scheduler: Scheduler) -> None:
    """Without an address or a stated zone, and without consent, there is no contact, and the API says why."""
    nowhere = make_row(1, region="", postal_code="")
    silent = make_row(2, sms_consent_on="", voice_consent_on="", email_consent_on="")
    await scheduler.upload(make_csv([nowhere, silent]))
    await scheduler.start_campaign()
    await scheduler.run_plan()
    reasons = [
        (await scheduler.http.get(f"/v1/borrowers/{ref}/next-contact")).json()["reasons"][0]
        for ref in ("B00001", "B00002")
    ]

    assert 0 == await scheduler.count("SELECT count(*) FROM contact")
    assert "time zone" in reasons[0]
    assert "consent" in reasons[1]


async def test_the_next_contact_is_explained_over_http_and_grpc(scheduler: Scheduler) -> None:
    """Both faces give the same reasons: arm, expectation, second best, treatment, lawful hours."""
    await scheduler.upload(make_csv([make_row(1)]))
    await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()
    shown = (await scheduler.http.get("/v1/borrowers/B00001/next-contact")).json()
    request = pb.ExplainNextContactRequest(
        tenant_id=scheduler.tenant_id.bytes, borrower_id=ids.borrower_id(scheduler.tenant_id, "B00001").bytes
    )
    answer = await scheduler.rpc.ExplainNextContact(request, timeout=5)

    assert shown["reasons"] == list(answer.reasons)
    assert shown["contact_id"] == str(uuid.UUID(bytes=answer.contact.contact_id))
    assert any("lawful" in reason for reason in shown["reasons"])
    assert any("treatment" in reason for reason in shown["reasons"])
    hours = [reason for reason in shown["reasons"] if reason.startswith(("sms: open", "email: open", "voice: open"))]
    assert 2 == len(hours)
    closed = {(one["channel"], one["by"]) for one in shown["closed"]}
    assert {("sms", "REGF-6D5-TEXT"), ("email", "REGF-6B1-TIME"), ("voice", "REGF-6B1-TIME")} == closed
    assert any(reason.startswith("sms: no hour was open: no recent consent") for reason in shown["reasons"])
    assert all("-21:00" in reason and "closed else by law" in reason for reason in hours)
    assert any(reason.startswith("for the treatment: ") and "the score)" in reason for reason in shown["reasons"])


async def test_the_same_seed_and_events_give_the_same_plan(scheduler: Scheduler, portfolio: str) -> None:
    """Forgetting a plan and making it again gives the same contacts with the same propensities."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(control_share=0.3)
    query = "SELECT md5(string_agg(c::text, '|' ORDER BY contact_id)) FROM contact c"
    await scheduler.run_plan()
    first = await scheduler.count(query)
    await scheduler.pool.execute("DELETE FROM contact")
    await scheduler.pool.execute("DELETE FROM plan_run")
    await scheduler.pool.execute("UPDATE campaign SET next_plan_at = $1", scheduler.clock.now())
    await scheduler.run_plan()

    assert first == await scheduler.count(query)
