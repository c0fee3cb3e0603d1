"""Suppressions, recalls and receipts through the wire's own methods, against real PostgreSQL."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import grpc
import pytest

from channel_dispatcher.outlets import Outlet
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.errors import Fault
from forbear_domain import ids
from forbear_domain.lifecycle import State
from forbear_domain.model import SuppressionKind
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from forbear_providers.twilio_http import TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from tests.integration.dispatcher.conftest import warm_up
from tests.integration.dispatcher.stage import (
    LOOSE,
    SENDERS,
    TENANT,
    Stage,
    make_contact,
    migrate_dispatcher,
    open_stage,
    phone_of,
)
from tests.integration.dispatcher.stub_server import StubServer
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


def stop(stage: Stage, number: int, **changes: object) -> pb.ApplySuppressionsRequest:
    """An opt-out of one borrower's number."""
    wire = types_pb2.Suppression(
        suppression_id=uuid.uuid5(TENANT, f"stop:{number}:{changes}").bytes,
        tenant_id=TENANT.bytes,
        kind=types_pb2.SUPPRESSION_KIND_OPT_OUT,
        borrower_id=ids.borrower_id(TENANT, str(number)).bytes,
        address=phone_of(number),
        source="reply",
    )
    wire.start_time.FromDatetime(stage.clock.now())
    for name, value in changes.items():
        setattr(wire, name, value)
    return pb.ApplySuppressionsRequest(request_id=str(uuid.uuid4()), suppressions=[wire])


async def test_nothing_goes_to_who_opted_out(stage: Stage) -> None:
    """The twin without the opt-out is sent."""
    await stage.submit(make_contact(1, stage.clock.now()), make_contact(2, stage.clock.now()))
    await stage.rpc.ApplySuppressions(stop(stage, 1), None)

    await stage.run()

    assert [phone_of(2)] == [request.address for request in stage.provider.sent]


async def test_a_wrong_number_is_blocked_for_everyone_of_the_tenant(stage: Stage) -> None:
    """The number belongs to somebody else, whoever we meant to reach by it."""
    await stage.submit(make_contact(3, stage.clock.now(), recipient_address=phone_of(1)))
    wrong = stop(stage, 1, kind=types_pb2.SUPPRESSION_KIND_WRONG_PARTY)
    await stage.rpc.ApplySuppressions(wrong, None)

    await stage.run()

    assert [] == stage.provider.sent
    assert 1 == (await stage.states())[State.REFUSED]


NARROW = {SuppressionKind.INCONVENIENT_TIME, SuppressionKind.INCONVENIENT_PLACE, SuppressionKind.WORK_BARRED}


@pytest.mark.parametrize("kind", [kind for kind in SuppressionKind if kind not in NARROW])
async def test_every_kind_of_suppression_holds_back_a_reminder(stage: Stage, kind: SuppressionKind) -> None:
    """No kind is silently without effect."""
    await stage.submit(make_contact(1, stage.clock.now()))
    channel = types_pb2.CHANNEL_SMS if kind is SuppressionKind.CHANNEL_REFUSED else types_pb2.CHANNEL_UNSPECIFIED
    address = phone_of(1) if kind in (SuppressionKind.OPT_OUT, SuppressionKind.WRONG_PARTY) else ""
    await stage.rpc.ApplySuppressions(stop(stage, 1, kind=int(kind), address=address, channel=channel), None)

    await stage.run()

    assert [] == stage.provider.sent


async def test_a_lifted_suppression_bars_no_more(stage: Stage) -> None:
    """Opting in again works, and the ledger keeps both."""
    request = stop(stage, 1)
    await stage.rpc.ApplySuppressions(request, None)
    lift = pb.LiftSuppressionsRequest(
        request_id=str(uuid.uuid4()),
        tenant_id=TENANT.bytes,
        suppression_ids=[request.suppressions[0].suppression_id],
        reason="opted_in",
    )

    first, again = await stage.rpc.LiftSuppressions(lift, None), await stage.rpc.LiftSuppressions(lift, None)
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()

    assert (1, 1) == (first.lifted, again.lifted)
    assert 1 == len(stage.provider.sent)
    assert (1, 1) == ((await stage.kinds())["suppression"], (await stage.kinds())["lift"])


async def test_an_opt_out_is_acknowledged_only_when_what_is_in_flight_has_landed(stage: Stage) -> None:
    """The call that had already begun ends before the answer; nothing starts after it."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def hang(request: SendRequest) -> SendOutcome:
        asked.set()
        await release.wait()
        return SendOutcome(SendState.ACCEPTED, provider_ref="SM1")

    stage.provider.answer = hang
    await stage.submit(make_contact(1, stage.clock.now()))
    sending = asyncio.create_task(stage.run())
    await asked.wait()

    stopping = asyncio.create_task(stage.rpc.ApplySuppressions(stop(stage, 1), None))
    done, _ = await asyncio.wait([stopping], timeout=0.3)
    assert not done
    release.set()
    await asyncio.gather(sending, stopping)

    assert 1 == len(stage.provider.sent)


async def test_thousands_of_stops_during_sending_and_none_is_violated(
    database: Database, valkey_url: str, manual_clock: ManualClock
) -> None:
    """Two dispatchers send 3,000 messages to a real server while 2,000 of the borrowers stop: nothing arrives after."""
    server = StubServer()
    await server.start()
    await migrate_dispatcher(database)
    account = TwilioAccount("AC" + "0" * 32, "token", server.url)

    def outlet(_: object) -> Outlet:
        return Outlet(TwilioSms(account, manual_clock.now), SENDERS, 32, 1_000_000)

    stages = [
        await open_stage(database, valkey_url, manual_clock, outlet=outlet, tenant_limit=LOOSE, size_max=100)
        for _ in range(2)
    ]
    await warm_up(stages[0], manual_clock)
    server.arrivals.clear()
    now, count = manual_clock.now(), 3000
    for start in range(0, count, 500):
        await stages[0].submit(*[make_contact(n, now) for n in range(start, start + 500)])
    acknowledged: dict[str, int] = {}

    async def stop_many(first: int) -> None:
        for number in range(first, count, 12):
            await stages[number % 2].rpc.ApplySuppressions(stop(stages[0], number), None)
            acknowledged[phone_of(number)] = len(server.arrivals)

    await asyncio.gather(*[stage.run(200) for stage in stages], *[stop_many(first) for first in range(1, 9)])

    violations = [
        number
        for position, number in enumerate(server.arrivals)
        if number in acknowledged and position >= acknowledged[number]
    ]
    assert [] == violations
    assert 2000 == len(acknowledged)
    assert {1} == set(server.by_number.values())
    spared = sum(number not in server.by_number for number in acknowledged)
    assert 0 < spared
    assert count - spared == len(server.arrivals)
    for stage in stages:
        await stage.close()
    await server.stop()


async def test_a_recall_takes_back_what_waits_and_never_what_went(stage: Stage) -> None:
    """By borrower; the same request again gets the same answer."""
    later = make_contact(1, stage.clock.now())
    later.not_before_time.FromDatetime(stage.clock.now() + timedelta(hours=1))
    await stage.submit(later, make_contact(2, stage.clock.now()))
    await stage.run()
    request = pb.RecallContactsRequest(
        request_id=str(uuid.uuid4()), tenant_id=TENANT.bytes, campaign_id=later.campaign_id, reason="paid"
    )

    first, again = await stage.rpc.RecallContacts(request, None), await stage.rpc.RecallContacts(request, None)
    stage.clock.advance(timedelta(hours=2))
    await stage.run()

    assert (1, 1) == (first.recalled, again.recalled)
    assert [phone_of(2)] == [request.address for request in stage.provider.sent]
    assert 1 == (await stage.states())[State.RECALLED]
    assert 1 == (await stage.kinds())["recall"]


async def test_what_is_recalled_in_flight_is_not_attempted_again(stage: Stage) -> None:
    """A transient refusal after the recall ends the contact as recalled."""

    async def refuse(request: SendRequest) -> SendOutcome:
        recall = pb.RecallContactsRequest(
            request_id=str(uuid.uuid4()),
            tenant_id=TENANT.bytes,
            contact_ids=[make_contact(1, stage.clock.now()).contact_id],
            reason="paid",
        )
        assert 0 == (await stage.rpc.RecallContacts(recall, None)).recalled
        return SendOutcome(SendState.REFUSED_TRANSIENT, reason="too_many_requests")

    stage.provider.answer = refuse
    await stage.submit(make_contact(1, stage.clock.now()))

    await stage.run()

    assert 1 == (await stage.states())[State.RECALLED]


async def test_receipts_count_and_come_in_any_order(stage: Stage) -> None:
    """The strongest receipt stays, whatever comes last, and repeats change nothing."""
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()
    attempt, contact = await stage.pool.fetchrow(
        "SELECT attempt_id, contact_id FROM attempt WHERE borrower_id = $1", ids.borrower_id(TENANT, "1")
    )

    def receipt(state: pb.ReceiptState.ValueType) -> pb.Receipt:
        made = pb.Receipt(
            receipt_id=uuid.uuid5(attempt, str(state)).bytes,
            attempt_id=attempt.bytes,
            contact_id=contact.bytes,
            tenant_id=TENANT.bytes,
            borrower_id=ids.borrower_id(TENANT, "1").bytes,
            channel=types_pb2.CHANNEL_SMS,
            state=state,
        )
        made.event_time.FromDatetime(stage.clock.now())
        return made

    for states in ((pb.RECEIPT_STATE_DELIVERED,), (pb.RECEIPT_STATE_SENT, pb.RECEIPT_STATE_DELIVERED)):
        receipts = [receipt(state) for state in states]
        await stage.rpc.RecordReceipts(pb.RecordReceiptsRequest(request_id=str(uuid.uuid4()), receipts=receipts), None)

    assert pb.RECEIPT_STATE_DELIVERED == await stage.pool.fetchval(
        "SELECT result FROM attempt WHERE attempt_id = $1", attempt
    )
    assert 2 == (await stage.kinds())["receipt"]


@pytest.mark.parametrize(
    ("field", "spoil"),
    [
        ("contact_id", {"contact_id": b"1"}),
        ("channel", {"channel": 0}),
        ("purpose", {"purpose": 99}),
        ("template", {"template": "no template"}),
        ("recipient.address", {"recipient_address": "0123"}),
        ("recipient.address_kind", {"recipient_address_kind": "landline"}),
        ("recipient.language", {"recipient_language": "tlh"}),
        ("recipient.brand", {"recipient_brand": "Bank\r\nBcc: all@example.com"}),
        ("recipient.actor", {"recipient_actor": "friend"}),
    ],
)
async def test_a_contact_that_cannot_be_sent_is_named_with_field_and_mend(
    stage: Stage, field: str, spoil: dict[str, object]
) -> None:
    """The good one in the same batch is taken; the violation holds no value of the contact."""
    response = await stage.submit(make_contact(1, stage.clock.now(), **spoil), make_contact(2, stage.clock.now()))

    [violation] = response.violations
    assert (1, field) == (response.taken, violation.field)
    assert violation.description
    assert all(str(value) not in violation.description for value in spoil.values() if isinstance(value, str))


async def test_a_wrong_request_is_refused_with_the_field(stage: Stage) -> None:
    """Callers decide by code and field, never by text."""
    with pytest.raises(Fault) as caught:
        await stage.rpc.RecallContacts(pb.RecallContactsRequest(tenant_id=TENANT.bytes, reason="x"), None)

    assert grpc.StatusCode.INVALID_ARGUMENT is caught.value.code
    assert ["contact_ids"] == [violation.field for violation in caught.value.violations]


async def test_capacity_is_the_tightest_limit_and_what_waits(stage: Stage) -> None:
    """The planner plans within it."""
    await stage.submit(make_contact(1, stage.clock.now()))

    response = await stage.rpc.GetCapacity(pb.GetCapacityRequest(tenant_id=TENANT.bytes), None)

    # A million parts a second; a reminder has three parts, as the warm-up showed.
    assert [(types_pb2.CHANNEL_SMS, 1_200_000_000, 1)] == [
        (one.channel, one.contacts_per_hour, one.queued) for one in response.channels
    ]
