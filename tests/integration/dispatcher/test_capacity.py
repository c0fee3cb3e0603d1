"""The capacity that the planner is told: from limits, switches and health, hour by hour."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from channel_dispatcher.capacity import HOURS, NetworkCapacity, Parts, carried
from channel_dispatcher.health import Health, Tally
from channel_dispatcher.limits import Window
from channel_dispatcher.outlets import Outlet, TenantLimit
from forbear.dispatcher.v1 import control_service_pb2 as control_pb
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear_chassis.redis import open_redis
from forbear_domain import ids
from forbear_domain.model import Channel
from tests.integration.dispatcher.stage import SENDERS, TENANT, Stage, StubProvider, make_contact, open_stage
from tests.integration.dispatcher.test_controls import controls, lift, put, throw
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
OTHER = ("+13125550100",)


async def hours(stage: Stage, campaign: bytes = b"") -> list[int]:
    """What SMS can carry, as the planner is told."""
    answer = await stage.rpc.GetCapacity(pb.GetCapacityRequest(tenant_id=TENANT.bytes, campaign_id=campaign), None)
    [sms] = answer.channels
    assert max(sms.contacts_by_hour) == sms.contacts_per_hour
    return list(sms.contacts_by_hour)


async def two_accounts(stage: Stage, database: Database, valkey_url: str) -> Stage:
    """Two accounts: ten parts a second by two senders of one each, and three a second."""
    return await open_stage(
        database, valkey_url, stage.clock, provider=StubProvider(name="first"),
        outlet=lambda provider: Outlet(provider, SENDERS, 32, 10, 1),
        more=[Outlet(StubProvider(name="second"), OTHER, 32, 3)], tenant_limit=TenantLimit(per_s=100),
    )  # fmt: skip


async def test_accounts_add_up_within_their_own_limits(stage: Stage, database: Database, valkey_url: str) -> None:
    """Two a second by the first one's senders and three by the second: 18,000 an hour."""
    made = await two_accounts(stage, database, valkey_url)

    assert [18_000] * HOURS == await hours(made)
    await made.close()


async def test_an_open_circuit_carries_nothing_until_it_is_probed(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """The first account asked for two hours and a half: its share is missing in three hours, and only there."""
    made = await two_accounts(stage, database, valkey_url)
    health = Health(open_redis(valkey_url), "test", made.clock.now)
    for _ in range(3):
        await health.tell([("first", Tally(pause_s=3600.0))])
        made.clock.advance(timedelta(minutes=10))
    await health.tell([("first", Tally(pause_s=3600.0))])

    told = await hours(made)

    assert [10_800] + [18_000] * (HOURS - 1) == told
    await made.close()


async def test_a_switch_takes_its_scope_out_until_it_is_lifted(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """An account, then the tenant, then nothing any more."""
    made = await two_accounts(stage, database, valkey_url)
    request = control_pb.ThrowSwitchRequest(
        request_id=str(uuid.uuid4()), kill_switch=control_pb.KillSwitch(provider="second", reason="outage")
    )
    number = (await controls(made).ThrowSwitch(request, None)).switch_id
    without_second = await hours(made)
    whole = await throw(made, tenant_id=TENANT.bytes)
    stopped = await hours(made)
    await lift(made, whole)
    await lift(made, number)

    assert [7_200] * HOURS == without_second
    assert [0] * HOURS == stopped
    assert [18_000] * HOURS == await hours(made)
    await made.close()


async def test_a_day_s_limit_is_used_up_by_the_first_hours(stage: Stage, database: Database, valkey_url: str) -> None:
    """Twenty thousand a day for the tenant: one full hour, a rest, and nothing for the rest of the day."""
    made = await two_accounts(stage, database, valkey_url)
    await put(made, scope=control_pb.LIMIT_SCOPE_TENANT, key=str(TENANT), length_s=86_400, tokens=20_000)

    assert [18_000, 2_000] + [0] * (HOURS - 2) == await hours(made)
    await made.close()


async def test_a_campaign_is_told_its_own_limit_and_switch_and_no_other_one_is(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """A hundred an hour, then nothing; the tenant as a whole is told what it was."""
    made = await two_accounts(stage, database, valkey_url)
    spring, autumn = ids.campaign_id(TENANT, "spring"), ids.campaign_id(TENANT, "autumn")
    await put(made, scope=control_pb.LIMIT_SCOPE_CAMPAIGN, key=str(spring), length_s=3600, tokens=100)
    limited = [await hours(made, campaign.bytes) for campaign in (spring, autumn)]
    await throw(made, campaign_id=spring.bytes)
    stopped = [await hours(made, campaign.bytes) for campaign in (spring, autumn)]

    assert [[100] * HOURS, [18_000] * HOURS] == limited
    assert [[0] * HOURS, [18_000] * HOURS] == stopped
    assert [18_000] * HOURS == await hours(made)
    await made.close()


async def test_without_redis_nothing_is_promised(stage: Stage, database: Database) -> None:
    """Because nothing would be sent."""
    lonely = await open_stage(database, "redis://127.0.0.1:1", stage.clock)

    assert [0] * HOURS == await hours(lonely)
    await lonely.close()


async def test_contacts_are_told_where_limits_count_parts(stage: Stage, database: Database, valkey_url: str) -> None:
    """A reminder has three parts: a third of the parts is what can be planned."""
    made = await two_accounts(stage, database, valkey_url)
    await made.submit(*[make_contact(n, made.clock.now()) for n in range(1, 4)])
    await made.dispatch.run_once()

    assert [6_000] * HOURS == await hours(made)
    await made.close()


def test_a_window_that_two_accounts_share_is_counted_once() -> None:
    """The tenant's limit holds for both together."""
    tenant = Window("tenant:1", 1, 4)
    outlets = [
        (Outlet(StubProvider(name=name), OTHER, 1, 3), [(Window(f"account:{name}", 1, 3), tenant)])
        for name in ("a", "b")
    ]

    assert [14_400] * HOURS == carried(outlets, {"a": 0, "b": 0})
    assert [10_800] * 2 + [14_400] * (HOURS - 2) == carried(outlets, {"a": 0, "b": 2})


def test_parts_follow_what_is_sent() -> None:
    """The first batch sets the average; later ones move it by their size."""
    parts = Parts()
    parts.see(Channel.SMS, [2, 2])
    first = parts.average(Channel.SMS)
    parts.see(Channel.SMS, [4] * 250)

    assert (2.0, 3.0, 1.0) == (first, parts.average(Channel.SMS), parts.average(Channel.EMAIL))


async def test_the_planner_is_told_what_destination_networks_take(stage: Stage) -> None:
    """Mails to a domain by the day and the hour, and texts to an area in contacts, of which each takes three parts.

    What holds for less than an hour is told by the hour, in which plans are made.
    """
    await put(stage, scope=control_pb.LIMIT_SCOPE_NETWORK, key="Example.com", length_s=86_400, tokens=500)
    await put(stage, scope=control_pb.LIMIT_SCOPE_NETWORK, key="example.com", length_s=3_600, tokens=100)
    await put(stage, scope=control_pb.LIMIT_SCOPE_NETWORK, key="+1212", length_s=60, tokens=30)
    await put(stage, scope=control_pb.LIMIT_SCOPE_DOMAIN, key="example.org", length_s=60, tokens=3)
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(1, 4)])
    await stage.run()

    answer = await stage.rpc.GetCapacity(pb.GetCapacityRequest(tenant_id=TENANT.bytes), None)

    told = [(one.network, one.length_s, one.contacts) for one in answer.networks]
    assert [("+1212", 3_600, 600), ("example.com", 3_600, 100), ("example.com", 86_400, 500)] == told


@pytest.mark.parametrize(("length_s", "expected"), [(1, (3_600, 2_400)), (7, (3_598, 342)), (3_600, (3_600, 0))])
def test_an_area_that_takes_one_part_at_a_time_is_not_told_to_take_nothing(
    length_s: int, expected: tuple[int, int]
) -> None:
    """Texts have a part and a half on average: a part each second is 2,400 texts an hour, not none in each second."""
    assert NetworkCapacity("+1212", *expected) == NetworkCapacity.of("+1212", length_s, tokens=1, parts=1.5)


async def test_a_network_s_warm_up_is_told_as_it_stands_today(stage: Stage) -> None:
    """It doubles each day, and is not told any more once it is over."""
    await put(stage, scope=control_pb.LIMIT_SCOPE_NETWORK, key="example.com", length_s=86_400, tokens=50,
              growth=2.0, tokens_max=400)  # fmt: skip
    told = []
    for _ in range(4):
        answer = await stage.rpc.GetCapacity(pb.GetCapacityRequest(tenant_id=TENANT.bytes), None)
        told.append([one.contacts for one in answer.networks])
        stage.clock.advance(timedelta(days=1))

    assert [[50], [100], [200], []] == told
