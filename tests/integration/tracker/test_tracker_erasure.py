"""Erasing a borrower: no table holds a word, a number, a mail or a name any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from forbear.tracker.v1 import tracker_service_pb2 as pb
from forbear_domain import ids
from forbear_domain.model import Channel
from response_tracker.wire import stamp
from tests.integration.tracker.tracker_stage import BORROWER, MAIL, PHONE, TENANT, World
from tests.kit.canaries import find_words

pytestmark = pytest.mark.needs_postgres

BEN, BENS_PHONE = ids.borrower_id(TENANT, "Ben"), "+12125550188"
SAID, NOTED = "canarywords", "canarynote"
PERSONAL = (SAID, NOTED, PHONE.lstrip("+"), MAIL, "Maria")


async def talk(world: World) -> None:
    """Reach Maria by text and mail; let her write, as a stranger too, and a person note something."""
    await world.text(f"STOP {SAID} before anybody wrote to me")
    await world.attempt(1)
    await world.attempt(2, channel=Channel.EMAIL)
    await world.text(f"I lost my job and cannot pay {SAID}")
    await world.text(f"this is not my debt, I dispute it {SAID}")
    await world.pump()
    listed = await world.rpc.ListCases(pb.ListCasesRequest(tenant_id=TENANT.bytes, page_size=1), None)  # type: ignore[arg-type]
    act = pb.ActOnCaseRequest(
        request_id=str(uuid4()), tenant_id=TENANT.bytes, case_id=listed.cases[0].case_id, person="Ana Ruiz",
        act=pb.CASE_ACT_NOTE, note=f"she told me {NOTED}",
    )  # fmt: skip
    await world.rpc.ActOnCase(act, None)  # type: ignore[arg-type]
    await world.pump()


async def erase(world: World, keep_until: datetime | None = None) -> None:
    """Ask as the scheduler does, and let the loops work."""
    request = pb.EraseBorrowerRequest(request_id="e", tenant_id=TENANT.bytes, borrower_id=BORROWER.bytes)
    if keep_until is not None:
        request.keep_until_time.CopyFrom(stamp(keep_until))
    await world.rpc.EraseBorrower(request, None)  # type: ignore[arg-type]
    await world.pump()


async def test_after_an_erasure_no_table_holds_anything_personal(world: World) -> None:
    """Every column of every table is searched, and was full of it before; asking twice changes nothing."""
    await talk(world)
    before = {one.split(": ")[1] for one in await find_words(world.pool, "tracker", PERSONAL)}

    await erase(world)
    await erase(world)

    assert set(PERSONAL) == before
    assert [] == await find_words(world.pool, "tracker", PERSONAL)
    assert 0 == await world.pool.fetchval("SELECT count(salt) FROM message")
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM case_act WHERE salt <> ''")
    assert 2 == await world.pool.fetchval("SELECT count(*) FROM attempt"), "that somebody was reached stays"


async def test_another_borrower_keeps_every_word(world: World) -> None:
    """Only who asked is erased."""
    await world.attempt(3, borrower_id=BEN, address=BENS_PHONE)
    await world.text("I cannot pay, says Ben", from_=BENS_PHONE)
    await talk(world)

    await erase(world)

    assert ["Ben"] == [
        "Ben" for row in await world.pool.fetch("SELECT text FROM message WHERE is_inbound") if "Ben" in row["text"]
    ]
    assert 1 == await world.pool.fetchval("SELECT count(*) FROM attempt WHERE address = $1", BENS_PHONE)


async def test_law_puts_it_off_to_the_day(world: World) -> None:
    """Until the date the words are kept, nothing that was planned follows; on it they go."""
    await talk(world)
    until = world.clock.now() + timedelta(days=400)
    await erase(world, until)
    await world.advance(timedelta(days=399))
    kept = await find_words(world.pool, "tracker", [SAID])
    await world.advance(timedelta(days=1))

    assert kept
    assert [] == await find_words(world.pool, "tracker", PERSONAL)


async def test_what_comes_late_is_erased_again(world: World) -> None:
    """An attempt that is told late, its status, and a reply to it: none of it stays."""
    await talk(world)
    await erase(world)
    attempt_id = await world.attempt(4)
    form = {"MessageSid": "SM-late", "MessageStatus": "delivered", "To": PHONE, "From": "+18885550100"}
    status, _ = await world.post_signed(f"/twilio/status?attempt={attempt_id}", form)
    await world.text(f"hello {SAID}")
    await world.pump()
    await world.advance(timedelta(days=3))

    assert 204 == status
    assert [] == await find_words(world.pool, "tracker", PERSONAL)


async def test_what_a_stranger_wrote_is_forgotten_after_thirty_days_and_the_bar_stays(world: World) -> None:
    """Nobody knows who it was; the number stays barred by its hash. The twin, of somebody known, stays readable."""
    await world.text(f"STOP {SAID}", from_=BENS_PHONE)
    await world.attempt(1)
    await world.text(f"I cannot pay {NOTED}")
    await world.pump()
    await world.advance(timedelta(days=29))
    before = await find_words(world.pool, "tracker", [SAID])
    await world.advance(timedelta(days=3))

    assert before
    assert [] == await find_words(world.pool, "tracker", [SAID, BENS_PHONE.lstrip("+")])
    assert await find_words(world.pool, "tracker", [NOTED])
