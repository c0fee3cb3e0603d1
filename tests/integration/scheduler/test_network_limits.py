"""A plan keeps to what the mailbox providers' domains and the area codes take, as the dispatcher tells."""

from __future__ import annotations

import pytest

from forbear.types.v1 import types_pb2
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres
MAIL_ONLY = {"sms_consent_on": "", "voice_consent_on": ""}


async def planned_to(scheduler: Scheduler, domain: str) -> int:
    """Return how many mails to a domain wait or were released."""
    rows = await scheduler.pool.fetch(
        "SELECT recipient FROM contact JOIN contact_point USING (tenant_id, borrower_id, channel) WHERE channel = 2"
    )
    addresses = [types_pb2.Recipient.FromString(row["recipient"]).address for row in rows]
    return sum(address.endswith(f"@{domain}") for address in addresses)


def mailboxes(first: int, count: int, domain: str) -> list[dict[str, str]]:
    """Borrowers who can be reached by mail only."""
    return [make_row(n, email=f"b{n}@{domain}", **MAIL_ONLY) for n in range(first, first + count)]


async def test_no_more_mails_are_planned_to_a_domain_than_it_takes(scheduler: Scheduler) -> None:
    """Five a day: five of sixty, and all others of another domain, also of one that only begins alike."""
    rows = mailboxes(1, 60, "Example.com") + mailboxes(101, 20, "example.com.org") + mailboxes(201, 20, "example.net")
    await scheduler.upload(make_csv(rows))
    scheduler.dispatcher.networks = [("example.com", 86_400, 5)]
    campaign = await scheduler.start_campaign()
    told = (await scheduler.http.get(f"/v1/campaigns/{campaign}/preflight")).json()
    await scheduler.run_plan()

    planned = await scheduler.count("SELECT count(*) FROM contact")
    others = await planned_to(scheduler, "example.net") + await planned_to(scheduler, "example.com.org")
    assert 5 == await planned_to(scheduler, "example.com")
    assert 38 <= others <= 40
    assert others + 5 == planned == told["planned"]
    skipped = {one["reason"]: one["borrowers"] for one in told["skipped"] if one["borrowers"]}
    assert {"not_worth": 100 - planned} == skipped


async def test_two_campaigns_share_what_a_domain_takes(scheduler: Scheduler) -> None:
    """The second one finds what the first has left: nothing to the domain, and all of the rest."""
    old = [row | {"past_due_days": "80"} for row in mailboxes(101, 30, "example.com")]
    await scheduler.upload(make_csv(mailboxes(1, 30, "example.com") + old))
    scheduler.dispatcher.networks = [("example.com", 86_400, 12)]
    await scheduler.start_campaign(audience={"past_due_days_max": 30})
    await scheduler.run_plan()
    first = await planned_to(scheduler, "example.com")
    await scheduler.start_campaign(audience={"past_due_days_min": 60})
    await scheduler.run_plan()

    assert 12 == first
    assert 12 == await planned_to(scheduler, "example.com")


async def test_an_hour_s_limit_spreads_the_mails_over_the_day(scheduler: Scheduler) -> None:
    """Four an hour, and no hour holds more, though all would like the same one best."""
    await scheduler.upload(make_csv(mailboxes(1, 40, "example.com")))
    scheduler.dispatcher.networks = [("example.com", 3_600, 4)]
    await scheduler.start_campaign()
    await scheduler.run_plan()
    by_hour = await scheduler.pool.fetch("SELECT date_trunc('hour', not_before), count(*) AS n FROM contact GROUP BY 1")

    assert 0 < max(row["n"] for row in by_hour) <= 4
    assert 30 <= sum(row["n"] for row in by_hour)


async def test_whom_a_full_domain_leaves_out_is_reached_by_text_and_mailed_another_day(scheduler: Scheduler) -> None:
    """Nobody is lost for the limit: all forty are planned, at most three of them by mail each day."""
    rows = [make_row(n, email=f"b{n}@example.com") for n in range(1, 41)]
    await scheduler.upload(make_csv(rows))
    scheduler.dispatcher.networks = [("example.com", 86_400, 3)]
    await scheduler.start_campaign()
    await scheduler.run_plan()

    assert 40 == await scheduler.count("SELECT count(*) FROM contact")
    assert 3 >= await planned_to(scheduler, "example.com")


async def test_a_plan_does_without_limits_that_nobody_tells(scheduler: Scheduler) -> None:
    """A stretch without length is no limit, and a network in which nobody is changes nothing."""
    await scheduler.upload(make_csv(mailboxes(1, 20, "example.com")))
    scheduler.dispatcher.networks = [("example.com", 0, 1), ("example.org", 3_600, 0)]
    await scheduler.start_campaign()
    await scheduler.run_plan()

    assert 20 == await scheduler.count("SELECT count(*) FROM contact")
