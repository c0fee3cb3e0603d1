"""The queue of people: what must be done by when, by whom it was done, and the way back to the machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.tracker.v1 import tracker_service_pb2 as pb
from forbear.types.v1 import types_pb2 as types_pb
from forbear_chassis.errors import Fault
from forbear_domain import ids
from forbear_domain.model import Channel
from response_tracker.sealed import commit
from tests.integration.tracker.people import ANA, do, listed, opened, refused, story
from tests.integration.tracker.tracker_stage import TENANT, World

pytestmark = [pytest.mark.needs_postgres]

BEN = "Ben Okafor"
OTHER = ids.tenant_id("other")


def overdue(reason: str) -> float | None:
    """Return what Prometheus would be told."""
    return REGISTRY.get_sample_value("forbear_tracker_overdue_cases", {"reason": reason})


async def test_a_dispute_opens_its_acknowledgement_and_its_verification(world: World) -> None:
    """Two duties with two terms, five and thirty business days, each with the law that sets it."""
    await opened(world, "I never took out this loan")

    cases = (await listed(world)).cases

    assert ["dispute", "verification"] == [case.reason for case in cases]
    terms = [case.due_time.ToDatetime() - case.open_time.ToDatetime() for case in cases]
    assert timedelta(days=7) < terms[0] < timedelta(days=8)
    assert timedelta(days=42) < terms[1] < timedelta(days=43)
    assert all("12 CFR" in case.source and case.duty for case in cases)


async def test_asking_twice_for_a_person_waits_in_the_queue_once(world: World) -> None:
    """The earlier term stays; after it was closed, asking again opens a new case."""
    await world.attempt()

    for _ in range(2):
        await world.text("I never took out this loan")
        await world.advance(timedelta(hours=1))
    first = await world.cases()
    await world.pool.execute("UPDATE hand_over SET closed_at = now(), closed_by = 'Ana Ruiz'")
    await world.text("I never took out this loan")

    assert ["dispute", "verification"] == first
    assert ["dispute", "verification"] == await world.cases()
    assert 4 == await world.pool.fetchval("SELECT count(*) FROM hand_over")


async def test_a_case_that_nobody_took_in_time_is_told_to_prometheus_and_stands_first(world: World) -> None:
    """Not at fourteen minutes, but at sixteen."""
    case = await opened(world, "I want to end my life")

    await world.advance(timedelta(minutes=14))
    before = overdue("distress")
    await world.advance(timedelta(minutes=2))

    assert (0, 1) == (before, overdue("distress"))
    page = await listed(world)
    assert (1, True, case.case_id) == (page.overdue, page.cases[0].is_overdue, page.cases[0].case_id)


async def test_the_story_tells_what_was_said_sent_read_and_done(world: World) -> None:
    """In the order of time, in the borrower's words and ours, and without a link that works."""
    await world.attempt()
    await world.text("I lost my job and cannot pay")
    await world.attempt(2)
    await world.advance(timedelta(hours=1))
    await world.text("I never took out this loan")
    await world.pump()

    told = await story(world, (await listed(world)).cases[0])

    lines = [(pb.StoryKind.Name(line.kind)[11:], line.summary, line.words) for line in told.story]
    times = [line.event_time.ToDatetime() for line in told.story]
    assert sorted(times) == times
    assert ("SAID", "read as hardship, confidence 0.95", "I lost my job and cannot pay") in lines
    assert any(
        kind == "SENT" and "reminder.gentle" in summary and "Harbor Home" in words for kind, summary, words in lines
    )
    assert {"put options on the table", "chose the answer options.offered", "barred contact: hardship",
            "barred contact: dispute", "opened the case dispute"} <= {summary for _, summary, _ in lines}  # fmt: skip
    assert "Maria" == told.given_name
    assert not any("tracker.example.com" in words for _, _, words in lines)


async def test_one_person_at_a_time_and_every_act_under_a_name(world: World) -> None:
    """Who has not taken the case can neither answer nor close it; who gives it back lets others in."""
    case = await opened(world, "I never took out this loan")

    await do(world, case, "CLAIM")
    taken = await refused(world, case, "CLAIM", BEN)
    not_his = await refused(world, case, "CLOSE", BEN, note="done", outcome="CASE_OUTCOME_RESOLVED")
    silent = await refused(world, case, "CLOSE", outcome="CASE_OUTCOME_RESOLVED")
    await do(world, case, "RELEASE")
    await do(world, case, "CLAIM", BEN)
    closed = await do(world, case, "CLOSE", BEN, note="acknowledged by letter", outcome="CASE_OUTCOME_RESOLVED")
    too_late = await refused(world, case, "NOTE", BEN, note="one more thing")

    assert ANA in taken
    assert "take the case first" in not_his
    assert "note" in silent
    assert ("closed_by", BEN) == ("closed_by", closed.closed_by)
    assert "closed" in too_late
    assert [case.case_id] == [one.case_id for one in (await listed(world, is_closed=True)).cases]


async def test_a_bar_is_lifted_on_the_ground_that_law_knows_and_no_other(world: World) -> None:
    """A dispute ends with its verification; the dispatcher is told the ground, and the ledger the person."""
    case = await opened(world, "I never took out this loan")
    await do(world, case, "CLAIM")
    bar = (await story(world, case)).bars[0].suppression_id

    wrong = await refused(world, case, "LIFT", suppression_id=bar, basis="seems_fine", note="?")
    unknown = await refused(world, case, "LIFT", suppression_id=uuid4().bytes, basis="verification_sent", note="?")
    await do(world, case, "LIFT", suppression_id=bar, basis="verification_sent", note="sent on Monday")

    assert "verification_sent" in wrong
    assert "in force" in unknown
    assert [bar] == world.dispatcher.lifted
    assert [False] == [one.is_in_force for one in (await story(world, case)).bars]
    told = world.dispatcher.statements[-1]
    assert (ANA, "lift", "verification_sent", bar) == (told.person, told.act, told.detail, told.suppression_id)


@pytest.mark.parametrize("words", ["STOP", "Wrong number, I am not Maria", "Never contact me again in any way"])
async def test_what_the_borrower_decided_no_person_can_take_back(world: World, words: str) -> None:
    """An opt-out, a wrong number, a demand to cease: neither on any ground, nor on none."""
    await world.attempt()
    await world.text(words)
    await world.text("I never took out this loan")  # somebody must look, so there is a case
    await world.pump()
    case = (await listed(world)).cases[0]
    await do(world, case, "CLAIM")
    bars = [bar for bar in (await story(world, case)).bars if not bar.bases]

    for bar in bars:
        for basis in ("", "verification_sent", "borrower_asks_for_messages"):
            await refused(world, case, "LIFT", suppression_id=bar.suppression_id, basis=basis, note="please")

    assert bars
    assert [] == world.dispatcher.lifted


async def test_silence_demanded_at_a_wrong_number_binds_the_borrower_only_until_a_person_knows_who_wrote(
    world: World,
) -> None:
    """All contact rests; the address is barred for good; a person finds that it was a stranger and gives Maria back."""
    await world.attempt()
    await world.text("I am not Maria, never contact me again")
    await world.pump()
    case = (await listed(world)).cases[0]
    kinds = set(world.suppression_kinds())
    responses = world.scheduler.kinds()
    await do(world, case, "CLAIM")
    bars = {types_pb.SuppressionKind.Name(one.kind).removeprefix("SUPPRESSION_KIND_"): one
            for one in (await story(world, case)).bars}  # fmt: skip

    for kind in ("WRONG_PARTY", "OPT_OUT"):
        await refused(
            world, case, "LIFT", suppression_id=bars[kind].suppression_id, basis="somebody_else_wrote", note="x"
        )
    asked = {"suppression_id": bars["CEASE"].suppression_id, "note": "Maria's new number answers as her."}
    await refused(world, case, "LIFT", basis="borrower_asks_for_messages", **asked)
    await do(world, case, "LIFT", basis="somebody_else_wrote", **asked)
    await do(world, case, "CLOSE", outcome="CASE_OUTCOME_RETURNED", note="Back.")

    assert "who_wrote" == case.reason
    assert {"WRONG_PARTY", "CEASE", "OPT_OUT"} == kinds
    assert ["REPLIED", "HANDED_OVER", "WRONG_PARTY"] == responses
    assert "RETURNED" == world.scheduler.kinds()[-1]
    assert [bars["CEASE"].suppression_id] == world.dispatcher.lifted
    assert [] == world.templates()


async def test_a_demand_to_cease_of_the_borrower_s_own_stays_although_a_stranger_demands_it_too(world: World) -> None:
    """The doubt is about the second demand alone."""
    await world.attempt()
    await world.text("Never contact me again in any way")
    await world.text("I am not Maria, never contact me again")
    await world.pump()
    case = next(one for one in (await listed(world)).cases if one.reason == "who_wrote")
    await do(world, case, "CLAIM")
    first, second = sorted(
        (one for one in (await story(world, case)).bars if one.kind == types_pb.SUPPRESSION_KIND_CEASE),
        key=lambda one: len(one.bases),
    )

    await refused(
        world,
        case,
        "LIFT",
        suppression_id=first.suppression_id,
        basis="somebody_else_wrote",
        note="Strangers.",
    )

    assert [] == list(first.bases)
    assert ["somebody_else_wrote"] == list(second.bases)


async def test_a_borrower_goes_back_to_the_machine_only_when_nothing_else_waits(world: World) -> None:
    """The scheduler is told once, by the last case."""
    first = await opened(world, "I never took out this loan")
    second = (await listed(world)).cases[1]
    for case in (first, second):
        await do(world, case, "CLAIM")

    waits = await refused(world, first, "CLOSE", note="done", outcome="CASE_OUTCOME_RETURNED")
    await do(world, first, "CLOSE", note="done", outcome="CASE_OUTCOME_RESOLVED")
    before = world.scheduler.kinds()
    await do(world, second, "CLOSE", note="verified", outcome="CASE_OUTCOME_RETURNED")

    assert "verification" in waits
    assert "RETURNED" not in before
    assert 1 == world.scheduler.kinds().count("RETURNED")


async def test_who_stays_with_people_rests_and_is_not_forgotten(world: World) -> None:
    """Resolved: no reminder from now on, and a case of a month keeps them in sight until they are given back."""
    case = await opened(world, "Let me speak with a person please")
    await do(world, case, "CLAIM")
    await do(world, case, "CLOSE", note="spoke, will think", outcome="CASE_OUTCOME_RESOLVED")
    kept = (await listed(world)).cases[0]
    await do(world, kept, "CLAIM")
    await do(world, kept, "CLOSE", note="still thinking", outcome="CASE_OUTCOME_RESOLVED")
    again = (await listed(world)).cases[0]
    handed_over = world.scheduler.responses[-1]
    await world.text("Let me speak with a person please")
    await world.pump()
    asked = next(one for one in (await listed(world)).cases if one.reason == "human_request")
    await do(world, asked, "CLAIM")
    await do(world, asked, "CLOSE", note="settled", outcome="CASE_OUTCOME_RETURNED")

    assert ("with_people", "with_people") == (kept.reason, again.reason)
    assert kept.case_id != again.case_id
    assert timedelta(days=30) < kept.due_time.ToDatetime() - kept.open_time.ToDatetime() <= timedelta(days=31)
    assert types_pb.RESPONSE_KIND_HANDED_OVER == handed_over.kind
    assert not handed_over.HasField("pause_until_time")
    assert [] == list((await listed(world)).cases)
    assert "RETURNED" == world.scheduler.kinds()[-1]


async def test_where_law_keeps_the_machine_away_for_good_nobody_is_asked_each_month(world: World) -> None:
    """An attorney has the case: the bar stands in the story, and ends on its ground."""
    case = await opened(world, "Talk to my attorney")
    await do(world, case, "CLAIM")
    await do(world, case, "CLOSE", note="have the address", outcome="CASE_OUTCOME_RESOLVED")

    assert [] == list((await listed(world)).cases)


async def test_an_act_that_is_repeated_happens_once(world: World) -> None:
    """The same request id, three times."""
    case = await opened(world, "I never took out this loan")
    await do(world, case, "CLAIM")
    request_id = str(uuid4())

    for _ in range(3):
        await do(world, case, "ANSWER", template="handover.person", request_id=request_id)

    assert 2 == await world.pool.fetchval("SELECT count(*) FROM case_act")
    assert 1 == [one.act for one in world.dispatcher.statements].count("answer")
    assert 1 == sum(one.purpose == types_pb.PURPOSE_FOLLOW_UP for one in world.dispatcher.contacts)


async def test_the_cases_of_a_tenant_do_not_exist_for_another(world: World) -> None:
    """Neither in the list, nor by id, nor to act on."""
    case = await opened(world, "I never took out this loan")

    page = await listed(world, tenant_id=OTHER.bytes)
    with pytest.raises(Fault) as unseen:
        await story(world, case, OTHER)
    with pytest.raises(Fault) as untouched:
        await do(world, case, "CLAIM", tenant_id=OTHER.bytes)

    assert (0, 0, 0) == (len(page.cases), page.open, page.overdue)
    assert {grpc.StatusCode.NOT_FOUND} == {unseen.value.code, untouched.value.code}
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM case_act")


async def test_pages_show_every_case_once_in_the_order_of_their_terms(world: World) -> None:
    """Ten borrowers, three at a time."""
    for number in range(1, 11):
        borrower = ids.borrower_id(TENANT, f"b-{number}")
        await world.attempt(number, borrower_id=borrower, address=f"+1212555{100 + number:04d}")
        await world.text("My husband is on active duty", from_=f"+1212555{100 + number:04d}")
        world.clock.advance(timedelta(hours=3))

    seen, token = [], ""
    while True:
        page = await listed(world, page_size=3, page_token=token)
        seen += list(page.cases)
        if not (token := page.next_page_token):
            break

    assert 10 == len({case.case_id for case in seen}) == len(seen) == page.open
    dues = [case.due_time.ToDatetime() for case in seen]
    assert sorted(dues) == dues


async def test_the_ledger_gets_a_commitment_and_never_the_words(world: World) -> None:
    """Who has the words and the salt can show that they are the ones; nobody else can."""
    case = await opened(world, "I never took out this loan")
    await do(world, case, "NOTE", note="She says her brother signed")

    said = next(one for one in world.dispatcher.statements if one.kind == dispatcher_pb.STATEMENT_KIND_WORDS)
    noted = next(one for one in world.dispatcher.statements if one.act == "note")

    kept = await world.pool.fetchrow("SELECT text, salt FROM message WHERE is_inbound")
    assert commit(kept["salt"], kept["text"]) == said.commitment
    assert ["dispute"] == list(said.labels)
    act = await world.pool.fetchrow("SELECT note, salt FROM case_act")
    assert commit(act["salt"], act["note"]) == noted.commitment
    for told in (said, noted):
        assert b"loan" not in told.SerializeToString()
        assert b"brother" not in told.SerializeToString()


async def test_equal_words_cannot_be_recognised_by_their_commitments(world: World) -> None:
    """ "No" of one borrower does not look like "No" of another, nor like itself a day later."""
    await world.attempt()
    for _ in range(2):
        await world.text("How can I pay?")
        await world.advance(timedelta(days=1))

    commitments = {one.commitment for one in world.dispatcher.statements}
    assert 2 == len(commitments)


async def test_words_that_were_spoken_are_in_the_ledger_too(world: World) -> None:
    """A call is a conversation as well."""
    attempt = await world.attempt(channel=Channel.VOICE)
    form = {"CallSid": "CA1", "CallStatus": "in-progress", "SpeechResult": "My husband is on active duty"}

    await world.post_signed(f"/twilio/voice/{attempt}/options", form)
    await world.pump()

    assert [types_pb.CHANNEL_VOICE] == [one.channel for one in world.dispatcher.statements]


ODD = st.one_of(st.text(max_size=40), st.sampled_from(["", "\x00", "a" * 3000, "Ana\nRuiz", "‮Ana"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
async def test_odd_requests_are_refused_and_never_crash(world: World, data: Callable[..., Any]) -> None:
    """Whatever the fields hold, the answer is a page, a case or a fault that names what is wrong."""
    draw: Any = data.draw  # type: ignore[attr-defined]
    octets = st.one_of(st.binary(max_size=20), st.just(TENANT.bytes))
    asked = pb.ListCasesRequest(
        tenant_id=draw(octets), reason=draw(ODD), page_token=draw(st.one_of(ODD, st.just("A" * 32))),
        page_size=draw(st.integers(-5, 300)), is_closed=draw(st.booleans()),
    )  # fmt: skip
    act = pb.ActOnCaseRequest(
        request_id=draw(st.one_of(ODD, st.uuids().map(str))), tenant_id=draw(octets), case_id=draw(octets),
        person=draw(ODD), note=draw(ODD), template=draw(ODD), basis=draw(ODD), act=draw(st.integers(0, 9)),
        outcome=draw(st.integers(0, 5)), suppression_id=draw(octets),
    )  # fmt: skip

    codes = []
    for call, request in ((world.rpc.ListCases, asked), (world.rpc.ActOnCase, act)):
        try:
            await call(request, None)  # type: ignore[operator]
        except Fault as fault:
            codes.append(fault.code)

    assert {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND} >= set(codes)
