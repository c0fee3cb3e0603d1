"""Questions to the tenant: whom nobody may contact, why, what to give, and that the next import closes them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from channel_dispatcher.store import address_use
from contact_scheduler.store import questions
from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_domain.policy import load_packs
from tests.integration.scheduler.reporting import stream
from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

PHONE = "+12125550142"


async def ask(scheduler: Scheduler, **asked: Any) -> list[tuple[str, str, str | None, bool]]:
    """Return the open questions without their advice."""
    answer = await scheduler.http.get("/v1/questions", params=asked)
    assert 200 == answer.status_code, answer.text
    return [
        (one["borrower_ref"], one["reason"], one["channel"], one["is_unreachable"])
        for one in answer.json()["questions"]
    ]


async def test_each_obstacle_is_a_question_and_the_next_import_closes_it(scheduler: Scheduler) -> None:
    """Nowhere, in two places that never wake together, on one phone with a way around, and on one phone without."""
    nowhere = {"region": "", "postal_code": "", "time_zone": ""}
    alone = {"mobile": PHONE, "email": "", "landline": ""}
    await scheduler.upload(
        make_csv(
            [
                make_row(1),
                make_row(2, **nowhere),
                make_row(3, time_zone="Europe/Paris", mobile="+16715550123"),
                make_row(4, **alone),
                make_row(5, mobile=PHONE),
                make_row(6, past_due="0", past_due_days="0", due_on="", **nowhere),
            ]
        )
    )

    assert [
        ("B00002", "place_unknown", None, True),
        ("B00003", "no_common_hour", None, True),
        ("B00004", "address_shared", "sms", True),
        ("B00004", "address_shared", "voice", True),
        ("B00005", "address_shared", "sms", False),
        ("B00005", "address_shared", "voice", False),
    ] == await ask(scheduler)
    await scheduler.upload(make_csv([make_row(2), make_row(3), make_row(5)]))
    assert [] == await ask(scheduler)


async def test_questions_say_what_to_give_and_show_no_address(scheduler: Scheduler) -> None:
    """Columns are named; the phone is not repeated."""
    await scheduler.upload(make_csv([make_row(1, mobile=PHONE), make_row(2, mobile=PHONE)]))
    answer = await scheduler.http.get("/v1/questions")

    assert PHONE not in answer.text
    assert {True} == {"leave the column empty" in one["supply"] for one in answer.json()["questions"]}


async def test_the_page_after_a_borrower_begins_with_the_next(scheduler: Scheduler) -> None:
    """`after` is exclusive."""
    await scheduler.upload(make_csv([make_row(n, region="", postal_code="") for n in (1, 2, 3)]))

    assert ["B00002", "B00003"] == [one[0] for one in await ask(scheduler, after="B00001")]


async def test_another_tenants_household_is_none_of_ours(scheduler: Scheduler) -> None:
    """Neither its questions nor its phones: two tenants with one number do not share it."""
    await scheduler.upload(make_csv([make_row(1, mobile=PHONE)]))
    headers = {"Authorization": f"Bearer {OTHER_KEY}", "Content-Type": "text/csv"}
    body = make_csv([make_row(1, mobile=PHONE), make_row(2, region="", postal_code="")])
    sent = await scheduler.http.post("/v1/borrowers:import", content=body.encode(), headers=headers)

    assert 200 == sent.status_code, sent.text
    assert [] == await ask(scheduler)


async def refused_as_shared(scheduler: Scheduler) -> None:
    """Let the gate refuse the first contact that it gets, because the number was another borrower's just before."""
    await scheduler.start_campaign(channels=["sms"], control_share=0)
    await scheduler.live_until(scheduler.clock.now() + timedelta(days=1))
    contact = next(iter(scheduler.dispatcher.contacts.values()))
    outcome = pb.ContactOutcome(
        contact_id=contact.contact_id, state=types_pb2.CONTACT_STATE_REFUSED, reason="HOUSE-SHARED"
    )
    outcome.event_time.FromDatetime(scheduler.clock.now())
    await stream(
        scheduler.rpc.ReportOutcomes, pb.ReportOutcomesRequest(request_id=str(uuid.uuid4()), outcomes=[outcome])
    )


async def test_a_number_that_moved_is_a_question_until_its_week_is_over(scheduler: Scheduler) -> None:
    """It names the day. Nothing must be given where the number changed hands: the question closes itself."""
    await scheduler.upload(make_csv([make_row(1, sms_consent_on="2026-02-20", landline="", email="")]))
    await refused_as_shared(scheduler)
    answer = (await scheduler.http.get("/v1/questions")).json()["questions"]

    assert [("B00001", "address_moved", "sms", True)] == await ask(scheduler)
    assert [True] == ["changed hands" in one["supply"] for one in answer]
    until = datetime.fromisoformat(answer[0]["rests_until"])
    assert timedelta(days=6) < until - scheduler.clock.now() <= timedelta(days=7)
    scheduler.clock.move_to(until + timedelta(seconds=1))
    assert [] == await ask(scheduler)


async def test_an_import_with_another_number_of_the_other_borrower_leaves_only_the_mark(scheduler: Scheduler) -> None:
    """Where both still have the number it is asked once, as shared; the twin above is asked as moved."""
    await scheduler.upload(make_csv([make_row(1, sms_consent_on="2026-02-20")]))
    await refused_as_shared(scheduler)
    await scheduler.upload(make_csv([make_row(2, mobile=make_row(1)["mobile"])]))

    assert {"address_shared"} == {one[1] for one in await ask(scheduler)}


def test_the_plan_s_side_and_the_gate_agree_on_rule_and_week() -> None:
    """The rule that the question goes by stands in the packs, and the gate rests an address as long as is told."""
    assert questions.SHARED_RULE in load_packs().rule_ids
    assert address_use.SHARED_FOR == questions.SHARED_FOR
