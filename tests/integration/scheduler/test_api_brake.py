"""A tenant sets what the brake tolerates, for itself alone and within bounds."""

from __future__ import annotations

import pytest

from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler

pytestmark = pytest.mark.needs_postgres


async def test_a_tolerance_is_set_and_shown_to_its_own_tenant(scheduler: Scheduler) -> None:
    """With its reason; another tenant sees nothing of it."""
    put = await scheduler.http.put("/v1/brake/opted_out", json={"tolerated": 0.02, "reason": "cautious_start"})
    (shown,) = (await scheduler.http.get("/v1/brake")).json()
    other = await scheduler.http.get("/v1/brake", headers={"Authorization": f"Bearer {OTHER_KEY}"})

    assert 204 == put.status_code
    assert ("opted_out", 0.02, "cautious_start") == (shown["signal"], shown["tolerated"], shown["reason"])
    assert [] == other.json()


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/v1/brake/sadness", {"tolerated": 0.02, "reason": "x"}, "signal"),
        ("/v1/brake/opted_out", {"tolerated": 1.5, "reason": "x"}, "tolerated"),
        ("/v1/brake/opted_out", {"tolerated": 0.9, "reason": "x"}, "tolerated"),
        ("/v1/brake/opted_out", {"tolerated": 0.02}, "reason"),
    ],
)
async def test_what_cannot_be_tolerated_is_refused_by_field(
    scheduler: Scheduler, path: str, body: dict[str, object], word: str
) -> None:
    """By this service, or by the dispatcher, which knows the bounds."""
    answer = await scheduler.http.put(path, json=body)

    assert 422 == answer.status_code
    assert word in answer.text
    assert [] == (await scheduler.http.get("/v1/brake")).json()


async def campaign_of(scheduler: Scheduler) -> str:
    """Create a campaign and return its id."""
    return str((await scheduler.http.post("/v1/campaigns", json={"name": "x"})).json()["campaign_id"])


async def test_a_campaign_s_tolerance_is_set_apart_from_its_tenant_s(scheduler: Scheduler) -> None:
    """It says for which campaign it was set; the tenant's own list does not hold it."""
    campaign = await campaign_of(scheduler)
    body = {"tolerated": 0.08, "campaign_id": campaign, "reason": "old_debts"}

    put = await scheduler.http.put("/v1/brake/opted_out", json=body)
    (shown,) = (await scheduler.http.get("/v1/brake", params={"campaign_id": campaign})).json()

    assert 204 == put.status_code
    assert (campaign, 0.08, "old_debts") == (shown["campaign_id"], shown["tolerated"], shown["reason"])
    assert [] == (await scheduler.http.get("/v1/brake")).json()


async def test_a_foreign_campaign_s_tolerance_is_neither_set_nor_shown(scheduler: Scheduler) -> None:
    """It answers as if the campaign were not there, and nothing reaches the dispatcher."""
    campaign = await campaign_of(scheduler)
    foreign = {"Authorization": f"Bearer {OTHER_KEY}"}
    body = {"tolerated": 0.08, "campaign_id": campaign, "reason": "envy"}

    put = await scheduler.http.put("/v1/brake/opted_out", json=body, headers=foreign)
    shown = await scheduler.http.get("/v1/brake", params={"campaign_id": campaign}, headers=foreign)

    assert [404, 404] == [put.status_code, shown.status_code]
    assert [] == (await scheduler.http.get("/v1/brake", params={"campaign_id": campaign})).json()
