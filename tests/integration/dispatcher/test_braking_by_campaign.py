"""A campaign tolerates more or less harm than its tenant: it alone is judged by that, and nobody else is."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter

import pytest

from channel_dispatcher.outlets import Outlet
from channel_dispatcher.store import switches
from channel_dispatcher.switches import Cell, Switch
from forbear.dispatcher.v1 import control_service_pb2 as control_pb
from forbear_domain import ids
from forbear_domain.model import Channel
from tests.integration.dispatcher.stage import SENDERS, TENANT, Stage, StubProvider, make_contact, open_stage
from tests.integration.dispatcher.test_braking import BAD, opt_out, single
from tests.integration.dispatcher.test_controls import controls, entries, lift, throw
from tests.kit.databases import Database

__all__ = ["single"]  # the fixture
pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
OLD_DEBTS, SPRING = ids.campaign_id(TENANT, "old debts"), ids.campaign_id(TENANT, "spring")
OPTED_OUT = control_pb.BRAKE_SIGNAL_OPTED_OUT


async def tolerate(stage: Stage, tolerated: float, campaign: uuid.UUID | None) -> None:
    """Set what is tolerated of opt-outs; 0: what holds otherwise."""
    request = control_pb.PutToleranceRequest(
        request_id=str(uuid.uuid4()), tenant_id=TENANT.bytes, campaign_id=campaign.bytes if campaign else b"",
        signal=OPTED_OUT, tolerated=tolerated, reason="old_debts",
    )  # fmt: skip
    await controls(stage).PutTolerance(request, None)


async def send(stage: Stage, first: int, count: int, campaign: uuid.UUID | None) -> list[int]:
    """Send to so many borrowers of a campaign, and return their numbers."""
    numbers = list(range(first, first + count))
    of = campaign.bytes if campaign else b""
    await stage.submit(*[make_contact(n, stage.clock.now(), template=BAD, campaign_id=of) for n in numbers])
    await stage.run()
    return numbers


async def braked(stage: Stage) -> set[tuple[uuid.UUID | None, bool]]:
    """Return campaign and level of what the brake has thrown."""
    thrown = await switches.in_force(stage.pool)
    return {(one.campaign_id, one.is_slow) for one in thrown if one.source == "brake"}


async def sent_to(stage: Stage, first: int, campaign: uuid.UUID | None) -> int:
    """Return how many of twenty contacts of a campaign go."""
    before = len(stage.provider.sent)
    await send(stage, first, 20, campaign)
    return len(stage.provider.sent) - before


async def test_a_cautious_campaign_stops_alone(single: Stage) -> None:
    """At 1 %, twelve opt-outs of a hundred stop it; the same template goes on in the others, which had none."""
    await tolerate(single, 0.01, SPRING)
    spring = await send(single, 1000, 100, SPRING)
    await send(single, 2000, 100, OLD_DEBTS)
    await opt_out(single, spring[:12])
    stopped = await braked(single)

    assert {(SPRING, False)} == {one for one in stopped if not one[1]}
    assert {SPRING} == {campaign for campaign, _ in stopped}
    assert [0, 20, 20] == [await sent_to(single, n, of) for n, of in ((3000, SPRING), (4000, OLD_DEBTS), (5000, None))]


async def test_a_tolerant_campaign_neither_stops_nor_stops_the_others(single: Stage) -> None:
    """Twelve of a hundred are within its 15 %, and are not counted against the tenant's 4 %."""
    await tolerate(single, 0.15, OLD_DEBTS)
    old = await send(single, 1000, 100, OLD_DEBTS)
    await send(single, 2000, 40, SPRING)
    await opt_out(single, old[:12])

    assert set() == await braked(single)
    assert [20, 20] == [await sent_to(single, 3000, OLD_DEBTS), await sent_to(single, 4000, SPRING)]


async def test_a_tolerant_campaign_does_not_water_the_others_down(single: Stage) -> None:
    """Twelve opt-outs of a hundred slow the tenant's others, though its 400 contacts brought none."""
    await tolerate(single, 0.15, OLD_DEBTS)
    await send(single, 1000, 400, OLD_DEBTS)
    spring = await send(single, 2000, 100, SPRING)
    await opt_out(single, spring[:12])

    assert {(None, True)} == await braked(single)


async def test_campaigns_without_a_word_of_their_own_are_measured_together(single: Stage) -> None:
    """Six opt-outs of fifty in each of two: neither slows alone, both do together, and the ledger says by what."""
    spring, old = await send(single, 1000, 50, SPRING), await send(single, 2000, 50, OLD_DEBTS)
    await opt_out(single, spring[:6])
    alone = await braked(single)
    await opt_out(single, old[:6])

    assert set() == alone
    assert {(None, True)} == await braked(single)
    (slowed,) = [entry for entry in await entries(single) if entry["act"] == "cell_slowed"]
    assert "campaign" not in slowed


async def test_a_campaign_goes_before_its_tenant_and_back_to_it(single: Stage) -> None:
    """Its own 15 % while it is set; once it is taken back the tenant's 1 % stops what was counted before."""
    await tolerate(single, 0.01, None)
    await tolerate(single, 0.15, OLD_DEBTS)
    old = await send(single, 1000, 100, OLD_DEBTS)
    await opt_out(single, old[:11])
    before = await braked(single)
    await tolerate(single, 0.0, OLD_DEBTS)
    await opt_out(single, old[11:12])

    assert set() == before
    assert (None, False) in await braked(single)
    told = [(entry["act"], entry.get("campaign"), entry["tolerated"]) for entry in await entries(single)][:3]
    assert [("tolerance_set", None, 0.01), ("tolerance_set", str(OLD_DEBTS), 0.15),
            ("tolerance_reset", str(OLD_DEBTS), 0.01)] == told  # fmt: skip


async def test_a_campaign_is_told_what_holds_for_it(stage: Stage) -> None:
    """Its own word, else its tenant's, else what the brake begins with; a word of another campaign is not shown."""
    await tolerate(stage, 0.02, None)
    await tolerate(stage, 0.08, OLD_DEBTS)
    told = {}
    for campaign in (OLD_DEBTS, SPRING, None):
        request = control_pb.ListTolerancesRequest(
            tenant_id=TENANT.bytes, campaign_id=campaign.bytes if campaign else b""
        )
        listed = (await controls(stage).ListTolerances(request, None)).tolerances
        told[campaign] = {one.signal: (one.tolerated, one.campaign_id) for one in listed}[OPTED_OUT]

    assert {OLD_DEBTS: (0.08, OLD_DEBTS.bytes), SPRING: (0.02, b""), None: (0.02, b"")} == told


async def test_a_lifted_campaign_is_counted_anew_and_the_others_are_not(single: Stage) -> None:
    """What was counted of the tenant's other campaigns stays: two more opt-outs there slow the cell."""
    await tolerate(single, 0.01, OLD_DEBTS)
    spring, old = await send(single, 1000, 100, SPRING), await send(single, 2000, 100, OLD_DEBTS)
    await opt_out(single, spring[:9] + old[:12])
    listed = await controls(single).ListSwitches(control_pb.ListSwitchesRequest(), None)
    for one in listed.switches:
        await lift(single, one.switch_id)
    await opt_out(single, old[12:13])
    after = await braked(single)
    await opt_out(single, spring[9:12])

    assert {OLD_DEBTS.bytes} == {one.campaign_id for one in listed.switches}
    assert {True, False} == {one.slowed for one in listed.switches}
    assert set() == after
    assert {(None, True)} == await braked(single)


async def test_a_person_stops_a_cell_in_one_campaign_only(single: Stage) -> None:
    """What the wire has always taken: campaign and cell together."""
    cell = control_pb.Cell(template=BAD, sender=SENDERS[0], segment="en/30")
    await throw(single, tenant_id=TENANT.bytes, campaign_id=SPRING.bytes, cell=cell)

    assert [0, 20, 20] == [await sent_to(single, n, of) for n, of in ((3000, SPRING), (4000, OLD_DEBTS), (5000, None))]


async def test_two_dispatchers_that_find_the_same_throw_one_switch(single: Stage) -> None:
    """Both look before either has committed: one throws it, the other hears its number."""
    cell = Cell(BAD, SENDERS[0], "en/30")
    wanted = Switch(0, TENANT, SPRING, None, None, cell, "opted_out", "brake", single.clock.now(), is_slow=True)

    async def one() -> tuple[int, bool]:
        async with single.pool.acquire() as connection, connection.transaction():
            thrown = await switches.throw(connection, wanted)
            await asyncio.sleep(0.05)  # so that the other meets an open transaction
            return thrown

    answers = await asyncio.gather(*[one() for _ in range(4)])

    assert 1 == len({number for number, _ in answers})
    assert Counter({False: 3, True: 1}) == Counter(is_new for _, is_new in answers)
    assert 1 == len(await switches.in_force(single.pool))


@pytest.mark.parametrize(("slowed_to", "expected"), [(2, range(35, 66)), (50, range(9))])
async def test_how_few_of_a_slowed_cell_go_is_set_by_channel(
    stage: Stage, database: Database, valkey_url: str, slowed_to: int, expected: range
) -> None:
    """Of a hundred SMS one in two, or one in fifty; what is set for mail and calls does not count."""
    made = await open_stage(
        database, valkey_url, stage.clock, provider=StubProvider(name="single"),
        outlet=lambda provider: Outlet(provider, SENDERS[:1], 32, 1_000_000),
        slowed_to={Channel.SMS: slowed_to, Channel.EMAIL: 10, Channel.VOICE: 10},
    )  # fmt: skip
    try:
        cell = Cell(BAD, SENDERS[0], "en/30")
        slow = Switch(0, TENANT, None, None, None, cell, "opted_out", "brake", stage.clock.now(), is_slow=True)
        async with made.pool.acquire() as connection:
            await switches.throw(connection, slow)
        await send(made, 1000, 100, SPRING)

        assert len(made.provider.sent) in expected
    finally:
        await made.close()
