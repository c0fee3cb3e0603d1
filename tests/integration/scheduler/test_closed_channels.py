"""What the dispatcher and the tracker tell of addresses and conversations binds the plan."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_domain import ids
from tests.integration.scheduler.reporting import report_outcomes, report_response, stream
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)
AGREED = {"sms_consent_on": "2026-02-20"}  # within the 60 days for which a text may rely on it
DAILY = {"cadence": {"rest_days": 0.5, "contacts_a_week_max": 7}, "control_share": 0.5}


async def report_barred(scheduler: Scheduler, contact_id: bytes) -> None:
    """Tell that a contact was refused because its address is barred for good, as code 21610 does."""
    outcome = pb.ContactOutcome(
        contact_id=contact_id, state=types_pb2.CONTACT_STATE_REFUSED, reason="21610", is_address_barred=True
    )
    outcome.event_time.FromDatetime(scheduler.clock.now())
    request = pb.ReportOutcomesRequest(request_id=str(uuid.uuid4()), outcomes=[outcome])
    await stream(scheduler.rpc.ReportOutcomes, request)


async def channels_planned(scheduler: Scheduler) -> set[int]:
    """Return the channels of everything that is planned or on its way."""
    rows = await scheduler.pool.fetch("SELECT DISTINCT channel FROM contact WHERE state IN (0, 6)")
    return {row["channel"] for row in rows}


async def live_days(scheduler: Scheduler, days: int) -> set[int]:
    """Plan and release day by day; return the channels that were planned."""
    seen: set[int] = set()
    for _ in range(days):
        seen |= await channels_planned(scheduler)
        await scheduler.live_until(scheduler.clock.now() + DAY)
        seen |= await channels_planned(scheduler)
        await report_outcomes(scheduler)
    return seen


@pytest.mark.parametrize("is_barred", [True, False])
async def test_an_opt_out_that_the_carrier_knows_closes_the_channel_in_the_plan(
    scheduler: Scheduler, is_barred: bool
) -> None:
    """After 21610 no text is planned any more and what was planned is cancelled; its twin, refused, goes on."""
    await scheduler.upload(make_csv([make_row(number, **AGREED) for number in range(1, 5)]))
    await scheduler.start_campaign(channels=["sms"], **DAILY)
    await scheduler.live_until(scheduler.clock.now() + DAY)
    first = await scheduler.pool.fetch("SELECT DISTINCT ON (borrower_id) contact_id FROM contact")

    if is_barred:
        for row in first:
            await report_barred(scheduler, row["contact_id"].bytes)
    else:
        await report_outcomes(scheduler, types_pb2.CONTACT_STATE_REFUSED)

    assert (set() if is_barred else {1}) == await live_days(scheduler, 3)


async def test_what_is_released_on_a_closed_channel_is_recalled(scheduler: Scheduler) -> None:
    """The dispatcher is asked to take back what it has not sent."""
    await scheduler.upload(make_csv([make_row(1, **AGREED)]))
    await scheduler.start_campaign(channels=["sms"], **DAILY)
    await scheduler.live_until(scheduler.clock.now() + DAY)
    [contact_id] = list(scheduler.dispatcher.contacts)
    borrower = ids.borrower_id(scheduler.tenant_id, "B00001")

    await report_response(scheduler, "B00001", types_pb2.RESPONSE_KIND_BOUNCED)
    await scheduler.run_release()

    assert [contact_id] == [one for recall in scheduler.dispatcher.recalls for one in recall.contact_ids]
    assert "bounced" == await scheduler.count("SELECT reason FROM channel_bar WHERE borrower_id = $1", borrower)


async def test_another_number_opens_the_channel_again(scheduler: Scheduler) -> None:
    """The bar holds for the address: a file with a new number is planned, with the old one it is not."""
    await scheduler.upload(make_csv([make_row(1, **AGREED)]))
    await report_response(scheduler, "B00001", types_pb2.RESPONSE_KIND_BOUNCED)
    await scheduler.start_campaign(channels=["sms"], **DAILY)
    old = await live_days(scheduler, 2)

    await scheduler.upload(make_csv([make_row(1, mobile="+16175550177", **AGREED)]))
    new = await live_days(scheduler, 2)

    assert (set(), {1}) == (old, new)


@pytest.mark.parametrize("is_ours", [True, False], ids=["in_a_contact", "in_a_follow_up"])
async def test_a_conversation_keeps_calls_out_of_the_plan_for_seven_days(scheduler: Scheduler, is_ours: bool) -> None:
    """12 CFR 1006.14(b)(2)(i)(B): the day of the conversation is the first of seven; calls come on the eighth."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 4)]))
    await scheduler.start_campaign(channels=["voice"], **DAILY)
    await scheduler.live_until(scheduler.clock.now() + DAY)
    assert 3 == len(await report_outcomes(scheduler))
    told = scheduler.clock.now() - timedelta(hours=8)
    for number in range(1, 4):
        ref = f"B{number:05d}"
        borrower = ids.borrower_id(scheduler.tenant_id, ref)
        contact = await scheduler.count("SELECT contact_id FROM contact WHERE borrower_id = $1", borrower)
        await report_response(
            scheduler, ref, types_pb2.RESPONSE_KIND_CONVERSED, contact.bytes if is_ours else uuid.uuid4().bytes, told
        )

    days_planned = []
    for day in range(1, 9):
        await scheduler.live_until(scheduler.clock.now() + DAY)
        if await report_outcomes(scheduler):
            days_planned.append(day)

    assert days_planned
    assert 7 <= days_planned[0]


async def test_the_twin_without_a_conversation_is_called_the_next_day(scheduler: Scheduler) -> None:
    """A call that nobody answered bars nothing for a week."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 4)]))
    await scheduler.start_campaign(channels=["voice"], **DAILY)
    await scheduler.live_until(scheduler.clock.now() + DAY)
    await report_outcomes(scheduler)

    await scheduler.live_until(scheduler.clock.now() + 2 * DAY)

    assert await report_outcomes(scheduler)
