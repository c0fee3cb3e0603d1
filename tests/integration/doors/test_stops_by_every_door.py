"""Stops by every door, through a real tracker to real dispatchers, while these send: none is violated.

The doors are those of production: a signed text, a mail over SMTP, the one-click header, a key in a call, a button on
the page, and the carrier's own code. What reached the world is counted outside, by the server that is the provider.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from email.message import EmailMessage
from uuid import UUID

import aiosmtplib
import pytest

from channel_dispatcher.outlets import Outlet
from forbear_domain import ids
from forbear_domain.model import Channel
from forbear_providers.twilio_api import TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from forbear_replies import Reader
from tests.integration.dispatcher.conftest import warm_up
from tests.integration.dispatcher.stage import SENDERS, TENANT, make_contact, migrate_dispatcher, open_stage, phone_of
from tests.integration.dispatcher.stub_server import StubServer
from tests.integration.tracker.scripted_reader import ScriptedReader
from tests.integration.tracker.tracker_stage import World, leave_path, open_world, page_path
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

BORROWERS = 900
STOPPING = 720
SIDE_BY_SIDE = 6
WORDS = ("STOP", "unsubscribe", "退订")


async def by_text(world: World, number: int, attempt: UUID) -> bool:
    return 200 == await world.text(WORDS[number % 3], sid=f"SM{number:032d}", from_=phone_of(number))


async def by_mail(world: World, number: int, attempt: UUID) -> bool:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "someone@example.com", "Re: your loan"
    mail.set_content("Please unsubscribe me")
    await aiosmtplib.send(
        mail, sender="someone@example.com", recipients=[f"reply+{attempt.hex}@example.com"], hostname="127.0.0.1",
        port=world.mail_port,
    )  # fmt: skip
    return True


async def by_one_click(world: World, number: int, attempt: UUID) -> bool:
    form = {"List-Unsubscribe": "One-Click"}
    async with world.session.post(world.base_url + leave_path(attempt), data=form) as reply:
        return reply.status == 200


async def by_page(world: World, number: int, attempt: UUID) -> bool:
    form = {"act": "leave", "serial": "0"}
    async with world.session.post(world.base_url + page_path(attempt), data=form) as reply:
        return reply.status == 200


async def by_key(world: World, number: int, attempt: UUID) -> bool:
    """ "Two" at the greeting: not this person."""
    form = {"CallSid": f"CA{number}", "CallStatus": "in-progress", "Digits": "2"}
    status, _ = await world.post_signed(f"/twilio/voice/{attempt}/identity", form)
    return status == 200


async def by_carrier(world: World, number: int, attempt: UUID) -> bool:
    form = {"MessageSid": f"SM-{number}", "MessageStatus": "undelivered", "ErrorCode": "21610", "To": phone_of(number)}
    status, _ = await world.post_signed(f"/twilio/status?attempt={attempt}", form)
    return status == 204


DOORS = (by_text, by_mail, by_one_click, by_page, by_key, by_carrier)


async def test_stops_by_every_door_during_sending_and_none_is_violated(
    database: Database, valkey_url: str, manual_clock: ManualClock
) -> None:
    """Once a door has answered, no message reaches that number any more, whichever dispatcher had it in its queue."""
    server = StubServer()
    await server.start()
    await migrate_dispatcher(database)
    account = TwilioAccount("AC" + "0" * 32, "token", server.url)

    def outlet(_: object) -> Outlet:
        return Outlet(TwilioSms(account, manual_clock.now), SENDERS, 16, 1_000_000)

    stages = [await open_stage(database, valkey_url, manual_clock, outlet=outlet, size_max=50) for _ in range(2)]
    await warm_up(stages[0], manual_clock)
    server.arrivals.clear()
    acknowledged: dict[str, tuple[int, str]] = {}

    async with open_world(database, manual_clock, ScriptedReader(Reader.load()), stages[0].rpc) as world:
        attempts = [
            await world.attempt(
                number, address=phone_of(number), borrower_id=ids.borrower_id(TENANT, str(number)),
                channel=Channel.VOICE if DOORS[number % len(DOORS)] is by_key else Channel.SMS,
            )
            for number in range(STOPPING)
        ]  # fmt: skip
        now = manual_clock.now()
        for start in range(0, BORROWERS, 500):
            await stages[0].submit(*[make_contact(n, now) for n in range(start, min(start + 500, BORROWERS))])

        async def stop_many(first: int) -> None:
            for number in range(first, STOPPING, SIDE_BY_SIDE):
                door = DOORS[number % len(DOORS)]
                assert await door(world, number, attempts[number]), door.__name__
                acknowledged[phone_of(number)] = len(server.arrivals), door.__name__

        async def send(stage_number: int) -> None:
            while len(acknowledged) < STOPPING:
                await stages[stage_number].run(1)
            await stages[stage_number].run(200)

        await asyncio.gather(send(0), send(1), *[stop_many(first) for first in range(SIDE_BY_SIDE)])
        await world.suppressor.run_once()

    violations = [
        acknowledged[number][1]
        for position, number in enumerate(server.arrivals)
        if number in acknowledged and position >= acknowledged[number][0]
    ]
    assert [] == violations
    assert {door.__name__: STOPPING // len(DOORS) for door in DOORS} == Counter(
        name for _, name in acknowledged.values()
    )
    assert {1} == set(server.by_number.values())
    spared = sum(number not in server.by_number for number in acknowledged)
    assert 0 < spared < STOPPING
    assert BORROWERS - spared == len(server.arrivals)
    heard_at = await stages[0].pool.fetchval("SELECT heard_at <= clock_timestamp() FROM suppression_feed")
    assert heard_at, "the tracker did not say over gRPC that all stops are in force"
    for stage in stages:
        await stage.close()
    await server.stop()
