"""Finds claims that nobody settled, and asks the provider about outcomes that nobody knows.

An orphan becomes UNKNOWN at once: it counts against the caps, and is not sent again by itself. After CHECK_AFTER, when
nobody can be sending it any more, the provider is asked. If it has the message, the attempt was accepted. Only if it
proves that it never had it does the contact go back to the gate. If it cannot tell, it is asked again, ever more
rarely, and in the end left to a person.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from channel_dispatcher import evidence, metrics, outbox
from channel_dispatcher.contact_codec import read_address
from channel_dispatcher.metrics import Finding
from channel_dispatcher.outlets import Outlets
from channel_dispatcher.settlement import CHECK_AFTER
from channel_dispatcher.signing import Signer
from channel_dispatcher.store import ledger, settlements, unknown
from channel_dispatcher.store.settlements import AttemptEnd, ContactMove
from channel_dispatcher.store.suppressions import FLIGHT_MAX
from channel_dispatcher.store.unknown import Orphan, Unknown
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection, Pool
from forbear_chassis.worker import Pass
from forbear_domain.ledger import Kind
from forbear_domain.lifecycle import FINAL, State, Step, advance
from forbear_domain.model import Channel
from forbear_providers.contract import FindRequest, Found, NotFound

AT_A_TIME = 100
ASK_AGAIN = tuple(timedelta(minutes=minutes) for minutes in (8, 32, 128, 512))

log = structlog.get_logger(__name__)


class Reconciliation:
    """A worker: gives up orphans, then asks about what is due."""

    def __init__(self, pool: Pool, clock: Clock, outlets: Outlets, signer: Signer, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._clock = clock
        self._outlets = outlets
        self._signer = signer
        self._wake = wake

    async def run_once(self) -> Pass:
        """Make one pass."""
        now = self._clock.now()
        done = await self._give_up_orphans(now)
        for one in await unknown.lease_due(self._pool, now, AT_A_TIME):
            await self._ask(one, now)
            done += 1
        if done:
            self._wake()
        return Pass(done, await unknown.next_due_at(self._pool))

    async def _give_up_orphans(self, now: datetime) -> int:
        """Mark claims of dead processes as unknown, and tell the tracker, so that what comes back finds them."""
        async with self._pool.acquire() as connection, connection.transaction():
            orphans = await unknown.take_orphans(connection, now, AT_A_TIME)
            if not orphans:
                return 0
            rows = await settlements.lock_contacts(connection, [one.contact_id for one in orphans])
            ends = [AttemptEnd(o.attempt_id, State.UNKNOWN, "", "", "orphaned", now + CHECK_AFTER) for o in orphans]
            moves = [
                ContactMove(o.contact_id, advance(rows[o.contact_id].state, Step.LOSE), "orphaned", None)
                for o in orphans
            ]
            await settlements.write(connection, ends, moves, now)
            await outbox.write(connection, [_attempt_row(one, State.UNKNOWN, "") for one in orphans])
            entries = [_entry(one, Kind.SETTLEMENT, now, outcome="unknown", reason="orphaned") for one in orphans]
            await ledger.append(connection, entries, self._signer, now)
        for one in orphans:
            metrics.ORPHANS[Channel(one.channel)].inc()
            log.warning("claim_orphaned", attempt=str(one.attempt_id))
        return len(orphans)

    async def _ask(self, one: Unknown, now: datetime) -> None:
        outlets = self._outlets.get(Channel(one.channel), ())
        outlet = next((each for each in outlets if each.label == one.provider), None)
        finding: Found | NotFound = NotFound.CANNOT_TELL
        if outlet is not None:
            finding = await outlet.provider.find(
                FindRequest(
                    attempt_id=one.attempt_id,
                    address=read_address(one.body),
                    sender=one.sender,
                    sent_after=one.claimed_at,
                    sent_before=one.claimed_at + FLIGHT_MAX,
                    known_refs=frozenset(one.known_refs),
                )
            )
        async with self._pool.acquire() as connection, connection.transaction():
            row = (await settlements.lock_contacts(connection, [one.contact_id]))[one.contact_id]
            if row.state is not State.UNKNOWN:
                return
            if isinstance(finding, Found):
                await self._conclude(connection, one, Step.FIND, finding.ref, "found_at_provider", now)
            elif finding is NotFound.ABSENT:
                step = Step.RULE_OUT if now < row.expire_at else Step.EXPIRE
                step = Step.RECALL if row.recall_reason else step
                await self._conclude(connection, one, step, "", row.recall_reason or "absent_at_provider", now)
            else:
                await self._wait(connection, one, now)
        met = Finding(finding.value) if isinstance(finding, NotFound) else Finding.FOUND
        metrics.RECONCILED[Channel(one.channel), met].inc()

    async def _conclude(
        self, connection: Connection, one: Unknown, step: Step, ref: str, reason: str, now: datetime
    ) -> None:
        """Write what the provider knows, and tell the neighbours."""
        state = advance(State.UNKNOWN, step)
        attempt_state = State.ACCEPTED if step is Step.FIND else State.REFUSED
        due_at = now if state is State.QUEUED else None
        await settlements.write(
            connection,
            [AttemptEnd(one.attempt_id, attempt_state, ref, "", reason, None)],
            [ContactMove(one.contact_id, state, reason, due_at)],
            now,
        )
        rows = [_attempt_row(one, State.ACCEPTED, ref)] if step is Step.FIND else []
        if state in FINAL:
            rows.append(outbox.outcome_row(one.contact_id, state, reason, now))
        await outbox.write(connection, rows)
        entry = _entry(one, Kind.RECONCILIATION, now, step=step, provider_ref=ref, reason=reason)
        await ledger.append(connection, [entry], self._signer, now)

    async def _wait(self, connection: Connection, one: Unknown, now: datetime) -> None:
        """The provider cannot tell: say so once, ask again later, and in the end leave it to a person."""
        is_last = one.checks >= len(ASK_AGAIN)
        again_at = None if is_last else now + ASK_AGAIN[one.checks]
        await unknown.ask_again_at(connection, one.attempt_id, again_at)
        if one.checks == 0:
            await outbox.write(connection, [outbox.outcome_row(one.contact_id, State.UNKNOWN, "cannot_tell", now)])
        if is_last:
            metrics.RECONCILED[Channel(one.channel), Finding.GIVEN_UP].inc()
            log.warning("attempt_left_to_person", attempt=str(one.attempt_id))


def _attempt_row(one: Orphan | Unknown, state: State, ref: str) -> outbox.OutboxRow:
    return outbox.attempt_row(
        one.attempt_id,
        one.body,
        provider=one.provider,
        provider_ref=ref,
        sender=one.sender,
        state=state,
        sent_at=one.claimed_at,
    )


def _entry(one: Orphan | Unknown, kind: Kind, now: datetime, **fields: object) -> ledger.Entry:
    return evidence.entry(
        kind, now, one.tenant_id, one.borrower_id, contact=one.contact_id, attempt=one.attempt_id, **fields
    )
