"""What a lender's file knows that asks for care: who is held, with whom nothing is tried out, and until when."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from contact_scheduler.circumstances import BARS, FIRST_HELD, WORDS, Circumstance
from contact_scheduler.learning.assign import Arm
from tests.integration.scheduler.reporting import report_outcomes
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)
HELD = [one for one in Circumstance if one >= FIRST_HELD]
EACH = 5
FREE = 40
IS_WAITED_FOR = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'plan_run'::regclass AND NOT granted)"
EVERY_DAY = {"rest_days": 1, "contacts_a_week_max": 7}


def portfolio() -> str:
    """EACH borrowers of every circumstance, numbered by it, and FREE without one; all poor risks, long past due."""
    risky = {"past_due_days": "115", "missed_payments_12m": "6", "broken_promises": "3", "monthly_income": "50000"}
    words = [word for word in WORDS for _ in range(EACH)] + [""] * FREE
    return make_csv([make_row(number, circumstances=word, **risky) for number, word in enumerate(words, 1)])


def refs(*kinds: Circumstance) -> list[str]:
    """Return the references of the borrowers of these circumstances."""
    return [f"B{(kind - 1) * EACH + at:05d}" for kind in kinds for at in range(1, EACH + 1)]


async def contacts_of(scheduler: Scheduler, borrowers: list[str]) -> list[tuple[int, float, str]]:
    """Return arm, propensity and treatment of every contact that was ever planned for them."""
    rows = await scheduler.pool.fetch(
        "SELECT arm, propensity, treatment FROM contact c JOIN borrower b USING (tenant_id, borrower_id) "
        "WHERE b.ref = ANY($1)",
        borrowers,
    )  # fmt: skip
    return [(row["arm"], row["propensity"], row["treatment"]) for row in rows]


async def test_nothing_is_ever_drawn_for_whom_the_file_asks_care(scheduler: Scheduler) -> None:
    """Ten days with a hold-out of a half: others are drawn, they never; and nobody of them gets the firm text."""
    await scheduler.upload(portfolio())
    await scheduler.start_campaign(control_share=0.5, cadence=EVERY_DAY)
    for _ in range(10):
        await scheduler.live_until(scheduler.clock.now() + DAY)
        await report_outcomes(scheduler)
    cared_for = await contacts_of(scheduler, refs(Circumstance.VULNERABLE, Circumstance.HARDSHIP))
    others = await contacts_of(scheduler, [f"B{len(WORDS) * EACH + at:05d}" for at in range(1, FREE + 1)])

    assert cared_for
    assert {(Arm.PLANNED.value, 1.0)} == {(arm, propensity) for arm, propensity, _ in cared_for}
    assert "hand_to_person" not in {treatment for _, _, treatment in cared_for}
    assert Arm.CONTROL.value in {arm for arm, _, _ in others}
    assert "hand_to_person" in {treatment for _, _, treatment in others}


async def test_whom_law_wants_left_alone_is_never_planned_and_barred_at_the_gate(scheduler: Scheduler) -> None:
    """No contact in a week, and one suppression each, of the kind that the gate's rules know."""
    await scheduler.upload(portfolio())
    await scheduler.start_campaign(cadence=EVERY_DAY)
    await scheduler.live_until(scheduler.clock.now() + 7 * DAY)
    kinds = sorted(one.kind for one in scheduler.dispatcher.suppressions)

    assert [] == await contacts_of(scheduler, refs(*HELD))
    assert sorted([int(BARS[kind]) for kind in HELD] * EACH) == kinds
    told = (await scheduler.http.get(f"/v1/borrowers/{refs(Circumstance.REPRESENTED)[0]}/next-contact")).json()
    assert "is represented by an attorney" in told["reasons"][0]


async def test_what_a_file_tells_in_time_stops_what_was_planned_and_what_was_released(scheduler: Scheduler) -> None:
    """A second file, an hour into the day's plan: planned contacts are cancelled, released ones recalled."""
    rows = [make_row(number, circumstances="") for number in range(1, 41)]
    await scheduler.upload(make_csv(rows))
    await scheduler.start_campaign()
    await scheduler.live_until(scheduler.clock.now() + timedelta(hours=5))
    taken = set(scheduler.dispatcher.contacts)
    await scheduler.upload(make_csv([row | {"circumstances": "bankrupt"} for row in rows]))
    await scheduler.live_until(scheduler.clock.now() + DAY)
    recalled = {contact for request in scheduler.dispatcher.recalls for contact in request.contact_ids}

    assert taken
    assert taken == set(scheduler.dispatcher.contacts)
    assert taken == recalled
    assert 0 == await scheduler.count("SELECT count(*) FROM contact WHERE state = 0")
    assert "circumstances" == await scheduler.count("SELECT DISTINCT outcome_reason FROM contact WHERE state = 7")


async def test_a_file_that_comes_while_a_plan_is_made_still_keeps_lots_from_whom_it_names(
    scheduler: Scheduler,
) -> None:
    """The plan has read its borrowers, and is not written yet, when the file is taken: what it drew never goes out."""
    rows = [make_row(number, circumstances="") for number in range(1, 31)]
    await scheduler.upload(make_csv(rows))
    await scheduler.start_campaign(control_share=0.5, cadence=EVERY_DAY)
    async with scheduler.pool.acquire() as other:
        held = other.transaction()
        await held.start()
        await other.execute("LOCK TABLE plan_run IN EXCLUSIVE MODE")  # may be read, and not written
        planning = asyncio.create_task(scheduler.run_plan())
        async with asyncio.timeout(30):
            while not await other.fetchval(IS_WAITED_FOR):
                await asyncio.sleep(0.01)
        told = (await scheduler.upload(make_csv([row | {"circumstances": "vulnerable"} for row in rows[:15]]))).json()
        await held.commit()
        await planning
    drawn = {
        row["contact_id"].bytes: row["ref"]
        for row in await scheduler.pool.fetch(
            "SELECT contact_id, ref FROM contact JOIN borrower USING (tenant_id, borrower_id) WHERE arm <> $1",
            Arm.PLANNED.value,
        )
    }
    await scheduler.live_until(scheduler.clock.now() + DAY)
    gone_out = {drawn[contact] for contact in drawn if contact in scheduler.dispatcher.contacts}
    cared_for = {row["borrower_ref"] for row in rows[:15]}

    assert 15 == told["rows_changed"]
    assert cared_for & set(drawn.values())
    assert gone_out == set(drawn.values()) - cared_for != set()


async def test_a_file_that_says_none_ends_it_and_a_file_without_the_borrower_does_not(
    scheduler: Scheduler,
) -> None:
    """The bar is lifted at the gate and plans begin again; for a year more nothing is tried out. Evidence stays."""
    rows = [make_row(number, circumstances="disputed;vulnerable") for number in (1, 2)]
    await scheduler.upload(make_csv(rows))
    await scheduler.upload(make_csv([rows[1] | {"circumstances": "none"}]))
    await scheduler.start_campaign(control_share=0.5, cadence=EVERY_DAY)
    for _ in range(5):
        await scheduler.live_until(scheduler.clock.now() + DAY)
    barred = {one.suppression_id: one.borrower_id for one in scheduler.dispatcher.suppressions}

    assert [] == await contacts_of(scheduler, ["B00001"])
    assert {Arm.PLANNED.value} == {arm for arm, _, _ in await contacts_of(scheduler, ["B00002"])}
    assert 2 == len(barred)
    assert 1 == len(scheduler.dispatcher.lifted)
    assert set(scheduler.dispatcher.lifted) < set(barred)
    assert [(3, True), (3, False), (1, True), (1, False)] == [
        tuple(row)
        for row in await scheduler.pool.fetch(
            "SELECT kind, ended_at IS NULL FROM circumstance JOIN import_job USING (tenant_id, import_id) "
            "ORDER BY kind DESC, ended_at IS NULL DESC"
        )
    ]


async def test_an_empty_cell_and_a_file_without_the_column_end_nothing(scheduler: Scheduler) -> None:
    """A bank's other export knows nothing of deaths: that must not send reminders to a widow."""
    row = make_row(1, circumstances="deceased")
    without = {name: cell for name, cell in row.items() if name != "circumstances"}
    await scheduler.upload(make_csv([row]))
    for other in (row | {"circumstances": "", "given_name": "Ana"}, without | {"given_name": "Bea"}):
        assert 1 == (await scheduler.upload(make_csv([other]))).json()["rows_changed"]
    await scheduler.run_release()

    assert 1 == await scheduler.count("SELECT count(*) FROM circumstance WHERE ended_at IS NULL")
    assert [] == list(scheduler.dispatcher.lifted)


async def test_a_person_who_gives_the_borrower_back_does_not_end_what_the_file_says(scheduler: Scheduler) -> None:
    """The same file again changes nothing; only one that says otherwise does."""
    body = make_csv([make_row(1, circumstances="deceased")])
    await scheduler.upload(body)
    again = (await scheduler.upload(body)).json()
    await scheduler.run_release()

    assert 1 == again["rows_unchanged"]
    assert 1 == len(scheduler.dispatcher.suppressions)
    assert 1 == await scheduler.count("SELECT count(*) FROM circumstance WHERE ended_at IS NULL")


async def test_an_erasure_takes_what_the_file_said_along(scheduler: Scheduler) -> None:
    """Nothing stays here of what asked for care."""
    await scheduler.upload(make_csv([make_row(1, circumstances="hardship; represented")]))
    erased = await scheduler.http.post("/v1/borrowers/B00001:erase")

    assert erased.status_code < 300, erased.text
    assert 0 == await scheduler.count("SELECT count(*) FROM circumstance")
