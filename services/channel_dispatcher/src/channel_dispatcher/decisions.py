"""What the gate's verdicts lead to, sorted out purely, and written in the claim transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from channel_dispatcher import evidence, metrics, outbox
from channel_dispatcher.compose import Unusable
from channel_dispatcher.model import Claim, Judged
from channel_dispatcher.signing import Signer
from channel_dispatcher.store import claims as store
from channel_dispatcher.store import ledger
from channel_dispatcher.store.ledger import Entry
from forbear_chassis.postgres import Connection
from forbear_domain.ledger import Kind
from forbear_domain.lifecycle import State, Step, advance
from forbear_domain.policy import Outcome, SuppressionKind

BARS_ADDRESS = frozenset({SuppressionKind.ADDRESS_OPT_OUT, SuppressionKind.MEDIUM_STOP, SuppressionKind.WRONG_PARTY})
"""What ends planning on a channel; what bars the whole borrower, the scheduler hears from the tracker."""


@dataclass(slots=True)
class Decided:
    """What becomes of a batch. What is in no list was allowed, but has to wait for a rate limit: nothing is written."""

    claims: Sequence[Claim]
    postponed: list[tuple[UUID, datetime, str]] = field(default_factory=list)
    ended: list[tuple[UUID, State, str]] = field(default_factory=list)
    barred: set[UUID] = field(default_factory=set)  # contacts whose address is barred for good
    entries: list[Entry] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many contacts moved on."""
        return len(self.claims) + len(self.postponed) + len(self.ended)


def sort_out(judged: Sequence[Judged], unusable: Sequence[Unusable], claims: Sequence[Claim], now: datetime) -> Decided:
    """Sort a batch into claims, contacts that wait and contacts that end, with the evidence for each."""
    decided = Decided(claims, entries=[evidence.of_permit(claim) for claim in claims])
    for (channel, outcome), count in Counter([(one.contact.channel, one.verdict.outcome) for one in judged]).items():
        metrics.VERDICTS[channel, outcome].inc(count)
    for one in judged:
        if not one.verdict.allowed:
            _add(decided, one, now)
    for made in unusable:
        _end(decided, made.judged, Step.REFUSE, Kind.REFUSAL, made.reason, now)
    return decided


def _add(decided: Decided, judged: Judged, now: datetime) -> None:
    contact, verdict = judged.contact, judged.verdict
    reason = verdict.rule or ""
    if verdict.outcome is not Outcome.NOT_BEFORE or verdict.not_before is None:
        if any(one.kind in BARS_ADDRESS and one.until is None for one in judged.facts.suppressions):
            decided.barred.add(contact.contact_id)
        _end(decided, judged, Step.REFUSE, Kind.REFUSAL, reason, now)
    elif verdict.not_before >= contact.expire_at:
        _end(decided, judged, Step.EXPIRE, Kind.EXPIRY, reason, now)
    else:
        decided.postponed.append((contact.contact_id, verdict.not_before, reason))
        decided.entries.append(evidence.of_verdict(Kind.POSTPONEMENT, judged, now, reason))


def _end(decided: Decided, judged: Judged, step: Step, kind: Kind, reason: str, now: datetime) -> None:
    state = advance(State.QUEUED, step)
    decided.ended.append((judged.contact.contact_id, state, reason))
    decided.entries.append(evidence.of_verdict(kind, judged, now, reason))
    metrics.ENDED[judged.contact.channel, state].inc()


async def record(
    connection: Connection, decided: Decided, owner: int, signer: Signer, now: datetime
) -> Mapping[UUID, AESGCM]:
    """Write all of it in the caller's transaction; the ledger comes last. Returns what `ledger.append` does."""
    await store.postpone(connection, decided.postponed)
    await store.end(connection, decided.ended, now)
    await store.write_claims(connection, decided.claims, owner, now)
    told = [outbox.outcome_row(*ended, now, is_barred=ended[0] in decided.barred) for ended in decided.ended]
    await outbox.write(connection, told)
    return await ledger.append(connection, decided.entries, signer, now)
