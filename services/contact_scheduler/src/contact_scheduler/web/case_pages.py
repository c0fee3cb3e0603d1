"""The pages on which people work on cases: a queue, and one page for each case with its whole story.

Rendered here and usable without scripts. The words are asked for from the tracker when a page is shown and are kept
nowhere else. Every form carries the id of its request, so that a double click is one act; the session's cookie is never
sent from another site. Acts stand under the name of the person whose key opened the session.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from contact_scheduler.credentials import Caller
from contact_scheduler.web.access import Api, Parts
from contact_scheduler.web.cases import act_on_case, read_cases, read_story
from contact_scheduler.web.console import Session, find_person, render
from contact_scheduler.web.problems import Problem
from forbear.tracker.v1 import tracker_service_pb2 as pb

PAGE_SIZE = 50
Act = Literal["claim", "release", "note", "answer", "lift", "close"]
DONE = {
    "claim": "The case is yours.",
    "release": "The case is back in the queue.",
    "note": "Your note is kept.",
    "answer": "The text will be sent as soon as it is lawful.",
    "lift": "The bar is lifted.",
    "close": "The case is closed.",
}


class ActForm(BaseModel):
    """What is posted on the page of a case. `bar` is "<suppression>:<basis>"."""

    act: Act
    request_id: uuid.UUID
    note: str = Field(default="", max_length=4_000)
    template: str = Field(default="", max_length=64)
    bar: str = Field(default="", max_length=128)
    outcome: Literal["", "resolved", "returned"] = ""

    def fields(self) -> dict[str, Any]:
        """Return the fields of the request to the tracker; browsers send new lines as two characters."""
        found: dict[str, Any] = {"note": self.note.replace("\r\n", "\n"), "template": self.template}
        if self.bar:
            suppression, _, basis = self.bar.partition(":")
            found |= {"suppression_id": _bytes_of(suppression), "basis": basis}
        if self.outcome:
            found["outcome"] = pb.CaseOutcome.Value(f"CASE_OUTCOME_{self.outcome.upper()}")
        return found


router = APIRouter(prefix="/console/cases", include_in_schema=False)


@router.get("")
async def show_queue(
    api: Parts,
    session: Session = None,
    state: Literal["open", "closed"] = "open",
    reason: Annotated[str, Query(max_length=64)] = "",
    page: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Show the cases that wait, overdue first; or those that were closed."""
    person = await find_person(api, session)
    if person is None:
        return RedirectResponse("/console", status_code=303)
    if "cases" not in person.scopes:
        return render("no_cases.html", status=403, brand=await api.tenants.brand(person.tenant_id))
    try:
        listed = await read_cases(api, person, state, reason, PAGE_SIZE, page)
    except Problem as problem:
        return await _problem(api, person, problem)
    return render(
        "cases.html", brand=await api.tenants.brand(person.tenant_id), now=api.clock.now(), person=person.key_name,
        listed=listed, state=state, reason=reason,
    )  # fmt: skip


@router.get("/{case_id}")
async def show_case(case_id: uuid.UUID, api: Parts, session: Session = None, done: str = "") -> Response:
    """Show a case with its story, and what can be done."""
    person = await find_person(api, session)
    if person is None or "cases" not in person.scopes:
        return RedirectResponse("/console/cases", status_code=303)
    return await _case_page(api, person, case_id, notice=DONE.get(done, ""))


@router.post("/{case_id}")
async def act(case_id: uuid.UUID, form: Annotated[ActForm, Form()], api: Parts, session: Session = None) -> Response:
    """Do what the person decided, and show the case again."""
    person = await find_person(api, session)
    if person is None or "cases" not in person.scopes:
        return RedirectResponse("/console/cases", status_code=303)
    try:
        await act_on_case(api, person, case_id, form.act, form.request_id, **form.fields())
    except Problem as problem:
        error, status = _say(problem), problem.document.status
        return await _case_page(api, person, case_id, error=error, note=form.note, status=status)
    return RedirectResponse(f"/console/cases/{case_id}?done={form.act}", status_code=303)


async def _case_page(
    api: Api,
    person: Caller,
    case_id: uuid.UUID,
    *,
    notice: str = "",
    error: str = "",
    note: str = "",
    status: int = 200,
) -> Response:
    try:
        told = await read_story(api, person, case_id)
    except Problem as problem:
        return await _problem(api, person, problem)
    is_mine = told.case.claimed_by == person.key_name
    return render(
        "case.html", status, brand=await api.tenants.brand(person.tenant_id), person=person.key_name, told=told,
        case=told.case, is_mine=is_mine, now=api.clock.now(), notice=notice, error=error, note=note,
        fresh_id=uuid.uuid4,
    )  # fmt: skip


async def _problem(api: Api, person: Caller, problem: Problem) -> Response:
    brand = await api.tenants.brand(person.tenant_id)
    return render("problem.html", problem.document.status, brand=brand, message=_say(problem))


def _say(problem: Problem) -> str:
    lines = [f"{one.field}: {one.mend}" for one in problem.document.errors]
    return "; ".join(lines) or problem.document.detail


def _bytes_of(text: str) -> bytes:
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        return b""
