"""One answer to a message however often and fast it comes, and silence when two machines would talk for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from forbear_domain.model import Channel
from tests.integration.tracker.tracker_stage import World, leave_path, page_path

pytestmark = pytest.mark.needs_postgres

HOUR = timedelta(hours=1)
SCANNER = {"User-Agent": "Mozilla/5.0 (compatible; LinkScanner/2.1; +https://scanner.example.com)"}


async def test_one_message_told_many_times_at_once_gets_one_answer(world: World) -> None:
    """Twelve callbacks of one message side by side, while the worker looks for what waits."""
    await world.attempt()

    statuses, _ = await asyncio.gather(
        asyncio.gather(*(world.text("How can I pay?", sid="SM-same") for _ in range(12))), world.pump()
    )
    await world.pump()

    assert {200} == set(statuses)
    assert ["answer.how_to_pay"] == world.templates()
    assert ["REPLIED"] == world.scheduler.kinds()
    assert 1 == await world.pool.fetchval("SELECT count(*) FROM message WHERE is_inbound")


async def test_many_messages_at_once_are_taken_in_turn_and_the_limit_holds(world: World) -> None:
    """Six different questions in one instant: three answers, and a person for the rest."""
    await world.attempt()

    await asyncio.gather(*(world.text(f"How can I pay? This is question {number}.") for number in range(6)))
    await world.pump()

    assert ["answer.how_to_pay"] * 3 == world.templates()
    assert ["talked_too_much"] == await world.cases()
    assert 6 == await world.pool.fetchval("SELECT count(*) FROM message WHERE is_inbound")


async def test_a_machine_that_answers_each_answer_with_new_words_is_left_alone(world: World) -> None:
    """An auto-responder that counts, every hour for two days: three answers, then silence until a person acts."""
    await world.attempt()

    for number in range(48):
        await world.text(f"How can I pay? Ticket {number} was opened for you.")
        world.clock.advance(HOUR)
    await world.pump()
    answered = world.templates()
    await world.pool.execute("UPDATE hand_over SET closed_at = opened_at, closed_by = 'Ana Ruiz'")
    await world.text("How can I pay?")
    await world.pump()

    assert ["answer.how_to_pay"] * 3 == answered
    assert ["answer.how_to_pay"] * 4 == world.templates()
    assert [] == await world.cases()


async def test_a_stop_is_confirmed_however_much_was_said_before(world: World) -> None:
    """The twin: what must be said is said."""
    await world.attempt()

    for number in range(5):
        await world.text(f"How can I pay? Ticket {number} was opened for you.")
    await world.text("STOP")
    await world.pump()

    assert [*["answer.how_to_pay"] * 3, "opt_out.confirmed"] == sorted(world.templates())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_scanner_that_fetches_every_link_many_times_at_once_does_nothing(world: World, method: str) -> None:
    """Links in a mail are fetched before the borrower reads it: no event, no response, and nothing done or learned."""
    attempt = await world.attempt(channel=Channel.EMAIL)

    async def fetch(path: str) -> int:
        async with world.session.request(method, world.base_url + path, headers=SCANNER) as answer:
            return answer.status

    statuses = await asyncio.gather(*(fetch(path(attempt)) for path in (page_path, leave_path) for _ in range(15)))
    await world.pump()

    assert {200} == set(statuses)
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM event")
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM attempt WHERE responded_at IS NOT NULL")
    assert [] == world.scheduler.responses == world.dispatcher.suppressions == world.dispatcher.contacts
