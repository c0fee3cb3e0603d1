"""The clocks of mortgages on a real database: opened, driving the plan, warned of, met and missed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contact_scheduler.clocks import ClockKind
from contact_scheduler.metrics import DUTIES_AT_RISK
from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.types.v1 import types_pb2
from tests.integration.scheduler.reporting import report_outcomes, stream
from tests.integration.scheduler.scheduler_stage import KEY, OTHER_KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)
AGREED = {"sms_consent_on": "2026-02-20"}


def missed_on(scheduler: Scheduler, days_ago: int) -> str:
    """The due date that was missed so many days ago."""
    return (scheduler.clock.now().date() - timedelta(days=days_ago)).isoformat()


async def duties(scheduler: Scheduler, **query: Any) -> list[dict[str, Any]]:
    """What the API lists."""
    response = await scheduler.http.get("/v1/duties", params=query)
    assert response.status_code == 200, response.text
    listed: list[dict[str, Any]] = response.json()["duties"]
    return listed


async def test_a_duty_gets_its_contact_and_a_taken_contact_meets_it(scheduler: Scheduler) -> None:
    """Twenty-three days after the due date the contact is made for the duty; its twin of five days ago is reminded."""
    rows = [
        make_row(1, due_on=missed_on(scheduler, 23), past_due_days=23, **AGREED),
        make_row(2, due_on=missed_on(scheduler, 5), past_due_days=5, **AGREED),
    ]
    await scheduler.upload(make_csv(rows))
    await scheduler.start_campaign(channels=["sms"])
    await scheduler.live_until(scheduler.clock.now() + DAY)
    sent = {contact.recipient.address: contact for contact in scheduler.dispatcher.contacts.values()}
    first, second = (sent[row["mobile"]] for row in rows)
    await report_outcomes(scheduler)
    await scheduler.live_until(scheduler.clock.now() + DAY)

    assert (types_pb2.PURPOSE_DUTY, "duty.live_contact") == (first.purpose, first.template)
    assert types_pb2.PURPOSE_REMINDER == second.purpose
    assert "duty.live_contact" != second.template
    states = {one["loan_ref"]: one["state"] for one in await duties(scheduler, state=["open", "met"])
              if one["kind"] == "live_contact"}  # fmt: skip
    assert {"L00001": "met", "L00002": "open"} == states


async def test_a_duty_comes_first_where_there_is_hardly_room(scheduler: Scheduler) -> None:
    """One text an hour for forty borrowers: the three whose clock runs out are among those who get one."""
    rows = [make_row(number, due_on=missed_on(scheduler, 5), past_due_days=5, **AGREED) for number in range(1, 41)]
    for number in (7, 19, 33):
        rows[number] |= {"due_on": missed_on(scheduler, 26), "past_due_days": "26"}
    await scheduler.upload(make_csv(rows))
    scheduler.dispatcher.per_hour = {1: 1, 2: 0, 3: 0}
    await scheduler.start_campaign(channels=["sms"], control_share=0.02)
    await scheduler.run_watch()
    await scheduler.run_plan()

    assert 3 == await scheduler.count("SELECT count(*) FROM contact WHERE purpose = 5")
    assert 40 > await scheduler.count("SELECT count(*) FROM contact")


async def test_a_cap_is_never_overridden_and_the_collision_is_flagged(scheduler: Scheduler) -> None:
    """The dispatcher's gate holds the contact of a duty for a person: the duty says by which rule, in time."""
    await scheduler.upload(make_csv([make_row(1, due_on=missed_on(scheduler, 27), past_due_days=27, **AGREED)]))
    await scheduler.start_campaign(channels=["sms"])
    await scheduler.live_until(scheduler.clock.now() + DAY)
    [contact] = scheduler.dispatcher.contacts.values()
    outcome = pb.ContactOutcome(
        contact_id=contact.contact_id, state=types_pb2.CONTACT_STATE_REFUSED, reason="US-MA-2IN7"
    )
    outcome.event_time.FromDatetime(scheduler.clock.now())
    await stream(scheduler.rpc.ReportOutcomes, pb.ReportOutcomesRequest(request_id="r", outcomes=[outcome]))
    scheduler.clock.move_to(
        datetime.combine(scheduler.clock.now().date() + DAY, datetime.min.time(), UTC) + 10 * DAY / 24
    )
    await scheduler.run_watch()

    [duty] = [one for one in await duties(scheduler, at_risk=True) if one["kind"] == "live_contact"]
    assert ("L00001", "held_by:US-MA-2IN7", "open") == (duty["loan_ref"], duty["risk"], duty["state"])
    assert date.fromisoformat(duty["at_risk_on"]) < date.fromisoformat(duty["by_on"])
    assert 1 == DUTIES_AT_RISK[ClockKind.LIVE_CONTACT]._value.get()


@pytest.mark.parametrize(
    ("label", "fields", "risk"),
    [
        (
            "never agreed to anything",
            {"sms_consent_on": "", "voice_consent_on": "", "email_consent_on": ""},
            "no_consent",
        ),
        ("in no campaign", {}, "not_planned"),
    ],
)
async def test_a_duty_that_nobody_acts_upon_is_flagged_and_then_missed(
    scheduler: Scheduler, label: str, fields: dict[str, str], risk: str
) -> None:
    """Nine days before the end a person is asked; on day 37 it is on record as missed, with the reason."""
    row = make_row(1, due_on=missed_on(scheduler, 20), past_due_days=20) | fields
    await scheduler.upload(make_csv([row]))
    await scheduler.run_watch()
    early = await duties(scheduler, at_risk=True)
    await scheduler.live_until(scheduler.clock.now() + 8 * DAY)
    warned = await duties(scheduler, at_risk=True)
    await scheduler.live_until(scheduler.clock.now() + 10 * DAY)
    missed = await duties(scheduler, state=["missed"])

    assert [] == early, label
    assert [("live_contact", risk)] == [(one["kind"], one["risk"]) for one in warned if one["kind"] == "live_contact"]
    assert [("live_contact", risk)] == [(one["kind"], one["risk"]) for one in missed]


async def test_what_a_person_did_is_reported_and_meets_the_clock_at_once(scheduler: Scheduler) -> None:
    """A conversation and a letter, told by the tenant; told twice they count once, and an unknown loan is refused."""
    await scheduler.upload(make_csv([make_row(1, due_on=missed_on(scheduler, 30), past_due_days=30)]))
    await scheduler.run_watch()
    today = scheduler.clock.now().date().isoformat()
    answers = []
    for kind, ref in (("live_contact", "L00001"), ("live_contact", "L00001"), ("notice", "L00001"), ("notice", "L9")):
        body = {"loan_ref": ref, "kind": kind, "happened_on": today}
        answers.append((await scheduler.http.post("/v1/duties:report", json=body)).status_code)
    tomorrow = {"loan_ref": "L00001", "kind": "notice", "happened_on": (date.fromisoformat(today) + DAY).isoformat()}
    future = await scheduler.http.post("/v1/duties:report", json=tomorrow)
    await scheduler.run_watch()

    assert [200, 200, 200, 404] == answers
    assert 422 == future.status_code
    assert {("live_contact", "met", today), ("notice", "met", today)} == {
        (one["kind"], one["state"], one["met_on"]) for one in await duties(scheduler, state=["open", "met", "missed"])
    }


async def test_who_pays_has_no_clock_any_more(scheduler: Scheduler) -> None:
    """A payment of all that is past due ends the duties; nothing is missed afterwards."""
    await scheduler.upload(make_csv([make_row(1, due_on=missed_on(scheduler, 30), past_due_days=30)]))
    await scheduler.run_watch()
    payment = {
        "payment_ref": "P1", "borrower_ref": "B00001", "loan_ref": "L00001", "amount": "1350.00", "currency": "USD",
        "paid_at": scheduler.clock.now().isoformat(),
    }  # fmt: skip
    await scheduler.http.post("/v1/payments", json={"payments": [payment]})
    await scheduler.live_until(scheduler.clock.now() + 10 * DAY)

    assert {"ended"} == {one["state"] for one in await duties(scheduler, state=["open", "met", "ended", "missed"])}


async def test_clocks_of_one_tenant_do_not_show_to_another(scheduler: Scheduler) -> None:
    """Neither in the list nor by reporting about a loan of somebody else."""
    await scheduler.upload(make_csv([make_row(1, due_on=missed_on(scheduler, 30), past_due_days=30)]))
    await scheduler.run_watch()
    other = {"Authorization": f"Bearer {OTHER_KEY}"}
    body = {"loan_ref": "L00001", "kind": "notice", "happened_on": "2026-03-01"}

    listed = await scheduler.http.get("/v1/duties", headers=other)
    reported = await scheduler.http.post("/v1/duties:report", json=body, headers=other)

    assert KEY != OTHER_KEY
    assert [] == listed.json()["duties"]
    assert 404 == reported.status_code
    assert 0 == await scheduler.count("SELECT count(*) FROM duty_event")


def test_every_kind_has_its_gauge_from_the_start() -> None:
    """An alert must not wait for the first duty to exist."""
    assert set(ClockKind) == set(DUTIES_AT_RISK)
