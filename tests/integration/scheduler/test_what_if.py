"""What other capacity would bring: the latest plan solved again, from what is stored, and nothing changed by asking."""

from __future__ import annotations

import pytest

from tests.integration.scheduler.scheduler_stage import KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres


async def test_twice_the_lines_are_priced_by_solving_the_plan_again(scheduler: Scheduler) -> None:
    """Sixty borrowers who agreed to calls only, two calls an hour: twice the lines reach twice as many."""
    scheduler.dispatcher.per_hour = {1: 100, 2: 100, 3: 2}
    rows = [make_row(number, sms_consent_on="", email_consent_on="") for number in range(1, 61)]
    await scheduler.upload(make_csv(rows))
    campaign_id = await scheduler.start_campaign(control_share=0)
    path = f"/v1/campaigns/{campaign_id}/what-if"
    assert 409 == (await scheduler.http.get(path)).status_code
    await scheduler.run_plan()
    planned = await scheduler.count("SELECT count(*) FROM contact")
    tables = ("contact", "plan_run", "model_state", "strategy_decision", "outbox")
    before = [await scheduler.count(f"SELECT count(*) FROM {table}") for table in tables]
    found = (await scheduler.http.get(path, params={"voice": 2})).json()

    assert 12 <= planned <= 26
    assert planned == found["as_is"]["contacts"]["voice"]
    assert 1.8 * planned <= found["changed"]["contacts"]["voice"] <= 2 * planned + 4
    assert 0.0 <= found["as_is"]["gap"] <= 0.02
    assert 0.0 <= found["changed"]["gap"] <= 0.02
    assert found["changed"]["expected_answers"] > 1.5 * found["as_is"]["expected_answers"]
    assert found["summary"].startswith(f"{found['changed']['contacts']['voice'] - planned:+,} contacts and +")
    await scheduler.http.post("/console/login", data={"key": KEY})
    page = (await scheduler.http.get("/console")).text
    assert "One more contact would bring most here" in page
    assert f"({found['places_as_is'][0]['price']:.2f} answers)" in page
    prices = [place["price"] for place in found["places_as_is"]]
    assert prices == sorted(prices, reverse=True)
    assert {"voice"} == {place["channel"] for place in found["places_as_is"]}
    assert prices[0] > max([place["price"] for place in found["places_changed"]], default=0.0)
    assert before == [await scheduler.count(f"SELECT count(*) FROM {table}") for table in tables]


async def test_a_budget_limits_the_plan_and_its_price_says_what_money_would_bring(scheduler: Scheduler) -> None:
    """Room for all, money for a few: the dearest are left out, and one more unit of money has a price."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 61)]))
    campaign_id = await scheduler.start_campaign(control_share=0, channels=["voice"])
    await scheduler.run_plan()
    path = f"/v1/campaigns/{campaign_id}/what-if"
    free = (await scheduler.http.get(path)).json()
    tight = (await scheduler.http.get(path, params={"budget": 0.2})).json()

    assert free["as_is"] == free["changed"]
    assert "+0 contacts and +0.0 expected answers" in free["summary"]
    assert 0 == free["changed"]["budget_price"] < tight["changed"]["budget_price"]
    assert 0 < tight["changed"]["contacts"]["voice"] < free["changed"]["contacts"]["voice"]


async def test_whoever_is_left_in_peace_and_met_for_the_first_time_can_be_asked_about(scheduler: Scheduler) -> None:
    """Their rest is longer than the campaign's, and nothing had gone out to them when the plan began."""
    hard_pressed = {
        "monthly_income": "700", "employment": "unemployed", "past_due_days": "170", "missed_payments_12m": "11",
        "kept_promises": "0", "broken_promises": "6",
    }  # fmt: skip
    await scheduler.upload(make_csv([make_row(number, **hard_pressed) for number in range(1, 11)]))
    campaign_id = await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()
    in_peace = await scheduler.count("SELECT count(*) FROM contact WHERE treatment = 'leave_in_peace'")
    answer = await scheduler.http.get(f"/v1/campaigns/{campaign_id}/what-if", params={"voice": 2})

    assert in_peace > 0
    assert 200 == answer.status_code
    assert in_peace == sum(answer.json()["as_is"]["contacts"].values())


async def test_what_cannot_be_asked_is_refused(scheduler: Scheduler) -> None:
    """Negative factors and budgets, and another tenant's campaign."""
    campaign_id = await scheduler.start_campaign()
    path = f"/v1/campaigns/{campaign_id}/what-if"
    for params in ({"voice": -1}, {"sms": 101}, {"budget": -1}, {"voice": "many"}):
        assert 422 == (await scheduler.http.get(path, params=params)).status_code
    unknown = "/v1/campaigns/00000000-0000-0000-0000-000000000001/what-if"
    assert 404 == (await scheduler.http.get(unknown)).status_code


async def test_the_plan_keeps_to_what_the_dispatcher_can_carry_in_each_hour(scheduler: Scheduler) -> None:
    """Calls only, lines in two hours of the day only: nobody is planned in any other hour, nor too many in these."""
    scheduler.dispatcher.by_hour = {3: [0] * 24}
    scheduler.dispatcher.by_hour[3][2], scheduler.dispatcher.by_hour[3][5] = 3, 5
    rows = [make_row(number, sms_consent_on="", email_consent_on="") for number in range(1, 61)]
    await scheduler.upload(make_csv(rows))
    await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()
    now = scheduler.clock.now()
    hours = [
        round((row["not_before"].replace(minute=0) - now).total_seconds() / 3600)
        for row in await scheduler.pool.fetch("SELECT not_before FROM contact")
    ]

    assert {2, 5} == set(hours)
    assert 3 == hours.count(2)
    assert 5 == hours.count(5)


async def test_a_moment_without_any_capacity_does_not_cost_the_day(scheduler: Scheduler) -> None:
    """Nothing can be sent at the tick: the plan goes by what is assumed, ten an hour."""
    scheduler.dispatcher.by_hour = {channel: [0] * 24 for channel in (1, 2, 3)}
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 61)]))
    await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()

    assert 60 == await scheduler.count("SELECT count(*) FROM contact")
