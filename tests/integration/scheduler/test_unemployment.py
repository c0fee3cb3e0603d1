"""Regional unemployment is loaded, corrected, and counts for the ability to pay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contact_scheduler.store import planning
from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

CSV = {"Content-Type": "text/csv"}
SERIES = "region,month,percent\nOH,2025-02,3.9\nOH,2026-01,9.1\nOH,2026-02,9.4\nOH,2027-01,1.0\nTX,2026-02,4.0\n"


async def put(scheduler: Scheduler, text: str, **headers: str) -> dict[str, int]:
    answer = await scheduler.http.put("/v1/unemployment", content=text.encode(), headers={**CSV, **headers})
    assert answer.status_code == 200, answer.text
    found: dict[str, int] = answer.json()
    return found


async def test_rates_are_added_and_corrected(scheduler: Scheduler) -> None:
    """The same file again changes nothing."""
    assert await put(scheduler, SERIES) == {"created": 5, "changed": 0, "unchanged": 0}
    assert await put(scheduler, SERIES) == {"created": 0, "changed": 0, "unchanged": 5}
    assert await put(scheduler, "region,month,percent\nTX,2026-02,4.1\n") == {
        "created": 0,
        "changed": 1,
        "unchanged": 0,
    }


async def test_the_latest_month_that_has_begun_is_taken_with_its_change_in_a_year(scheduler: Scheduler) -> None:
    """Not a forecast of next year; without the year before, no change is told."""
    await put(scheduler, SERIES)

    found = (await scheduler.http.get("/v1/unemployment")).json()

    assert [(one["region"], one["month"], one["percent"]) for one in found] == [
        ("OH", "2026-02-01", pytest.approx(9.4)),
        ("TX", "2026-02-01", pytest.approx(4.0)),
    ]
    assert [one["change"] for one in found] == [pytest.approx(5.5), None]


async def test_a_bad_line_changes_nothing(scheduler: Scheduler) -> None:
    """The whole file is refused, by line and column."""
    answer = await scheduler.http.put(
        "/v1/unemployment", content=b"region,month,percent\nOH,2026-02,9\nOhio,2026-02,9\n", headers=CSV
    )

    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, ["line 3, region"])
    assert (await scheduler.http.get("/v1/unemployment")).json() == []


async def test_other_tenants_see_nothing_of_it(scheduler: Scheduler) -> None:
    """Each tenant loads its own."""
    await put(scheduler, SERIES)

    assert (await scheduler.http.get("/v1/unemployment", headers={"Authorization": f"Bearer {OTHER_KEY}"})).json() == []


async def test_a_loaded_rate_counts_in_the_plan_before_the_row(scheduler: Scheduler) -> None:
    """The borrower's row says 4.2 % and the series 9.4 %, up by 5.5 points: the explanation gives the change."""
    await scheduler.upload(make_csv([make_row(1, regional_unemployment="4.2")]))
    await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()

    before = await _reasons(scheduler)
    await put(scheduler, SERIES.replace("OH", "NY"))
    after = await _reasons(scheduler)

    change = "for the treatment: the year's change of regional unemployment, points, is 3 or more (lowers the score)"
    assert (change in before, change in after) == (False, True)


async def test_a_loaded_rate_reaches_the_planned_features(scheduler: Scheduler) -> None:
    """Two borrowers whose rows say the same are planned with the rates of their states."""
    await put(scheduler, "region,month,percent\nNY,2026-02,9.0\n")
    rows = [make_row(1, region="NY"), make_row(2, region="CT", postal_code="06103", mobile="+18605550102")]
    await scheduler.upload(make_csv(rows))
    campaign = await scheduler.start_campaign(control_share=0)

    async with scheduler.pool.acquire() as connection, connection.transaction():
        due = await planning.take_due(connection, scheduler.clock.now() + timedelta(days=1))
        assert due is not None
        assert campaign == str(due.campaign_id)
        found = await planning.read_audience(connection, due, scheduler.clock.now())

    assert sorted(round(one.unemployment_pct or 0, 1) for one in found) == [4.2, 9.0]


async def _reasons(scheduler: Scheduler) -> list[str]:
    reasons: list[str] = (await scheduler.http.get("/v1/borrowers/B00001/next-contact")).json()["reasons"]
    return reasons
