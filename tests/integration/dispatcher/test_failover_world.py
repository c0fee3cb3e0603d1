"""Failover between two real clients and two sandboxed gateways: judged by the world's own count."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from channel_dispatcher.outlets import Outlet
from forbear_domain.lifecycle import State
from forbear_providers.twilio_api import TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from forbear_providers.vonage_sms import OPTIONS, VonageSms
from forbear_sandbox.child import free_port
from forbear_sandbox.world import World
from tests.integration.dispatcher.stage import Stage, make_contact, open_stage
from tests.kit.databases import Database
from tests.kit.worlds import ACCOUNT, SENDER, TOKEN, open_world, world_settings

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
GATEWAY_SENDER = "+18005550177"


@pytest.fixture
async def pair(stage: Stage, database: Database, valkey_url: str) -> AsyncIterator[tuple[Stage, World]]:
    """A dispatcher that tries Twilio first, with Vonage as the way round it; both are the sandbox's."""
    settings = world_settings(
        gateway=f"127.0.0.1:{free_port()}", gateway_senders=(GATEWAY_SENDER,), start=stage.clock.now()
    )
    defaults = {name: option.default for name, option in OPTIONS.items() if option.default is not None}
    options = defaults | {
        "api_key": "sandbox1", "api_secret": TOKEN, "signature_secret": f"{TOKEN}-sig",
        "base_url": f"http://{settings.gateway}",
    }  # fmt: skip
    async with open_world(settings) as world:
        account = TwilioAccount(ACCOUNT, TOKEN, f"http://{settings.twilio}", timeout_s=0.5)
        twilio, vonage = TwilioSms(account, stage.clock.now), VonageSms(options, stage.clock.now)
        made = await open_stage(
            database, valkey_url, stage.clock,
            outlet=lambda _: Outlet(twilio, (SENDER,), 8, 1_000_000),
            more=[Outlet(vonage, (GATEWAY_SENDER,), 8, 1_000_000, name="vonage", weight=0.0)],
        )  # fmt: skip
        await made.dispatch.run_once()
        yield made, world
        await twilio.close()
        await vonage.close()
        await made.close()


async def settle_down(stage: Stage) -> None:
    """Make passes, and move the clock to what is due next, until nothing waits."""
    for _ in range(60):
        await stage.run()
        due_at = await stage.pool.fetchval("SELECT min(due_at) FROM contact WHERE state = 10")
        if due_at is None:
            return
        stage.clock.move_to(max(due_at, stage.clock.now() + timedelta(seconds=1)))


@pytest.mark.parametrize("kind", ["too_many", "error_500", "hang", "cut_before", "cut_after", "garbage"])
async def test_whatever_the_first_provider_does_nobody_hears_from_us_twice(
    pair: tuple[Stage, World], kind: str
) -> None:
    """What only the first may have taken stays unknown; the rest arrives by the second, once."""
    stage, world = pair
    world.faults.set([{"kind": kind, "channel": "sms"}, {"kind": "callback_lost"}])
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(700, 740)])

    await settle_down(stage)

    reached = Counter(contact.address for contact in world.census.contacts)
    by_gateway = {contact.address for contact in world.census.contacts if contact.sender == GATEWAY_SENDER}
    states = await stage.states()
    assert 1 == max(reached.values())
    assert 40 == states[State.UNKNOWN] + len(by_gateway)
    assert len(by_gateway) == states[State.ACCEPTED] - 1  # and the warm-up
    assert 0 < len(by_gateway)
    assert world.traffic.failures == []
