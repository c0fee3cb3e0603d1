"""What the gate must be able to trust before anything goes: suppressions, clocks, zones. Without, nothing is sent."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from channel_dispatcher.store.feed import AGE_MAX
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import ClockError
from forbear_domain.lifecycle import State
from tests.integration.dispatcher.stage import Stage, make_contact, migrate_dispatcher, open_stage, phone_of
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


class SkewedClock:
    """The machine's clock, off by some time; it objects to peers as the real one does."""

    is_simulated = False

    def __init__(self, off: timedelta) -> None:
        self.off = off

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off  # noqa: TID251  # a test of clocks needs the machine's

    def observe(self, peer_now: datetime) -> None:
        if abs(peer_now - self.now()) > timedelta(minutes=2):
            raise ClockError("skewed")

    async def wait(self, wake: asyncio.Event, until: datetime | None, at_most_s: float) -> None:
        await asyncio.wait_for(wake.wait(), at_most_s)


async def affirm(stage: Stage) -> None:
    """The tracker says that all it has taken is in force."""
    await stage.rpc.AffirmSuppressions(pb.AffirmSuppressionsRequest(request_id=str(uuid.uuid4())), None)


@pytest.mark.parametrize("feed", ["never heard of", "stale"])
async def test_nothing_is_sent_while_nobody_says_that_stops_are_in_force(
    stage: Stage, database: Database, feed: str
) -> None:
    """The tracker is away, or holds stops that it could not put in force: nobody is written to until it speaks up."""
    if feed == "stale":
        await stage.pool.execute("UPDATE suppression_feed SET heard_at = clock_timestamp() - $1::interval", AGE_MAX)
    else:
        owner = await asyncpg.connect(database.url("forbear_dispatcher_owner"))
        await owner.execute("DELETE FROM dispatcher.suppression_feed")
        await owner.close()
    await stage.submit(make_contact(1, stage.clock.now()))

    await stage.run()
    before = len(stage.provider.sent)
    await affirm(stage)
    await stage.run()

    assert (0, 1) == (before, len(stage.provider.sent))


async def test_a_feed_just_young_enough_lets_contacts_go(stage: Stage) -> None:
    """The twin of the stale one, by a minute."""
    age = AGE_MAX - timedelta(minutes=1)
    await stage.pool.execute("UPDATE suppression_feed SET heard_at = clock_timestamp() - $1::interval", age)
    await stage.submit(make_contact(1, stage.clock.now()))

    await stage.run()

    assert 1 == len(stage.provider.sent)


@pytest.mark.parametrize("off", [timedelta(hours=3), timedelta(hours=-3), timedelta(minutes=-3)])
async def test_a_dispatcher_whose_clock_is_not_the_databases_sends_nothing(
    database: Database, valkey_url: str, off: timedelta
) -> None:
    """Three hours off would call at eleven at night; nobody calls this dispatcher now, so no caller objects."""
    await migrate_dispatcher(database)
    clock = SkewedClock(off)
    stage = await open_stage(database, valkey_url, clock)  # type: ignore[arg-type]
    contact = make_contact(1, clock.now() - timedelta(minutes=1))
    await stage.submit(contact)

    with pytest.raises(ClockError):
        await stage.dispatch.run_once()

    assert [] == stage.provider.sent
    assert 1 == (await stage.states())[State.QUEUED]
    await stage.close()


async def test_a_clock_that_jumps_back_lets_no_permit_through(stage: Stage) -> None:
    """A permit issued in what is now the future is none: the sender stops at it."""
    issued_at = stage.clock.now()
    await stage.submit(make_contact(1, issued_at))

    def jump_back(*_: object) -> datetime:
        return issued_at - timedelta(minutes=5)

    stage.dispatch._sender._clock = type("Back", (), {"now": jump_back})()  # the sender reads it right before the call
    await stage.run(passes=1)

    assert [] == stage.provider.sent


@pytest.mark.parametrize(
    "places", [[], [""], ["America/New_York", ""], ["Mars/Olympus"], ["America/New_York", "Mars/Olympus"]],
    ids=["none", "empty", "one_empty", "unknown", "one_unknown"],
)  # fmt: skip
async def test_without_a_zone_for_every_place_nobody_is_contacted(stage: Stage, places: list[str]) -> None:
    """Evidence whose zone nobody knows may be the true one (comment 6(b)(1)(i)-2)."""
    contact = make_contact(1, stage.clock.now())
    del contact.recipient.places[:]
    for zone in places:
        contact.recipient.places.add(kind=types_pb2.PLACE_EVIDENCE_KIND_ADDRESS, zone=zone, region="US")
    await stage.submit(contact, make_contact(2, stage.clock.now()))

    await stage.run()

    assert [phone_of(2)] == [request.address for request in stage.provider.sent]
    reason = await stage.pool.fetchval("SELECT reason FROM contact WHERE state = $1", State.REFUSED)
    assert "HOUSE-PLACE" == reason
