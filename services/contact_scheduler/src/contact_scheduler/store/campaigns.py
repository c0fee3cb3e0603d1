"""Campaigns as rows."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from contact_scheduler.campaigns import Audience, Campaign, State
from contact_scheduler.contacts import ContactPhase
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_domain.model import Channel

CANCELLED, PLANNED = ContactPhase.CANCELLED.value, ContactPhase.PLANNED.value


class CampaignStore:
    """Reads and writes campaigns of a tenant."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, tenant_id: UUID, campaign_id: UUID) -> Campaign | None:
        """Return one campaign, or None."""
        row = await self._pool.fetchrow(
            "SELECT * FROM campaign WHERE tenant_id = $1 AND campaign_id = $2", tenant_id, campaign_id
        )
        return None if row is None else to_campaign(row)

    async def list_active(self, tenant_id: UUID) -> list[Campaign]:
        """Return the campaigns of a tenant that are planned daily, newest first."""
        rows = await self._pool.fetch(
            "SELECT * FROM campaign WHERE tenant_id = $1 AND state = 'active' ORDER BY created_at DESC, campaign_id",
            tenant_id,
        )
        return [to_campaign(row) for row in rows]

    async def list(self, tenant_id: UUID, count: int = 100) -> list[Campaign]:
        """Return the campaigns of a tenant, newest first."""
        rows = await self._pool.fetch(
            "SELECT * FROM campaign WHERE tenant_id = $1 ORDER BY created_at DESC, campaign_id LIMIT $2",
            tenant_id,
            count,
        )
        return [to_campaign(row) for row in rows]


async def insert_campaign(connection: Connection, campaign: Campaign) -> None:
    """Write a new campaign; one with the same id is left as it is."""
    await connection.execute(
        "INSERT INTO campaign VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, "
        "$17, $18) ON CONFLICT DO NOTHING",
        campaign.tenant_id, campaign.campaign_id, campaign.name, campaign.goal,
        orjson.dumps(asdict(campaign.audience)).decode(), [int(channel) for channel in campaign.channels],
        campaign.rest_days, campaign.contacts_a_week_max, campaign.control_share, campaign.hour_start,
        campaign.hour_end, campaign.starts_at, campaign.ends_at, campaign.state, campaign.next_plan_at,
        campaign.created_at, campaign.budget_a_day, campaign.left_alone_share,
    )  # fmt: skip


async def lock_campaign(connection: Connection, tenant_id: UUID, campaign_id: UUID) -> Campaign | None:
    """Return a campaign, held for this transaction: a release that is under way is finished first."""
    row = await connection.fetchrow(
        "SELECT * FROM campaign WHERE tenant_id = $1 AND campaign_id = $2 FOR UPDATE", tenant_id, campaign_id
    )
    return None if row is None else to_campaign(row)


async def set_state(
    connection: Connection, campaign: Campaign, state: State, plan_at: datetime | None, now: datetime
) -> None:
    """Move a campaign to a state."""
    await connection.execute(
        "UPDATE campaign SET state = $3, next_plan_at = $4, changed_at = $5 WHERE tenant_id = $1 AND campaign_id = $2",
        campaign.tenant_id, campaign.campaign_id, state, plan_at, now,
    )  # fmt: skip


async def cancel_planned(connection: Connection, campaign: Campaign, reason: str) -> int:
    """Cancel what is planned and not released; return how many."""
    result: str = await connection.execute(
        f"UPDATE contact SET state = {CANCELLED}, outcome_reason = $3 "
        f"WHERE tenant_id = $1 AND campaign_id = $2 AND state = {PLANNED}",
        campaign.tenant_id, campaign.campaign_id, reason,
    )  # fmt: skip
    return int(result.rpartition(" ")[2])


async def next_to_plan(pool: Pool) -> datetime | None:
    """Return when the next active campaign is to be planned, or None."""
    due: datetime | None = await pool.fetchval("SELECT min(next_plan_at) FROM campaign WHERE state = 'active'")
    return due


def to_campaign(row: Any) -> Campaign:
    """Build a campaign from its row."""
    audience: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in orjson.loads(row["audience"]).items()
    }
    return Campaign(
        tenant_id=row["tenant_id"], campaign_id=row["campaign_id"], name=row["name"], goal=row["goal"],
        audience=Audience(**audience), channels=tuple(Channel(number) for number in row["channels"]),
        rest_days=row["rest_days"], contacts_a_week_max=row["contacts_a_week_max"],
        control_share=row["control_share"], hour_start=row["hour_start"], hour_end=row["hour_end"],
        starts_at=row["starts_at"], ends_at=row["ends_at"], state=State(row["state"]),
        next_plan_at=row["next_plan_at"], created_at=row["created_at"], budget_a_day=row["budget_a_day"],
        left_alone_share=row["left_alone_share"],
    )  # fmt: skip
