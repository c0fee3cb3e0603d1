"""What an answer, a payment or a pause takes out of the plan, and what brings a borrower back."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_domain import ids
from tests.integration.scheduler.reporting import report_response, stream
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "kind",
    [
        types_pb2.RESPONSE_KIND_PROMISED, types_pb2.RESPONSE_KIND_ARRANGED, types_pb2.RESPONSE_KIND_HARDSHIP,
        types_pb2.RESPONSE_KIND_OPTED_OUT, types_pb2.RESPONSE_KIND_HANDED_OVER,
    ],
)  # fmt: skip
async def test_whoever_answers_so_is_left_in_peace_at_once(scheduler: Scheduler, kind: int) -> None:
    """What is planned is cancelled, what was released is recalled, and the next plans leave the borrower out."""
    await scheduler.upload(make_csv([make_row(1), make_row(2)]))
    await scheduler.start_campaign()
    await scheduler.run_plan()
    first = await scheduler.pool.fetchrow("SELECT * FROM contact ORDER BY not_before LIMIT 1")
    refs = {ids.borrower_id(scheduler.tenant_id, ref): ref for ref in ("B00001", "B00002")}
    await scheduler.live_until(first["not_before"])
    await report_response(scheduler, refs[first["borrower_id"]], kind)
    await report_response(scheduler, next(ref for key, ref in refs.items() if key != first["borrower_id"]), kind)
    await scheduler.run_release()
    contacts = await scheduler.count("SELECT count(*) FROM contact")
    await scheduler.live_until(scheduler.clock.now() + 6 * DAY)

    assert [first["contact_id"].bytes] == [key for recall in scheduler.dispatcher.recalls for key in recall.contact_ids]
    assert [first["contact_id"].bytes] == list(scheduler.dispatcher.contacts)
    assert contacts == await scheduler.count("SELECT count(*) FROM contact")


async def test_a_repeated_response_changes_nothing(scheduler: Scheduler) -> None:
    """The same response twice is one row and one pause."""
    await scheduler.upload(make_csv([make_row(1)]))
    response = pb.Response(
        response_id=uuid.uuid4().bytes, tenant_id=scheduler.tenant_id.bytes, kind=types_pb2.RESPONSE_KIND_PROMISED,
        borrower_id=ids.borrower_id(scheduler.tenant_id, "B00001").bytes,
    )  # fmt: skip
    response.event_time.FromDatetime(scheduler.clock.now())
    for number in range(2):
        await stream(
            scheduler.rpc.ReportResponses, pb.ReportResponsesRequest(request_id=str(number), responses=[response])
        )

    assert (1, 1) == (
        await scheduler.count("SELECT count(*) FROM response"), await scheduler.count("SELECT count(*) FROM pause")
    )  # fmt: skip


async def test_a_borrower_whom_people_gave_back_is_planned_again_unless_they_opted_out(
    scheduler: Scheduler,
) -> None:
    """What waited for a person, or for better times, ends; what the borrower decided does not."""
    kinds = {
        "B00001": [types_pb2.RESPONSE_KIND_HANDED_OVER, types_pb2.RESPONSE_KIND_HARDSHIP],
        "B00002": [types_pb2.RESPONSE_KIND_HANDED_OVER, types_pb2.RESPONSE_KIND_OPTED_OUT],
    }
    await scheduler.upload(make_csv([make_row(1), make_row(2)]))
    for ref, given in kinds.items():
        for kind in given:
            await report_response(scheduler, ref, kind)
        await report_response(scheduler, ref, types_pb2.RESPONSE_KIND_RETURNED)

    resting = await scheduler.pool.fetch("SELECT borrower_id FROM pause WHERE lifted_at IS NULL")

    assert [str(ids.borrower_id(scheduler.tenant_id, "B00002"))] == [str(row["borrower_id"]) for row in resting]


async def test_what_was_kept_or_missed_brings_the_rest_that_it_names_and_no_other(scheduler: Scheduler) -> None:
    """A promise that was kept ends its rest; one that was missed rests on until the kind question had its days."""
    await scheduler.upload(make_csv([make_row(1), make_row(2)]))
    until = scheduler.clock.now() + 3 * DAY
    for ref in ("B00001", "B00002"):
        await report_response(scheduler, ref, types_pb2.RESPONSE_KIND_PROMISED)
    await report_response(scheduler, "B00001", types_pb2.RESPONSE_KIND_KEPT)
    await report_response(scheduler, "B00002", types_pb2.RESPONSE_KIND_BROKEN, pause_until_time=until)

    resting = await scheduler.pool.fetch("SELECT borrower_id, until FROM pause WHERE lifted_at IS NULL")

    assert [(ids.borrower_id(scheduler.tenant_id, "B00002"), until)] == [
        (row["borrower_id"], row["until"]) for row in resting
    ]


async def test_payments_stop_contacts_and_reach_the_tracker(scheduler: Scheduler) -> None:
    """A payment of all that is past due cancels the plan, tells the tracker and is booked once."""
    await scheduler.upload(make_csv([make_row(1), make_row(2)]))
    await scheduler.start_campaign()
    await scheduler.run_plan()
    payment = {
        "payment_ref": "P1", "borrower_ref": "B00001", "loan_ref": "L00001", "amount": "1350.00", "currency": "USD",
        "paid_at": scheduler.clock.now().isoformat(),
    }  # fmt: skip
    bad = payment | {"payment_ref": "P2", "loan_ref": "L9"}
    first = (await scheduler.http.post("/v1/payments", json={"payments": [payment, bad]})).json()
    again = (await scheduler.http.post("/v1/payments", json={"payments": [payment]})).json()
    await scheduler.run_release()

    assert (1, [(1, "loan_ref")]) == (first["taken"], [(e["index"], e["field"]) for e in first["rejected"]])
    assert (0, 1) == (again["taken"], again["repeated"])
    assert [(135_000, 0)] == [(p.amount_minor, p.past_due_minor) for p in scheduler.tracker.payments]
    assert {"cancelled", "planned"} == {await state_of(scheduler, "B00001"), await state_of(scheduler, "B00002")}
    why = (await scheduler.http.get("/v1/borrowers/B00001/next-contact")).json()["reasons"]
    assert "paid" in why[0]


async def test_a_payment_takes_back_what_was_handed_over_but_not_sent(scheduler: Scheduler) -> None:
    """Paid a moment before the send: with the answer to the payment the recall is durable, and leaves at once."""
    await scheduler.upload(make_csv([make_row(1)]))
    await scheduler.start_campaign()
    await scheduler.run_plan()
    await scheduler.live_until(await scheduler.pool.fetchval("SELECT min(not_before) FROM contact"))
    released = list(scheduler.dispatcher.contacts)
    payment = {
        "payment_ref": "P1", "borrower_ref": "B00001", "loan_ref": "L00001", "amount": "1350.00", "currency": "USD",
        "paid_at": scheduler.clock.now().isoformat(),
    }  # fmt: skip

    answer = await scheduler.http.post("/v1/payments", json={"payments": [payment]})
    at_the_answer = await scheduler.count("SELECT count(*) FROM contact WHERE state = 0")
    await scheduler.run_release()

    assert (200, 1, 0) == (answer.status_code, len(released), at_the_answer)
    assert [("paid", released)] == [(one.reason, list(one.contact_ids)) for one in scheduler.dispatcher.recalls]


async def state_of(scheduler: Scheduler, ref: str) -> str:
    """Return the state of a borrower's latest contact."""
    return str((await scheduler.http.get(f"/v1/borrowers/{ref}")).json()["contacts"][0]["state"])


async def test_a_paused_campaign_releases_nothing_and_takes_back_what_it_released(
    scheduler: Scheduler, portfolio: str
) -> None:
    """Pause recalls at the dispatcher, resume goes on with what is still in time, cancel ends it for good."""
    await scheduler.upload(portfolio)
    campaign_id = await scheduler.start_campaign()
    await scheduler.run_plan()
    await scheduler.http.post(f"/v1/campaigns/{campaign_id}:pause")
    await scheduler.live_until(scheduler.clock.now() + timedelta(hours=2))
    paused = len(scheduler.dispatcher.contacts)
    await scheduler.http.post(f"/v1/campaigns/{campaign_id}:resume")
    await scheduler.run_release()
    resumed = len(scheduler.dispatcher.contacts)
    await scheduler.http.post(f"/v1/campaigns/{campaign_id}:cancel")
    await scheduler.live_until(scheduler.clock.now() + 2 * DAY)
    refused = await scheduler.http.post(f"/v1/campaigns/{campaign_id}:start")

    assert 0 == paused
    assert 0 < resumed == len(scheduler.dispatcher.contacts)
    assert ["campaign_paused", "campaign_cancelled"] == [recall.reason for recall in scheduler.dispatcher.recalls]
    assert 409 == refused.status_code
