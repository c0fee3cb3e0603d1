"""What is known of one borrower, for people who ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contact_scheduler.contacts import ContactPhase
from forbear_chassis.postgres import UUID, Pool

PLANNED, RELEASED = ContactPhase.PLANNED.value, ContactPhase.RELEASED.value


class BorrowerStore:
    """Reads borrowers of a tenant; every method answers None or nothing for somebody else's."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, tenant_id: UUID, borrower_id: UUID) -> Any | None:
        """Return the borrower with the place, or None."""
        return await self._pool.fetchrow(
            "SELECT b.*, p.zones, p.regions FROM borrower b JOIN place p USING (place_id) "
            "WHERE b.tenant_id = $1 AND b.borrower_id = $2",
            tenant_id, borrower_id,
        )  # fmt: skip

    async def refs(self, tenant_id: UUID, borrower_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Return the tenant's references of borrowers by id; unknown ids are left out."""
        rows = await self._pool.fetch(
            "SELECT borrower_id, ref FROM borrower WHERE tenant_id = $1 AND borrower_id = ANY($2)",
            tenant_id, list(borrower_ids),
        )  # fmt: skip
        return {row["borrower_id"]: row["ref"] for row in rows}

    async def loans(self, tenant_id: UUID, borrower_id: UUID) -> list[Any]:
        """Return the loans, furthest past due first."""
        rows: list[Any] = await self._pool.fetch(
            "SELECT * FROM loan WHERE tenant_id = $1 AND borrower_id = $2 ORDER BY past_due_days DESC, loan_id",
            tenant_id, borrower_id,
        )  # fmt: skip
        return rows

    async def points(self, tenant_id: UUID, borrower_id: UUID) -> list[Any]:
        """Return the contact points by channel."""
        rows: list[Any] = await self._pool.fetch(
            "SELECT * FROM contact_point WHERE tenant_id = $1 AND borrower_id = $2 ORDER BY channel",
            tenant_id,
            borrower_id,
        )
        return rows

    async def pauses(self, tenant_id: UUID, borrower_id: UUID, now: datetime) -> list[Any]:
        """Return the pauses in force, oldest first."""
        rows: list[Any] = await self._pool.fetch(
            "SELECT kind, since, until FROM pause WHERE tenant_id = $1 AND borrower_id = $2 AND lifted_at IS NULL "
            "AND (until IS NULL OR until > $3) ORDER BY since, pause_id",
            tenant_id, borrower_id, now,
        )  # fmt: skip
        return rows

    async def contacts(self, tenant_id: UUID, borrower_id: UUID, count: int = 50) -> list[Any]:
        """Return the latest contacts, newest first."""
        rows: list[Any] = await self._pool.fetch(
            "SELECT * FROM contact WHERE tenant_id = $1 AND borrower_id = $2 "
            "ORDER BY not_before DESC, contact_id LIMIT $3",
            tenant_id, borrower_id, count,
        )  # fmt: skip
        return rows

    async def next_contact(self, tenant_id: UUID, borrower_id: UUID) -> Any | None:
        """Return the next contact that is planned or on its way, or None."""
        return await self._pool.fetchrow(
            f"SELECT * FROM contact WHERE tenant_id = $1 AND borrower_id = $2 AND state IN ({PLANNED}, {RELEASED}) "
            "ORDER BY not_before, contact_id LIMIT 1",
            tenant_id, borrower_id,
        )  # fmt: skip

    async def active_campaigns(self, tenant_id: UUID) -> int:
        """Return how many campaigns of the tenant run."""
        count: int = await self._pool.fetchval(
            "SELECT count(*) FROM campaign WHERE tenant_id = $1 AND state = 'active'", tenant_id
        )
        return count
