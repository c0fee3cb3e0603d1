"""Two borrowers on one phone or mailbox: nobody there learns of the other's debt, judged by what the provider got."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forbear.types.v1 import types_pb2
from forbear_chassis.clock import Clock
from forbear_domain.lifecycle import State
from forbear_providers.contract import SendRequest
from tests.integration.dispatcher.stage import Stage, StubProvider, make_contact, open_stage, phone_of
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

HOUSEHOLD = phone_of(1)
DEBTS = {1: 150_000, 2: 987_600}  # minor units
AMOUNTS = {1: "1,500", 2: "9,876"}  # as a message names them


def reminder(clock: Clock, number: int, **changes: object) -> types_pb2.Contact:
    """A reminder of one member of the household, with the amount of that debt."""
    contact = make_contact(number, clock.now(), recipient_address=HOUSEHOLD)
    contact.recipient.loan.past_due_minor = DEBTS[number]
    contact.contact_id = uuid.uuid4().bytes
    for name, value in changes.items():
        setattr(contact, name, value)
    return contact


def named(sent: list[SendRequest]) -> list[int]:
    """Return whose debts the messages name, in order."""
    return [number for one in sent for number, amount in AMOUNTS.items() if amount in one.rendered.text]


async def refusals(stage: Stage) -> list[str]:
    """Return the rules that ended contacts, and the reasons of those that wait."""
    rows = await stage.pool.fetch("SELECT reason FROM contact WHERE state = $1 ORDER BY reason", State.REFUSED)
    return [row["reason"] for row in rows]


async def test_two_households_on_one_phone_hear_nothing_of_each_other(stage: Stage) -> None:
    """Both are due at once: neither is written to. A neighbour with a phone of her own is."""
    await stage.submit(reminder(stage.clock, 1), reminder(stage.clock, 2), make_contact(3, stage.clock.now()))

    await stage.run()

    assert {phone_of(3): 1} == dict(stage.provider.by_address)
    assert ["HOUSE-SHARED"] * 2 == await refusals(stage)


async def test_whoever_comes_second_closes_the_phone_for_both(stage: Stage) -> None:
    """The first was written to before anybody knew; from the second on neither is, until one of them has gone."""
    await stage.submit(reminder(stage.clock, 1))
    await stage.run()
    for number in (2, 1, 2, 1):
        stage.clock.advance(timedelta(days=3))
        await stage.submit(reminder(stage.clock, number))
        await stage.run()

    assert [1] == named(stage.provider.sent)
    assert ["HOUSE-SHARED"] * 4 == await refusals(stage)

    for _ in range(3):  # the other is given another number by the next import, and the phone rests for a week
        stage.clock.advance(timedelta(days=4))
        await stage.submit(reminder(stage.clock, 2))
        await stage.run()

    assert [1, 2] == named(stage.provider.sent)


@pytest.mark.parametrize("purpose", [types_pb2.PURPOSE_REPLY, types_pb2.PURPOSE_FOLLOW_UP, types_pb2.PURPOSE_DUTY])
async def test_no_purpose_opens_a_shared_phone(stage: Stage, purpose: types_pb2.Purpose.ValueType) -> None:
    """An answer names the debt too, and nobody knows which of the two has written."""
    await stage.submit(reminder(stage.clock, 1, purpose=purpose), reminder(stage.clock, 2, purpose=purpose))

    await stage.run()

    assert [] == stage.provider.sent


async def test_two_dispatchers_that_meet_at_one_phone_do_not_both_write(
    stage: Stage, database: Database, valkey_url: str, manual_clock: ManualClock
) -> None:
    """Two processes claim at the same instant, thirty times; at no phone do both borrowers get something."""
    twin = await open_stage(database, valkey_url, manual_clock, provider=StubProvider(), size_max=1)
    stage.dispatch._size = stage.dispatch._size_max = 1
    try:
        for _ in range(30):
            before = len(stage.provider.sent) + len(twin.provider.sent)
            await stage.submit(reminder(stage.clock, 1), reminder(stage.clock, 2))
            await asyncio.gather(stage.run(), twin.run())
            assert len(stage.provider.sent) + len(twin.provider.sent) <= before + 1
            stage.clock.advance(timedelta(days=9))
    finally:
        await twin.close()

    assert 60 == len(await refusals(stage)) + len(stage.provider.sent) + len(twin.provider.sent)


async def test_two_debts_of_one_person_are_counted_together_and_never_stand_in_one_message(stage: Stage) -> None:
    """One contact a day a person: the second debt waits for tomorrow, in a message of its own."""
    first, second = reminder(stage.clock, 1), reminder(stage.clock, 1)
    second.loan_id = uuid.uuid4().bytes
    second.recipient.loan.past_due_minor = DEBTS[2]
    for contact in (first, second):
        contact.expire_time.FromDatetime(stage.clock.now() + timedelta(days=3))
    await stage.submit(first, second)

    await stage.run()
    assert 1 == len(stage.provider.sent)
    stage.clock.advance(timedelta(days=1, minutes=1))
    await stage.run()

    assert 2 == len(stage.provider.sent)
    assert [1, 2] == sorted(named(stage.provider.sent))


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(seats=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), max_size=12, unique_by=lambda seat: seat[0]))
async def test_of_any_household_only_those_alone_at_their_phone_are_written_to(
    stage: Stage, seats: list[tuple[int, int]]
) -> None:
    """Borrowers sit at phones at random; what reaches the provider is exactly the phones with one borrower."""
    stage.clock.advance(timedelta(days=9))
    sent_before = len(stage.provider.sent)
    contacts = []
    for borrower, phone in seats:
        contact = make_contact(100 + borrower, stage.clock.now(), recipient_address=phone_of(200 + phone))
        contact.contact_id = uuid.uuid4().bytes
        contacts.append(contact)
    if contacts:
        await stage.submit(*contacts)

    await stage.run()

    phones = [phone_of(200 + phone) for _, phone in seats]
    alone = sorted(phone for phone in phones if phones.count(phone) == 1)
    assert alone == sorted(request.address for request in stage.provider.sent[sent_before:])
