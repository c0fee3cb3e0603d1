"""Who is left alone by lot hears nothing of the campaign for two weeks; duties, care and wishes go on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.features import FEATURES
from forbear_chassis.postgres import UUID
from tests.integration.scheduler.reporting import report_answers, report_outcomes
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row
from tests.integration.scheduler.test_goal_reached import evaluate_on_terminal, log_contact, payment

pytestmark = pytest.mark.needs_postgres
DAY = timedelta(days=1)
LEFT = "SELECT ref FROM contact_lot JOIN borrower USING (tenant_id, borrower_id) WHERE is_left_alone ORDER BY ref"

TRIED = "SELECT ref FROM contact JOIN borrower USING (tenant_id, borrower_id) WHERE campaign_id = $1 AND arm = 2"


async def met(scheduler: Scheduler) -> set[str]:
    """Return the borrowers of whom the dispatcher was handed a contact: judged by addresses, not by our own tables."""
    known = {row["mobile"] for row in ROWS} | {row["email"] for row in ROWS}
    reached = {contact.recipient.address for contact in scheduler.dispatcher.contacts.values()}
    assert reached <= known
    return {row["borrower_ref"] for row in ROWS if {row["mobile"], row["email"]} & reached}


async def said_of_lots(scheduler: Scheduler, ref: str) -> list[str]:
    """Return what whoever asks about the next contact is told of lots; the next plan is only for those it may reach."""
    reasons = (await scheduler.http.get(f"/v1/borrowers/{ref}/next-contact")).json()["reasons"]
    lots = [str(reason) for reason in reasons if reason.startswith("a lot ")]
    is_left = any("leaves the borrower alone until" in line and "gives way" not in line for line in lots)
    assert is_left != any("the next plan decides" in reason for reason in reasons)
    return lots


ROWS = [make_row(number) for number in range(1, 81)]


async def test_who_is_left_alone_hears_nothing_for_two_weeks_but_duties_care_and_wishes_go_on(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    """Of those drawn one gets a duty, one needs care, one wishes for mail, one was promised it; the others wait."""
    rows = [row | {"product": "loan", "due_on": ""} for row in ROWS]
    await scheduler.upload(make_csv(rows))
    campaign_id = await scheduler.start_campaign(
        "alone", left_alone_share=0.2, control_share=0.3, cadence={"rest_days": 1, "contacts_a_week_max": 7}
    )
    await scheduler.run_plan()
    await scheduler.start_campaign("another", name="another, which leaves nobody alone")
    left = [row["ref"] for row in await scheduler.pool.fetch(LEFT)]
    duty, frail, wishing, promised, *others = left
    by_ref = {row["borrower_ref"]: row for row in rows}
    missed_on = (scheduler.clock.now().date() - timedelta(days=24)).isoformat()
    by_ref[duty] |= {"product": "mortgage", "due_on": missed_on, "past_due_days": "24"}
    told_later = {
        ref: {
            "circumstances": "vulnerable" if ref == frail else "",
            "reminder_promised": "yes" if ref == promised else "",
        }
        for ref in by_ref
    }
    await scheduler.upload(make_csv([row | told_later[row["borrower_ref"]] for row in rows]))
    await scheduler.pool.execute("UPDATE borrower SET wished_channel = 2 WHERE ref = $1", wishing)
    await scheduler.run_watch()
    told = {ref: await said_of_lots(scheduler, ref) for ref in left}
    for _ in range(13):
        await scheduler.live_until(scheduler.clock.now() + DAY)
        taken = await report_outcomes(scheduler)
        await report_answers(scheduler, taken)  # so that contact stays worth its cost
    before = await met(scheduler)
    duties = {contact.recipient.address for contact in scheduler.dispatcher.contacts.values() if contact.purpose == 5}
    paying = [others[0], *sorted(set(by_ref) - set(left))[:30]]
    payments = [payment(scheduler, int(ref[1:]), 2, "100.00") for ref in paying]
    assert [] == (await scheduler.http.post("/v1/payments", json={"payments": payments})).json()["rejected"]
    await scheduler.live_until(scheduler.clock.now() + 2 * DAY)
    told_of_contact = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/evaluation")).json()["contact"]
    on_terminal = await evaluate_on_terminal(scheduler, campaign_id, tmp_path)

    assert 8 <= len(left) <= 24
    assert not before & set(others)
    assert before >= {duty, frail, wishing, promised}
    assert duties
    assert duties <= {by_ref[duty]["mobile"], by_ref[duty]["email"]}
    assert await met(scheduler) & set(others)
    assert 0 == await scheduler.count("SELECT (counts->>'left_alone')::int FROM plan_run ORDER BY day DESC LIMIT 1")
    assert all("a lot leaves the borrower alone until 2026-03-" in line for ref in others for line in told[ref])
    assert [2] * len(left) == [len(lines) for lines in told.values()]  # one for each campaign
    reasons = ["a duty of law", "a file that needs care", "a wish for contact", "a promised reminder"]
    for ref, reason in zip((duty, frail, wishing, promised), reasons, strict=True):
        assert all(f"gives way to {reason}: the campaign" in line for line in told[ref])
    sides = [[told_of_contact[side][name] for name in ("reached", "borrowers", "paid_minor")]
             for side in ("contacted", "left_alone")]  # fmt: skip
    assert [[30, 80 - len(left), 300_000], [1, len(left), 10_000]] == sides
    assert told_of_contact["is_proven"]
    assert told_of_contact["summary"] in on_terminal
    assert 80 == await scheduler.count("SELECT count(*) FROM contact_lot WHERE share = 0.2")


async def test_nothing_more_is_tried_out_with_whom_it_cost_enough(scheduler: Scheduler) -> None:
    """Forty gave up a quarter of an answer weeks ago; in twelve days others are tried out, they never, by any draw."""
    await scheduler.upload(make_csv(ROWS))
    earlier = await scheduler.start_campaign("earlier", channels=["voice"])
    for number in range(1, 41):
        await log_contact(scheduler, earlier, number, Arm.EXPLORED, 20, reason='{"drawn": {"lost": 0.26}}')
    await scheduler.pool.execute("UPDATE contact SET features = $1", bytes(4 * FEATURES))
    await scheduler.http.post(f"/v1/campaigns/{earlier}:cancel")
    campaign_id = await scheduler.start_campaign(
        "later", control_share=0, cadence={"rest_days": 0.5, "contacts_a_week_max": 7}, channels=["sms", "email"]
    )
    for _ in range(12):
        await scheduler.live_until(scheduler.clock.now() + DAY)
        await report_outcomes(scheduler)
    tried = {row["ref"] for row in await scheduler.pool.fetch(TRIED, UUID(campaign_id))}
    trying = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/evaluation")).json()["trying"]

    assert tried
    assert not tried & {row["borrower_ref"] for row in ROWS[:40]}
    assert trying["explored"] >= 1
    assert 0.0 <= trying["explored_most"] <= trying["explored_lost"]
