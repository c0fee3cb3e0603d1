"""Plan, release and feedback on a real database with real gRPC peers."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.http import HttpServer
from forbear_client.cli import main
from forbear_domain import ids
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)


async def report_outcomes(scheduler: Scheduler, state: int = types_pb2.CONTACT_STATE_ACCEPTED) -> list[bytes]:
    """Report one final state for everything that the dispatcher has and that was not reported yet."""
    open_ids = await scheduler.pool.fetch(
        "SELECT contact_id, not_before FROM contact WHERE state = 6 ORDER BY contact_id"
    )
    request = pb.ReportOutcomesRequest(request_id=str(uuid.uuid4()))
    for row in open_ids:
        outcome = request.outcomes.add(contact_id=row["contact_id"].bytes, state=state)  # type: ignore[arg-type]
        outcome.event_time.FromDatetime(max(row["not_before"], scheduler.clock.now()))
    if open_ids:
        await stream(scheduler.rpc.ReportOutcomes, request)
    return [row["contact_id"].bytes for row in open_ids]


async def report_response(
    scheduler: Scheduler,
    borrower_ref: str,
    kind: int,
    contact_id: bytes = b"",
    at: datetime | None = None,
    **fields: Any,
) -> None:
    """Report one response."""
    borrower_id = ids.borrower_id(scheduler.tenant_id, borrower_ref)
    response = pb.Response(
        response_id=uuid.uuid4().bytes, tenant_id=scheduler.tenant_id.bytes, borrower_id=borrower_id.bytes,
        contact_id=contact_id, kind=kind, channel=1, **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    response.event_time.FromDatetime(at or scheduler.clock.now())
    await stream(scheduler.rpc.ReportResponses, pb.ReportResponsesRequest(request_id="r", responses=[response]))


async def stream(method: Any, request: Any) -> None:
    """Send one request over a stream and wait for its acknowledgement."""

    async def requests():
        yield request

    assert [request.request_id] == [answer.request_id async for answer in method(requests(), timeout=10)]


async def test_a_started_campaign_is_planned_at_once_and_released_when_due(
    scheduler: Scheduler, portfolio: str
) -> None:
    """Contacts reach the dispatcher at their time, complete, lawful on the borrower's clock, and once."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(control_share=0.2)
    await scheduler.run_plan()
    planned = await scheduler.count("SELECT count(*) FROM contact")
    await scheduler.live_until(scheduler.clock.now() + timedelta(hours=11))

    assert 30 < planned <= 40
    assert planned == len(scheduler.dispatcher.contacts)
    assert 0 == scheduler.dispatcher.repeated
    contact = next(iter(scheduler.dispatcher.contacts.values()))
    assert ("Harbor Home Loans", "Ana", "en", True) == (
        contact.recipient.brand, contact.recipient.given_name, contact.recipient.language, contact.recipient.consented
    )  # fmt: skip
    assert (135_000, 20, "mortgage") == (
        contact.recipient.loan.past_due_minor, contact.recipient.loan.past_due_days, contact.recipient.loan.product
    )  # fmt: skip
    assert {"America/New_York"} == {place.zone for place in contact.recipient.places}
    slots = await scheduler.pool.fetch("SELECT slot % 24 AS hour FROM contact")
    assert all(8 <= row["hour"] < 21 for row in slots)


async def test_a_day_is_planned_once_whoever_asks_again(scheduler: Scheduler, portfolio: str) -> None:
    """Pausing and resuming, or a second pass, adds no contact to a day that is planned."""
    await scheduler.upload(portfolio)
    campaign_id = await scheduler.start_campaign()
    await scheduler.run_plan()
    planned = await scheduler.count("SELECT count(*) FROM contact")
    for verb in ("pause", "resume"):
        await scheduler.http.post(f"/v1/campaigns/{campaign_id}:{verb}")
    await scheduler.run_plan()

    assert planned == await scheduler.count("SELECT count(*) FROM contact")
    assert 1 == await scheduler.count("SELECT count(*) FROM plan_run")


async def test_a_contacted_borrower_rests_as_long_as_the_campaign_says(scheduler: Scheduler, portfolio: str) -> None:
    """With three days of rest nobody is contacted on two plans less than three days apart, and everybody again."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(cadence={"rest_days": 3, "contacts_a_week_max": 2})
    for _ in range(9):
        await scheduler.live_until(scheduler.clock.now() + DAY)
        await report_outcomes(scheduler)
    gaps = await scheduler.pool.fetch(
        "SELECT day - lag(day) OVER (PARTITION BY borrower_id ORDER BY day) AS gap "
        "FROM (SELECT borrower_id, (not_before - interval '9 hours')::date AS day FROM contact) planned"
    )

    assert 80 <= await scheduler.count("SELECT count(*) FROM contact")
    assert 3 <= min(row["gap"] for row in gaps if row["gap"] is not None)


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


async def _listed_rates(scheduler: Scheduler, folder: Path) -> str:
    """Return what `forbear campaign rates --by-segment` prints, each run of blanks as one."""
    server = HttpServer(scheduler.app, "127.0.0.1:0")
    await server.start()
    key_file = folder / "key"
    key_file.write_text(KEY, encoding="utf-8")
    words = [
        "campaign",
        "--url",
        f"http://127.0.0.1:{server.port}",
        "--key-file",
        str(key_file),
        "rates",
        "--by-segment",
    ]
    result = await asyncio.to_thread(CliRunner().invoke, main, words, env={"COLUMNS": "200"})
    await server.stop(1.0)
    return re.sub(r"[\s│┃]+", " ", result.output)


async def test_answers_are_learned_at_the_next_tick_in_order(
    scheduler: Scheduler, portfolio: str, tmp_path: Path
) -> None:
    """Answers and silence are learned for good once, when the window has closed, and evaluated from then on."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(cadence={"rest_days": 1, "contacts_a_week_max": 5}, control_share=0.3)
    for _ in range(5):
        await scheduler.live_until(scheduler.clock.now() + timedelta(hours=12))
        for number, contact_id in enumerate(await report_outcomes(scheduler)):
            contact = scheduler.dispatcher.contacts[contact_id]
            if number % 2:
                ref = await scheduler.count(
                    "SELECT ref FROM borrower WHERE borrower_id = $1", uuid.UUID(bytes=contact.borrower_id)
                )
                await report_response(scheduler, ref, types_pb2.RESPONSE_KIND_ENGAGED, contact_id)
        await scheduler.live_until(scheduler.clock.now() + timedelta(hours=12))
    outcomes = await scheduler.count("SELECT max(outcomes) FROM model_state")

    assert outcomes == await scheduler.count("SELECT count(*) FROM contact WHERE learned_at IS NOT NULL")
    assert outcomes > 40
    report = await scheduler.http.get("/v1/campaigns")
    shown = (await scheduler.http.get(f"/v1/campaigns/{report.json()[0]['campaign_id']}/report")).json()
    assert 0.3 < shown["total"]["learned"]["rate"] < 0.7
    assert shown["heat_map"] == (await scheduler.http.get("/v1/response-rates")).json()
    await scheduler.count("UPDATE borrower SET employment = 4 WHERE ref < 'B00020' RETURNING 1")  # retired
    segments = (await scheduler.http.get("/v1/response-rates/segments")).json()
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for cell in segments:
        sums[cell["channel"], cell["hour"]][0] += cell["contacts"]
        sums[cell["channel"], cell["hour"]][1] += cell["answers"]
    assert {(one["channel"], one["hour"]): [one["contacts"], one["answers"]] for one in shown["heat_map"]} == sums
    assert {"day_shift", "retired"} == {cell["segment"] for cell in segments}
    assert all(0 <= cell["low"] <= cell["rate"] <= cell["high"] <= 1 for cell in segments)
    listed = await _listed_rates(scheduler, tmp_path)
    first = segments[0]
    assert (
        f"{first['segment']} {first['channel']} {first['hour']:02}:00 {first['contacts']} {first['answers']}" in listed
    )
    evaluation = (await scheduler.http.get(f"/v1/campaigns/{report.json()[0]['campaign_id']}/evaluation")).json()
    assert shown["total"] == evaluation["lift"]
    assert ["even", "sms", "email", "voice", "model"] == [one["policy"] for one in evaluation["policies"]]
    assert all(one["contacts"] > 0 for one in evaluation["policies"])


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


async def test_nobody_is_planned_whose_place_is_unknown_or_who_never_agreed(scheduler: Scheduler) -> None:
    """Without an address or a stated zone, and without consent, there is no contact, and the API says why."""
    nowhere = make_row(1, region="", postal_code="")
    silent = make_row(2, sms_consent_on="", voice_consent_on="", email_consent_on="")
    await scheduler.upload(make_csv([nowhere, silent]))
    await scheduler.start_campaign()
    await scheduler.run_plan()
    reasons = [
        (await scheduler.http.get(f"/v1/borrowers/{ref}/next-contact")).json()["reasons"][0]
        for ref in ("B00001", "B00002")
    ]

    assert 0 == await scheduler.count("SELECT count(*) FROM contact")
    assert "time zone" in reasons[0]
    assert "consent" in reasons[1]


async def test_the_next_contact_is_explained_over_http_and_grpc(scheduler: Scheduler) -> None:
    """Both faces give the same reasons: arm, expectation, second best, treatment, lawful hours."""
    await scheduler.upload(make_csv([make_row(1)]))
    await scheduler.start_campaign(control_share=0)
    await scheduler.run_plan()
    shown = (await scheduler.http.get("/v1/borrowers/B00001/next-contact")).json()
    request = pb.ExplainNextContactRequest(
        tenant_id=scheduler.tenant_id.bytes, borrower_id=ids.borrower_id(scheduler.tenant_id, "B00001").bytes
    )
    answer = await scheduler.rpc.ExplainNextContact(request, timeout=5)

    assert shown["reasons"] == list(answer.reasons)
    assert shown["contact_id"] == str(uuid.UUID(bytes=answer.contact.contact_id))
    assert any("lawful" in reason for reason in shown["reasons"])
    assert any("treatment" in reason for reason in shown["reasons"])
    hours = [reason for reason in shown["reasons"] if reason.startswith(("sms: open", "email: open", "voice: open"))]
    assert 2 == len(hours)
    closed = {(one["channel"], one["by"]) for one in shown["closed"]}
    assert {("sms", "REGF-6D5-TEXT"), ("email", "REGF-6B1-TIME"), ("voice", "REGF-6B1-TIME")} == closed
    assert any(reason.startswith("sms: no hour was open: no recent consent") for reason in shown["reasons"])
    assert all("-21:00" in reason and "closed else by law" in reason for reason in hours)
    assert any(reason.startswith("for the treatment: ") and "the score)" in reason for reason in shown["reasons"])


async def test_the_same_seed_and_events_give_the_same_plan(scheduler: Scheduler, portfolio: str) -> None:
    """Forgetting a plan and making it again gives the same contacts with the same propensities."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(control_share=0.3)
    query = "SELECT md5(string_agg(c::text, '|' ORDER BY contact_id)) FROM contact c"
    await scheduler.run_plan()
    first = await scheduler.count(query)
    await scheduler.pool.execute("DELETE FROM contact")
    await scheduler.pool.execute("DELETE FROM plan_run")
    await scheduler.pool.execute("UPDATE campaign SET next_plan_at = $1", scheduler.clock.now())
    await scheduler.run_plan()

    assert first == await scheduler.count(query)


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
