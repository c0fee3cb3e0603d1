"""The door for a message of care, attacked: what passes is counted by the sandbox's world, not by us."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from channel_dispatcher.outlets import Outlet
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_client.permit_audit import PermitAudit
from forbear_domain import ids
from forbear_domain.lifecycle import State
from forbear_domain.policy import load_packs
from forbear_providers.twilio_api import TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from forbear_sandbox.world import World
from tests.integration.dispatcher.stage import TENANT, Stage, make_contact, open_stage, phone_of
from tests.kit.databases import Database
from tests.kit.worlds import ACCOUNT, SENDER, TOKEN, open_world, world_settings

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]
ONE, ANOTHER = 700, 701
SMS, EMAIL = types_pb2.CHANNEL_SMS, types_pb2.CHANNEL_EMAIL
OPT_OUT, WRONG_PARTY = types_pb2.SUPPRESSION_KIND_OPT_OUT, types_pb2.SUPPRESSION_KIND_WRONG_PARTY
BY_ADDRESS = frozenset({OPT_OUT, WRONG_PARTY})
BARS = ("DISPUTE", "CEASE", "MILITARY", "WRONG_PARTY", "OPT_OUT", "ATTORNEY", "BANKRUPTCY", "DECEASED", "DISTRESS")


@pytest.fixture
async def scene(stage: Stage, database: Database, valkey_url: str) -> AsyncIterator[tuple[Stage, World]]:
    """A dispatcher that writes to the sandbox's phones; two borrowers had a text each yesterday."""
    settings = world_settings(start=stage.clock.now())
    async with open_world(settings) as world:
        twilio = TwilioSms(TwilioAccount(ACCOUNT, TOKEN, f"http://{settings.twilio}", timeout_s=2), stage.clock.now)
        made = await open_stage(
            database, valkey_url, stage.clock, outlet=lambda _: Outlet(twilio, (SENDER,), 8, 1_000_000)
        )
        await made.submit(*(make_contact(number, stage.clock.now()) for number in (ONE, ANOTHER)))
        await made.run()
        stage.clock.advance(timedelta(days=1))
        yield made, world
        await twilio.close()
        await made.close()


async def write(stage: Stage, number: int = ONE, *, code: str = "distress", channel: int = SMS) -> None:
    """A borrower answers the text: what the tracker tells of it."""
    borrower = ids.borrower_id(TENANT, str(number))
    attempt = await stage.pool.fetchval(
        "SELECT attempt_id FROM attempt WHERE borrower_id = $1 ORDER BY claimed_at LIMIT 1", borrower
    )
    told = pb.Receipt(
        receipt_id=uuid.uuid4().bytes, attempt_id=attempt.bytes, tenant_id=TENANT.bytes, borrower_id=borrower.bytes,
        channel=types_pb2.Channel.ValueType(channel), state=pb.RECEIPT_STATE_INBOUND, code=code,
    )  # fmt: skip
    told.event_time.FromDatetime(stage.clock.now())
    await stage.rpc.RecordReceipts(pb.RecordReceiptsRequest(request_id=str(uuid.uuid4()), receipts=[told]), None)


async def bar(stage: Stage, kind: int, number: int = ONE) -> None:
    """Put a bar in force for a borrower, or for everybody at the address."""
    told = types_pb2.Suppression(
        suppression_id=uuid.uuid4().bytes, tenant_id=TENANT.bytes, kind=types_pb2.SuppressionKind.ValueType(kind),
        borrower_id=ids.borrower_id(TENANT, str(number)).bytes, source="reply",
        address=phone_of(number) if kind in BY_ADDRESS else "",
    )  # fmt: skip
    told.start_time.FromDatetime(stage.clock.now())
    await stage.rpc.ApplySuppressions(
        pb.ApplySuppressionsRequest(request_id=str(uuid.uuid4()), suppressions=[told]), None
    )


def care(stage: Stage, number: int = ONE, **changes: Any) -> types_pb2.Contact:
    """The answer, as the tracker plans it."""
    slots = changes.pop("slots", {})
    made = make_contact(
        number, stage.clock.now(),
        **{"purpose": types_pb2.PURPOSE_CARE, "template": "care.distress", "contact_id": uuid.uuid4().bytes} | changes,
    )  # fmt: skip
    made.slots.update(slots)
    return made


async def send(stage: Stage, *contacts: types_pb2.Contact) -> None:
    """Hand contacts in, and send what may go."""
    await stage.submit(*contacts)
    await stage.run()


def texts_to(world: World, number: int = ONE) -> int:
    """How many texts the world counted at a phone since the first."""
    return sum(one.address == phone_of(number) for one in world.census.contacts) - 1


async def reasons(stage: Stage) -> list[str]:
    """Why contacts were refused."""
    rows = await stage.pool.fetch("SELECT reason FROM contact WHERE state = $1 ORDER BY reason", State.REFUSED)
    return [row["reason"] for row in rows]


@pytest.mark.parametrize("name", BARS)
async def test_a_crisis_line_goes_out_beside_every_bar_and_at_night(scene: tuple[Stage, World], name: str) -> None:
    """The bar and the despair are of one message, or the bar stood before; a reply of any other sort stays here."""
    stage, world = scene
    stage.clock.advance(timedelta(hours=12))
    await bar(stage, types_pb2.SuppressionKind.Value(f"SUPPRESSION_KIND_{name}"))
    await write(stage)
    await send(stage, care(stage))
    reply = {"purpose": types_pb2.PURPOSE_REPLY, "template": "reminder.gentle"}
    await send(stage, care(stage, **reply))

    assert 1 == texts_to(world)
    audit = PermitAudit(load_packs())
    for number, entry in enumerate(await stage.entries()):
        audit.take(number, entry)
    assert [] == audit.finish()
    assert 3 == audit.permits - 1  # beside the one that warmed the limits up


ATTACKS: dict[str, dict[str, Any]] = {
    "a reminder": {"template": "reminder.gentle"},
    "options": {"template": "options.offered", "slots": {"option_1": "pay today", "option_2": "pay tomorrow"}},
    "the right text with a slot filled": {"slots": {"crisis_help": "call us to pay"}},
    "the right text with a brand": {"slots": {"brand": "Pay now"}},
    "by mail": {"channel": EMAIL, "recipient_address": "ana@example.com", "recipient_address_kind": "email"},
    "by a call": {"channel": types_pb2.CHANNEL_VOICE},
    "to another number": {"recipient_address": "+12125550199"},
    "to another borrower": {"number": ANOTHER},
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_nothing_but_the_approved_words_to_who_wrote_them_goes_through_the_door(
    scene: tuple[Stage, World], attack: dict[str, Any]
) -> None:
    """Beside a demand to cease that nothing else may pass: the world counts no contact at all."""
    stage, world = scene
    await bar(stage, types_pb2.SUPPRESSION_KIND_CEASE)
    await bar(stage, types_pb2.SUPPRESSION_KIND_CEASE, ANOTHER)
    await write(stage)
    before = len(world.census.contacts)

    await send(stage, care(stage, **attack))

    assert before == len(world.census.contacts)


@pytest.mark.parametrize(("code", "channel"), [("", SMS), ("hardship", SMS), ("distress", EMAIL), ("distress", 3)])
async def test_words_that_are_not_of_despair_or_came_another_way_open_no_door(
    scene: tuple[Stage, World], code: str, channel: int
) -> None:
    """An ordinary reply, one read as something else, a mail, a call."""
    stage, world = scene
    await write(stage, code=code, channel=channel)
    await send(stage, care(stage))

    assert 0 == texts_to(world)
    assert ["HOUSE-CARE"] == await reasons(stage)


async def test_one_crisis_line_a_day_and_none_hours_after_the_words(scene: tuple[Stage, World]) -> None:
    """Two plans for one message, a second message the same day, one the next day, and one that comes too late."""
    stage, world = scene
    await write(stage)
    await send(stage, care(stage), care(stage))
    await stage.run()
    assert 1 == texts_to(world)

    stage.clock.advance(timedelta(hours=23))
    await write(stage)
    await send(stage, care(stage))
    assert 1 == texts_to(world)

    stage.clock.advance(timedelta(hours=2))
    await send(stage, care(stage))
    assert 2 == texts_to(world)

    stage.clock.advance(timedelta(hours=25))
    await write(stage)
    stage.clock.advance(timedelta(hours=3))
    await send(stage, care(stage))
    assert 2 == texts_to(world)
    assert ["HOUSE-CARE"] * 3 == await reasons(stage)


async def test_who_asks_for_silence_after_the_words_of_despair_is_left_in_silence(scene: tuple[Stage, World]) -> None:
    """Stop means stop: the answer to what came before it is not sent any more."""
    stage, world = scene
    await write(stage)
    stage.clock.advance(timedelta(seconds=1))
    await bar(stage, OPT_OUT)
    await send(stage, care(stage))

    assert 0 == texts_to(world)
