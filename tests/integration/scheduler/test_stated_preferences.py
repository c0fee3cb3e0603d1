"""What borrowers asked for beats the model: channel, hours and days, said in a reply or known to the lender."""

from __future__ import annotations

from datetime import timedelta

import pytest

from forbear.types.v1 import types_pb2
from tests.integration.scheduler.reporting import report_outcomes, report_response
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)
SATURDAY, SUNDAY = 5, 6


async def test_a_wish_binds_the_plan(scheduler: Scheduler) -> None:
    """Channel and hours that the borrower asked for are the only ones that are planned, in the language asked for."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 9)]))
    for number in range(1, 9):
        await report_response(
            scheduler, f"B{number:05d}", types_pb2.RESPONSE_KIND_REPLIED, preferred_channel=types_pb2.CHANNEL_EMAIL,
            preferred_hour_start=17, preferred_hour_end=19, preferred_language="es",
        )  # fmt: skip
    await scheduler.start_campaign(control_share=0.5)
    await scheduler.live_until(scheduler.clock.now() + timedelta(hours=11))
    rows = await scheduler.pool.fetch("SELECT channel, slot % 24 AS hour FROM contact")

    assert rows
    assert {2} == {row["channel"] for row in rows}
    assert {17, 18} >= {row["hour"] for row in rows}
    assert {"es"} == {contact.recipient.language for contact in scheduler.dispatcher.contacts.values()}


async def test_a_wish_with_one_end_binds_too(scheduler: Scheduler) -> None:
    """ "Only after five": the plan keeps to it until the end of the day."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 5)]))
    for number in range(1, 5):
        await report_response(
            scheduler, f"B{number:05d}", types_pb2.RESPONSE_KIND_REPLIED, preferred_hour_start=17
        )  # fmt: skip
    await scheduler.start_campaign(control_share=0.5)
    await scheduler.live_until(scheduler.clock.now() + timedelta(hours=11))

    hours = {row["hour"] for row in await scheduler.pool.fetch("SELECT slot % 24 AS hour FROM contact")}
    assert hours
    assert {17, 18, 19, 20} >= hours


async def test_a_wish_for_some_days_is_planned_on_these_days_alone(scheduler: Scheduler) -> None:
    """ "Only at weekends", over eight days; and why the other days are closed is told."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 9)]))
    for number in range(1, 9):
        await report_response(
            scheduler, f"B{number:05d}", types_pb2.RESPONSE_KIND_REPLIED, preferred_days=[SATURDAY, SUNDAY]
        )
    await scheduler.start_campaign(control_share=0.5, cadence={"rest_days": 1, "contacts_a_week_max": 7})
    for _ in range(8):
        await scheduler.live_until(scheduler.clock.now() + DAY)
        await report_outcomes(scheduler)
    days = {row["day"] for row in await scheduler.pool.fetch("SELECT slot / 24 AS day FROM contact")}
    closed = (await scheduler.http.get("/v1/borrowers/B00001/next-contact")).json()["closed"]

    assert {SATURDAY, SUNDAY} == days
    assert "wish" in {one["by"] for one in closed}


async def test_hours_asked_for_later_replace_the_days_asked_for_before(scheduler: Scheduler) -> None:
    """As at the gate, where what is said later replaces what was said before; a channel asked for stays."""
    await scheduler.upload(make_csv([make_row(1)]))
    wishes = (
        {"preferred_days": [SATURDAY, SUNDAY], "preferred_channel": types_pb2.CHANNEL_EMAIL},
        {"preferred_hour_start": 18},
    )
    for wish in wishes:
        await report_response(scheduler, "B00001", types_pb2.RESPONSE_KIND_REPLIED, **wish)
        scheduler.clock.move_to(scheduler.clock.now() + timedelta(minutes=1))
    row = await scheduler.pool.fetchrow(
        "SELECT wished_channel, wished_hour_start, wished_hour_end, wished_days FROM borrower"
    )

    assert row is not None
    assert (2, 18, 24, None) == tuple(row)


async def test_a_channel_that_the_lender_knows_to_be_wished_for_beats_the_model(scheduler: Scheduler) -> None:
    """Planned or drawn by lot: by e-mail alone, until a reply asks for texts."""
    fresh = f"{scheduler.clock.now() - 10 * DAY:%Y-%m-%d}"
    rows = [make_row(number, preferred_channel="email", sms_consent_on=fresh) for number in range(1, 25)]
    await scheduler.upload(make_csv(rows))
    for number in range(1, 5):
        await report_response(
            scheduler, f"B{number:05d}", types_pb2.RESPONSE_KIND_REPLIED, preferred_channel=types_pb2.CHANNEL_SMS
        )
    await scheduler.start_campaign(control_share=0.5)
    await scheduler.run_plan()
    channels = await channels_of(scheduler)

    assert {1, 3} <= {row["arm"] for row in await scheduler.pool.fetch("SELECT arm FROM contact")}
    assert [{1}] * 4 == [channels[f"B{number:05d}"] for number in range(1, 5)]
    assert [{2}] * 20 == [channels[f"B{number:05d}"] for number in range(5, 25)]


async def test_a_wish_that_cannot_be_met_leaves_the_other_channels_open(scheduler: Scheduler) -> None:
    """No consent to calls, or none to texts that is recent enough: the wish does not silence whom it should serve."""
    await scheduler.upload(
        make_csv([
            make_row(1, preferred_channel="voice", voice_consent_on=""),
            make_row(2, preferred_channel="sms", sms_consent_on="2025-11-03"),
        ])
    )  # fmt: skip
    await scheduler.start_campaign()
    await scheduler.run_plan()
    channels = await channels_of(scheduler)

    assert {"B00001", "B00002"} == set(channels)
    assert {2, 3} >= channels["B00001"] | channels["B00002"]


async def channels_of(scheduler: Scheduler) -> dict[str, set[int]]:
    """Return by borrower the channels of their contacts."""
    rows = await scheduler.pool.fetch(
        "SELECT ref, array_agg(DISTINCT channel) AS channels FROM contact JOIN borrower USING (tenant_id, borrower_id) "
        "GROUP BY ref"
    )
    return {row["ref"]: set(row["channels"]) for row in rows}


async def test_a_day_that_no_week_has_is_refused(scheduler: Scheduler) -> None:
    """Field and mend are named, and nothing of the batch is written."""
    await scheduler.upload(make_csv([make_row(1)]))
    with pytest.raises(Exception, match="preferred_days"):
        await report_response(scheduler, "B00001", types_pb2.RESPONSE_KIND_REPLIED, preferred_days=[7])

    assert 0 == await scheduler.count("SELECT count(*) FROM response")
