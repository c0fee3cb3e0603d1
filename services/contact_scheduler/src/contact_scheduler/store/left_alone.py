"""The lots by which a campaign leaves borrowers alone, as rows."""

from __future__ import annotations

from datetime import datetime

from contact_scheduler.campaigns import Campaign
from contact_scheduler.planning.left_alone import LEFT_ALONE_FOR, Lot
from forbear_chassis.postgres import UUID, Connection

COLUMNS = ("tenant_id", "campaign_id", "borrower_id", "drawn_at", "is_left_alone", "share")


async def read_lots(connection: Connection, campaign: Campaign, only: UUID | None = None) -> dict[UUID, Lot]:
    """Return what the campaign has cast so far, with `only` for that borrower; nothing where nobody is left alone."""
    if not campaign.left_alone_share:
        return {}
    rows = await connection.fetch(
        "SELECT borrower_id, drawn_at, is_left_alone FROM contact_lot WHERE tenant_id = $1 AND campaign_id = $2 "
        "AND ($3::uuid IS NULL OR borrower_id = $3)", campaign.tenant_id, campaign.campaign_id, only,
    )  # fmt: skip
    return {row["borrower_id"]: Lot(row["drawn_at"], row["is_left_alone"]) for row in rows}


async def read_lots_elsewhere(
    connection: Connection, campaign: Campaign, at: datetime, only: UUID | None = None
) -> dict[UUID, Lot]:
    """Return whom the tenant's other active campaigns leave alone at present: no campaign contacts them."""
    rows = await connection.fetch(
        "SELECT borrower_id, max(drawn_at) AS drawn_at FROM contact_lot JOIN campaign USING (tenant_id, campaign_id) "
        "WHERE tenant_id = $1 AND campaign_id <> $2 AND is_left_alone AND state = 'active' AND drawn_at > $3 "
        "AND ($4::uuid IS NULL OR borrower_id = $4) GROUP BY 1",
        campaign.tenant_id, campaign.campaign_id, at - LEFT_ALONE_FOR, only,
    )  # fmt: skip
    return {row["borrower_id"]: Lot(row["drawn_at"], is_left_alone=True) for row in rows}


async def write_lots(connection: Connection, campaign: Campaign, lots: dict[UUID, Lot]) -> None:
    """Write what a plan has cast, each with the probability of being left alone."""
    records = [
        (campaign.tenant_id, campaign.campaign_id, borrower, *lot, campaign.left_alone_share)
        for borrower, lot in lots.items()
    ]
    if records:
        await connection.copy_records_to_table("contact_lot", records=records, columns=COLUMNS)
