"""Promises and arrangements by time and by payments: thanked when kept, asked once when not, and never pressed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import grpc
import pytest

from forbear.tracker.v1 import tracker_service_pb2 as pb
from response_tracker.wire import stamp
from tests.integration.tracker.tracker_stage import BORROWER, LOAN, TENANT, World

pytestmark = pytest.mark.needs_postgres

DAY = timedelta(days=1)


async def pay(world: World, amount_minor: int, *, past_due_minor: int = 10_000, number: int = 1) -> int:
    """Let the scheduler tell of a payment; return how many were new."""
    payment = pb.Payment(
        payment_id=uuid5(LOAN, f"payment:{number}").bytes,
        tenant_id=TENANT.bytes,
        borrower_id=BORROWER.bytes,
        loan_id=LOAN.bytes,
        amount_minor=amount_minor,
        currency="USD",
        pay_time=stamp(world.clock.now()),
        past_due_minor=past_due_minor,
    )
    request = pb.RecordPaymentsRequest(request_id="p", payments=[payment])
    taken = (await world.rpc.RecordPayments(request, None)).taken  # type: ignore[arg-type]
    await world.pump()
    return taken


async def promise(world: World) -> None:
    """Let the borrower promise 300 for Friday."""
    await world.attempt()
    await world.text("I will pay $300 on Friday")
    await world.pump()


def told(world: World) -> list[tuple[str, Any]]:
    """Return what the scheduler was told, each with the name of its kind."""
    return list(zip(world.scheduler.kinds(), world.scheduler.responses, strict=True))


def rest_of(world: World, kind: str) -> datetime:
    """Return until when reminders are to rest, by the latest response of a kind."""
    return [one.pause_until_time.ToDatetime(UTC) for name, one in told(world) if name == kind][-1]


async def arrange(world: World, choice: str) -> UUID:
    """Let the borrower choose a way out and return the arrangement's id."""
    await world.attempt()
    await world.text("I lost my job and cannot pay")
    await world.pump()
    await world.text(choice)
    await world.pump()
    found: UUID = await world.pool.fetchval("SELECT id FROM arrangement")
    return found


async def test_a_promise_that_is_kept_is_thanked_for_and_its_reminder_is_not_sent(world: World) -> None:
    """Paid on Wednesday: no reminder on Thursday; the payment is credited to the outreach."""
    await promise(world)
    await world.advance(2 * DAY)

    await pay(world, 30_000)
    await world.advance(5 * DAY)

    assert ["promise.thanks", "promise.kept"] == world.templates()
    assert ["REPLIED", "PROMISED", "PAID", "KEPT"] == world.scheduler.kinds()
    assert 16 == len(world.scheduler.responses[2].contact_id)
    assert 1 == len(world.dispatcher.lifted)


async def test_a_promise_paid_in_two_parts_is_kept_by_the_second(world: World) -> None:
    """100 and 200 are 300."""
    await promise(world)

    await pay(world, 10_000, number=1)
    first = "promise.kept" in world.templates()
    await pay(world, 20_000, number=2)

    assert not first
    assert "promise.kept" in world.templates()


async def test_a_payment_told_twice_counts_once(world: World) -> None:
    """Idempotent by payment id."""
    await promise(world)

    assert [1, 0] == [await pay(world, 20_000), await pay(world, 20_000)]
    assert 20_000 == await world.pool.fetchval("SELECT paid_minor FROM promise")


async def test_a_promise_that_is_not_kept_is_asked_after_once_at_a_kind_hour(world: World) -> None:
    """Friday's promise counts as missed on Sunday at midnight; the question asks for ten on Sunday morning."""
    await promise(world)

    for _ in range(12):
        await world.advance(12 * timedelta(hours=1))
    await world.advance(10 * DAY)

    assert 1 == world.templates().count("promise.missed")
    asked = world.dispatcher.contacts[-1]
    assert "2026-03-08T14:00:00Z" == asked.not_before_time.ToJsonString()  # ten in New York, on the first summer day
    assert 1 == world.scheduler.kinds().count("BROKEN")


async def test_reminders_rest_until_a_missed_promise_was_asked_after_and_could_be_answered(world: World) -> None:
    """The bar at the gate and the rest in the plan end together, three days after the promise; the question before."""
    await promise(world)
    for _ in range(12):
        await world.advance(DAY / 2)

    bar = world.dispatcher.suppressions[-1].end_time.ToJsonString()
    rests = {kind: one.pause_until_time.ToJsonString() for kind, one in told(world) if kind in ("PROMISED", "BROKEN")}
    asked = world.dispatcher.contacts[-1]
    assert "2026-03-11T05:00:00Z" == bar
    assert {"PROMISED": bar, "BROKEN": bar} == rests
    assert "promise.missed" == asked.template
    assert "2026-03-11T02:00:00Z" == asked.expire_time.ToJsonString()


async def test_reminders_rest_as_long_as_an_arrangement_holds(world: World) -> None:
    """What the plan is told to rest ends no sooner than the bar at the gate, missed or not."""
    await arrange(world, "2")
    agreed = rest_of(world, "ARRANGED")
    lifted = len(world.dispatcher.lifted)

    days = 0
    while len(world.dispatcher.lifted) == lifted:
        await world.advance(DAY)
        days += 1

    assert 14 + 1 + 3 + 7 == days  # due on the 14th day and missed after it, three of grace, seven to make it good
    assert world.clock.now() - DAY < rest_of(world, "BROKEN") <= world.clock.now()
    assert agreed > world.clock.now() + 27 * DAY


async def test_an_instalment_that_is_kept_lets_reminders_rest_until_the_last(world: World) -> None:
    """The first part is paid, two are open: the rest that is told reaches over both."""
    await arrange(world, "2")
    agreed = rest_of(world, "ARRANGED")
    await pay(world, 20_414, number=1)
    goes_on = rest_of(world, "KEPT")
    await pay(world, 40_826, number=2)

    assert agreed == goes_on
    assert not world.scheduler.responses[-1].HasField("pause_until_time")


async def test_a_reminder_that_waits_at_the_dispatcher_is_taken_back_when_the_payment_comes(world: World) -> None:
    """Released on Thursday at ten, paid a second later: the dispatcher may not have sent it yet."""
    await promise(world)
    await world.advance(3 * DAY)
    reminder = UUID(bytes=world.dispatcher.contacts[-1].contact_id)

    world.clock.advance(timedelta(seconds=1))
    await pay(world, 30_000)

    assert [reminder] == world.dispatcher.recalled
    assert ["promise.thanks", "promise.reminder", "promise.kept"] == world.templates()


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_payment_a_second_before_the_reminder_is_due_leaves_it_unsent(world: World, is_away: bool) -> None:
    """Due at ten in New York; paid at 9:59:59. While the dispatcher is away nothing is lost or sent twice."""
    await promise(world)
    await world.advance(timedelta(days=2, hours=21, minutes=59, seconds=59))
    world.dispatcher.is_away = is_away
    if is_away:
        with pytest.raises(grpc.aio.AioRpcError):
            await pay(world, 30_000)
    else:
        await pay(world, 30_000)
    world.dispatcher.is_away = False
    await world.advance(DAY)

    assert ["promise.thanks", "promise.kept"] == world.templates()
    assert [] == world.dispatcher.recalled


async def missed(world: World) -> None:
    """Let Friday's promise be missed; the question is released at ten on Sunday."""
    await promise(world)
    for _ in range(12):
        await world.advance(DAY / 2)


@pytest.mark.parametrize("has_paid", [True, False])
async def test_nobody_is_asked_about_a_missed_promise_who_has_paid_or_promised_anew(
    world: World, has_paid: bool
) -> None:
    """The question waits for its lawful hour; whatever the borrower does before it goes out makes it rude."""
    await missed(world)
    question = UUID(bytes=world.dispatcher.contacts[-1].contact_id)
    assert "promise.missed" == world.templates()[-1]

    world.clock.advance(timedelta(minutes=5))
    if has_paid:
        await pay(world, 10_000)
    else:
        await world.text("I will pay you $300 on March 20")
        await world.pump()

    assert [question] == world.dispatcher.recalled


async def test_a_thanks_that_waits_is_not_taken_back_by_the_next_payment(world: World) -> None:
    """Only questions and reminders lose their sense."""
    await arrange(world, "2")
    await pay(world, 20_414, number=1)
    await pay(world, 20_413, number=2)

    assert 2 == world.templates().count("arrangement.kept")
    assert [] == world.dispatcher.recalled


async def test_the_time_of_the_next_thing_is_told_to_the_clock(world: World) -> None:
    """The stepped clock moves to what the loop says, so it must say the earliest of all."""
    await promise(world)

    due = (await world.due.run_once()).next_due_at

    assert due is not None
    assert "2026-03-05T15:00:00+00:00" == due.isoformat()


async def test_a_new_promise_replaces_the_old_one(world: World) -> None:
    """The last word counts; the suppression of the first is lifted, its reminder is never sent."""
    await promise(world)

    await world.text("I will pay on Wednesday")
    await world.pump()

    states = await world.pool.fetch("SELECT state FROM promise ORDER BY due_on")
    assert [1, 4] == [row["state"] for row in states]
    assert 1 == len(world.dispatcher.lifted)


async def test_three_instalments_are_reminded_of_paid_in_order_and_kept(world: World) -> None:
    """Each reminded the day before; one payment may cover two; the arrangement ends kept, and reminders may go on."""
    await arrange(world, "2")
    await world.advance(13 * DAY)
    reminders = world.templates().count("arrangement.reminder")

    await pay(world, 20_414, number=1)
    await world.advance(13 * DAY)
    await pay(world, 40_826, number=2)
    await world.advance(30 * DAY)

    assert 1 == reminders
    assert 1 == world.templates().count("arrangement.reminder")
    assert 2 == world.templates().count("arrangement.kept")
    assert 3 == world.scheduler.kinds().count("KEPT")
    assert 3 == await world.pool.fetchval("SELECT state FROM arrangement")
    assert [0, 0, 0] == [
        row["open"] for row in await world.pool.fetch("SELECT amount_minor - paid_minor AS open FROM instalment")
    ]


async def test_a_missed_instalment_is_asked_after_once_and_made_good_in_time(world: World) -> None:
    """Three days of grace, one kind question, a week to make it good: then the arrangement goes on."""
    await arrange(world, "2")

    await world.advance(19 * DAY)
    at_risk = await world.pool.fetchval("SELECT state FROM arrangement")
    await world.advance(DAY)
    asked = world.templates().count("arrangement.missed")
    await pay(world, 20_414)

    assert 1 == asked
    assert 2 == at_risk
    assert 1 == await world.pool.fetchval("SELECT state FROM arrangement")


async def test_an_arrangement_that_is_not_made_good_ends_quietly(world: World) -> None:
    """No second question: the suppression is lifted and its later reminders are cancelled."""
    await arrange(world, "2")
    lifted = len(world.dispatcher.lifted)

    for _ in range(40):
        await world.advance(DAY)

    assert 4 == await world.pool.fetchval("SELECT state FROM arrangement")
    assert 1 == world.templates().count("arrangement.missed")
    assert lifted + 1 == len(world.dispatcher.lifted)


async def test_a_deferral_leaves_in_peace_until_the_day_before(world: World) -> None:
    """Nothing for 29 days, then one reminder of the usual instalment."""
    await arrange(world, "1")
    before = len(world.dispatcher.contacts)

    await world.advance(28 * DAY)
    quiet = len(world.dispatcher.contacts)
    await world.advance(2 * DAY)

    assert before == quiet
    assert "arrangement.reminder" == world.templates()[-1]
    assert "$1,450.00" == world.dispatcher.contacts[-1].slots["next_amount"]


async def test_rates_count_outreach_and_the_people_who_answered(world: World) -> None:
    """Two reminders at noon, one answered; our answers to borrowers are no outreach; a replay finds nothing to mend."""
    from forbear.types.v1 import types_pb2 as types_pb
    from response_tracker.model import ANSWERS
    from response_tracker.store import rates

    await world.attempt(1)
    await world.attempt(2, borrower_id=UUID(int=7), address="+12125550177")
    await world.attempt(3, purpose=types_pb.PURPOSE_REPLY)
    await world.text("ok thanks")

    request = pb.GetResponseRatesRequest(tenant_id=TENANT.bytes)
    answer = await world.rpc.GetResponseRates(request, None)  # type: ignore[arg-type]
    mended = await rates.replay(world.pool, TENANT, [int(kind) for kind in ANSWERS])

    cell = answer.rates[0]
    assert [(types_pb.CHANNEL_SMS, 12, "day_shift", 2, 1)] == [
        (one.channel, one.hour, one.segment, one.attempts, one.responses) for one in answer.rates
    ]
    assert 0.09 < cell.rate_low < 0.1
    assert 0.9 < cell.rate_high < 0.91
    assert 0 == mended
