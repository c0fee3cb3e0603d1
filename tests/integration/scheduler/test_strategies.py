"""Strategies in the real service: judged on stored contacts, released at the tick, taken back, told to people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pytest

from contact_scheduler.learning.explore import OPTIONS, option_of
from contact_scheduler.learning.features import BorrowerFacts, encode
from contact_scheduler.learning.strategies import term_names
from contact_scheduler.learning.worth import Costs, weigh_channels
from contact_scheduler.store.planning import CONTACT
from contact_scheduler.store.worth import read_tally
from forbear_chassis.postgres import UUID
from forbear_domain import ids
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ROWS = 8_000
COSTS = Costs((0.008, 0.0004, 0.014), 2.0)
OPEN = np.zeros((3, 24), dtype=bool)
OPEN[:, :12] = True  # 09:00 to 21:00 of a day that begins at nine
FIRST = 9
EVENING_TEXTS = 3  # the option that people answer: texts in the evening
# Weights of a strategy that always sends texts in the evening, and of one that always calls in the morning.
GOOD = {"base x sms": 3.0, "base x hour18": 3.0, "base x hour20": 4.0}
BAD = {"base x voice": 3.0, "base x hour10": 4.0}


async def log_drawn(
    scheduler: Scheduler, campaign_id: str, sent_at: datetime, truth: dict[int, float], seed: int, count: int = ROWS
) -> None:
    """Write contacts that the control group drew, sent around an instant and answered as `truth` says."""
    draw = np.random.default_rng(seed)
    cells = np.argwhere(OPEN)
    options = option_of(cells[:, 0], FIRST + cells[:, 1])
    drawn = {
        "open": np.bincount(options, minlength=OPTIONS).tolist(), "best": 5, "cells": np.packbits(OPEN).tobytes().hex(),
        "first": FIRST, "hours": 24,
    }  # fmt: skip
    reason = orjson.dumps({"plain": 0.1, "strategy": "learning", "drawn": drawn}).decode()
    features = encode(BorrowerFacts.unknown(1)).tobytes()
    chosen = cells[draw.integers(len(cells), size=count)]
    options = option_of(chosen[:, 0], FIRST + chosen[:, 1])
    rows = [
        (
            scheduler.tenant_id, UUID(draw.bytes(16)), UUID(campaign_id), UUID(draw.bytes(16)), UUID(bytes(16)),
            int(channel) + 1, FIRST + int(hour), 3, 1 / len(cells), 0.1, 0.1, "remind_gently", "reminder.gentle",
            reason, features, 1, sent_at + number * SECOND, sent_at + DAY,
        )
        for number, (channel, hour) in enumerate(chosen)
    ]  # fmt: skip
    answered = draw.random(count) < [truth.get(int(option), 0.05) for option in options]
    async with scheduler.pool.acquire() as connection:
        await connection.copy_records_to_table("contact", records=rows, columns=CONTACT[: len(rows[0])])
        await connection.execute(
            "UPDATE contact SET sent_at = not_before, learned_at = not_before, "
            "responded_at = CASE WHEN contact_id = ANY($2) THEN not_before END WHERE contact_id = ANY($1)",
            [row[1] for row in rows], [row[1] for row, has in zip(rows, answered, strict=True) if has],
        )  # fmt: skip


async def propose(scheduler: Scheduler, name: str, weights: dict[str, float]) -> dict[str, Any]:
    answer = await scheduler.http.post("/v1/strategies", json={"name": name, "origin": "by hand", "weights": weights})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def moves(scheduler: Scheduler) -> list[tuple[str, str, float]]:
    record = (await scheduler.http.get("/v1/strategies")).json()["record"]
    return [(one["move"], one["strategy"], round(one["share"], 2)) for one in reversed(record)]


async def test_the_gate_refuses_releases_widens_and_takes_back_by_what_is_stored(scheduler: Scheduler) -> None:
    """A planted bad strategy is refused from logs alone; a good one climbs the steps, and falls when answers turn."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 61)]))
    campaign_id = await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()
    await log_drawn(scheduler, campaign_id, scheduler.clock.now() - 9 * DAY, {EVENING_TEXTS: 0.4, 5: 0.2, 8: 0.01}, 1)
    await propose(scheduler, "calls-at-nine", BAD)
    shown = await propose(scheduler, "evening-texts", GOOD)
    assert {"calls-at-nine": "refuse", "evening-texts": "release"} == {
        one["strategy"]: one["verdict"] for one in shown["asking"]
    }
    assert [] == shown["record"]

    await scheduler.live_until(scheduler.clock.now() + 2 * DAY)
    assert [("refused", "calls-at-nine", 0.0), ("released", "evening-texts", 0.05)] == await moves(scheduler)
    await scheduler.live_until(scheduler.clock.now() + 7 * DAY)
    assert [("widened", "evening-texts", 0.25), ("widened", "evening-texts", 1.0)] == (await moves(scheduler))[2:]
    await scheduler.pool.execute("UPDATE contact SET state = 7 WHERE state IN (0, 6)")  # free the borrowers for a plan
    await scheduler.live_until(scheduler.clock.now() + DAY)
    assert {"evening-texts"} == {
        row["strategy"]
        for row in await scheduler.pool.fetch(
            "SELECT reason->>'strategy' AS strategy FROM contact WHERE arm = 1 AND not_before > $1",
            scheduler.clock.now() - DAY,
        )
    }

    for seed in (2, 3, 4):
        await log_drawn(scheduler, campaign_id, scheduler.clock.now() - 3 * DAY, {EVENING_TEXTS: 0.0, 5: 0.3}, seed)
    await scheduler.live_until(scheduler.clock.now() + 2 * DAY)
    assert ("rolled_back", "evening-texts", 0.0) == (await moves(scheduler))[4]
    found = (await scheduler.http.get("/v1/strategies")).json()
    assert ("learning", 1.0, "even", []) == (found["present"], found["share"], found["fallback"], found["asking"])
    assert "it loses" in found["record"][0]["reason"]


async def test_in_a_ramp_a_fixed_share_of_the_borrowers_follows_the_new_strategy(scheduler: Scheduler) -> None:
    """About one in twenty, the same ones each day, and each contact says who decided."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 401)]))
    campaign_id = await scheduler.start_campaign(control_share=0, cadence={"rest_days": 0.5, "contacts_a_week_max": 7})
    await log_drawn(scheduler, campaign_id, scheduler.clock.now() - 9 * DAY, {EVENING_TEXTS: 0.4, 5: 0.2}, 1)
    await propose(scheduler, "evening-texts", GOOD)
    for _ in range(2):
        await scheduler.run_plan()
        await scheduler.pool.execute("UPDATE contact SET state = 1, sent_at = not_before WHERE state = 0")
        await scheduler.live_until(scheduler.clock.now() + DAY)
    rows = await scheduler.pool.fetch(
        "SELECT DISTINCT borrower_id, reason->>'strategy' AS strategy FROM contact "
        "WHERE arm <> 3 AND reason->>'strategy' IS NOT NULL"
    )
    new = [row["borrower_id"] for row in rows if row["strategy"] == "evening-texts"]

    assert 5 <= len(new) <= 40
    assert not {row["borrower_id"] for row in rows if row["strategy"] == "learning"} & set(new)


async def test_people_see_who_decides_and_bad_proposals_are_refused_by_field(scheduler: Scheduler) -> None:
    """API, export, console; unknown terms, impossible weights, taken names, instants to come, another tenant."""
    await scheduler.upload(make_csv([make_row(1)]))
    await scheduler.start_campaign()
    await scheduler.run_plan()
    shown = (await scheduler.http.get("/v1/strategies")).json()
    exported = (await scheduler.http.get("/v1/strategies/learning")).json()
    assert ("learning", 1.0, "even") == (shown["present"], shown["share"], shown["fallback"])
    assert term_names() == list(exported["weights"])

    body = {"name": "mine", "origin": "by hand", "weights": exported["weights"]}
    tomorrow = (scheduler.clock.now() + DAY).isoformat()
    for change, status, field in (
        ({"name": "even"}, 409, ""),
        ({"name": "Mine!"}, 422, "name"),
        ({"weights": {"evenings": 1.0}}, 422, "weights"),
        ({"weights": {term_names()[0]: 1e9}}, 422, "weights"),
        ({"learned_until": tomorrow}, 422, "learned_until"),
    ):
        answer = await scheduler.http.post("/v1/strategies", json=body | change)
        assert status == answer.status_code, answer.text
        assert [field] * bool(field) == [error["field"] for error in answer.json()["errors"]]
    assert 0 == await scheduler.count("SELECT count(*) FROM strategy")
    assert 201 == (await scheduler.http.post("/v1/strategies", json=body)).status_code
    assert 409 == (await scheduler.http.post("/v1/strategies", json=body)).status_code
    found = (await scheduler.http.get("/v1/strategies")).json()
    assert [("mine", "wait")] == [(one["strategy"], one["verdict"]) for one in found["asking"]]


async def test_nothing_is_tried_out_on_whoever_was_in_hardship_or_with_a_person(scheduler: Scheduler) -> None:
    """Half the audience is control, a strategy is ramped up: protected files get the plan, and no firm words."""
    refs = [f"B{number:05d}" for number in range(1, 61)]
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 61)]))
    now = scheduler.clock.now()
    for number, ref in enumerate(refs[:40]):
        await scheduler.pool.execute(
            "INSERT INTO pause VALUES ($1, $2, $3, $4, $5, NULL, $6)",
            scheduler.tenant_id, UUID(number.to_bytes(16, "big")),
            UUID(ids.borrower_id(scheduler.tenant_id, ref).bytes), 8 if number % 2 else 12, now - 60 * DAY,
            now - 20 * DAY,
        )  # fmt: skip
    campaign_id = await scheduler.start_campaign(control_share=0.5)
    await log_drawn(scheduler, campaign_id, now - 9 * DAY, {EVENING_TEXTS: 0.4, 5: 0.2}, 1)
    await propose(scheduler, "evening-texts", GOOD)
    await scheduler.run_plan()
    rows = await scheduler.pool.fetch(
        "SELECT p.borrower_id IS NOT NULL AS is_protected, c.arm, c.propensity, c.template, "
        "c.reason->>'strategy' AS strategy FROM contact c LEFT JOIN pause p USING (tenant_id, borrower_id) "
        "WHERE c.state = 0"
    )
    protected = [row for row in rows if row["is_protected"]]

    assert 35 <= len(protected) <= 40
    assert {(1, 1.0, "learning")} == {(row["arm"], row["propensity"], row["strategy"]) for row in protected}
    assert "reminder.firm" not in {row["template"] for row in protected}
    assert {1, 3} <= {row["arm"] for row in rows if not row["is_protected"]}


async def test_a_plan_values_answers_by_the_payments_that_followed(scheduler: Scheduler) -> None:
    """Counted as stored: payments within two weeks of an answered text and of a silent one, and a complaint."""
    await scheduler.upload(make_csv([make_row(1)]))
    campaign_id = await scheduler.start_campaign(control_share=0)
    sent_at = scheduler.clock.now() - 20 * DAY
    await log_drawn(scheduler, campaign_id, sent_at, {0: 0.5, 1: 0.5, 2: 0.5, 3: 0.5}, 1)
    await scheduler.pool.execute(
        "INSERT INTO response SELECT tenant_id, gen_random_uuid(), borrower_id, NULL, "
        "CASE WHEN row_number() OVER () % 10 = 0 THEN 9 ELSE 6 END, 0, sent_at + interval '30 hours' FROM contact "
        "WHERE channel = 1 AND responded_at IS NOT NULL AND sent_at IS NOT NULL"
    )
    async with scheduler.pool.acquire() as connection:
        found = await read_tally(connection, scheduler.tenant_id, "payment", scheduler.clock.now())
        early = await read_tally(connection, scheduler.tenant_id, "payment", scheduler.clock.now() - 7 * DAY)

    assert ROWS == int(found.contacts.sum())
    assert int(found.answered[0]) == int(found.reached_after_answer[0] + found.complaints[0])
    assert (0, 0, 0) == (found.complaints[1], found.reached_after_answer[1:].sum(), found.reached_after_silence.sum())
    assert 0 == early.contacts.sum()
    worth = weigh_channels(found, COSTS)
    assert worth.of_answer[0] > 1.0 > worth.of_answer[1]
    assert worth.cost[0] > worth.cost[1] + 0.05


async def settle(scheduler: Scheduler, arm: int, answered_of_ten: int) -> None:
    """Let the contacts of an arm go out, of ten so many answered."""
    await scheduler.pool.execute(
        "UPDATE contact SET state = 1, sent_at = not_before, responded_at = CASE WHEN number % 10 < $2 THEN not_before "
        "END FROM (SELECT contact_id AS own, row_number() OVER (ORDER BY contact_id) AS number FROM contact "
        "WHERE state IN (0, 6) AND arm = $1) told WHERE contact_id = own",
        arm, answered_of_ten,
    )  # fmt: skip


async def test_a_model_whose_own_contacts_gain_is_not_taken_back_on_the_word_of_drawn_ones(
    scheduler: Scheduler,
) -> None:
    """Drawn contacts of earlier days speak against it; beside the control group its own bring thrice as much."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 451)]))
    campaign_id = await scheduler.start_campaign(control_share=0.5, cadence={"rest_days": 3})
    await scheduler.live_until(scheduler.clock.now())
    await scheduler.live_until(scheduler.clock.now() + DAY)
    await settle(scheduler, 1, 6)
    await settle(scheduler, 3, 2)
    sides = await scheduler.pool.fetch("SELECT arm, count(*) AS n FROM contact WHERE state = 1 GROUP BY 1 ORDER BY 1")
    assert all(row["n"] >= 200 for row in sides if row["arm"] != 2), sides
    await scheduler.live_until(scheduler.clock.now() + 3 * DAY)
    await log_drawn(scheduler, campaign_id, scheduler.clock.now() - 40 * DAY, {5: 0.0, EVENING_TEXTS: 0.3}, 1)

    await scheduler.live_until(scheduler.clock.now() + DAY)
    assert [] == await moves(scheduler)
    assert "learning" == (await scheduler.http.get("/v1/strategies")).json()["present"]

    await scheduler.pool.execute(
        "UPDATE contact SET responded_at = NULL WHERE arm = 1 AND sent_at > $1", scheduler.clock.now() - 10 * DAY
    )
    await scheduler.live_until(scheduler.clock.now() + DAY)
    found = (await scheduler.http.get("/v1/strategies")).json()["record"]
    assert [("rolled_back", "learning")] == [(one["move"], one["strategy"]) for one in found]
    assert "its own" in found[0]["reason"]
    assert found[0]["evidence"]["live"]["own"] >= 200


async def test_the_lift_compares_only_those_whom_a_lot_gave_to_one_side(scheduler: Scheduler) -> None:
    """Protected files are never control, so their answers are no merit of the learned plan."""
    refs = [f"B{number:05d}" for number in range(1, 61)]
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 61)]))
    now = scheduler.clock.now()
    for number, ref in enumerate(refs[:30]):
        await scheduler.pool.execute(
            "INSERT INTO pause VALUES ($1, $2, $3, 8, $4, NULL, $5)",
            scheduler.tenant_id, UUID(number.to_bytes(16, "big")),
            UUID(ids.borrower_id(scheduler.tenant_id, ref).bytes), now - 60 * DAY, now - 20 * DAY,
        )  # fmt: skip
    campaign_id = await scheduler.start_campaign(control_share=0.5)
    await scheduler.live_until(now + DAY)
    for arm in (1, 2, 3):
        await settle(scheduler, arm, 5)
    total = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/report")).json()["total"]
    sent = await scheduler.count("SELECT count(*) FROM contact WHERE state = 1")
    protected = await scheduler.count("SELECT count(DISTINCT borrower_id) FROM contact JOIN pause USING (borrower_id)")

    assert protected >= 25
    assert total["learned"]["contacts"] + total["control"]["contacts"] == sent - protected
