"""Switches and limits that people change while contacts are on their way: durable, told to all replicas, recorded."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from channel_dispatcher.control_rpc import ControlRpc
from channel_dispatcher.controls import Controls
from channel_dispatcher.outlets import Outlet, TenantLimit
from forbear.dispatcher.v1 import control_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.errors import Fault
from forbear_domain import ids
from forbear_domain.lifecycle import State
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.stage import SENDERS, TENANT, Stage, StubProvider, make_contact, open_stage
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
AT_ONCE = 32  # calls of the stage's outlet side by side
CAMPAIGN = ids.campaign_id(TENANT, "spring")


def controls(stage: Stage) -> ControlRpc:
    """The controls of a stage."""
    made = Controls(stage.pool, stage.clock, stage.signer)
    return ControlRpc(stage.pool, stage.clock, made, frozenset({"stub", "second"}))


async def throw(stage: Stage, *, everything: bool = False, request_id: str = "", **scope: Any) -> int:
    """Throw a switch and return its number."""
    request = pb.ThrowSwitchRequest(
        request_id=request_id or str(uuid.uuid4()),
        kill_switch=pb.KillSwitch(reason="complaints", **scope),
        everything=everything,
    )
    return (await controls(stage).ThrowSwitch(request, None)).switch_id


async def lift(stage: Stage, number: int) -> bool:
    """Lift a switch."""
    request = pb.LiftSwitchRequest(request_id=str(uuid.uuid4()), switch_id=number, reason="mended")
    return (await controls(stage).LiftSwitch(request, None)).lifted


async def put(stage: Stage, **limit: Any) -> int:
    """Put a limit in force."""
    request = pb.PutLimitRequest(request_id=str(uuid.uuid4()), limit=pb.Limit(reason="carrier", **limit))
    return (await controls(stage).PutLimit(request, None)).limit_id


async def entries(stage: Stage) -> list[dict[str, Any]]:
    """Return what the ledger says about people's acts."""
    rows = await stage.pool.fetch("SELECT convert_from(body, 'UTF8') AS body FROM ledger_entry ORDER BY sequence")
    return [entry for row in rows if (entry := json.loads(row["body"]))["kind"] == "override"]


@pytest.mark.parametrize(
    "scope",
    [
        {"tenant_id": TENANT.bytes},
        {"campaign_id": CAMPAIGN.bytes},
        {"channel": types_pb2.CHANNEL_SMS},
        {"provider": "stub"},
        {"tenant_id": TENANT.bytes, "campaign_id": CAMPAIGN.bytes, "channel": types_pb2.CHANNEL_SMS},
        {"everything": True},
    ],
    ids=lambda scope: "+".join(scope),
)
async def test_nothing_in_a_switch_s_scope_is_sent_until_it_is_lifted(stage: Stage, scope: dict[str, Any]) -> None:
    """Thrown, nothing goes; lifted, everything goes; the ledger holds both acts with their reasons."""
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(1, 6)])
    number = await throw(stage, **scope)

    await stage.run()
    sent_while_thrown = len(stage.provider.sent)
    lifted, again = await lift(stage, number), await lift(stage, number)
    await stage.run()

    assert 0 == sent_while_thrown
    assert (True, False) == (lifted, again)
    assert 5 == len(stage.provider.sent)
    assert ["switch_thrown", "switch_lifted"] == [entry["act"] for entry in await entries(stage)]
    assert ["complaints", "mended"] == [entry["reason"] for entry in await entries(stage)]


@pytest.mark.parametrize(
    "scope",
    [
        {"tenant_id": ids.tenant_id("other").bytes},
        {"campaign_id": ids.campaign_id(TENANT, "autumn").bytes},
        {"channel": types_pb2.CHANNEL_VOICE},
        {"provider": "second"},
        {"cell": pb.Cell(template="reminder.gentle", sender=SENDERS[0], segment="es/30")},
    ],
    ids=lambda scope: "+".join(scope),
)
async def test_what_is_outside_a_switch_s_scope_goes_on(stage: Stage, scope: dict[str, Any]) -> None:
    """The twins: another tenant, campaign, channel, account or segment."""
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(1, 6)])
    await throw(stage, **scope)

    await stage.run()

    assert 5 == len(stage.provider.sent)


async def test_a_stopped_cell_holds_its_contacts_and_no_others(stage: Stage) -> None:
    """Template, sender and segment together: the same template by the other sender goes on."""
    await throw(stage, cell=pb.Cell(template="reminder.gentle", sender=SENDERS[0], segment="en/30"))
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(1, 41)])

    await stage.run()

    assert {SENDERS[1]} == {request.sender for request in stage.provider.sent}
    waiting = await stage.pool.fetchval("SELECT count(*) FROM contact WHERE state = 10 AND reason = 'switch_thrown'")
    assert 40 == len(stage.provider.sent) + waiting
    assert 0 < waiting


async def test_a_batch_that_is_being_sent_stops_at_another_replica_with_what_is_on_the_wire(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """Of 300 claimed contacts only those on the wire go; the rest goes back to the gate, and goes later, once."""
    landing = asyncio.Event()

    async def slowly(request: SendRequest) -> SendOutcome:
        await landing.wait()
        return SendOutcome(SendState.ACCEPTED, provider_ref=f"SM{request.attempt_id.hex}")

    stage.provider.answer = slowly
    other = await open_stage(database, valkey_url, stage.clock)
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(1, 301)])
    sending = asyncio.create_task(stage.dispatch.run_once())
    while len(stage.provider.sent) < AT_ONCE:
        await asyncio.sleep(0.01)
    throwing = asyncio.create_task(throw(other, campaign_id=CAMPAIGN.bytes))
    while not stage.switchboard._thrown:  # heard by the replica that sends
        await asyncio.sleep(0.01)
    is_answered_too_early = throwing.done()
    landing.set()
    number = await throwing
    sent_at_answer = len(stage.provider.sent)
    await sending

    assert not is_answered_too_early
    assert AT_ONCE == sent_at_answer == len(stage.provider.sent)
    assert 300 - AT_ONCE == (await stage.states())[State.QUEUED]
    await lift(other, number)
    stage.provider.answer = None
    stage.clock.advance(timedelta(minutes=5))
    await stage.run()
    assert 300 == len(stage.provider.by_address)
    assert 1 == max(stage.provider.by_address.values())
    await other.close()


async def test_a_repeat_answers_as_the_first_and_the_same_switch_is_thrown_once(stage: Stage) -> None:
    """The same request id, or the same scope under another: one switch, one entry."""
    request_id = str(uuid.uuid4())
    first = await throw(stage, request_id=request_id, provider="stub")
    repeat = await throw(stage, request_id=request_id, provider="stub")
    same = await throw(stage, provider="stub")

    listed = await controls(stage).ListSwitches(pb.ListSwitchesRequest(), None)

    assert first == repeat == same
    assert [(first, "stub", "complaints", "person")] == [
        (one.switch_id, one.provider, one.reason, one.source) for one in listed.switches
    ]
    assert 1 == len(await entries(stage))


async def test_a_tenant_lifts_and_sees_only_its_own_switches(stage: Stage) -> None:
    """The operator's switch stays."""
    number = await throw(stage, everything=True)
    own = TENANT.bytes
    request = pb.LiftSwitchRequest(request_id=str(uuid.uuid4()), switch_id=number, tenant_id=own, reason="mended")

    answer = await controls(stage).LiftSwitch(request, None)

    assert not answer.lifted
    assert [] == list((await controls(stage).ListSwitches(pb.ListSwitchesRequest(tenant_id=own), None)).switches)
    assert 1 == len((await controls(stage).ListSwitches(pb.ListSwitchesRequest(), None)).switches)


@pytest.mark.parametrize(
    ("field", "scope"),
    [
        ("everything", {}),
        ("everything", {"everything": True, "provider": "stub"}),
        ("kill_switch.provider", {"provider": "nobody"}),
        ("kill_switch.provider", {"provider": "stub", "tenant_id": TENANT.bytes}),
        ("kill_switch.tenant_id", {"tenant_id": b"short"}),
        ("kill_switch.channel", {"channel": 9}),
        ("kill_switch.cell", {"cell": pb.Cell(template="reminder.gentle")}),
    ],
)
async def test_a_switch_that_says_too_little_or_too_much_is_refused_by_field(
    stage: Stage, field: str, scope: dict[str, Any]
) -> None:
    """Nothing is thrown by accident."""
    with pytest.raises(Fault, match=f"^FIELD_INVALID: {field}: "):
        await throw(stage, **scope)

    assert [] == await entries(stage)


async def test_a_limit_is_in_force_at_the_next_claim_and_its_lifting_too(stage: Stage) -> None:
    """Ten parts in an hour for the campaign, whatever the settings allow; then without limit again."""
    number = await put(stage, scope=pb.LIMIT_SCOPE_CAMPAIGN, key=str(CAMPAIGN), length_s=3600, tokens=10)
    await stage.dispatch.run_once()
    await stage.submit(*[make_contact(n, stage.clock.now()) for n in range(1, 31)])

    await stage.run()  # the limiter has not met this window yet: it is restored, and stays as full as it is
    stage.clock.advance(timedelta(minutes=30))
    await stage.run()
    parts = await stage.pool.fetchval("SELECT sum(parts) FROM attempt WHERE charged = $1", [f"campaign:{CAMPAIGN}"])
    request = pb.LiftLimitRequest(request_id=str(uuid.uuid4()), limit_id=number, reason="carrier_agreed")
    lifted = (await controls(stage).LiftLimit(request, None)).lifted
    await stage.run()

    assert 5 <= parts <= 10
    assert lifted
    assert 30 == len(stage.provider.sent)
    assert ["limit_set", "limit_lifted"] == [entry["act"] for entry in await entries(stage)]


async def test_a_limit_of_the_settings_can_be_changed_both_ways(
    stage: Stage, database: Database, valkey_url: str
) -> None:
    """The account's limit of five a second becomes fifty, then four, then less than one message: that waits."""
    slow = await open_stage(
        database, valkey_url, stage.clock, provider=StubProvider(),
        outlet=lambda provider: Outlet(provider, SENDERS, 32, 5), tenant_limit=TenantLimit(per_s=1_000_000),
    )  # fmt: skip
    sent = []
    for tokens, first in ((0, 5000), (50, 5100), (4, 5200), (2, 5300)):
        if tokens:
            await put(slow, scope=pb.LIMIT_SCOPE_ACCOUNT, key="stub", length_s=1, tokens=tokens)
        before = await slow.pool.fetchval("SELECT coalesce(sum(parts), 0) FROM attempt")
        await slow.submit(*[make_contact(n, slow.clock.now()) for n in range(first, first + 40)])
        slow.clock.advance(timedelta(seconds=5))
        await slow.dispatch.run_once()
        sent.append(await slow.pool.fetchval("SELECT sum(parts) FROM attempt") - before)

    assert [3, 48, 3, 0] == sent  # a reminder has three parts
    assert 0 == (await slow.states())[State.REFUSED]
    await slow.close()


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("limit.scope", {"key": "stub", "length_s": 1, "tokens": 1}),
        ("limit.key", {"scope": pb.LIMIT_SCOPE_ACCOUNT, "key": "nobody", "length_s": 1, "tokens": 1}),
        ("limit.key", {"scope": pb.LIMIT_SCOPE_TENANT, "key": "demo", "length_s": 1, "tokens": 1}),
        ("limit.length_s", {"scope": pb.LIMIT_SCOPE_ACCOUNT, "key": "stub", "length_s": 86_401, "tokens": 1}),
        ("limit.tokens", {"scope": pb.LIMIT_SCOPE_ACCOUNT, "key": "stub", "length_s": 1, "tokens": 0}),
        ("limit.growth", {"scope": pb.LIMIT_SCOPE_ACCOUNT, "key": "stub", "length_s": 1, "tokens": 1, "growth": 0.5}),
        ("limit.tokens_max", {"scope": pb.LIMIT_SCOPE_ACCOUNT, "key": "stub", "length_s": 1, "tokens": 9,
                              "growth": 2, "tokens_max": 9}),
    ],
)  # fmt: skip
async def test_a_limit_that_makes_no_sense_is_refused_by_field(stage: Stage, field: str, limit: dict[str, Any]) -> None:
    """Nothing is changed."""
    with pytest.raises(Fault, match=f"^FIELD_INVALID: {field}: "):
        await put(stage, **limit)

    assert [] == await entries(stage)
