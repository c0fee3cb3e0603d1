"""Cases over the API and the command line: for people with a key of their own, and for nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner, Result

from forbear_client.cli import main
from tests.integration.cases.conftest import ANAS_KEY, BENS_KEY, PROGRAM_KEY, Desk
from tests.integration.scheduler.scheduler_stage import OTHER_KEY

pytestmark = [pytest.mark.needs_postgres]


async def first(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the case that is due first."""
    answer = await client.get("/v1/cases")
    assert answer.status_code == 200, answer.text
    case: dict[str, Any] = answer.json()["cases"][0]
    return case


async def test_a_case_goes_from_the_queue_back_to_the_machine(desk: Desk) -> None:
    """Taken, the bar lifted on a ground of the law, closed as returned: the scheduler and the ledger hear of it."""
    await desk.hear("I never took out this loan")
    async with desk.api() as ana:
        case = await first(ana)
        path = f"/v1/cases/{case['case_id']}"
        for act, body in (
            ("claim", {}),
            ("close", {"outcome": "resolved", "note": "acknowledged by letter"}),
        ):
            answer = await ana.post(f"{path}:{act}", json=body)
            assert answer.status_code == 200, answer.text
        verification = await first(ana)
        path = f"/v1/cases/{verification['case_id']}"
        await ana.post(f"{path}:claim", json={})
        bar = (await ana.get(path)).json()["bars"][0]
        lifted = await ana.post(
            f"{path}:lift",
            json={"suppression_id": bar["suppression_id"], "basis": "verification_sent", "note": "sent on Monday"},
        )
        closed = await ana.post(f"{path}:close", json={"outcome": "returned", "note": "verified, and agreed"})
    await desk.world.pump()

    assert ("b-1", "dispute", "Ana Ruiz") == (case["borrower_ref"], case["reason"], closed.json()["closed_by"])
    assert (200, "returned") == (lifted.status_code, closed.json()["outcome"])
    assert 1 == len(desk.world.dispatcher.lifted)
    assert "RETURNED" in desk.world.scheduler.kinds()
    acts = [one.act for one in desk.world.dispatcher.statements if one.person == "Ana Ruiz"]
    assert ["claim", "close", "claim", "lift", "close"] == acts


@pytest.mark.parametrize(("key", "status"), [(PROGRAM_KEY, 403), (OTHER_KEY, 403), ("fbk_nobody", 401)])
async def test_a_key_that_is_not_a_persons_sees_no_case(desk: Desk, key: str, status: int) -> None:
    """Neither the list nor a story, and it cannot act."""
    await desk.hear("I never took out this loan")
    async with desk.api() as ana:
        path = f"/v1/cases/{(await first(ana))['case_id']}"

    async with desk.api(key) as other:
        answers = [await other.get("/v1/cases"), await other.get(path), await other.post(f"{path}:claim", json={})]

    assert {status} == {answer.status_code for answer in answers}
    assert not any("loan" in answer.text for answer in answers)


@pytest.mark.parametrize(
    ("act", "body", "status", "says"),
    [
        ("close", {"outcome": "resolved", "note": "done"}, 409, "take the case first"),
        ("close", {"outcome": "forgotten", "note": "done"}, 422, "outcome"),
        ("note", {"note": ""}, 409, "write a note"),
        ("note", {"note": "x" * 2001}, 422, "note"),
        ("note", {}, 422, "note"),
        ("answer", {"template": "pay.now"}, 409, "take the case first"),
        ("lift", {"suppression_id": "x", "basis": "y", "note": "z"}, 422, "suppression_id"),
        ("claim", {"surprise": 1}, 422, "surprise"),
        ("explode", {}, 405, ""),
    ],
)
async def test_what_cannot_be_done_says_why(desk: Desk, act: str, body: dict[str, Any], status: int, says: str) -> None:
    """With the field to mend, or the step that comes first; nothing changes."""
    await desk.hear("I never took out this loan")
    async with desk.api() as ana:
        case = await first(ana)
        answer = await ana.post(f"/v1/cases/{case['case_id']}:{act}", json=body)
        after = await first(ana)

    assert status == answer.status_code, answer.text
    assert says in answer.text
    assert case == after


async def test_odd_queries_are_refused_by_field(desk: Desk) -> None:
    """A reason that is none, a token that is none, a page that is too long, a case that nobody has."""
    async with desk.api() as ana:
        answers = {
            query: await ana.get(f"/v1/cases?{query}")
            for query in ("reason=bored", "page_token=%00%ff", "page_size=1000", "state=lost")
        }
        missing = await ana.get(f"/v1/cases/{uuid4()}")

    assert dict.fromkeys(answers, 422) == {query: answer.status_code for query, answer in answers.items()}
    for query, answer in answers.items():
        assert query.partition("=")[0] in answer.text
    assert 404 == missing.status_code


async def test_two_people_do_not_work_on_one_case(desk: Desk) -> None:
    """The second is told by whom it is taken."""
    await desk.hear("I never took out this loan")
    async with desk.api(ANAS_KEY) as ana, desk.api(BENS_KEY) as ben:
        path = f"/v1/cases/{(await first(ana))['case_id']}:claim"
        answers = await asyncio.gather(ana.post(path, json={}), ben.post(path, json={}))

    assert [200, 409] == sorted(answer.status_code for answer in answers)


async def command(desk: Desk, *arguments: str) -> Result:
    """Run `forbear cases` in a thread, as a process would, with Ana's key."""
    options = ["cases", "--url", desk.url, "--key-file", str(desk.key_file)]
    return await asyncio.to_thread(CliRunner().invoke, main, [*options, *arguments], env={"COLUMNS": "200"})


async def test_the_command_line_lists_tells_and_closes(desk: Desk, tmp_path: Path) -> None:
    """What the API can, by hand."""
    await desk.hear("I never took out this loan")
    async with desk.api() as ana:
        case_id = (await first(ana))["case_id"]

    listed = await command(desk, "list")
    shown = await command(desk, "show", case_id)
    results = [
        await command(desk, "claim", case_id),
        await command(desk, "note", case_id, "--note", "called, no answer"),
        await command(desk, "answer", case_id, "handover.person"),
        await command(desk, "close", case_id, "resolved", "--note", "acknowledged"),
    ]
    again = await command(desk, "close", case_id, "resolved", "--note", "acknowledged")

    assert "2 open, 0 overdue" in listed.output
    assert "dispute" in listed.output
    assert "I never took out this loan" in shown.output
    assert "verification_sent" in shown.output
    assert [0, 0, 0, 0] == [result.exit_code for result in results], [result.output for result in results]
    assert "dispute: closed" in results[-1].output
    assert 1 == again.exit_code
    assert "the case is closed" in again.output
