"""Settles what providers answered: one transaction for a whole group of attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from channel_dispatcher import braking, drift, evidence, metrics, outbox
from channel_dispatcher.model import Sent
from channel_dispatcher.outbox import OutboxRow
from channel_dispatcher.settlement import CHECK_AFTER, ContactRow, Settled, settle
from channel_dispatcher.signing import Signer
from channel_dispatcher.store import ledger, settlements, suppressions
from channel_dispatcher.store.ledger import Entry
from channel_dispatcher.store.settlements import AttemptEnd, ContactMove
from channel_dispatcher.store.suppressions import NewSuppression
from forbear_chassis.postgres import Pool
from forbear_domain import ids
from forbear_domain.lifecycle import FINAL, State
from forbear_domain.model import SuppressionKind
from forbear_providers.contract import SendState

ATTEMPT_STATES = {
    SendState.ACCEPTED: State.ACCEPTED,
    SendState.REFUSED_FINAL: State.REFUSED,
    SendState.REFUSED_TRANSIENT: State.REFUSED,
    SendState.UNKNOWN: State.UNKNOWN,
}
_CLAIMED, _TOLD, _UNKNOWN = State.CLAIMED, (State.ACCEPTED, State.UNKNOWN), SendState.UNKNOWN
"""Held here, because a member of an enumeration takes 0.1 us to find (Python 3.11), and each message needs them."""


@dataclass(slots=True)
class _Writes:
    """Everything that one settle transaction writes."""

    attempts: list[AttemptEnd] = field(default_factory=list)
    contacts: list[ContactMove] = field(default_factory=list)
    suppressions: list[NewSuppression] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)


class Settlement:
    """Writes down how attempts ended. `wake` tells `Drift` of an opt-out heard of here."""

    def __init__(self, pool: Pool, signer: Signer, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._signer = signer
        self._wake = wake

    async def settle(self, group: Sequence[Sent], now: datetime) -> None:
        """Settle a group. What was settled or reconciled already stays as it is."""
        async with self._pool.acquire() as connection, connection.transaction():
            if any(one.outcome.is_opted_out for one in group):  # before rows are locked: the order of locks
                await suppressions.close_gate(connection)
            rows = await settlements.lock_claimed(connection, [one.claim.permit.contact_id for one in group])
            writes = _Writes()
            for sent in group:
                permit, draft = sent.claim.permit, sent.claim.draft
                row = rows.get(permit.contact_id) or ContactRow(_CLAIMED, "", draft.judged.contact.expire_at)
                settled = settle(sent.outcome, permit.attempt_id, draft.number, row, now)
                if settled is not None:
                    _add(writes, sent, settled, now)
            await settlements.write(connection, writes.attempts, writes.contacts, now)
            fresh = await suppressions.insert(connection, writes.suppressions)
            entries = writes.entries + [suppressions.entry_of(one, now) for one in fresh]
            await outbox.write(connection, writes.outbox)
            await braking.count_sent(connection, group)
            await ledger.append(connection, entries, self._signer, now)
        if fresh:
            self._wake()
        _count(group, writes)


def _add(writes: _Writes, sent: Sent, settled: Settled, now: datetime) -> None:
    """Collect what one attempt adds to the transaction, and count it."""
    permit, draft, outcome = sent.claim.permit, sent.claim.draft, sent.outcome
    state = ATTEMPT_STATES[outcome.state]
    check_at = now + CHECK_AFTER if outcome.state is _UNKNOWN else None
    writes.attempts.append(
        AttemptEnd(permit.attempt_id, state, outcome.provider_ref, outcome.code, settled.reason, check_at)
    )
    writes.contacts.append(ContactMove(permit.contact_id, settled.state, settled.reason, settled.due_at))
    writes.entries.append(evidence.of_settlement(sent, now, settled.step, settled.reason))
    if state in _TOLD:
        writes.outbox.append(
            outbox.attempt_row(
                permit.attempt_id,
                draft.judged.contact.body,
                provider=draft.provider,
                provider_ref=outcome.provider_ref,
                sender=draft.request.sender,
                state=state,
                sent_at=permit.issued_at,
            )
        )
    if settled.state in FINAL:
        is_barred = outcome.is_opted_out or outcome.is_address_dead
        told = outbox.outcome_row(permit.contact_id, settled.state, settled.reason, now, is_barred=is_barred)
        writes.outbox.append(told)
    if outcome.is_opted_out:
        writes.suppressions.append(_opt_out(sent, now))
    if outcome.state is _UNKNOWN and outcome.code:
        metrics.UNKNOWN_CODES[permit.channel].inc()


def _count(group: Sequence[Sent], writes: _Writes) -> None:
    """Count a whole group at once: a metric takes longer to find than to raise."""
    channel = group[0].claim.permit.channel
    for outcome, count in Counter([sent.outcome.state for sent in group]).items():
        metrics.SENDS[channel, outcome].inc(count)
    for state, count in Counter([move.state for move in writes.contacts]).items():
        if state in FINAL:
            metrics.ENDED[channel, state].inc(count)


def _opt_out(sent: Sent, now: datetime) -> NewSuppression:
    """The provider knows of an opt-out that we do not: it is in force from now on."""
    permit = sent.claim.permit
    return NewSuppression(
        suppression_id=ids.event_id("provider_opt_out", str(permit.attempt_id)),
        tenant_id=permit.tenant_id,
        kind=SuppressionKind.OPT_OUT,
        borrower_id=permit.borrower_id,
        loan_id=None,
        address_key=permit.address_key,
        channel=permit.channel,
        start_at=now,
        end_at=None,
        source=drift.SOURCE,
        check_at=now + drift.DRIFT_AFTER,
    )
