"""What a provider holds back dies before the lawful hours end: judged by the sandbox's own count."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channel_dispatcher.margins import LEAST, MOST, Margins
from channel_dispatcher.outlets import Outlet
from forbear_domain.lifecycle import State
from forbear_providers.twilio_api import TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from forbear_sandbox.world import World
from tests.integration.dispatcher.stage import Stage, make_contact, open_stage
from tests.kit.databases import Database
from tests.kit.worlds import ACCOUNT, SENDER, TOKEN, open_world, world_settings

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
NINE = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # 21:00 in New York


@pytest.fixture
async def stalling(
    stage: Stage, database: Database, valkey_url: str, tmp_path: Path
) -> AsyncIterator[tuple[Stage, World]]:
    """A dispatcher at 20:55 in New York, whose provider holds everything back for three hours."""
    stage.clock.move_to(NINE - timedelta(minutes=5))
    settings = world_settings(start=NINE - timedelta(minutes=5), data_dir=tmp_path)
    async with open_world(settings) as world:
        world.faults.set([{"kind": "stall", "channel": "sms", "seconds": 3 * 3600.0}, {"kind": "callback_lost"}])
        account = TwilioAccount(ACCOUNT, TOKEN, f"http://{settings.twilio}")
        made = await open_stage(
            database, valkey_url, stage.clock,
            outlet=lambda _: Outlet(TwilioSms(account, stage.clock.now), (SENDER,), 8, 1_000_000),
        )  # fmt: skip
        await made.dispatch.run_once()
        yield made, world
        await made.close()


async def live_on(world: World, until: datetime) -> None:
    """Let the world's time pass."""
    while (at := world.agenda.next_at) is not None and at <= until:
        world.time.move_to(at)
        for entry in world.agenda.take_due(at):
            await entry.perform()
    world.time.move_to(until)
    await asyncio.sleep(0)


def deliveries(world: World) -> list[tuple[datetime, str]]:
    """What became of messages, by the world's count."""
    assert world.census.path is not None
    lines = [json.loads(line) for line in world.census.path.read_text(encoding="utf-8").splitlines()]
    return [(datetime.fromisoformat(line["at"]), line["what"]) for line in lines if line["kind"] == "event"]


async def test_a_provider_that_stalls_for_three_hours_delivers_nothing_after_nine(
    stalling: tuple[Stage, World],
) -> None:
    """Twenty messages are taken at 20:55 and held; all of them have died before 21:00, and none arrives later."""
    stage, world = stalling
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(500, 520)])

    await stage.run()
    await live_on(world, NINE + timedelta(hours=6))

    assert 20 == len(world.census.contacts)
    assert {"sms.failed"} == {kind for _, kind in deliveries(world)}
    assert 20 == len(deliveries(world))
    assert max(at for at, _ in deliveries(world)) <= NINE - timedelta(seconds=30)


async def test_in_the_last_minute_nothing_is_handed_over_any_more(stalling: tuple[Stage, World]) -> None:
    """At 20:59:20 a contact waits for the window's end, and then, by the gate, for the next morning."""
    stage, world = stalling
    stage.clock.move_to(NINE - timedelta(seconds=40))
    contact = make_contact(530, stage.clock.now())
    contact.expire_time.FromDatetime(stage.clock.now() + timedelta(days=2))
    await stage.submit(contact)

    await stage.run()
    due_at, reason = await stage.pool.fetchrow("SELECT due_at, reason FROM contact WHERE contact_id = $1", _id(contact))
    stage.clock.move_to(due_at)
    await stage.run()
    then = await stage.pool.fetchval("SELECT due_at FROM contact WHERE contact_id = $1", _id(contact))

    assert [] == world.census.contacts
    assert (NINE, "window_closing") == (due_at, reason)
    assert NINE + timedelta(hours=11, seconds=1) == then  # after 8:00
    assert 1 == (await stage.states())[State.QUEUED]


async def test_the_margin_is_the_slowest_of_a_hundred_deliveries(stage: Stage) -> None:
    """Ninety-eight messages arrive within three seconds and two take four minutes: the margin is four minutes."""
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(600, 699)])
    await stage.run()
    attempts = await stage.pool.fetch("SELECT attempt_id, claimed_at FROM attempt ORDER BY attempt_id")

    async def arrived(rows: list[Any], seconds: float) -> None:
        await stage.pool.executemany(
            "INSERT INTO receipt (receipt_id, tenant_id, attempt_id, borrower_id, channel, state, code, event_at)"
            " VALUES ($1, $1, $2, $1, 1, 2, '', $3)",
            [(uuid.uuid4(), row["attempt_id"], row["claimed_at"] + timedelta(seconds=seconds)) for row in rows],
        )

    await arrived(attempts[:98], 3.0)
    fast = Margins()
    async with stage.pool.acquire() as connection:
        await fast.learn(connection, stage.clock.now())
    await arrived(attempts[98:], 240.0)
    learned = Margins()
    async with stage.pool.acquire() as connection:
        await learned.learn(connection, stage.clock.now())

    assert LEAST == fast.of("stub")
    assert timedelta(minutes=4) == learned.of("stub")
    assert learned.of("stub") <= MOST


async def test_few_receipts_teach_nothing(stage: Stage) -> None:
    """The twin: below fifty the margin stays what it was."""
    margins = Margins()
    async with stage.pool.acquire() as connection:
        await margins.learn(connection, stage.clock.now())

    assert timedelta(seconds=30) == margins.of("stub")


def _id(contact: Any) -> uuid.UUID:
    return uuid.UUID(bytes=contact.contact_id)
