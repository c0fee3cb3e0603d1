"""A stop, whoever sends it, is in force before it is acknowledged, and none is lost while somebody is away."""

from __future__ import annotations

import pytest
from grpc.aio import AioRpcError

from forbear.types.v1 import types_pb2 as types_pb
from tests.integration.tracker.tracker_stage import PHONE, World

pytestmark = pytest.mark.needs_postgres


async def test_stop_is_in_force_before_the_webhook_answers(world: World) -> None:
    """The suppression is at the dispatcher when the provider reads our 200; one confirmation follows."""
    await world.attempt()

    status = await world.text("STOP")
    in_force = world.suppression_kinds()
    await world.pump()

    assert 200 == status
    assert ["OPT_OUT"] == in_force
    assert PHONE == world.dispatcher.suppressions[0].address
    assert ["opt_out.confirmed"] == world.templates()
    assert types_pb.PURPOSE_OPT_OUT_CONFIRMATION == world.dispatcher.contacts[0].purpose
    assert ["REPLIED", "OPTED_OUT"] == world.scheduler.kinds()


async def test_stop_while_the_dispatcher_is_away_is_durable_and_asked_for_again(world: World) -> None:
    """503 makes the provider come again; its second try, or our worker, puts the opt-out in force."""
    await world.attempt()
    world.dispatcher.is_away = True

    first = await world.text("stop please", sid="SM-stop")
    world.dispatcher.is_away = False
    second = await world.text("stop please", sid="SM-stop")
    await world.pump()

    assert 503 == first
    assert 200 == second
    assert ["OPT_OUT"] == world.suppression_kinds()
    assert 1 == await world.pool.fetchval("SELECT count(*) FROM event")


async def test_a_stop_that_nobody_repeats_is_put_in_force_by_the_worker(world: World) -> None:
    """The provider may give up; we do not."""
    await world.attempt()
    world.dispatcher.is_away = True
    await world.text("STOP")
    world.dispatcher.is_away = False

    await world.pump()

    assert ["OPT_OUT"] == world.suppression_kinds()


async def test_an_unknown_number_is_taken_and_changes_nothing(world: World) -> None:
    """A message from a number we never wrote to is durable and acknowledged."""
    status = await world.text("hello?", from_="+13125550199")
    await world.pump()

    assert 200 == status
    assert "unattributed" == await world.pool.fetchval("SELECT fate FROM event")
    assert [] == world.barred_for_everyone()


@pytest.mark.parametrize(
    "words", ["STOP", "退订", "no me escriban más", "Wrong number, I am not Maria", "Talk to my attorney"]
)
async def test_a_stop_from_a_number_we_never_wrote_to_is_in_force_before_it_is_acknowledged(
    world: World, words: str
) -> None:
    """Whose number it is nobody knows: it is barred for every tenant; the twin above says nothing of the kind."""
    status = await world.text(words, from_="+13125550199")
    in_force = world.barred_for_everyone()

    assert 200 == status
    assert ["+13125550199"] == in_force
    assert "stranger_barred" == await world.pool.fetchval("SELECT fate FROM event")


async def test_a_strangers_stop_is_not_acknowledged_while_it_cannot_be_put_in_force(world: World) -> None:
    """The dispatcher is away: 503, and the stop is durable; it is put in force as soon as that is possible."""
    world.dispatcher.is_away = True

    status = await world.text("STOP", from_="+13125550199", sid="SM" + "7" * 32)
    world.dispatcher.is_away = False
    again = await world.text("STOP", from_="+13125550199", sid="SM" + "7" * 32)

    assert (503, 200) == (status, again)
    assert ["+13125550199"] == world.barred_for_everyone()


async def test_an_opt_out_bars_the_address_for_every_tenant_who_used_it(world: World) -> None:
    """A shared sender: the owner of the number does not know which tenant wrote (12 CFR 1006.14(h), comment 3.ii)."""
    from forbear_domain import ids

    await world.attempt(1)
    await world.attempt(2, tenant_id=ids.tenant_id("other"))

    await world.text("unsubscribe")

    told = [one for one in world.dispatcher.suppressions if one.tenant_id]
    assert 2 == len({one.tenant_id for one in told})
    assert [PHONE] == world.barred_for_everyone()


async def test_the_tracker_says_that_stops_are_in_force_only_when_none_waits(world: World) -> None:
    """While a stop waits, the dispatcher hears nothing of the kind, and after some minutes sends nothing any more."""
    await world.attempt()
    world.dispatcher.is_away = True
    await world.text("STOP")
    with pytest.raises(AioRpcError):
        await world.suppressor.run_once()
    before = world.dispatcher.affirmed

    world.dispatcher.is_away = False
    await world.suppressor.run_once()
    in_between = world.dispatcher.affirmed
    await world.suppressor.run_once()

    assert (0, 0, 1) == (before, in_between, world.dispatcher.affirmed)
    assert "OPT_OUT" in world.suppression_kinds()


async def test_hours_called_inconvenient_are_in_force_before_the_webhook_answers(world: World) -> None:
    """ "Only after 6 pm" bars the hours before it at the gate; what is said later takes its place."""
    await world.attempt()

    await world.text("Only after 6 pm")
    [first] = world.dispatcher.suppressions
    await world.text("Only after 5 pm")
    await world.pump()

    assert types_pb.SUPPRESSION_KIND_INCONVENIENT_TIME == first.kind
    assert (list(range(7)), 0, 18 * 60) == (
        list(first.hours.weekdays), first.hours.start_minute, first.hours.end_minute,
    )  # fmt: skip
    assert [17 * 60] == [one.hours.end_minute for one in world.dispatcher.suppressions[1:]]
    assert [first.suppression_id] == world.dispatcher.lifted
