"""A check for reassigned numbers keeps a consent to texts fresh: in the plan, and on the wire to the gate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

OLD = "2025-11-03"  # four months before the tests' clock


@pytest.mark.parametrize(
    ("consent_on", "checked_on", "is_texted"),
    [(OLD, "2026-02-20", True), (OLD, "", False), (OLD, "2025-12-01", False), ("", "2026-02-20", False)],
    ids=["checked", "never_checked", "checked_long_ago", "no_consent"],
)
async def test_an_old_consent_is_texted_on_only_after_a_recent_check(
    scheduler: Scheduler, consent_on: str, checked_on: str, is_texted: bool
) -> None:
    """12 CFR 1006.6(d)(5): consent, and a check within 60 days; a check alone is no consent, none is stale."""
    row = make_row(1, sms_consent_on=consent_on, phone_checked_on=checked_on)
    await scheduler.upload(make_csv([row]))
    await scheduler.start_campaign(channels=["sms"], control_share=0)

    await scheduler.live_until(scheduler.clock.now() + timedelta(days=2))

    told = [contact.recipient.number_check_time.ToDatetime() for contact in scheduler.dispatcher.contacts.values()]
    assert ([checked_on] if is_texted else []) == [at.date().isoformat() for at in told]


async def test_a_check_of_tomorrow_is_refused(scheduler: Scheduler) -> None:
    """It names the column."""
    report = (await scheduler.upload(make_csv([make_row(1, phone_checked_on="2099-01-01")]))).json()

    assert ["phone_checked_on"] == [one["field"] for one in report["first_errors"]]
