"""The brake at work: a planted bad template is slowed, then stopped, and nothing else is."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from channel_dispatcher.outlets import Outlet
from forbear.dispatcher.v1 import control_service_pb2 as control_pb
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.errors import Fault
from forbear_domain import ids
from tests.integration.dispatcher.stage import SENDERS, TENANT, Stage, StubProvider, make_contact, open_stage
from tests.integration.dispatcher.test_controls import controls, entries, lift
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
BAD, GOOD = "reminder.gentle", "reminder.firm"


@pytest.fixture
async def single(stage: Stage, database: Database, valkey_url: str) -> Any:
    """A dispatcher with one sender, so that a template is a cell."""
    made = await open_stage(
        database, valkey_url, stage.clock, provider=StubProvider(name="single"),
        outlet=lambda provider: Outlet(provider, SENDERS[:1], 32, 1_000_000),
    )  # fmt: skip
    await made.dispatch.run_once()
    yield made
    await made.close()


async def send(stage: Stage, first: int, count: int, template: str = BAD) -> list[int]:
    """Send to so many borrowers, and return their numbers."""
    numbers = list(range(first, first + count))
    await stage.submit(*[make_contact(n, stage.clock.now(), template=template) for n in numbers])
    await stage.run()
    return numbers


async def opt_out(stage: Stage, numbers: list[int], kind: int = types_pb2.SUPPRESSION_KIND_OPT_OUT) -> None:
    """Let borrowers say stop."""
    for number in numbers:
        suppression = types_pb2.Suppression(
            suppression_id=uuid.uuid4().bytes, tenant_id=TENANT.bytes, kind=types_pb2.SuppressionKind.ValueType(kind),
            borrower_id=ids.borrower_id(TENANT, str(number)).bytes, source="reply",
            address=make_contact(number, stage.clock.now()).recipient.address, channel=types_pb2.CHANNEL_SMS,
        )  # fmt: skip
        suppression.start_time.FromDatetime(stage.clock.now())
        request = pb.ApplySuppressionsRequest(request_id=str(uuid.uuid4()), suppressions=[suppression])
        await stage.rpc.ApplySuppressions(request, None)


async def braked(stage: Stage) -> list[tuple[str, bool]]:
    """Return the template and the level of what the brake has thrown."""
    rows = await stage.pool.fetch(
        "SELECT template, is_slow FROM kill_switch WHERE lifted_at IS NULL AND source = 'brake' ORDER BY 1, 2"
    )
    return [tuple(row) for row in rows]


async def test_a_bad_template_is_slowed_then_stopped_and_the_other_one_goes_on(single: Stage) -> None:
    """Twelve of a hundred say stop, then more: the ledger holds counts and evidence, and a person lifts it."""
    bad, good = await send(single, 1000, 100), await send(single, 2000, 100, GOOD)
    await opt_out(single, bad[:4] + good[:4])
    before = await braked(single)
    await opt_out(single, bad[4:12])
    slowed = await braked(single)
    await send(single, 3000, 100)
    sent_while_slowed = sum(request.rendered.template == BAD for request in single.provider.sent) - 100
    await opt_out(single, bad[12:30])
    stopped = await braked(single)
    sent_before = len(single.provider.sent)
    await send(single, 4000, 20)
    await send(single, 5000, 20, GOOD)

    assert [] == before
    assert [(BAD, True)] == slowed
    assert 3 <= sent_while_slowed <= 25  # a tenth, by the contacts' own ids
    assert [(BAD, False), (BAD, True)] == stopped
    assert {GOOD} == {request.rendered.template for request in single.provider.sent[sent_before:]}
    assert 20 == len(single.provider.sent) - sent_before
    rows = await single.pool.fetch("SELECT convert_from(body, 'UTF8') AS body FROM ledger_entry ORDER BY sequence")
    acts = [entry for row in rows if (entry := json.loads(row["body"]))["kind"] == "override"]
    assert ["cell_slowed", "cell_stopped"] == [act["act"] for act in acts]
    assert (101, "opted_out", 0.04) == (acts[0]["trials"], acts[0]["signal"], acts[0]["tolerated"])


async def test_a_lifted_cell_is_counted_anew(single: Stage) -> None:
    """A person has looked at it: what was counted before does not stop it again."""
    bad = await send(single, 1000, 60)
    await opt_out(single, bad[:20])
    listed = await controls(single).ListSwitches(control_pb.ListSwitchesRequest(), None)
    for one in listed.switches:
        await lift(single, one.switch_id)
    more = await send(single, 2000, 60)
    await opt_out(single, more[:2])

    assert {"brake"} == {one.source for one in listed.switches}
    assert [] == await braked(single)
    assert 120 == len(single.provider.sent)


async def test_filtered_messages_stop_a_cell(single: Stage) -> None:
    """Code 30007, of the carrier's filter; other failures do nothing."""
    await send(single, 1000, 100)
    attempts = await single.pool.fetch("SELECT attempt_id, borrower_id FROM attempt WHERE template <> '' ORDER BY 1")

    async def fail(rows: list[Any], code: str) -> None:
        request = pb.RecordReceiptsRequest(request_id=str(uuid.uuid4()))
        for row in rows:
            receipt = request.receipts.add(
                receipt_id=uuid.uuid4().bytes, attempt_id=row["attempt_id"].bytes, tenant_id=TENANT.bytes,
                borrower_id=row["borrower_id"].bytes, channel=types_pb2.CHANNEL_SMS, code=code,
                state=pb.RECEIPT_STATE_UNDELIVERED,
            )  # fmt: skip
            receipt.event_time.FromDatetime(single.clock.now())
        await single.rpc.RecordReceipts(request, None)

    await fail(attempts[:40], "30003")
    unreachable = await braked(single)
    await fail(attempts[40:70], "30007")

    assert [] == unreachable
    assert (BAD, False) in await braked(single)


async def test_wrong_parties_count_by_themselves(single: Stage) -> None:
    """Three opt-outs and three wrong parties in fifty are each within what is tolerated; fifteen wrong ones are not."""
    sent = await send(single, 1000, 50)
    await opt_out(single, sent[:3])
    await opt_out(single, sent[3:6], types_pb2.SUPPRESSION_KIND_WRONG_PARTY)
    before = await braked(single)
    await opt_out(single, sent[6:20], types_pb2.SUPPRESSION_KIND_WRONG_PARTY)

    assert [] == before
    assert (BAD, False) in await braked(single)


async def tolerate(stage: Stage, signal: int, tolerated: float) -> None:
    """Set what the brake tolerates for the tenant."""
    request = control_pb.PutToleranceRequest(
        request_id=str(uuid.uuid4()), tenant_id=TENANT.bytes, signal=control_pb.BrakeSignal.ValueType(signal),
        tolerated=tolerated, reason="cautious_start",
    )  # fmt: skip
    await controls(stage).PutTolerance(request, None)


@pytest.mark.parametrize(("tolerated", "expected"), [(0.15, []), (0.0, [(BAD, True)]), (0.01, [(BAD, False)])])
async def test_a_tenant_s_own_tolerance_decides(
    single: Stage, tolerated: float, expected: list[tuple[str, bool]]
) -> None:
    """Twelve opt-outs of a hundred: nothing at 15 %, slowed at the usual 4 %, stopped at 1 %."""
    await tolerate(single, control_pb.BRAKE_SIGNAL_OPTED_OUT, 0.02)
    await tolerate(single, control_pb.BRAKE_SIGNAL_OPTED_OUT, tolerated)
    numbers = await send(single, 1000, 100)

    await opt_out(single, numbers[:12])

    assert expected == (await braked(single))[:1]


async def test_what_is_tolerated_is_listed_with_its_bounds_and_kept_in_the_ledger(stage: Stage) -> None:
    """Who reads the evidence of a brake sees what it was measured by."""
    await tolerate(stage, control_pb.BRAKE_SIGNAL_FILTERED, 0.1)
    listed = await controls(stage).ListTolerances(control_pb.ListTolerancesRequest(tenant_id=TENANT.bytes), None)
    told = {one.signal: one for one in listed.tolerances}

    assert 5 == len(told)
    filtered = told[control_pb.BRAKE_SIGNAL_FILTERED]
    assert (0.1, 0.3, "cautious_start") == (filtered.tolerated, filtered.most, filtered.reason)
    assert all(one.least <= one.tolerated <= one.most for one in told.values())
    assert ["tolerance_set"] == [entry["act"] for entry in await entries(stage)]


@pytest.mark.parametrize(
    ("signal", "tolerated", "field"),
    [(control_pb.BRAKE_SIGNAL_COMPLAINED, 0.01, "tolerated"), (control_pb.BRAKE_SIGNAL_OPTED_OUT, 0.5, "tolerated"),
     (0, 0.02, "signal")],
)  # fmt: skip
async def test_a_tolerance_out_of_bounds_is_refused_by_field(
    stage: Stage, signal: int, tolerated: float, field: str
) -> None:
    """Mailbox providers set the bound of complaints: it can be lowered only."""
    with pytest.raises(Fault, match=f"^FIELD_INVALID: {field}: "):
        await tolerate(stage, signal, tolerated)

    assert [] == await entries(stage)
