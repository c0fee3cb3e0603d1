"""What bars an address for every tenant: strangers' stops and wrong numbers, also while something is in flight."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.errors import Fault
from forbear_domain import ids
from forbear_domain.lifecycle import State
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.stage import Stage, make_contact, phone_of

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

OTHER = ids.tenant_id("other")


def stop_for_everyone(stage: Stage, number: int, **changes: object) -> pb.ApplySuppressionsRequest:
    """A stop from a number, whosever it is."""
    wire = types_pb2.Suppression(
        suppression_id=uuid.uuid5(OTHER, f"stop:{number}:{changes}").bytes,
        kind=types_pb2.SUPPRESSION_KIND_OPT_OUT,
        address=phone_of(number),
        source="reply",
    )
    wire.start_time.FromDatetime(stage.clock.now())
    for name, value in changes.items():
        setattr(wire, name, value)
    return pb.ApplySuppressionsRequest(request_id=str(uuid.uuid4()), suppressions=[wire])


def of_another_tenant(stage: Stage, number: int) -> types_pb2.Contact:
    """A contact of a tenant who has never written to anybody before, to the same numbers."""
    contact = make_contact(number, stage.clock.now())
    contact.contact_id = uuid.uuid5(OTHER, str(number)).bytes
    contact.tenant_id = OTHER.bytes
    contact.borrower_id = ids.borrower_id(OTHER, str(number)).bytes
    return contact


async def test_a_strangers_stop_holds_for_every_tenant_and_for_those_who_come_later(stage: Stage) -> None:
    """Two tenants mean to write to one number; the twin number is written to by both."""
    await stage.rpc.ApplySuppressions(stop_for_everyone(stage, 1), None)
    now = stage.clock.now()
    await stage.submit(
        make_contact(1, now), of_another_tenant(stage, 1), make_contact(2, now), of_another_tenant(stage, 2)
    )

    await stage.run()

    assert {phone_of(2): 2} == dict(stage.provider.by_address)
    reasons = await stage.pool.fetch("SELECT reason FROM contact WHERE state = $1", State.REFUSED)
    assert ["TCPA-A10-REVOKE"] * 2 == [row["reason"] for row in reasons]


async def test_a_strangers_stop_can_be_lifted(stage: Stage) -> None:
    """The person signs up later: the tenant of a suppression for everyone is named by nothing."""
    request = stop_for_everyone(stage, 1)
    await stage.rpc.ApplySuppressions(request, None)
    lift = pb.LiftSuppressionsRequest(
        request_id=str(uuid.uuid4()), suppression_ids=[request.suppressions[0].suppression_id], reason="opted_in"
    )

    lifted = await stage.rpc.LiftSuppressions(lift, None)
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()

    assert 1 == lifted.lifted
    assert {phone_of(1): 1} == dict(stage.provider.by_address)


async def test_a_strangers_stop_waits_for_what_another_tenant_has_in_flight(stage: Stage) -> None:
    """Acknowledged means that no attempt to the number can start any more, whoever's it is."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def hang(request: SendRequest) -> SendOutcome:
        asked.set()
        await release.wait()
        return SendOutcome(SendState.ACCEPTED, provider_ref="SM1")

    stage.provider.answer = hang
    await stage.submit(of_another_tenant(stage, 1))
    sending = asyncio.create_task(stage.run())
    await asked.wait()

    stopping = asyncio.create_task(stage.rpc.ApplySuppressions(stop_for_everyone(stage, 1), None))
    done, _ = await asyncio.wait([stopping], timeout=0.3)
    assert not done
    release.set()
    await asyncio.gather(sending, stopping)

    assert 1 == len(stage.provider.sent)


@pytest.mark.parametrize(
    "changes",
    [{"address": ""}, {"borrower_id": bytes(16)}, {"loan_id": bytes(16)}, {"kind": types_pb2.SUPPRESSION_KIND_CEASE}],
    ids=["no_address", "borrower", "loan", "kind"],
)
async def test_nothing_but_an_address_is_barred_for_everyone(stage: Stage, changes: dict[str, object]) -> None:
    """A missing tenant must not bar a borrower, or everything, by mistake."""
    with pytest.raises(Fault) as caught:
        await stage.rpc.ApplySuppressions(stop_for_everyone(stage, 1, **changes), None)

    assert 1 == len(caught.value.violations)
    assert 0 == await stage.pool.fetchval("SELECT count(*) FROM suppression")
