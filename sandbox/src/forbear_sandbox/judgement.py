"""What must be true when a campaign has ended, whatever happened to it: asked of census, tables and ledger.

The services are not asked. What reached whom is taken from the world's own count, what became of each contact from the
tables as the superuser reads them, and what is claimed from the ledger as an auditor reads it.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from forbear_sandbox.care import Care, Told, look, read_log
from forbear_sandbox.census import Contact, is_lawful_hour, plain_id, to_contact
from forbear_sandbox.evidence import Claims, read_claims
from forbear_sandbox.stack import SERVICES, Stack

WEEK = timedelta(days=7)
CALLS_A_WEEK_MAX = 7  # 12 CFR 1006.14(b)(2)(i)(A): not more than seven calls within seven days about a debt
EVIDENCE_MAX = 10
VERIFY_TIMEOUT_S = 300
REMINDER, DUTY = 1, 5  # forbear.types.v1.Purpose: planned by a campaign; the others answer somebody or follow up


class Promise(StrEnum):
    """What is promised."""

    NONE_LOST = "none lost"
    NONE_TWICE = "none twice"
    CAPS = "no cap broken"
    WINDOWS = "no window broken"
    CARE = "care is taken"
    LEDGER = "ledger tells the truth"
    ALIVE = "everything runs"


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken: what is wrong, how often, and the first of the proof."""

    promise: Promise
    what: str
    count: int
    evidence: tuple[str, ...]

    @classmethod
    def of(cls, promise: Promise, what: str, found: Iterable[str]) -> Violation | None:
        """Return the violation that `found` proves, or None when nothing was found."""
        proof = list(found)
        return cls(promise, what, len(proof), tuple(proof[:EVIDENCE_MAX])) if proof else None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found, and the numbers it was found in."""

    contacts: list[Contact]
    states: dict[str, int]  # planned contacts by final state
    claims: Claims
    verdict: str  # of `forbear ledger verify`
    care: Care  # what there was to judge of circumstances: no violation says little where nobody was barred
    violations: list[Violation]


STATES = {
    0: "planned", 1: "accepted", 2: "refused", 3: "expired", 4: "recalled", 5: "unknown", 6: "released", 7: "cancelled",
}  # fmt: skip

# Rows that must not exist, as identifiers that can be looked up.
LOST: dict[str, str] = {
    "planned contacts that never ended": (
        "SELECT contact_id, state, expire_at FROM scheduler.contact WHERE state IN (0, 6)"
    ),
    "contacts that ended without a reason": (
        "SELECT contact_id, state FROM scheduler.contact WHERE state IN (2, 3, 4, 5, 7) AND outcome_reason = ''"
    ),
    "contacts whose time is over, still in the dispatcher's queue": (
        "SELECT contact_id, state, purpose, due_at, expire_at, reason FROM dispatcher.contact "
        "WHERE state IN (10, 11) AND expire_at < (SELECT max(claimed_at) FROM dispatcher.attempt)"
    ),
    "attempts that were claimed and never settled": (
        "SELECT attempt_id, contact_id, claimed_at FROM dispatcher.attempt WHERE state = 11"
    ),
    "contacts of which scheduler and dispatcher tell different ends": (
        "SELECT contact_id, s.state, d.state FROM scheduler.contact s "
        f"FULL JOIN (SELECT * FROM dispatcher.contact WHERE purpose IN ({REMINDER}, {DUTY})) d USING (contact_id) "
        "WHERE CASE WHEN d.state IS NULL THEN s.state NOT IN (2, 3, 7) "
        "ELSE s.state <> 7 AND s.state IS DISTINCT FROM d.state END"
    ),
    "attempts that the tracker was never told of": (
        "SELECT a.attempt_id, a.state, a.claimed_at FROM dispatcher.attempt a "
        "LEFT JOIN tracker.attempt t ON t.id = a.attempt_id WHERE a.state IN (1, 5) AND t.id IS NULL"
    ),
    "events that the tracker took in and never worked off": (
        "SELECT id, kind, tries, received_at FROM tracker.event WHERE processed_at IS NULL"
    ),
    "follow-ups whose time has come, not handed over": (
        "SELECT id, step, due_at FROM tracker.follow_up WHERE released_at IS NULL AND cancelled_at IS NULL "
        "AND due_at < (SELECT max(claimed_at) FROM dispatcher.attempt)"
    ),
    "suppressions that are not in force": "SELECT id, kind, made_at FROM tracker.suppression WHERE in_force_at IS NULL",
    "facts that wait in an outbox": (
        "SELECT 'scheduler', id, topic FROM scheduler.outbox UNION ALL SELECT 'dispatcher', id, topic "
        "FROM dispatcher.outbox UNION ALL SELECT 'tracker', id, topic FROM tracker.outbox"
    ),
}


def judge(stack: Stack, contacts_a_week_max: int, told: Told) -> Judgement:
    """Judge a stack that stands at an hour at which nothing is due, after its campaign has ended.

    `told` is what the lender's files said of borrowers.
    """
    contacts = list(map(to_contact, stack.world.contacts()))
    log = read_log(stack)
    care = look(contacts, told, log)
    claims = read_claims(stack.database_url("forbear_auditor"))
    is_whole, verdict = verify_ledger(stack)
    found = [
        *(Violation.of(Promise.NONE_LOST, what, map("|".join, stack.select(sql))) for what, sql in LOST.items()),
        *_twice(contacts, {attempt: contact for attempt, (contact, _) in log.attempts.items()}),
        *_too_many(contacts, {attempt for attempt, (_, purpose) in log.attempts.items() if purpose == REMINDER},
                   contacts_a_week_max),
        Violation.of(Promise.WINDOWS, "contacts outside 8:00 to 21:00 where the borrower lives",
                     (_line(one) for one in contacts if not is_lawful_hour(one) and not one.is_answer)),
        *_careless(care),
        *_untrue(stack, contacts, claims),
        None if is_whole else Violation(Promise.LEDGER, "the ledger does not verify", 1, (verdict,)),
        *_broken(stack),
    ]  # fmt: skip
    states = {STATES[int(state)]: int(count) for state, count in stack.select(BY_STATE)}
    return Judgement(contacts, states, claims, verdict, care, [one for one in found if one is not None])


BY_STATE = "SELECT state, count(*) FROM scheduler.contact GROUP BY state ORDER BY state"


def verify_ledger(stack: Stack) -> tuple[bool, str]:
    """Let the auditor's own tool verify the ledger; return whether it is whole, and what the tool said."""
    command = ["ledger", "verify", "--database-url", stack.database_url("forbear_auditor")]
    verified = subprocess.run(
        [sys.executable, "-m", "forbear_client.cli", *command],
        capture_output=True, text=True, check=False, timeout=VERIFY_TIMEOUT_S,
    )  # fmt: skip
    return verified.returncode == 0, (verified.stdout or verified.stderr).strip()


def too_close(instants: Sequence[datetime], most: int) -> list[datetime]:
    """Return the instants that were one too many in seven days of the calendar of their zone, the first included."""
    ordered = sorted(instants)
    pairs = zip(ordered, ordered[most:], strict=False)
    return [at for first, at in pairs if at.date() - first.astimezone(at.tzinfo).date() < WEEK]


def _twice(contacts: Sequence[Contact], contact_of: dict[str, str]) -> Iterator[Violation | None]:
    attempts = Counter(plain_id(one.attempt) for one in contacts if one.attempt)
    planned = Counter(contact_of[attempt] for attempt in attempts if attempt in contact_of)
    yield Violation.of(
        Promise.NONE_TWICE, "attempts that reached somebody twice", (a for a, count in attempts.items() if count > 1)
    )
    yield Violation.of(
        Promise.NONE_TWICE, "contacts that reached somebody in two attempts",
        (contact for contact, count in planned.items() if count > 1),
    )  # fmt: skip


def _too_many(contacts: Sequence[Contact], reminders: set[str], week_max: int) -> Iterator[Violation | None]:
    planned, calls = defaultdict(list), defaultdict(list)
    for one in contacts:
        at = one.at.astimezone(ZoneInfo(one.zone or "UTC"))
        if one.attempt in reminders:
            planned[one.borrower].append(at)
        if one.channel == "voice":
            calls[one.borrower].append(at)
    for what, by_borrower, most in (
        (f"planned contacts beyond {week_max} in seven days", planned, week_max),
        (f"calls beyond {CALLS_A_WEEK_MAX} in seven days", calls, CALLS_A_WEEK_MAX),
    ):
        found = ((who, at) for who, instants in by_borrower.items() for at in too_close(instants, most))
        yield Violation.of(Promise.CAPS, what, (f"{who} at {at.isoformat()}" for who, at in found))


def _careless(care: Care) -> Iterator[Violation | None]:
    yield Violation.of(Promise.CARE, "contacts to whom law wants left alone", map(_line, care.barred))
    yield Violation.of(Promise.CARE, "contacts by lot to those with whom nothing is tried out", map(_line, care.by_lot))


def _untrue(stack: Stack, contacts: Sequence[Contact], claims: Claims) -> Iterator[Violation | None]:
    agreement = stack.world.compare(sorted(claims.accepted))
    unclaimed = set(agreement["unclaimed"]) - claims.unknown
    yield Violation.of(Promise.LEDGER, "attempts that are claimed and never reached anybody", agreement["unseen"])
    yield Violation.of(Promise.LEDGER, "attempts that reached somebody and are not claimed", sorted(unclaimed))
    yield Violation.of(
        Promise.LEDGER, "contacts that reached a stranger", (_line(one) for one in contacts if not one.borrower)
    )


def _broken(stack: Stack) -> Iterator[Violation | None]:
    state = stack.world.state()
    yield Violation.of(Promise.ALIVE, "services that do not run", (n for n in SERVICES if not stack.is_running(n)))
    yield Violation.of(Promise.ALIVE, "faults of the world itself", state["failures"])
    rejected = [f"{state['payments_rejected']} payments"] if state["payments_rejected"] else []
    yield Violation.of(Promise.ALIVE, "payments that were rejected", rejected)


def _line(one: Contact) -> str:
    return f"{one.at.isoformat()} {one.channel} {one.borrower or 'nobody'} in {one.zone} attempt {one.attempt}"
