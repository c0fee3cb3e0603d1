"""A tenant stops and slows its own sending through the API, and nobody else's."""

from __future__ import annotations

import pytest

from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler

pytestmark = pytest.mark.needs_postgres
OTHER = {"Authorization": f"Bearer {OTHER_KEY}"}


async def campaign_of(scheduler: Scheduler) -> str:
    """Create a campaign and return its id."""
    made = await scheduler.http.post("/v1/campaigns", json={"name": "x"})
    return str(made.json()["campaign_id"])


async def test_a_switch_is_thrown_listed_and_lifted(scheduler: Scheduler) -> None:
    """It names the campaign, the channel and the reason."""
    campaign = await campaign_of(scheduler)
    body = {"campaign_id": campaign, "channel": "sms", "reason": "complaints"}

    thrown = await scheduler.http.post("/v1/switches", json=body)
    listed = (await scheduler.http.get("/v1/switches")).json()
    lifted = await scheduler.http.post(f"/v1/switches/{thrown.json()['id']}:lift", json={"reason": "mended"})
    after = (await scheduler.http.get("/v1/switches")).json()

    assert (201, 200) == (thrown.status_code, lifted.status_code)
    assert [(campaign, "sms", "complaints")] == [(one["campaign_id"], one["channel"], one["reason"]) for one in listed]
    assert [] == after


async def test_another_tenant_neither_sees_nor_lifts_a_switch_nor_stops_a_foreign_campaign(
    scheduler: Scheduler,
) -> None:
    """Everything of another tenant answers as if it were not there."""
    campaign = await campaign_of(scheduler)
    thrown = await scheduler.http.post("/v1/switches", json={"reason": "complaints"})

    seen = (await scheduler.http.get("/v1/switches", headers=OTHER)).json()
    lift = await scheduler.http.post(
        f"/v1/switches/{thrown.json()['id']}:lift", json={"reason": "mended"}, headers=OTHER
    )
    stop = await scheduler.http.post("/v1/switches", json={"campaign_id": campaign, "reason": "envy"}, headers=OTHER)
    slow = {"campaign_id": campaign, "length_s": 1, "tokens": 1, "reason": "envy"}
    limit = await scheduler.http.post("/v1/limits", json=slow, headers=OTHER)

    assert [] == seen
    assert [404, 404, 404] == [lift.status_code, stop.status_code, limit.status_code]


async def test_a_campaign_is_slowed_and_let_go_again(scheduler: Scheduler) -> None:
    """Only its own tenant lifts the limit."""
    slow = {"campaign_id": await campaign_of(scheduler), "length_s": 3600, "tokens": 100, "reason": "slow_start"}

    put = await scheduler.http.post("/v1/limits", json=slow)
    path = f"/v1/limits/{put.json()['id']}:lift"
    foreign = await scheduler.http.post(path, json={"reason": "envy"}, headers=OTHER)
    lifted = await scheduler.http.post(path, json={"reason": "done"})
    again = await scheduler.http.post(path, json={"reason": "done"})

    assert [201, 404, 200, 404] == [one.status_code for one in (put, foreign, lifted, again)]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "reason"), ({"reason": "two words"}, "reason"), ({"reason": "x", "channel": "fax"}, "channel")],
)
async def test_a_switch_that_cannot_be_used_is_refused_by_field(
    scheduler: Scheduler, body: dict[str, str], field: str
) -> None:
    """Status 422, by name."""
    answer = await scheduler.http.post("/v1/switches", json=body)

    assert 422 == answer.status_code
    assert [field] == [error["field"] for error in answer.json()["errors"]]
