"""Between two ticks readers know what a tick would know, within seconds, and nothing is written for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contact_scheduler.learn_outcomes import foretaste, learn_outcomes
from forbear.types.v1 import types_pb2
from tests.integration.scheduler.reporting import report_outcomes, report_response
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

HOUR = timedelta(hours=1)
ENGAGED = types_pb2.RESPONSE_KIND_ENGAGED


async def send_some(scheduler: Scheduler, count: int = 40) -> list[Any]:
    """Plan and send a day's contacts; return (ref, contact_id) of all."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, count + 1)]))
    await scheduler.start_campaign(control_share=0.2, cadence={"rest_days": 1, "contacts_a_week_max": 5})
    await scheduler.live_until(scheduler.clock.now() + timedelta(hours=12))
    await report_outcomes(scheduler)
    sent: list[Any] = await scheduler.pool.fetch(
        "SELECT ref, contact_id FROM contact JOIN borrower USING (tenant_id, borrower_id) WHERE state = 1 ORDER BY ref"
    )
    return sent


async def everything(scheduler: Scheduler) -> str:
    """Return a digest of all that learning could write."""
    query = """
    SELECT md5(concat((SELECT string_agg(c::text, '|' ORDER BY contact_id) FROM contact c),
                      (SELECT string_agg(r::text, '|' ORDER BY response_id) FROM response r),
                      (SELECT string_agg(m::text, '|' ORDER BY tenant_id, version) FROM model_state m)))
    """
    digest: str = await scheduler.count(query)
    return digest


async def test_a_reader_knows_to_the_bit_what_a_tick_would_and_writes_nothing(scheduler: Scheduler) -> None:
    """Answers by contact and by borrower alone, open and closed contacts, over a model that a tick had stored."""
    sent = await send_some(scheduler)
    for number, row in enumerate(sent[:12]):
        named = row["contact_id"].bytes if number % 2 else b""
        await report_response(scheduler, row["ref"], ENGAGED, named)
    for _ in range(6):
        await scheduler.live_until(scheduler.clock.now() + 8 * HOUR)
        await report_outcomes(scheduler)
    for row in sent[12:16]:
        await report_response(scheduler, row["ref"], ENGAGED)
    scheduler.clock.move_to(scheduler.clock.now() + HOUR)
    now, before = scheduler.clock.now(), await everything(scheduler)

    async with scheduler.pool.acquire() as connection:
        tasted = await foretaste(connection, scheduler.tenant_id, now)
        again = await foretaste(connection, scheduler.tenant_id, now)
        after = await everything(scheduler)
        ticked = await learn_outcomes(connection, scheduler.tenant_id, now)

    assert before == after
    assert tasted.posterior.outcomes == ticked.posterior.outcomes > 0
    assert tasted.still_open > 0
    for other in (again.posterior, ticked.posterior):
        assert (tasted.posterior.coefficients == other.coefficients).all()
        assert (tasted.posterior.weights == other.weights).all()
    assert tasted.posterior.bank.gram.tobytes() == ticked.posterior.bank.gram.tobytes()


async def test_an_answer_moves_what_the_next_reader_is_told_within_seconds(scheduler: Scheduler) -> None:
    """Ten answers: six seconds later the planned contact of somebody else is expected to be answered sooner."""
    sent = await send_some(scheduler)
    await scheduler.pool.execute("UPDATE contact SET state = 0 WHERE contact_id = $1", sent[-1]["contact_id"])
    asked = f"/v1/borrowers/{sent[-1]['ref']}/next-contact"
    scheduler.clock.move_to(scheduler.clock.now() + HOUR)
    first = (await scheduler.http.get(asked)).json()
    for row in sent[:10]:
        await report_response(scheduler, row["ref"], ENGAGED, row["contact_id"].bytes)
    scheduler.clock.move_to(scheduler.clock.now() + timedelta(seconds=6))
    second = (await scheduler.http.get(asked)).json()

    assert second["expected_now"]["answered"] > first["expected_now"]["answered"]
    assert first["expected"] == second["expected"]
    assert len(sent) - 1 == second["expected_now"]["still_open"]
    assert 0 == second["expected_now"]["outcomes"]
    assert any(f"and {len(sent) - 1} that may still be answered" in reason for reason in second["reasons"])
    assert 0 == await scheduler.count("SELECT count(*) FROM contact WHERE learned_at IS NOT NULL")


async def test_readers_share_what_one_of_them_learned_for_a_few_seconds(scheduler: Scheduler) -> None:
    """Within five seconds the same knowledge is returned, later a new one; tenants share none."""
    await send_some(scheduler, 10)
    know_now = scheduler.plan.know_now
    other = await scheduler.count("SELECT tenant_id FROM tenant WHERE slug = 'other'")

    first = await know_now.of(scheduler.tenant_id)
    scheduler.clock.move_to(scheduler.clock.now() + timedelta(seconds=4))
    second = await know_now.of(scheduler.tenant_id)
    theirs = await know_now.of(other)
    scheduler.clock.move_to(scheduler.clock.now() + timedelta(seconds=2))
    third = await know_now.of(scheduler.tenant_id)

    assert first is second
    assert first is not third
    assert 0 == theirs.still_open < third.still_open
