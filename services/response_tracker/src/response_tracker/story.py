"""Tells the whole story of one borrower to the person who takes over: what was said, sent, done, barred and decided.

Lines stand in the order of time. Summaries name no person and no figure; words do: those of the borrower, of the
approved text that was sent, of a note. Links are left out of what was sent, because who holds one may act on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

from forbear_chassis.postgres import Connection
from forbear_domain.arrangements import ArrangementState, Option, PromiseState
from forbear_domain.messages import Catalogue, TemplateError, money
from forbear_domain.model import Channel, ResponseKind, SuppressionKind
from forbear_providers.contract import ReceiptState
from response_tracker import wire
from response_tracker.cases import doubted
from response_tracker.heard import current
from response_tracker.scripts import rendered_text
from response_tracker.store import attempts, cases, stories
from response_tracker.store.cases import Case, CaseAct
from response_tracker.way_back import Lift, lift_of

LINES_MAX = 500


class LineKind(IntEnum):
    """What a line tells of; numbers equal those of the wire."""

    SAID = 1
    SENT = 2
    DID = 3
    MACHINE = 4
    PERSON = 5


# What follows from what, where all of it happened at one instant.
_AT_ONE_INSTANT = (LineKind.SAID, LineKind.DID, LineKind.MACHINE, LineKind.SENT, LineKind.PERSON)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `words` hold personal data; `summary` does not."""

    at: datetime
    kind: LineKind
    summary: str
    words: str = ""
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class CaseBar:
    """One thing that bars contact, or did, and whether a person may lift it."""

    id: UUID
    kind: SuppressionKind
    start: datetime
    end: datetime | None
    is_in_force: bool
    lift: Lift


@dataclass(frozen=True, slots=True)
class Story:
    """A case, the borrower's other cases, and everything that is kept."""

    case: Case
    cases: list[Case]
    lines: list[Line]
    bars: list[CaseBar]
    given_name: str
    language: str


async def tell(
    connection: Connection, catalogue: Catalogue, tenant_id: UUID, case_id: UUID, now: datetime
) -> Story | None:
    """Return the story of a case's borrower; None where the tenant has no such case."""
    case = await cases.find(connection, tenant_id, case_id)
    if case is None:
        return None
    kept = await stories.read(connection, tenant_id, case.borrower_id)
    of_borrower = await cases.of_borrower(connection, tenant_id, case.borrower_id)
    acts = await cases.acts_of(connection, tenant_id, case.borrower_id)
    of = await attempts.last_of_borrower(connection, tenant_id, case.borrower_id)
    snapshot = None if of is None else await current(connection, of)
    in_doubt = doubted(of_borrower)
    return Story(
        case=case,
        cases=of_borrower,
        lines=in_order(kept, of_borrower, acts, catalogue)[-LINES_MAX:],
        bars=[_bar(row, now, in_doubt) for row in reversed(kept.suppressions)],
        given_name="" if snapshot is None else snapshot.given_name,
        language="" if snapshot is None else snapshot.language,
    )


def in_order(
    kept: stories.Kept, of_borrower: Sequence[Case], acts: Sequence[CaseAct], catalogue: Catalogue
) -> list[Line]:
    """Return the lines of a story in the order of time, and of what follows from what."""
    return sorted(
        [*_kept_lines(kept, catalogue), *_case_lines(of_borrower), *_act_lines(acts)],
        key=lambda line: (line.at, _AT_ONE_INSTANT.index(line.kind)),
    )


def _kept_lines(kept: stories.Kept, catalogue: Catalogue) -> Iterator[Line]:
    yield from map(_message, kept.messages)
    yield from (_attempt(row, catalogue) for row in kept.attempts)
    yield from _responses(kept.responses)
    yield from map(_promise, kept.promises)
    yield from map(_arrangement, kept.arrangements)
    for row in kept.payments:
        words = f"{_money(row['amount_minor'], row)}; past due after it: {_money(row['past_due_minor'], row)}"
        yield Line(row["paid_at"], LineKind.DID, "paid", words)
    for row in kept.suppressions:
        yield Line(row["made_at"], LineKind.MACHINE, f"barred contact: {SuppressionKind(row['kind']).name.lower()}")
    for row in kept.offers:
        chosen = f"; chosen: {Option(row['chosen']).name.lower()}" if row["chosen"] is not None else ""
        yield Line(row["offered_at"], LineKind.MACHINE, f"put options on the table{chosen}")
    for row in kept.wishes:
        yield Line(row["stated_at"], LineKind.DID, f"asked for another {row['kind']}", row["value"].strip('"'))
    for row in kept.planned:
        yield Line(row["due_at"], LineKind.MACHINE, f"will send {wire.template_of(row['body'])} ({row['step']})")


def _message(row: Any) -> Line:
    channel = Channel(row["channel"])
    if not row["is_inbound"]:
        return Line(row["at"], LineKind.MACHINE, f"chose the answer {row['text']}", channel=channel)
    sure = "" if row["confidence"] is None else f", confidence {row['confidence']:.2f}"
    summary = f"read as {', '.join(row['labels'])}{sure}"
    return Line(row["at"], LineKind.SAID, summary, row["text"], channel)


def _attempt(row: Any, catalogue: Catalogue) -> Line:
    channel = Channel(row["channel"])
    fate = "unknown whether it went out" if row["state"] != attempts.ACCEPTED else "taken by the provider"
    if row["receipt_state"]:
        fate = ReceiptState(row["receipt_state"]).name.lower().replace("_", " ")
    try:
        words = rendered_text(catalogue, row["contact"], channel, row["sender"])
    except TemplateError:
        words = ""  # a template that is no longer in the catalogue
    return Line(row["send_at"], LineKind.SENT, f"{row['template']}: {fate}", words, channel)


# What the other lines tell better.
_TOLD_ELSEWHERE = frozenset(
    {
        ResponseKind.DELIVERED,
        ResponseKind.UNDELIVERED,
        ResponseKind.REPLIED,
        ResponseKind.PAID,
        ResponseKind.HANDED_OVER,
        ResponseKind.RETURNED,
    }
)


def _responses(rows: Iterable[Any]) -> Iterator[Line]:
    for row in rows:
        kind = ResponseKind(row["kind"])
        if kind not in _TOLD_ELSEWHERE:
            how = {"direct": "in answer to an attempt", "window": "after an attempt", "none": "on their own"}
            summary = f"{kind.label.replace('_', ' ')} ({how[row['attribution']]})"
            yield Line(row["event_at"], LineKind.DID, summary, channel=Channel(row["channel"]))


def _promise(row: Any) -> Line:
    amount = "an amount" if row["amount_minor"] is None else _money(row["amount_minor"], row)
    words = f"{amount} by {row['due_on']}; paid so far: {_money(row['paid_minor'], row)}"
    summary = f"a promise, {PromiseState(row['state']).name.lower()} now"
    return Line(row["made_at"], LineKind.DID, summary, words, Channel(row["channel"]))


def _arrangement(row: Any) -> Line:
    parts = []
    for part in filter(None, (row["parts"] or "").split(";")):
        amount, due_on, paid = part.split(" ")
        parts.append(f"{_money(int(amount), row)} on {due_on}" + (" (paid)" if int(paid) >= int(amount) else ""))
    kind, state = Option(row["option"]).name.lower(), ArrangementState(row["state"]).name.lower()
    summary = f"an arrangement ({kind}), {state.replace('_', ' ')} now"
    return Line(row["agreed_at"], LineKind.DID, summary, ", ".join(parts), Channel(row["channel"]))


def _case_lines(of_borrower: Iterable[Case]) -> Iterator[Line]:
    for case in of_borrower:
        yield Line(case.opened_at, LineKind.MACHINE, f"opened the case {case.reason.value}")
        if case.closed_at is not None and case.outcome is None:
            yield Line(case.closed_at, LineKind.MACHINE, f"closed the case {case.reason.value}: {case.closed_by}")


def _act_lines(acts: Iterable[CaseAct]) -> Iterator[Line]:
    for act in acts:
        detail = f": {act.detail}" if act.detail else ""
        yield Line(act.at, LineKind.PERSON, f"{act.person}: {act.act}{detail}", act.note)


def _bar(row: Mapping[str, Any], now: datetime, in_doubt: Collection[UUID]) -> CaseBar:
    kind = SuppressionKind(row["kind"])
    start, end = wire.suppression_times(row["body"])
    is_over = row["lift_reason"] is not None or (end is not None and end <= now)
    lift = lift_of(kind, is_doubted=row["id"] in in_doubt)
    return CaseBar(row["id"], kind, start, end, not is_over, lift)


def _money(minor: int, row: Any) -> str:
    return money(minor, row["currency"], "en")
