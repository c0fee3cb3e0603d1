"""`/v1/cases`: what people must take over, with the whole story, and what they decide about it.

The words of borrowers stay with the response tracker; this service asks for them when somebody with a key of the scope
"cases" wants to read them, and keeps none.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import grpc
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from contact_scheduler.credentials import Caller
from contact_scheduler.web.access import Api, CaseWorker, Parts
from contact_scheduler.web.bodies import Strict
from contact_scheduler.web.problems import RESPONSES, FieldError, Problem, invalid, not_found
from forbear.tracker.v1 import tracker_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.errors import from_rpc_error
from forbear_chassis.postgres import UUID
from forbear_domain.model import Channel

TIMEOUT_S = 10.0
PAGE_MAX = 200

router = APIRouter(prefix="/v1/cases", tags=["cases"], responses=RESPONSES)


class CaseView(BaseModel):
    """One case."""

    case_id: uuid.UUID = Field(description="id of the case")
    borrower_ref: str = Field(description="your reference of the borrower; empty where you never imported them")
    reason: str = Field(description="why a person must act, such as dispute")
    duty: str = Field(description="what must be done")
    source: str = Field(description="where the term is written")
    opened_at: datetime = Field(description="when it was opened")
    due_at: datetime = Field(description="when somebody must have acted")
    is_overdue: bool = Field(description="whether it is open and its time is over")
    claimed_by: str = Field(description="who works on it; empty: nobody")
    closed_at: datetime | None = Field(description="when it was closed; absent: it is open")
    closed_by: str = Field(description="who closed it: a person, or an event such as payment")
    outcome: str = Field(description="how a person closed it: resolved or returned; empty where none did")


class CasesView(BaseModel):
    """One page of cases."""

    cases: list[CaseView] = Field(description="open: the earliest due first; closed: the last closed first")
    next_page_token: str = Field(description="what to ask the next page with; empty on the last")
    open: int = Field(description="all open cases")
    overdue: int = Field(description="those of them that are overdue")


class LineView(BaseModel):
    """One line of the story."""

    at: datetime = Field(description="when it happened")
    kind: str = Field(description="said, sent, did, machine or person")
    channel: str = Field(description="sms, email, voice or empty")
    summary: str = Field(description="what happened")
    words: str = Field(description="the words themselves: personal data")


class BarView(BaseModel):
    """One thing that bars contact, or did."""

    suppression_id: uuid.UUID = Field(description="id of the suppression")
    kind: str = Field(description="why contact is barred")
    since: datetime = Field(description="from when")
    until: datetime | None = Field(description="until when; absent: until it is lifted")
    is_in_force: bool = Field(description="whether it bars contact now")
    bases: list[str] = Field(description="grounds on which a person may lift it; empty: no person may")
    rule: str = Field(description="why it may be lifted, or why not")


class StoryView(BaseModel):
    """A case with the whole story of its borrower."""

    case: CaseView = Field(description="the case")
    cases: list[CaseView] = Field(description="all cases of the borrower, oldest first")
    given_name: str = Field(description="how the borrower is addressed: personal data")
    language: str = Field(description="language in which the borrower is answered")
    bars: list[BarView] = Field(description="what bars contact, or did; the latest first")
    story: list[LineView] = Field(description="what happened, oldest first")
    templates: list[str] = Field(description="approved texts that may be sent")


Note = Annotated[str, Field(max_length=2_000, description="what was done and why; the ledger holds a commitment to it")]
RequestId = Annotated[uuid.UUID | None, Field(description="names the request; sent again, it is done once")]


class ClaimBody(Strict):
    """Take a case, or give it back."""

    note: Note = ""
    request_id: RequestId = None


class NoteBody(Strict):
    """Write down what was done."""

    note: Note
    request_id: RequestId = None


class AnswerBody(Strict):
    """Have an approved text sent."""

    template: str = Field(max_length=64, description="one of the templates of the case")
    note: Note = ""
    request_id: RequestId = None


class LiftBody(Strict):
    """Lift a bar."""

    suppression_id: uuid.UUID = Field(description="the bar, as the story names it")
    basis: str = Field(max_length=64, description="one of its grounds")
    note: Note
    request_id: RequestId = None


class CloseBody(Strict):
    """Close a case."""

    outcome: Literal["resolved", "returned"] = Field(
        description="resolved: the borrower stays with people, asked about again after a month; "
        "returned: the machine may go on"
    )
    note: Note
    request_id: RequestId = None


@router.get("", summary="List cases")
async def list_cases(
    api: Parts,
    caller: CaseWorker,
    state: Literal["open", "closed"] = "open",
    reason: Annotated[str, Query(max_length=64)] = "",
    page_size: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    page_token: Annotated[str, Query(max_length=64)] = "",
) -> CasesView:
    """List the cases of the tenant: open ones the earliest due first, closed ones the last closed first."""
    return await read_cases(api, caller, state, reason, page_size, page_token)


@router.get("/{case_id}", summary="Tell a case with its story")
async def show_case(case_id: uuid.UUID, api: Parts, caller: CaseWorker) -> StoryView:
    """Tell everything that is kept of the borrower of a case: words, answers, attempts, commitments, bars, acts."""
    return await read_story(api, caller, case_id)


@router.post("/{case_id}:claim", summary="Take a case")
async def claim_case(case_id: uuid.UUID, body: ClaimBody, api: Parts, caller: CaseWorker) -> CaseView:
    """Take a case, so that two people do not work on it. Refused while somebody else has it."""
    return await act_on_case(api, caller, case_id, "claim", body.request_id, note=body.note)


@router.post("/{case_id}:release", summary="Give a case back to the queue")
async def release_case(case_id: uuid.UUID, body: ClaimBody, api: Parts, caller: CaseWorker) -> CaseView:
    """Give a case back, whoever has it."""
    return await act_on_case(api, caller, case_id, "release", body.request_id, note=body.note)


@router.post("/{case_id}:note", summary="Write a note")
async def note_case(case_id: uuid.UUID, body: NoteBody, api: Parts, caller: CaseWorker) -> CaseView:
    """Write down what was done outside of here, such as a call."""
    return await act_on_case(api, caller, case_id, "note", body.request_id, note=body.note)


@router.post("/{case_id}:answer", summary="Send an approved text")
async def answer_case(case_id: uuid.UUID, body: AnswerBody, api: Parts, caller: CaseWorker) -> CaseView:
    """Have an approved text sent to where the borrower was last written to; the gate decides whether and when."""
    return await act_on_case(api, caller, case_id, "answer", body.request_id, note=body.note, template=body.template)


@router.post("/{case_id}:lift", summary="Lift a bar")
async def lift_bar(case_id: uuid.UUID, body: LiftBody, api: Parts, caller: CaseWorker) -> CaseView:
    """Lift a bar on a ground that its kind allows. What the borrower decided only the borrower takes back."""
    bar = body.suppression_id.bytes
    return await act_on_case(
        api, caller, case_id, "lift", body.request_id, note=body.note, suppression_id=bar, basis=body.basis
    )


@router.post("/{case_id}:close", summary="Close a case")
async def close_case(case_id: uuid.UUID, body: CloseBody, api: Parts, caller: CaseWorker) -> CaseView:
    """Close a case; "returned" lets the machine go on with the borrower, as far as the bars in force let it."""
    outcome = pb.CaseOutcome.Value(f"CASE_OUTCOME_{body.outcome.upper()}")
    return await act_on_case(api, caller, case_id, "close", body.request_id, note=body.note, outcome=outcome)


async def read_cases(
    api: Api, caller: Caller, state: str, reason: str = "", page_size: int = 50, page_token: str = ""
) -> CasesView:
    """Ask the tracker for a page of cases."""
    request = pb.ListCasesRequest(
        tenant_id=caller.tenant_id.bytes, is_closed=state == "closed", reason=reason, page_size=page_size,
        page_token=page_token,
    )  # fmt: skip
    answer = await _ask(api.tracker.ListCases(request, timeout=TIMEOUT_S))
    return CasesView(
        cases=await _views(api, caller, answer.cases), next_page_token=answer.next_page_token, open=answer.open,
        overdue=answer.overdue,
    )  # fmt: skip


async def read_story(api: Api, caller: Caller, case_id: uuid.UUID) -> StoryView:
    """Ask the tracker for the story of a case."""
    request = pb.GetCaseRequest(tenant_id=caller.tenant_id.bytes, case_id=case_id.bytes)
    told = await _ask(api.tracker.GetCase(request, timeout=TIMEOUT_S))
    case, *cases = await _views(api, caller, [told.case, *told.cases])
    return StoryView(
        case=case, cases=cases, given_name=told.given_name, language=told.language,
        bars=[_bar(bar) for bar in told.bars], story=[_line(line) for line in told.story],
        templates=list(told.templates),
    )  # fmt: skip


async def act_on_case(
    api: Api, caller: Caller, case_id: uuid.UUID, act: str, request_id: uuid.UUID | None = None, **fields: Any
) -> CaseView:
    """Tell the tracker what a person decided; the person is whose key it is."""
    request = pb.ActOnCaseRequest(
        request_id=str(request_id or uuid.uuid4()), tenant_id=caller.tenant_id.bytes, case_id=case_id.bytes,
        person=caller.key_name, act=pb.CaseAct.Value(f"CASE_ACT_{act.upper()}"), **fields,
    )  # fmt: skip
    answer = await _ask(api.tracker.ActOnCase(request, timeout=TIMEOUT_S))
    (view,) = await _views(api, caller, [answer.case])
    return view


async def _ask(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        fault = from_rpc_error(error)
        if fault.code is grpc.StatusCode.NOT_FOUND:
            raise not_found() from None
        if fault.code is grpc.StatusCode.FAILED_PRECONDITION:
            raise Problem(409, "cannot-be-done", fault.message) from None
        if fault.code is grpc.StatusCode.INVALID_ARGUMENT:
            raise invalid([FieldError(field=one.field, mend=one.description) for one in fault.violations]) from None
        raise Problem(503, "tracker-away", "the response tracker does not answer; send the request again") from None


async def _views(api: Api, caller: Caller, cases: Iterable[pb.Case]) -> list[CaseView]:
    told = list(cases)
    refs = await api.borrowers.refs(caller.tenant_id, [UUID(one.borrower_id) for one in told])
    return [_case(one, refs.get(UUID(one.borrower_id), "")) for one in told]


def _case(case: pb.Case, borrower_ref: str) -> CaseView:
    outcome = pb.CaseOutcome.Name(case.outcome).removeprefix("CASE_OUTCOME_").lower() if case.outcome else ""
    return CaseView(
        case_id=uuid.UUID(bytes=case.case_id), borrower_ref=borrower_ref, reason=case.reason, duty=case.duty,
        source=case.source, opened_at=case.open_time.ToDatetime(UTC), due_at=case.due_time.ToDatetime(UTC),
        is_overdue=case.is_overdue, claimed_by=case.claimed_by,
        closed_at=case.close_time.ToDatetime(UTC) if case.HasField("close_time") else None,
        closed_by=case.closed_by, outcome=outcome,
    )  # fmt: skip


def _line(line: pb.StoryLine) -> LineView:
    return LineView(
        at=line.event_time.ToDatetime(UTC), kind=pb.StoryKind.Name(line.kind).removeprefix("STORY_KIND_").lower(),
        channel=Channel(line.channel).label if line.channel else "", summary=line.summary, words=line.words,
    )  # fmt: skip


def _bar(bar: pb.CaseBar) -> BarView:
    return BarView(
        suppression_id=uuid.UUID(bytes=bar.suppression_id),
        kind=types_pb2.SuppressionKind.Name(bar.kind).removeprefix("SUPPRESSION_KIND_").lower(),
        since=bar.start_time.ToDatetime(UTC),
        until=bar.end_time.ToDatetime(UTC) if bar.HasField("end_time") else None,
        is_in_force=bar.is_in_force, bases=list(bar.bases), rule=bar.rule,
    )  # fmt: skip
