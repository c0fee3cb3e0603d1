"""Phones and mailboxes of two borrowers are noticed at import, planned for neither, and taken back where they were."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forbear.types.v1 import types_pb2
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)
AGREED = {"sms_consent_on": "2026-02-20"}
DAILY = {"cadence": {"rest_days": 0.5, "contacts_a_week_max": 7}, "control_share": 0}
PHONES = [f"+1212555{100 + number:04d}" for number in range(4)]


async def shared(scheduler: Scheduler) -> list[tuple[str, int]]:
    """Return borrower and channel of every point that is marked as shared."""
    rows = await scheduler.pool.fetch(
        "SELECT b.ref, p.channel FROM contact_point p JOIN borrower b USING (tenant_id, borrower_id) WHERE is_shared "
        "ORDER BY 1, 2"
    )
    return [(row["ref"], row["channel"]) for row in rows]


async def test_a_household_with_one_phone_is_written_to_by_mail_alone(scheduler: Scheduler) -> None:
    """Two people, one phone, a mailbox each: days of planning bring no text and no call to either."""
    await scheduler.upload(make_csv([make_row(1, mobile=PHONES[0], **AGREED), make_row(2, mobile=PHONES[0], **AGREED)]))
    await scheduler.start_campaign(channels=["sms", "email", "voice"], **DAILY)

    await scheduler.live_until(scheduler.clock.now() + 5 * DAY)

    assert [("B00001", 1), ("B00001", 3), ("B00002", 1), ("B00002", 3)] == await shared(scheduler)
    sent = list(scheduler.dispatcher.contacts.values())
    assert {types_pb2.CHANNEL_EMAIL} == {contact.channel for contact in sent}
    assert {"b1@example.com", "b2@example.com"} == {contact.recipient.address for contact in sent}


async def test_two_loans_of_one_borrower_share_nothing(scheduler: Scheduler) -> None:
    """A phone is shared by people, not by debts; so is one that is mobile and landline at once."""
    await scheduler.upload(make_csv([make_row(1, landline=PHONES[1]), make_row(1, landline=PHONES[1], loan_ref="L2")]))

    assert [] == await shared(scheduler)


async def test_a_phone_that_an_import_makes_shared_is_recalled_and_one_that_is_mended_is_used_again(
    scheduler: Scheduler,
) -> None:
    """What was released before anybody knew is taken back; the next import with another number clears the mark."""
    await scheduler.upload(make_csv([make_row(1, **AGREED)]))
    await scheduler.start_campaign(channels=["sms"], **DAILY)
    await scheduler.live_until(scheduler.clock.now() + DAY)
    [contact_id] = list(scheduler.dispatcher.contacts)

    await scheduler.upload(make_csv([make_row(2, mobile=make_row(1)["mobile"])]))
    await scheduler.run_release()

    assert [(contact_id, "address_shared")] == [
        (one, recall.reason) for recall in scheduler.dispatcher.recalls for one in recall.contact_ids
    ]
    assert [("B00001", 1), ("B00001", 3), ("B00002", 1), ("B00002", 3)] == await shared(scheduler)
    await scheduler.upload(make_csv([make_row(2)]))
    assert [] == await shared(scheduler)


async def test_a_planned_contact_is_cancelled_when_its_phone_turns_out_to_be_shared(scheduler: Scheduler) -> None:
    """Planned and not released yet: it never leaves."""
    await scheduler.upload(make_csv([make_row(1, **AGREED)]))
    await scheduler.start_campaign(channels=["sms"], **DAILY)
    planned_at = await scheduler.run_plan()
    assert planned_at is not None
    while not await scheduler.count("SELECT count(*) FROM contact WHERE state = 0"):
        scheduler.clock.move_to(planned_at)
        planned_at = await scheduler.run_plan()
        assert planned_at is not None

    await scheduler.upload(make_csv([make_row(2, mobile=make_row(1)["mobile"])]))

    assert 1 == await scheduler.count(
        "SELECT count(*) FROM contact WHERE state = 7 AND outcome_reason = 'address_shared'"
    )


async def test_an_erased_borrower_shares_nothing_any_more(scheduler: Scheduler) -> None:
    """The phone is the other's alone from then on."""
    await scheduler.upload(make_csv([make_row(1, mobile=PHONES[0]), make_row(2, mobile=PHONES[0])]))
    erased = await scheduler.http.post("/v1/borrowers/B00001:erase")

    assert 202 == erased.status_code, erased.text
    assert [] == await shared(scheduler)


MEMBERS = st.dictionaries(st.integers(1, 5), st.integers(0, 3), min_size=1, max_size=5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(MEMBERS, min_size=1, max_size=4))
async def test_after_any_imports_exactly_the_phones_of_several_borrowers_are_marked(
    scheduler: Scheduler, files: list[dict[int, int]]
) -> None:
    """Whatever moves to whom in whatever order; what a file does not name stays as the one before left it."""
    for table in ("contact_point", "borrower", "loan"):
        await scheduler.pool.execute(f"DELETE FROM {table}")
    phones: dict[int, int] = {}
    for file in files:
        await scheduler.upload(make_csv([make_row(number, mobile=PHONES[phone]) for number, phone in file.items()]))
        phones |= file

    held = list(phones.values())
    expected = [(f"B{number:05d}", c) for number in sorted(phones) if held.count(phones[number]) > 1 for c in (1, 3)]
    assert expected == await shared(scheduler)
