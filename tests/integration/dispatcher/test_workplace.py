"""Calls to the workplace are counted apart: the kind of address of every attempt is kept and counted."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from channel_dispatcher.outlets import Outlet
from forbear.types.v1 import types_pb2
from forbear_domain.model import Channel
from tests.integration.dispatcher.stage import (
    SENDERS,
    Stage,
    StubProvider,
    make_contact,
    migrate_dispatcher,
    open_stage,
    phone_of,
)
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


@pytest.fixture
async def calls(database: Database, valkey_url: str, manual_clock: ManualClock) -> AsyncIterator[Stage]:
    """A dispatcher that calls."""
    await migrate_dispatcher(database)
    provider = StubProvider(channel=Channel.VOICE)
    made = await open_stage(
        database, valkey_url, manual_clock, provider=provider, outlet=lambda one: Outlet(one, SENDERS, 8, 1_000_000)
    )
    warm = call(made, 99, "mobile")
    warm.borrower_id, warm.recipient.address = bytes(16), phone_of(99)
    await made.submit(warm)
    await made.dispatch.run_once()
    manual_clock.advance(timedelta(seconds=2))
    await made.run()
    made.provider.sent.clear()
    yield made
    await made.close()


def call(stage: Stage, number: int, kind: str) -> types_pb2.Contact:
    """A call to somebody in Massachusetts, at home or at work."""
    contact = make_contact(1, stage.clock.now(), channel=types_pb2.CHANNEL_VOICE, recipient_address_kind=kind)
    contact.contact_id = uuid.uuid5(uuid.NAMESPACE_OID, str(number)).bytes
    contact.recipient.actor = "creditor"
    del contact.recipient.places[:]
    contact.recipient.places.add(kind=types_pb2.PLACE_EVIDENCE_KIND_ADDRESS, zone="America/New_York", region="US-MA")
    return contact


@pytest.mark.parametrize(("kind", "calls_made"), [("work_phone", 2), ("landline", 3)])
async def test_two_calls_to_the_workplace_in_thirty_days_are_the_most_in_massachusetts(
    calls: Stage, kind: str, calls_made: int
) -> None:
    """209 CMR 18.16(1)(d): the third within thirty days waits; its twin at home, eight days apart, does not."""
    for number in range(3):
        await calls.submit(call(calls, number, kind))
        await calls.run()
        calls.clock.advance(timedelta(days=8))

    assert calls_made == len(calls.provider.sent)
    if kind == "work_phone":
        reasons = await calls.pool.fetch("SELECT reason FROM contact WHERE state <> 1")
        assert {"US-MA-2IN7"} == {row["reason"] for row in reasons}


async def test_calls_at_home_leave_room_at_work(calls: Stage) -> None:
    """What went to the home does not count against the workplace."""
    for number in range(2):
        await calls.submit(call(calls, number, "landline"))
        await calls.run()
        calls.clock.advance(timedelta(days=8))
    await calls.submit(call(calls, 2, "work_phone"))

    await calls.run()

    assert 3 == len(calls.provider.sent)
