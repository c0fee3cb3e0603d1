"""Use cases that change what may be sent: suppress, lift, recall, and take receipts. Each is one transaction.

A suppression is in force at every replica when `suppress` returns. The transaction that stores it closes the gate: it
waits for claims being written and holds back new ones. After its commit every new claim sees it. What was claimed
before may still be in flight; `suppress` waits until that is settled or can no longer start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from channel_dispatcher import braking, evidence, metrics, outbox, statements
from channel_dispatcher.signing import Signer
from channel_dispatcher.statements import NewStatement
from channel_dispatcher.store import feed, ledger, policies, queue, receipts, suppressions
from channel_dispatcher.store.receipts import NewReceipt
from channel_dispatcher.store.suppressions import FLIGHT_MAX, NewSuppression
from forbear_chassis.clock import Clock, monotonic_s
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.ledger import Kind
from forbear_domain.lifecycle import State

FLIGHT_POLL_S = 0.02


class Changes:
    """Changes what may be sent. Every method that takes a connection works in the caller's transaction."""

    def __init__(self, pool: Pool, clock: Clock, signer: Signer) -> None:
        self._pool = pool
        self._clock = clock
        self._signer = signer

    async def suppress(self, connection: Connection, rows: Sequence[NewSuppression]) -> datetime:
        """Store suppressions and return from when on they hold; call `wait_for_flight` after the commit."""
        await suppressions.close_gate(connection)
        now = self._clock.now()
        fresh = await suppressions.insert(connection, rows)
        metrics.SUPPRESSIONS.inc(len(fresh))
        entries = [suppressions.entry_of(row, now) for row in fresh]
        entries += await braking.heed_suppressions(connection, fresh, now)
        await ledger.append(connection, entries, self._signer, now)
        return now

    async def wait_for_flight(self, rows: Sequence[NewSuppression], addresses: Sequence[str] = ()) -> None:
        """Return when no living process can still be sending what the rows bar. The caller's deadline ends the wait.

        `addresses`: those that the rows bar for every tenant.
        """
        started_s = monotonic_s()
        barred = await suppressions.barred_by(self._pool, rows, addresses)
        while await suppressions.is_in_flight(self._pool, barred, self._clock.now() - FLIGHT_MAX):  # noqa: ASYNC110  # replicas
            await asyncio.sleep(FLIGHT_POLL_S)
        metrics.SUPPRESSION_WAIT.observe(monotonic_s() - started_s)

    async def affirm(self) -> None:
        """Note that everything the tracker has taken is in force."""
        await feed.affirm(self._pool)

    async def lift(self, connection: Connection, tenant: UUID, ids: Sequence[UUID], reason: str) -> int:
        """Lift suppressions; return how many were in force."""
        now = self._clock.now()
        lifted = await suppressions.lift(connection, tenant, ids, now)
        entries = [suppressions.entry_of_lift(tenant, one, reason, now) for one in lifted]
        await ledger.append(connection, entries, self._signer, now)
        return len(lifted)

    async def apply_policy(
        self, connection: Connection, tenant: UUID, version: int, text: str, label: str
    ) -> tuple[int, datetime]:
        """Put a tenant's own rules in force; return the version that is, and since when.

        The gate is closed meanwhile: in the ledger, no permit under older rules follows the entry of the new ones.
        """
        await suppressions.close_gate(connection)
        known = await policies.version_in_force(connection, tenant)
        if known is not None and version <= known[0]:
            return known
        now = self._clock.now()
        await policies.insert(connection, tenant, version, text, now)
        entry = evidence.entry(Kind.POLICY, now, tenant, None, version=version, label=label, text=text)
        await ledger.append(connection, [entry], self._signer, now)
        return version, now

    async def recall(self, connection: Connection, tenant: UUID, column: str, ids: Sequence[UUID], reason: str) -> int:
        """Take contacts back; return how many will certainly not be sent."""
        now = self._clock.now()
        recalled = await queue.recall(connection, tenant, column, ids, reason, now)
        await outbox.write(
            connection, [outbox.outcome_row(one.contact_id, State.RECALLED, reason, now) for one in recalled]
        )
        entries = [
            evidence.entry(Kind.RECALL, now, tenant, one.borrower_id, contact=one.contact_id, reason=reason)
            for one in recalled
        ]
        await ledger.append(connection, entries, self._signer, now)
        return len(recalled)

    async def state(self, connection: Connection, rows: Sequence[NewStatement]) -> int:
        """Write statements into the ledger; return how many were new."""
        return await statements.record(connection, rows, self._signer, self._clock.now())

    async def receive(self, connection: Connection, rows: Sequence[NewReceipt]) -> int:
        """Take receipts; return how many were new."""
        now = self._clock.now()
        fresh = await receipts.insert(connection, rows)
        entries = [
            evidence.entry(
                Kind.RECEIPT,
                now,
                row.tenant_id,
                row.borrower_id,
                receipt=row.receipt_id,
                attempt=row.attempt_id,
                channel=row.channel,
                state=row.state.name.lower(),
                code=row.code,
                event_at=row.event_at,
            )
            for row in fresh
        ]
        entries += await braking.heed_receipts(connection, fresh, now)
        await ledger.append(connection, entries, self._signer, now)
        return len(fresh)
