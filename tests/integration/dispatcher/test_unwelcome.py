"""Hours and places that a borrower called inconvenient hold at the gate, whoever planned the contact."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from channel_dispatcher.outlets import Outlet
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.errors import Fault
from forbear_domain import ids
from forbear_domain.lifecycle import State
from forbear_domain.model import Channel
from tests.integration.dispatcher.stage import (
    SENDERS,
    TENANT,
    Stage,
    StubProvider,
    make_contact,
    migrate_dispatcher,
    open_stage,
)
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

WEEK = tuple(range(7))
TIME = types_pb2.SUPPRESSION_KIND_INCONVENIENT_TIME
PLACE = types_pb2.SUPPRESSION_KIND_INCONVENIENT_PLACE


def unwelcome(
    stage: Stage, *, kind: types_pb2.SuppressionKind.ValueType = TIME,
    hours: tuple[tuple[int, ...], int, int] | None = None, place: str = "", is_named: bool = True,
) -> pb.ApplySuppressionsRequest:  # fmt: skip
    """What one borrower said of hours or a place."""
    wire = types_pb2.Suppression(
        suppression_id=uuid.uuid4().bytes, tenant_id=TENANT.bytes, kind=kind, place=place, source="reply",
        borrower_id=ids.borrower_id(TENANT, "1").bytes if is_named else b"", address="" if is_named else "+12125550101",
    )  # fmt: skip
    wire.start_time.FromDatetime(stage.clock.now())
    if hours is not None:
        weekdays, wire.hours.start_minute, wire.hours.end_minute = hours
        wire.hours.weekdays.extend(weekdays)
    return pb.ApplySuppressionsRequest(request_id=str(uuid.uuid4()), suppressions=[wire])


async def test_nothing_goes_in_the_hours_that_were_called_inconvenient(stage: Stage) -> None:
    """ "Only after six", said at noon in New York: the contact waits until six, that of another borrower does not."""
    await stage.rpc.ApplySuppressions(unwelcome(stage, hours=(WEEK, 0, 18 * 60)), None)
    await stage.submit(make_contact(1, stage.clock.now()), make_contact(2, stage.clock.now()))

    await stage.run()

    assert 1 == len(stage.provider.sent)
    due_at, reason = await stage.pool.fetchrow("SELECT due_at, reason FROM contact WHERE state = $1", State.QUEUED)
    local = datetime(2026, 1, 1, 18, tzinfo=UTC) + timedelta(hours=5)  # six in New York, in winter
    assert (local.hour, local.minute) == (due_at.hour, due_at.minute)
    assert "REGF-6B1-DESIG" == reason
    stage.clock.move_to(due_at)
    await stage.run()
    assert 2 == len(stage.provider.sent)


async def test_hours_of_other_days_bar_nothing_today(stage: Stage) -> None:
    """Whoever minds Sundays is reached on other days."""
    today = stage.clock.now().weekday()
    other_days = tuple(day for day in WEEK if day != today)
    await stage.rpc.ApplySuppressions(unwelcome(stage, hours=(other_days, 0, 1440)), None)
    await stage.submit(make_contact(1, stage.clock.now()))

    await stage.run()

    assert 1 == len(stage.provider.sent)


@pytest.mark.parametrize(("kind", "calls_made"), [("work_phone", 0), ("mobile", 1)])
@pytest.mark.parametrize("said", ["place", "employer"])
async def test_work_is_left_alone_once_it_is_unwelcome_there(
    database: Database, valkey_url: str, manual_clock: ManualClock, kind: str, calls_made: int, said: str
) -> None:
    """12 CFR 1006.6(b)(1)(ii) and (b)(3): said of work, it bars the work phone; a mobile is tied to no place."""
    await migrate_dispatcher(database)
    stage = await open_stage(
        database, valkey_url, manual_clock, provider=StubProvider(channel=Channel.VOICE),
        outlet=lambda one: Outlet(one, SENDERS, 8, 1_000_000),
    )  # fmt: skip
    bars = (
        unwelcome(stage, kind=PLACE, place="work")
        if said == "place"
        else unwelcome(stage, kind=types_pb2.SUPPRESSION_KIND_WORK_BARRED)
    )
    await stage.rpc.ApplySuppressions(bars, None)
    call = make_contact(1, stage.clock.now(), channel=types_pb2.CHANNEL_VOICE, recipient_address_kind=kind)
    await stage.submit(call)

    await stage.run()
    manual_clock.advance(timedelta(seconds=2))
    await stage.run()

    assert calls_made == len(stage.provider.sent)
    await stage.close()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("hours", {}),
        ("hours", {"hours": ((), 0, 60)}),
        ("hours", {"hours": ((7,), 0, 60)}),
        ("hours", {"hours": (WEEK, 60, 60)}),
        ("hours", {"hours": (WEEK, 0, 1441)}),
        ("hours", {"kind": types_pb2.SUPPRESSION_KIND_CEASE, "hours": (WEEK, 0, 60)}),
        ("place", {"kind": PLACE}),
        ("place", {"kind": PLACE, "place": "church"}),
        ("place", {"hours": (WEEK, 0, 60), "place": "work"}),
        ("borrower_id", {"hours": (WEEK, 0, 60), "is_named": False}),
    ],
)
async def test_an_inconvenience_that_says_too_little_or_too_much_is_refused(
    stage: Stage, field: str, wrong: dict[str, object]
) -> None:
    """A bar that would bar nothing, or everything, is named by its field and not kept."""
    with pytest.raises(Fault) as caught:
        await stage.rpc.ApplySuppressions(unwelcome(stage, **wrong), None)  # type: ignore[arg-type]

    assert [f"suppressions[0].{field}"] == [one.field for one in caught.value.violations]
    assert 0 == await stage.pool.fetchval("SELECT count(*) FROM suppression")
