"""Cases and stories on the wire, both ways: only `rpc_service` calls this."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from forbear.tracker.v1 import tracker_service_pb2 as pb
from forbear.types.v1 import types_pb2 as types_pb
from forbear_chassis.clock import from_epoch_us, to_epoch_us
from forbear_chassis.errors import Fault, FieldViolation, invalid
from response_tracker.cases import ANSWERS, NOTE_CHARS_MAX, Act, Asked, Outcome
from response_tracker.duties import DUTIES, Reason
from response_tracker.store.cases import Case
from response_tracker.story import CaseBar, Line, Story
from response_tracker.wire import stamp

PERSON_CHARS_MAX = 80
_ACTS = {pb.CaseAct.Value(f"CASE_ACT_{act.name}"): act for act in Act}
_OUTCOMES = {pb.CaseOutcome.Value(f"CASE_OUTCOME_{outcome.name}"): outcome for outcome in Outcome}

Place = tuple[datetime, UUID]


def bad(field: str, description: str) -> Fault:
    """Make the fault for a field that the caller must mend."""
    return invalid("FIELD_INVALID", f"{field} {description}", FieldViolation(field, description))


def case(told: Case, now: datetime) -> pb.Case:
    """Return a case in wire form."""
    duty = DUTIES[told.reason]
    message = pb.Case(
        case_id=told.id.bytes,
        borrower_id=told.borrower_id.bytes,
        loan_id=told.loan_id.bytes,
        reason=told.reason.value,
        duty=duty.what,
        source=duty.source,
        open_time=stamp(told.opened_at),
        due_time=stamp(told.due_at),
        is_overdue=told.closed_at is None and told.due_at <= now,
        claimed_by=told.claimed_by or "",
        closed_by=told.closed_by or "",
    )
    if told.claimed_at is not None:
        message.claim_time.CopyFrom(stamp(told.claimed_at))
    if told.closed_at is not None:
        message.close_time.CopyFrom(stamp(told.closed_at))
    if told.outcome:
        message.outcome = pb.CaseOutcome.Value(f"CASE_OUTCOME_{told.outcome.upper()}")
    return message


def story(told: Story, now: datetime) -> pb.GetCaseResponse:
    """Return a story in wire form."""
    return pb.GetCaseResponse(
        case=case(told.case, now),
        cases=[case(one, now) for one in told.cases],
        story=[_line(line) for line in told.lines],
        bars=[_bar(bar) for bar in told.bars],
        templates=ANSWERS,
        given_name=told.given_name,
        language=told.language,
    )


def _line(line: Line) -> pb.StoryLine:
    return pb.StoryLine(
        event_time=stamp(line.at),
        kind=pb.StoryKind.ValueType(int(line.kind)),
        channel=types_pb.Channel.ValueType(int(line.channel or 0)),
        summary=line.summary,
        words=line.words,
    )


def _bar(bar: CaseBar) -> pb.CaseBar:
    message = pb.CaseBar(
        suppression_id=bar.id.bytes,
        kind=types_pb.SuppressionKind.ValueType(int(bar.kind)),
        start_time=stamp(bar.start),
        is_in_force=bar.is_in_force,
        bases=bar.lift.bases,
        rule=bar.lift.rule,
    )
    if bar.end is not None:
        message.end_time.CopyFrom(stamp(bar.end))
    return message


def asked(request: pb.ActOnCaseRequest, tenant_id: UUID, case_id: UUID) -> Asked:
    """Return what a person asks for. Raises Fault for a field that must be mended."""
    try:
        request_id = UUID(request.request_id)
    except ValueError:
        raise bad("request_id", "must be a UUID in text form") from None
    person = request.person.strip()
    if not 1 <= len(person) <= PERSON_CHARS_MAX or not person.isprintable():
        raise bad("person", f"must be a name of 1 to {PERSON_CHARS_MAX} printable characters")
    if request.act not in _ACTS:
        raise bad("act", "must be one that this version knows")
    if len(request.note) > NOTE_CHARS_MAX or "\x00" in request.note:
        raise bad("note", f"must be at most {NOTE_CHARS_MAX} characters, without NUL")
    if request.suppression_id and len(request.suppression_id) != 16:
        raise bad("suppression_id", "must be a UUID of 16 bytes")
    return Asked(
        id=request_id,
        tenant_id=tenant_id,
        case_id=case_id,
        person=person,
        act=_ACTS[request.act],
        note=request.note,
        template=request.template,
        suppression_id=UUID(bytes=request.suppression_id) if request.suppression_id else None,
        basis=request.basis,
        outcome=_OUTCOMES.get(request.outcome),
    )


def reason(text: str) -> Reason | None:
    """Return the reason that a request names; None where it names none."""
    if not text:
        return None
    try:
        return Reason(text)
    except ValueError:
        raise bad("reason", f"must be one of {', '.join(Reason)}") from None


def page_token(told: Case, *, is_closed: bool) -> str:
    """Return what the page behind a case is asked with."""
    at = told.closed_at if is_closed else told.due_at
    assert at is not None, "a closed case has the time of it"
    return base64.urlsafe_b64encode(to_epoch_us(at).to_bytes(8, "big", signed=True) + told.id.bytes).decode()


def place(token: str) -> Place | None:
    """Return the place that a page token stands for; None for the first page."""
    if not token:
        return None
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 24:
        raise bad("page_token", "must be a next_page_token of ours")
    try:
        return from_epoch_us(int.from_bytes(raw[:8], "big", signed=True)), UUID(bytes=raw[8:])
    except (OverflowError, ValueError):
        raise bad("page_token", "must be a next_page_token of ours") from None
