"""The rehearsal of a campaign: it writes nothing, and the launch does what it said."""

from __future__ import annotations

import pytest

from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres


async def campaign_of(scheduler: Scheduler, portfolio: str) -> str:
    """Import a portfolio and create a campaign."""
    await scheduler.http.post("/v1/borrowers:import", content=portfolio, headers={"Content-Type": "text/csv"})
    made = await scheduler.http.post("/v1/campaigns", json={"name": "x", "control_share": 0.0})
    return str(made.json()["campaign_id"])


async def test_the_launch_does_what_the_rehearsal_said(scheduler: Scheduler, portfolio: str) -> None:
    """Same borrowers, same channels; parts, cost and hours add up; nothing was written before."""
    campaign = await campaign_of(scheduler, portfolio)

    told = (await scheduler.http.get(f"/v1/campaigns/{campaign}/preflight")).json()
    written = await scheduler.pool.fetchval("SELECT (SELECT count(*) FROM contact) + (SELECT count(*) FROM plan_run)")
    await scheduler.http.post(f"/v1/campaigns/{campaign}:start")
    await scheduler.plan.run_once()
    rows = await scheduler.pool.fetch("SELECT channel, count(*) AS n FROM contact GROUP BY channel")

    assert 0 == written
    assert 40 == told["audience"] == told["planned"] + sum(one["borrowers"] for one in told["skipped"])
    planned = {one["channel"]: one["contacts"] for one in told["channels"]}
    names = {1: "sms", 2: "email", 3: "voice"}
    assert {name: count for name, count in planned.items() if count} == {
        names[row["channel"]]: row["n"] for row in rows
    }
    for name, count in planned.items():
        assert count == sum(hour["contacts"][name] for hour in told["load"])
        assert all(hour["contacts"][name] <= hour["capacity"][name] for hour in told["load"])
    sms = next(one for one in told["channels"] if one["channel"] == "sms")
    assert told["sms_parts"] >= planned["sms"]
    assert sms["cost"] == pytest.approx(told["sms_parts"] * 0.008)
    assert told["load"][-1]["at"] <= told["ends_at"]


async def test_those_who_would_be_skipped_are_told_with_the_reason(scheduler: Scheduler) -> None:
    """Without consent on any channel nobody is reached; without capacity the rest needs more days."""
    rows = [make_row(number) for number in range(1, 41)]
    silent = [make_row(number, sms_consent_on="", email_consent_on="", voice_consent_on="") for number in range(41, 51)]
    campaign = await campaign_of(scheduler, make_csv(rows + silent))
    scheduler.dispatcher.per_hour = {1: 0, 2: 1, 3: 0}

    told = (await scheduler.http.get(f"/v1/campaigns/{campaign}/preflight")).json()

    skipped = {one["reason"]: one for one in told["skipped"]}
    assert 10 == skipped["unreachable"]["borrowers"]
    assert "no consent" in skipped["unreachable"]["why"]
    assert 0 < told["planned"] < 40
    assert 40 == told["planned"] + skipped["not_worth"]["borrowers"]
    assert told["days"] == -(-40 // told["planned"])


async def test_a_mortgage_near_its_thirty_sixth_day_without_a_call_is_told(scheduler: Scheduler) -> None:
    """12 CFR 1024.39(a): a live contact by day 36; nobody can be called here. The second has time.

    The third one's notice is due by day 45, and nobody said that it was given; its second month is not near day 36.
    """
    dates = {1: (34, "2026-01-27"), 2: (10, "2026-02-20"), 3: (44, "2026-01-17")}
    rows = [make_row(number, past_due_days=days, due_on=due_on) for number, (days, due_on) in dates.items()]
    campaign = await campaign_of(scheduler, make_csv(rows))
    scheduler.dispatcher.per_hour = {1: 10, 2: 10, 3: 0}

    told = (await scheduler.http.get(f"/v1/campaigns/{campaign}/preflight")).json()

    assert {"live_contact": 1, "notice": 2} == told["deadlines_at_risk"]


async def test_another_tenant_cannot_rehearse_it(scheduler: Scheduler, portfolio: str) -> None:
    """As if it were not there."""
    campaign = await campaign_of(scheduler, portfolio)

    answer = await scheduler.http.get(
        f"/v1/campaigns/{campaign}/preflight", headers={"Authorization": f"Bearer {OTHER_KEY}"}
    )

    assert 404 == answer.status_code
