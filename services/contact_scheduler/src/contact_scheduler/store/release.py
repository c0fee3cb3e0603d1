"""Due contacts, held while they are handed over."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.store.circumstances import is_held, is_protected
from contact_scheduler.store.notices import OF_LOAN
from forbear_chassis.postgres import UUID, Connection, Pool

PLANNED, RELEASED = ContactPhase.PLANNED.value, ContactPhase.RELEASED.value
EXPIRED, CANCELLED = ContactPhase.EXPIRED.value, ContactPhase.CANCELLED.value

# Held in share mode: whoever pauses or cancels the campaign waits until this release is done, and then recalls it.
HOLD_CAMPAIGN = f"""
SELECT c.tenant_id, c.campaign_id, t.recipient || coalesce((SELECT p.recipient FROM tenant_policy p
    WHERE p.tenant_id = c.tenant_id ORDER BY p.version DESC LIMIT 1), '') AS recipient
FROM campaign c JOIN tenant t USING (tenant_id) CROSS JOIN LATERAL (
    SELECT not_before FROM contact d WHERE d.tenant_id = c.tenant_id AND d.campaign_id = c.campaign_id
    AND d.state = {PLANNED} AND d.not_before <= $1 AND d.expire_at > $1 ORDER BY not_before, contact_id LIMIT 1) due
WHERE c.state = 'active' ORDER BY due.not_before, c.campaign_id LIMIT 1 FOR SHARE OF c SKIP LOCKED
"""
# A plan may have read its borrowers before an import told of one whom no lot may choose for, and written them after it.
TAKE_DUE = f"""
SELECT c.contact_id, uuid_send(c.borrower_id) AS borrower_id, uuid_send(c.loan_id) AS loan_id, c.channel, c.template,
       c.purpose,
       c.not_before, c.expire_at, p.recipient || b.wish AS recipient, l.balance, l.past_due, l.instalment,
       l.past_due_days, l.currency, l.product, {OF_LOAN} AS notices,
       EXISTS (SELECT FROM pause s WHERE s.tenant_id = c.tenant_id AND s.borrower_id = c.borrower_id
               AND s.lifted_at IS NULL AND (s.until IS NULL OR s.until > $3))
       OR {is_held("c")} OR NOT c.reason ? 'protected' AND {is_protected("c", "$3")} AS is_paused
FROM contact c
JOIN borrower b ON b.tenant_id = c.tenant_id AND b.borrower_id = c.borrower_id
JOIN loan l ON l.tenant_id = c.tenant_id AND l.loan_id = c.loan_id
LEFT JOIN contact_point p ON p.tenant_id = c.tenant_id AND p.borrower_id = c.borrower_id AND p.channel = c.channel
  AND NOT p.is_shared
WHERE c.tenant_id = $1 AND c.campaign_id = $2 AND c.state = {PLANNED} AND c.not_before <= $3 AND c.expire_at > $3
ORDER BY c.not_before, c.contact_id LIMIT $4
FOR UPDATE OF c SKIP LOCKED
"""
MARK = """
UPDATE contact c SET state = $2, outcome_reason = $3 WHERE contact_id = ANY($1)
"""
EXPIRE = f"""
UPDATE contact SET state = {EXPIRED}, outcome_reason = 'not_released_in_time'
WHERE (contact_id, tenant_id) IN (
    SELECT contact_id, tenant_id FROM contact WHERE state = {PLANNED} AND expire_at <= $1
    ORDER BY expire_at LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""
NEXT_DUE = """
SELECT least(
    (SELECT min(d.due_at) FROM campaign c CROSS JOIN LATERAL (
        SELECT min(not_before) AS due_at FROM contact t
        WHERE t.tenant_id = c.tenant_id AND t.campaign_id = c.campaign_id AND t.state = 0) d
     WHERE c.state = 'active'),
    (SELECT min(expire_at) FROM contact WHERE state = 0))
"""


class HeldCampaign(NamedTuple):
    """A campaign with due contacts; `recipient` holds the wire fields that its tenant's contacts share."""

    tenant_id: UUID
    campaign_id: UUID
    recipient: bytes


async def hold_campaign(connection: Connection, now: datetime) -> HeldCampaign | None:
    """Return the campaign whose contacts are due the longest, kept from being paused for this transaction, or None."""
    row = await connection.fetchrow(HOLD_CAMPAIGN, now)
    return None if row is None else HeldCampaign(*row.values())


async def take_due(connection: Connection, campaign: HeldCampaign, now: datetime, limit: int) -> list[Any]:
    """Return due contacts with all that goes on the wire, held for this transaction."""
    rows: list[Any] = await connection.fetch(TAKE_DUE, campaign.tenant_id, campaign.campaign_id, now, limit)
    return rows


async def mark(connection: Connection, contact_ids: list[UUID], state: ContactPhase, reason: str = "") -> None:
    """Move contacts to a state."""
    if contact_ids:
        await connection.execute(MARK, contact_ids, state.value, reason)


async def expire(pool: Pool, now: datetime) -> int:
    """Give up planned contacts whose time has passed; return how many."""
    result: str = await pool.execute(EXPIRE, now)
    return int(result.rpartition(" ")[2])


async def next_due(pool: Pool) -> datetime | None:
    """Return when the next planned contact is due or expires, or None."""
    due: datetime | None = await pool.fetchval(NEXT_DUE)
    return due
