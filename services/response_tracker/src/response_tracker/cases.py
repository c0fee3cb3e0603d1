"""What people do about cases: take them, answer, lift bars where law lets them, and give the borrower back.

Each act is one transaction under the borrower's lock, named by the person who did it, kept beside the case and stated
in the ledger. An act is refused where the case does not stand so that it can be done; the refusal says how to mend it.
A bar that was lifted is lifted at the dispatcher by the worker of suppressions; an answer goes through its gate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.model import Purpose, ResponseKind, SuppressionKind
from response_tracker import metrics, wire, words
from response_tracker.attribute import NO_CREDIT, keep
from response_tracker.decision import CEASE
from response_tracker.duties import DUTIES, Reason
from response_tracker.enact import bar_id, put_on_table
from response_tracker.follow_up import Plan, in_writing, plan
from response_tracker.heard import Heard, current
from response_tracker.model import Attempt, Response, part_id
from response_tracker.restraint import SILENT
from response_tracker.sealed import seal
from response_tracker.store import attempts, conversations, outgoing
from response_tracker.store import cases as store
from response_tracker.store.cases import Case, CaseAct
from response_tracker.store.conversations import Message
from response_tracker.way_back import lift_of

NOTE_CHARS_MAX = 2_000

# Approved texts that a person may have sent without filling a slot by hand.
ANSWERS = ("options.offered", "answer.how_to_pay", "answer.balance_protected", "identity.verify", "handover.person")


class Act(StrEnum):
    """What a person does."""

    CLAIM = "claim"
    RELEASE = "release"
    NOTE = "note"
    ANSWER = "answer"
    LIFT = "lift"
    CLOSE = "close"


class Outcome(StrEnum):
    """How a person closes a case."""

    RESOLVED = "resolved"  # the borrower stays with people, and a case asks again after a month
    RETURNED = "returned"  # the machine may go on


FOR_GOOD = frozenset(
    {SuppressionKind.CEASE, SuppressionKind.ATTORNEY, SuppressionKind.BANKRUPTCY, SuppressionKind.DECEASED}
)
# Every approved answer speaks of the loan. An address that reaches somebody else is barred by itself.
NO_WORD_OF_A_DEBT = SILENT - {SuppressionKind.WRONG_PARTY}
NEEDS_NOTE = frozenset({Act.NOTE, Act.LIFT, Act.CLOSE})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for. `id` names the request; a repeat changes nothing."""

    id: UUID
    tenant_id: UUID
    case_id: UUID
    person: str
    act: Act
    note: str = ""
    template: str = ""
    suppression_id: UUID | None = None
    basis: str = ""
    outcome: Outcome | None = None

    @property
    def detail(self) -> str:
        """Return template, basis or outcome."""
        return self.template or self.basis or (self.outcome or "")


class NoSuchCase(LookupError):
    """The tenant has no such case."""


class CannotBeDone(ValueError):
    """The case does not stand so that this can be done. The message holds no personal data of the borrower."""


class CaseDesk:
    """Where people work on cases."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def act(self, asked: Asked) -> Case:
        """Do what a person decided and return how the case stands then. Raises NoSuchCase and CannotBeDone."""
        async with self._pool.acquire() as connection, connection.transaction():
            known = await store.find(connection, asked.tenant_id, asked.case_id)
            if known is None:
                raise NoSuchCase
            await conversations.lock_borrower(connection, known.borrower_id)
            if await store.find_act(connection, asked.tenant_id, asked.id) is None:
                case = await self._current(connection, asked)
                await _do(connection, case, asked, self._clock.now())
                metrics.CASE_ACTS.labels(asked.act.value).inc()
            return await self._current(connection, asked)

    async def _current(self, connection: Connection, asked: Asked) -> Case:
        case = await store.find(connection, asked.tenant_id, asked.case_id)
        assert case is not None, "cases are never deleted"
        return case


async def _do(connection: Connection, case: Case, asked: Asked, at: datetime) -> None:
    _check(case, asked)
    if asked.act is Act.CLAIM:
        await store.claim(connection, case.id, asked.person, at)
    elif asked.act is Act.RELEASE:
        await store.claim(connection, case.id, None, at)
    elif asked.act is Act.ANSWER:
        await _answer(connection, case, asked, at)
    elif asked.act is Act.LIFT:
        await _lift(connection, case, asked)
    elif asked.act is Act.CLOSE:
        await _close(connection, case, asked, at)
    await _keep(connection, case, asked, at)


def _check(case: Case, asked: Asked) -> None:
    """Refuse what needs something that is not there."""
    if case.closed_at is not None:
        raise CannotBeDone("the case is closed; if there is more to do, write a note to a case that is open")
    if asked.act in NEEDS_NOTE and not asked.note.strip():
        raise CannotBeDone("write a note: what was done, and why")
    if asked.act is Act.CLAIM and case.claimed_by not in (None, asked.person):
        raise CannotBeDone(f"{case.claimed_by} works on this case; ask them, or release it first")
    if asked.act in (Act.ANSWER, Act.LIFT, Act.CLOSE) and case.claimed_by != asked.person:
        raise CannotBeDone("take the case first, so that two people do not work on it")


async def _answer(connection: Connection, case: Case, asked: Asked, at: datetime) -> None:
    """Plan an approved text to where the borrower was last written to."""
    if asked.template not in ANSWERS:
        raise CannotBeDone(f"choose one of the approved answers: {', '.join(ANSWERS)}")
    of = await _last(connection, case)
    if of is None:
        raise CannotBeDone("the borrower was never written to, so there is no address to answer to")
    silent = await outgoing.kinds_standing(connection, case.tenant_id, case.borrower_id, NO_WORD_OF_A_DEBT)
    if silent:
        why = ", ".join(kind.name.lower() for kind in sorted(silent))
        raise CannotBeDone(f"{why} bars every text about the loan; lift it on its ground first, or speak in your words")
    to = await in_writing(connection, of)
    snapshot = await current(connection, to)
    language = words.speak(snapshot.language)
    slots: dict[str, str] = {}
    if asked.template == "options.offered":
        heard = Heard(asked.id, of, NO_CREDIT, snapshot, to.channel, "person", at, language)
        computed = await put_on_table(connection, heard)
        if not computed:
            raise CannotBeDone("nothing is past due, so no option can be computed")
        slots = words.option_slots(computed, language)
    await plan(connection, to, Plan(asked.id, "person", asked.template, Purpose.FOLLOW_UP, at, language, slots))
    message = Message(part_id(asked.id, "answer"), False, to.channel, at, asked.template, language)
    await conversations.add_message(connection, to, message)


def doubted(of_borrower: Iterable[Case]) -> frozenset[UUID]:
    """Return the demands to cease that somebody else may have made, as open cases say."""
    return frozenset(
        bar_id(case.event_id, CEASE, case.tenant_id)
        for case in of_borrower
        if case.reason is Reason.WHO_WROTE and case.closed_at is None
    )


async def _lift(connection: Connection, case: Case, asked: Asked) -> None:
    kind = None
    if asked.suppression_id is not None:
        kind = await outgoing.kind_in_force(connection, case.tenant_id, case.borrower_id, asked.suppression_id)
    if kind is None or asked.suppression_id is None:
        raise CannotBeDone("name a bar of this borrower that is in force")
    of_borrower = await store.of_borrower(connection, case.tenant_id, case.borrower_id)
    allowed = lift_of(kind, is_doubted=asked.suppression_id in doubted(of_borrower))
    if not allowed.bases:
        raise CannotBeDone(f"no person may lift this. {allowed.rule}")
    if asked.basis not in allowed.bases:
        raise CannotBeDone(f"say on which ground: {', '.join(allowed.bases)}. {allowed.rule}")
    await outgoing.lift_one(connection, asked.suppression_id, asked.basis)


async def _close(connection: Connection, case: Case, asked: Asked, at: datetime) -> None:
    if asked.outcome is None:
        raise CannotBeDone("say how the case ends: resolved, or returned to the machine")
    others = await store.of_borrower(connection, case.tenant_id, case.borrower_id)
    waiting = [one.reason for one in others if one.closed_at is None and one.id != case.id]
    doing = [reason.value for reason in waiting if reason is not Reason.WITH_PEOPLE]
    if asked.outcome is Outcome.RETURNED and doing:
        raise CannotBeDone(f"other cases of this borrower wait ({', '.join(doing)}); close them as resolved first")
    await store.close(connection, case.id, asked.person, asked.outcome.value, at)
    of = await _last(connection, case)
    if of is None:
        return  # never contacted: no machine to give back to, none to rest from
    if asked.outcome is Outcome.RETURNED:
        await store.close_reason(connection, of, Reason.WITH_PEOPLE, at=at, closed_by=asked.person)
        await _tell(connection, asked, of, ResponseKind.RETURNED, at)
    elif not waiting:
        await _tell(connection, asked, of, ResponseKind.HANDED_OVER, at)
        await _keep_in_sight(connection, asked, case, of, at)


async def _tell(connection: Connection, asked: Asked, of: Attempt, kind: ResponseKind, at: datetime) -> None:
    """Tell the scheduler whose the borrower is now."""
    await keep(connection, Response(part_id(asked.id, "response"), of, NO_CREDIT, kind, of.channel, at))


async def _keep_in_sight(connection: Connection, asked: Asked, case: Case, of: Attempt, at: datetime) -> None:
    """Let somebody look again at a borrower who stays with people, so that nobody rests for ever and is forgotten.

    Where law keeps the machine away for good, the bar itself says so.
    """
    if await outgoing.kinds_standing(connection, case.tenant_id, case.borrower_id, FOR_GOOD):
        return
    zone = (await current(connection, of)).zone
    case_id, reason = part_id(asked.id, "case"), Reason.WITH_PEOPLE
    due_at = DUTIES[reason].due_at(at, zone)
    if await store.open_case(connection, case_id, of, case.event_id, reason, at=at, due_at=due_at):
        metrics.CASES.labels(reason.value).inc()


async def _keep(connection: Connection, case: Case, asked: Asked, at: datetime) -> None:
    """Keep the act beside the case, and state it in the ledger with a commitment to the note."""
    sealed = seal(asked.note)
    act = CaseAct(
        id=asked.id,
        tenant_id=case.tenant_id,
        case_id=case.id,
        borrower_id=case.borrower_id,
        act=asked.act.value,
        person=asked.person,
        at=at,
        note=asked.note,
        detail=asked.detail,
        salt=sealed.salt,
    )
    await store.add_act(connection, act)
    commitment = sealed.commitment if asked.note else b""
    body = wire.override_statement(act, case.reason.value, commitment, asked.suppression_id)
    await outgoing.hand_over(connection, outgoing.STATEMENTS, [body])


async def _last(connection: Connection, case: Case) -> Attempt | None:
    return await attempts.last_of_borrower(connection, case.tenant_id, case.borrower_id)
