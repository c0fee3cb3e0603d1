"""Written notices: recorded by the tenant, obeyed by the plan, told to the gate."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DC = {
    "region": "DC",
    "postal_code": "20001",
    "product": "card",
    "mobile": "+12025550123",
    "sms_consent_on": "2026-02-20",
}


async def record(scheduler: Scheduler, notice: str = "US-DC-3814", **changes: str) -> httpx.Response:
    """Record a notice."""
    body = {"loan_ref": "L00001", "notice": notice, "given_on": "2026-02-01"} | changes
    return await scheduler.http.post("/v1/notices", json=body)


async def test_a_borrower_in_dc_is_texted_only_after_the_mailed_notice(scheduler: Scheduler) -> None:
    """The pair, in one life: planned for nobody while the notice is unknown, and told to the gate once it is."""
    await scheduler.upload(make_csv([make_row(1, **DC)]))
    await scheduler.start_campaign(channels=["sms"], control_share=0)
    await scheduler.live_until(scheduler.clock.now() + timedelta(days=2))
    before = len(scheduler.dispatcher.contacts)
    told = await record(scheduler)
    again = await record(scheduler, given_on="2026-02-15")
    await scheduler.live_until(scheduler.clock.now() + timedelta(days=2))

    assert (0, 200) == (before, told.status_code)
    assert "2026-02-01" == again.json()["given_on"]
    assert [["US-DC-3814"]] == [list(one.recipient.notices) for one in scheduler.dispatcher.contacts.values()]


async def test_a_record_that_was_wrong_is_taken_back(scheduler: Scheduler) -> None:
    """Then the plan leaves the borrower out again; a second time there is none."""
    await scheduler.upload(make_csv([make_row(1, **DC)]))
    await record(scheduler)
    first = await scheduler.http.delete("/v1/notices/L00001/US-DC-3814")
    second = await scheduler.http.delete("/v1/notices/L00001/US-DC-3814")
    await scheduler.start_campaign(channels=["sms"], control_share=0)
    await scheduler.live_until(scheduler.clock.now() + timedelta(days=2))

    assert [204, 404] == [first.status_code, second.status_code]
    assert {} == scheduler.dispatcher.contacts


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"notice": "validation"}, 422, "no rule asks for it; known are US-DC-3814, agency"),
        ({"given_on": "2099-01-01"}, 422, "not in the future"),
        ({"loan_ref": "L99999"}, 404, "no such resource"),
        ({"loan_ref": "L 1"}, 422, "loan_ref"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(
    scheduler: Scheduler, changes: dict[str, str], status: int, said: str
) -> None:
    """Nothing is kept then."""
    await scheduler.upload(make_csv([make_row(1, **DC)]))
    answer = await record(scheduler, **changes)

    assert status == answer.status_code
    assert said in answer.text
    assert 0 == await scheduler.count("SELECT count(*) FROM notice_given")


async def test_no_tenant_records_for_another(scheduler: Scheduler) -> None:
    """I8: another tenant's key finds no such loan."""
    await scheduler.upload(make_csv([make_row(1, **DC)]))
    body = {"loan_ref": "L00001", "notice": "agency", "given_on": "2026-02-01"}
    answer = await scheduler.http.post("/v1/notices", json=body, headers={"Authorization": f"Bearer {OTHER_KEY}"})

    assert 404 == answer.status_code
