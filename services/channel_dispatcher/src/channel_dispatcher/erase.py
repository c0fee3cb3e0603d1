"""Erases borrowers from the evidence: the key of their entries is destroyed, once no law keeps them.

The ledger does not change; every proof holds. What was asked and when it was done are entries themselves, and name
nobody. A borrower who is erased is not contacted again: the evidence of it could not be read.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from channel_dispatcher import evidence
from channel_dispatcher.change import Changes
from channel_dispatcher.gate import ACTORS
from channel_dispatcher.signing import Signer
from channel_dispatcher.store import borrower_keys, ledger, suppressions
from channel_dispatcher.store.borrower_keys import BorrowerKey
from channel_dispatcher.store.suppressions import NewSuppression
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection
from forbear_domain.model import SuppressionKind
from forbear_domain.policy import Packs, rules_for
from forbear_domain.policy.retention import kept_until

REVIEWS_A_PASS = 100


class Erasure:
    """On request, and unasked once the evidence is old enough. Each works in the caller's transaction."""

    def __init__(self, clock: Clock, changes: Changes, signer: Signer, packs: Packs) -> None:
        self.changes = changes
        self._clock = clock
        self._signer = signer
        self._packs = packs

    async def ask(self, connection: Connection, tenant: UUID, borrower: UUID) -> datetime | None:
        """Stop contacting a borrower, and erase the evidence now or as soon as law lets; return when.

        None: there is no evidence, or it was erased before.

        Idempotent: asking again changes nothing but the date that law sets.
        """
        now = self._clock.now()
        one = await borrower_keys.lock(connection, tenant, borrower)  # before the ledger is locked
        await self.changes.suppress(connection, [_never_again(tenant, borrower, now)])
        await self.changes.recall(connection, tenant, "borrower_id", [borrower], "erased")
        await connection.execute(
            "UPDATE contact SET body = NULL WHERE borrower_id = $1 AND state NOT IN (10, 11, 5)", borrower
        )
        one = one or await borrower_keys.lock(connection, tenant, borrower)
        if one is None:
            return None
        return await self._settle(connection, one._replace(asked_at=one.asked_at or now), now)

    async def review(self, connection: Connection) -> int:
        """Destroy the keys of evidence that nothing keeps any more; return how many were looked at."""
        now = self._clock.now()
        due = await borrower_keys.to_review(connection, now, REVIEWS_A_PASS)
        for one in due:
            await self._settle(connection, one, now)
        return len(due)

    async def _settle(self, connection: Connection, one: BorrowerKey, now: datetime) -> datetime:
        until = await self._kept_until(connection, one, now)
        if until <= now:
            await borrower_keys.destroy(connection, one.borrower_id, now)
            await suppressions.part(connection, one.borrower_id)
        else:
            await borrower_keys.put_off(connection, one.borrower_id, until, one.asked_at)
        if until <= now or one.asked_at == now:
            entry = evidence.of_erasure(
                one.tenant_id, one.borrower_id, now, asked=one.asked_at is not None, kept_until=max(until, now)
            )
            await ledger.append(connection, [entry], self._signer, now)
        return max(until, now)

    async def _kept_until(self, connection: Connection, one: BorrowerKey, now: datetime) -> datetime:
        """Return until when rules keep the evidence; what was asked for is put off by law only."""
        last_at = await borrower_keys.last_activity(connection, one.borrower_id)
        if last_at is None:
            return now if one.asked_at else now + borrower_keys.FIRST_REVIEW
        seen = await borrower_keys.seen_of(connection, one)
        rules = rules_for(self._packs, seen.jurisdictions, now.date())
        actors = {ACTORS[name] for name in seen.actors if name in ACTORS}
        return kept_until(rules.rules, last_at, actors, law_only=one.asked_at is not None)


def _never_again(tenant: UUID, borrower: UUID, now: datetime) -> NewSuppression:
    """Bar every contact with a borrower who is erased."""
    return NewSuppression(
        suppression_id=uuid5(borrower, "erased"), tenant_id=tenant, kind=SuppressionKind.CEASE, borrower_id=borrower,
        loan_id=None, address_key="", channel=0, start_at=now, end_at=None, source="erased",
    )  # fmt: skip
