"""A campaign's money for a day is a ceiling: whatever is drawn or planned, and whoever asks what more would bring."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

COST = {1: 0.008, 2: 0.0004, 3: 0.014}  # of the stage's settings, by channel
DAY = timedelta(days=1)


async def spent_by_arm(scheduler: Scheduler) -> dict[int, float]:
    """Return what the planned contacts cost, by arm."""
    rows = await scheduler.pool.fetch("SELECT arm, channel, count(*) AS n FROM contact GROUP BY 1, 2")
    spent: dict[int, float] = {}
    for row in rows:
        spent[row["arm"]] = spent.get(row["arm"], 0.0) + row["n"] * COST[row["channel"]]
    return spent


@pytest.mark.parametrize("control_share", [0.0, 0.5])
async def test_a_day_never_costs_more_than_its_budget_and_nearly_all_of_it_is_used(
    scheduler: Scheduler, control_share: float
) -> None:
    """Calls for 120 would cost 1.68: of 0.50 at most one call's cost is left over on each side, also beside a hold-out.

    The hold-out gets its share of the money, not all of it.
    """
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 121)]))
    await scheduler.start_campaign(control_share=control_share, channels=["voice"], budget_a_day=0.5)
    await scheduler.run_plan()
    spent = await spent_by_arm(scheduler)
    total = sum(spent.values())

    assert 0.5 - 2 * COST[3] <= total <= 0.5
    assert spent.get(3, 0.0) / total == pytest.approx(control_share, abs=0.12)


async def test_money_goes_to_the_cheap_channel_where_it_is_scarce(scheduler: Scheduler) -> None:
    """All channels are open: with little money more people are mailed, and fewer called, than with enough."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 121)]))
    campaign_id = await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()
    path = f"/v1/campaigns/{campaign_id}/what-if"
    enough = (await scheduler.http.get(path)).json()["as_is"]
    tight = (await scheduler.http.get(path, params={"budget": 0.1})).json()["changed"]

    assert enough["contacts"]["voice"] + enough["contacts"]["sms"] > 20
    assert tight["contacts"]["email"] > enough["contacts"]["email"]
    assert np.dot(list(tight["contacts"].values()), list(COST.values())) <= 0.1
    assert sum(tight["contacts"].values()) >= 60
    assert tight["budget_price"] > 0.0 == enough["budget_price"]


async def test_the_budget_is_told_kept_and_refused_where_it_is_none(scheduler: Scheduler) -> None:
    """Preflight, plan and what-if keep to it; nought, negatives and what is no number are refused by field."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 61)]))
    for wrong in (0, -1, "much", 1e12):
        answer = await scheduler.http.post("/v1/campaigns", json={"name": "x", "budget_a_day": wrong})
        assert 422 == answer.status_code
        assert ["budget_a_day"] == [error["field"] for error in answer.json()["errors"]]
    campaign_id = await scheduler.start_campaign(control_share=0, channels=["voice"], budget_a_day=0.2)
    shown = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}")).json()
    rehearsed = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/preflight")).json()
    await scheduler.run_plan()
    path = f"/v1/campaigns/{campaign_id}/what-if"
    more = (await scheduler.http.get(path, params={"budget": 0.4})).json()

    assert 0.2 == shown["budget_a_day"]
    assert rehearsed["planned"] == 14
    assert sum(one["cost"] for one in rehearsed["channels"]) <= 0.2
    assert 14 == more["as_is"]["contacts"]["voice"] == await scheduler.count("SELECT count(*) FROM contact")
    assert 28 == more["changed"]["contacts"]["voice"]
