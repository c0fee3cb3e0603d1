"""The worker that asks about reassigned numbers by itself: bounded, resumable, and never asking one thing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from contact_scheduler.check_numbers import AT_ONCE, REST, CheckNumbers
from contact_scheduler.record_number_checks import RecordNumberChecks
from contact_scheduler.settings import Settings
from forbear_providers.number_lookup import Answer, NumberLookup, SourceError
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row
from tests.kit.worlds import open_world, world_settings

pytestmark = pytest.mark.needs_postgres
CONSENT = date(2025, 11, 3)  # of `make_row`: stale


class Database:
    """Answers as it is told, after a turn of the loop, and remembers what it was asked."""

    def __init__(self, answer: Callable[[str], Answer] = lambda _: Answer.NO) -> None:
        self.answer = answer
        self.asked: list[tuple[str, date]] = []

    async def ask(self, phone: str, since: date) -> Answer:
        self.asked.append((phone, since))
        await asyncio.sleep(0.01)
        return self.answer(phone)


def worker(scheduler: Scheduler, source: Database | NumberLookup, per_day: int = 1_000) -> CheckNumbers:
    """The worker beside a scheduler."""
    return CheckNumbers(scheduler.pool, scheduler.clock, source, RecordNumberChecks(lambda: None), per_day)


def midnight_after(scheduler: Scheduler, days: int = 1) -> datetime:
    """The beginning of a later day of UTC."""
    return datetime.combine(scheduler.clock.now().date(), time(), UTC) + timedelta(days=days)


async def recorded(scheduler: Scheduler) -> int:
    """Return how many answers are kept."""
    return int(await scheduler.count("SELECT count(*) FROM number_check"))


async def test_the_service_s_own_client_asks_the_world_and_keeps_what_it_says(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    """Real HTTP: of three mobiles one changed hands, one did not, one is unknown; a wrong token changes nothing."""
    rows = [make_row(number) for number in (1, 2, 3)]
    file = tmp_path / "portfolio.csv"
    file.write_text(make_csv(rows[:2]), encoding="utf-8")
    settings = world_settings(portfolio=file)
    await scheduler.upload(make_csv(rows))
    url = f"http://{settings.twilio}"
    wrong, lookup = (
        NumberLookup(url, settings.account_sid, "another"),
        NumberLookup(url, settings.account_sid, settings.auth_token),
    )
    async with open_world(settings) as world:
        for ref, is_wrong in (("B00001", True), ("B00002", False)):
            borrower = world.population.by_ref[ref]
            borrower.habits = replace(borrower.habits, is_wrong_person=is_wrong)
        refused = await worker(scheduler, wrong).run_once()
        kept_after_refusal = await recorded(scheduler)
        first = await worker(scheduler, lookup).run_once()
        second = await worker(scheduler, lookup).run_once()
        await wrong.close()
        await lookup.close()

    assert (0, scheduler.clock.now() + REST) == refused
    assert 0 == kept_after_refusal
    assert [(3, None), (0, midnight_after(scheduler))] == [first, second]
    rows_kept = await scheduler.pool.fetch("SELECT answer, recorded_by FROM number_check ORDER BY answer")
    assert [(1, "scheduled_lookup"), (2, "scheduled_lookup"), (3, "scheduled_lookup")] == [
        tuple(row) for row in rows_kept
    ]
    assert 1 == await scheduler.count(
        "SELECT count(DISTINCT borrower_id) FROM contact_point WHERE checked_on IS NOT NULL"
    )
    assert 1 <= await scheduler.count("SELECT count(*) FROM channel_bar")


async def test_no_more_are_asked_in_a_day_than_may_be(scheduler: Scheduler) -> None:
    """Five of twenty a day, the oldest consents first, and the rest on the days after."""
    old = [make_row(number, sms_consent_on="2025-10-01") for number in range(11, 16)]
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 11)] + old))
    source = Database()
    days = []
    for _ in range(4):
        while (await worker(scheduler, source, per_day=5).run_once()).done:
            pass
        days.append(len(source.asked))
        scheduler.clock.advance(timedelta(days=1))

    assert [5, 10, 15, 15] == days
    assert {date(2025, 10, 1)} == {since for _, since in source.asked[:5]}
    assert 15 == len(set(source.asked))


async def test_what_failed_is_asked_later_and_what_was_answered_is_not(scheduler: Scheduler) -> None:
    """Two of four questions fail: two answers are kept, and after a quarter of an hour only the others are asked."""
    rows = [make_row(number) for number in range(1, 5)]
    await scheduler.upload(make_csv(rows))
    failing = {rows[0]["mobile"], rows[2]["mobile"]}

    def answer(phone: str) -> Answer:
        if phone in failing:
            raise SourceError("the lookup service answered 500")
        return Answer.NO

    source = Database(answer)
    first = await worker(scheduler, source).run_once()
    kept = await recorded(scheduler)
    failing.clear()
    again = Database(answer)
    second = await worker(scheduler, again).run_once()

    assert (2, scheduler.clock.now() + REST) == first
    assert 2 == kept
    assert (2, None) == second
    assert {rows[0]["mobile"], rows[2]["mobile"]} == {phone for phone, _ in again.asked}


async def test_a_pass_that_dies_keeps_nothing_and_the_next_one_does_its_work(scheduler: Scheduler) -> None:
    """As after a kill: the transaction is gone, so all is asked again, and nothing is half applied."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 4)]))

    def die(phone: str) -> Answer:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await worker(scheduler, Database(die)).run_once()
    kept = await recorded(scheduler)
    made = await worker(scheduler, Database()).run_once()

    assert (0, 3) == (kept, made.done)
    assert 3 == await scheduler.count(
        "SELECT count(DISTINCT borrower_id) FROM contact_point WHERE checked_on IS NOT NULL"
    )


async def test_two_replicas_ask_each_number_once_and_keep_to_one_bound(scheduler: Scheduler) -> None:
    """One of them has the turn; the other comes back later."""
    await scheduler.upload(make_csv([make_row(number) for number in range(1, 4 * AT_ONCE)]))
    source = Database()

    async def replica() -> None:
        for _ in range(12):
            await worker(scheduler, source, per_day=20).run_once()
            await asyncio.sleep(0.005)

    await asyncio.gather(replica(), replica())

    assert 20 == len(source.asked) == len(set(source.asked))
    assert 20 == await recorded(scheduler)


async def test_nobody_is_asked_about_without_need(scheduler: Scheduler) -> None:
    """A fresh consent, none, a paid loan, a shared number; what has no data is asked again only after a month."""
    shared = make_row(5)["mobile"]
    await scheduler.upload(make_csv([
        make_row(1), make_row(2, sms_consent_on="2026-02-20"), make_row(3, sms_consent_on=""),
        make_row(4, past_due="0.00", past_due_days="0"), make_row(5), make_row(6, mobile=shared),
    ]))  # fmt: skip
    source = Database(lambda _: Answer.NO_DATA)
    asked = []
    for days in (0, 1, 28, 3):
        scheduler.clock.advance(timedelta(days=days))
        await worker(scheduler, source).run_once()
        asked.append([phone for phone, _ in source.asked])

    mobile = make_row(1)["mobile"]
    assert [[mobile], [mobile]] == asked[:2]
    assert [2, 0] == [asked[3].count(mobile), asked[3].count(shared)]
    assert 0 == asked[3].count(make_row(3)["mobile"]) == asked[3].count(make_row(4)["mobile"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"number_checks_per_day": 10}, "needs lookup_account_sid"),
        ({"number_checks_per_day": 10, "lookup_account_sid": "AC1", "lookup_auth_token": "t",
          "clock": "simulated://127.0.0.1:1"}, "not on this machine"),
        ({"number_checks_per_day": -1}, "number_checks_per_day"),
    ],
)  # fmt: skip
def test_a_setting_that_would_pay_by_mistake_stops_the_start(given: dict[str, object], said: str) -> None:
    """No account, or a simulated clock that would ask about real people; the token is never shown."""
    with pytest.raises(ValidationError, match=said) as refused:
        Settings(database_url="postgresql://x@127.0.0.1/x", **given)

    assert "'t'" not in str(refused.value)
