"""What is wrong with the model or its data reaches people, and nothing is tried out on protected files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from forbear.types.v1 import types_pb2
from forbear_domain import ids
from tests.integration.scheduler.reporting import report_response
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler, make_csv, make_row
from tests.integration.scheduler.test_strategies import EVENING_TEXTS, log_drawn

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)
HELD = (types_pb2.RESPONSE_KIND_HARDSHIP, types_pb2.RESPONSE_KIND_HANDED_OVER)


def alarms_counted(kind: str) -> float:
    return REGISTRY.get_sample_value("forbear_scheduler_model_alarms_total", {"kind": kind}) or 0.0


async def alarms(scheduler: Scheduler, campaign_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/evaluation")).json()["alarms"]
    return found


async def log_sent(scheduler: Scheduler, campaign_id: str, age: timedelta, truth: dict[int, float], seed: int) -> None:
    """Write contacts that were sent and answered and that the model has not learned yet."""
    sent_at = scheduler.clock.now() - age
    await log_drawn(scheduler, campaign_id, sent_at, truth, seed, count=2_000)
    await scheduler.pool.execute("UPDATE contact SET learned_at = NULL WHERE not_before >= $1 AND state = 1", sent_at)


async def test_a_column_that_came_empty_or_all_alike_is_told_where_people_look(scheduler: Scheduler) -> None:
    """Employment of every second borrower is missing and nobody differs in days past due; then the import is mended."""
    rows = [make_row(number, employment="" if number % 2 else "retired") for number in range(1, 121)]
    await scheduler.upload(make_csv(rows))
    campaign_id = await scheduler.start_campaign(control_share=0.2, cadence={"rest_days": 0.5})
    assert [] == await alarms(scheduler, campaign_id)
    before = alarms_counted("column_unknown")
    await scheduler.run_plan()

    found = await alarms(scheduler, campaign_id)
    told = {(one["kind"], one["subject"]): one["words"] for one in found}
    await scheduler.http.post("/console/login", data={"key": KEY})
    page = (await scheduler.http.get("/console")).text
    assert {("column_unknown", "employment"), ("column_constant", "days_past_due")} <= set(told)
    assert "employment is unknown for 50% of the borrowers" in told["column_unknown", "employment"]
    assert all(words.split(":")[0] in page for words in told.values())
    assert before + 1 == alarms_counted("column_unknown")

    whole = [make_row(number, past_due_days=number, employment=["retired", "day_shift"][number % 2])
             for number in range(1, 121)]  # fmt: skip
    await scheduler.upload(make_csv(whole))
    await scheduler.pool.execute("UPDATE contact SET state = 7 WHERE state IN (0, 6)")  # free the borrowers for a plan
    await scheduler.live_until(scheduler.clock.now() + DAY)
    assert {"region_unemployment_pct"} == {one["subject"] for one in await alarms(scheduler, campaign_id)}


async def test_answers_that_leave_the_forecast_are_told_with_channel_and_direction(scheduler: Scheduler) -> None:
    """Evening texts go from five answers in a hundred to seventy: the next plan says so."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 21)]))
    campaign_id = await scheduler.start_campaign(control_share=0)
    await log_sent(scheduler, campaign_id, 9 * DAY, {}, 1)
    await scheduler.run_plan()
    assert "sms" not in {one["subject"] for one in await alarms(scheduler, campaign_id) if one["value"] > 0}

    await log_sent(scheduler, campaign_id, 3 * DAY, {EVENING_TEXTS: 0.7}, 2)
    await scheduler.live_until(scheduler.clock.now() + DAY)
    drift = [one for one in await alarms(scheduler, campaign_id) if one["kind"] == "level_drift"]
    assert [("sms", True)] == [(one["subject"], one["value"] > 0) for one in drift]
    assert "more answers by sms of late than were forecast" in drift[0]["words"]


async def test_nothing_is_tried_out_on_those_whom_a_person_gave_back_whatever_the_campaign_asks(
    scheduler: Scheduler,
) -> None:
    """Hardship, dispute, lawyer, vulnerable: reported by the tracker, given back, and half the audience is control."""
    numbers = range(1, 61)
    await scheduler.upload(make_csv([make_row(number) for number in numbers]))
    held = [f"B{number:05d}" for number in numbers if number % 3]
    for position, ref in enumerate(held):
        await report_response(scheduler, ref, HELD[position % 2])
    await scheduler.live_until(scheduler.clock.now() + DAY)
    await scheduler.start_campaign(control_share=0.5, cadence={"rest_days": 0.5, "contacts_a_week_max": 7})
    await scheduler.run_plan()
    protected = {str(ids.borrower_id(scheduler.tenant_id, ref)) for ref in held}
    planned = {str(row["borrower_id"]) for row in await scheduler.pool.fetch("SELECT borrower_id FROM contact")}
    assert planned
    assert not planned & protected

    for ref in held:
        await report_response(scheduler, ref, types_pb2.RESPONSE_KIND_RETURNED)
    for _ in range(5):
        await scheduler.pool.execute("UPDATE contact SET state = 1, sent_at = not_before WHERE state = 0")
        await scheduler.live_until(scheduler.clock.now() + DAY)

    rows = await scheduler.pool.fetch("SELECT borrower_id, arm, propensity FROM contact")
    assert {(1, 1.0)} == {(row["arm"], row["propensity"]) for row in rows if str(row["borrower_id"]) in protected}
    assert len(protected) == len({str(row["borrower_id"]) for row in rows} & protected)
    assert 3 in {row["arm"] for row in rows if str(row["borrower_id"]) not in protected}
