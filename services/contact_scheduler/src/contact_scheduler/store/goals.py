"""Who reached a campaign's goal: borrowers of the learned side and of the hold-out, as the lot fell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contact_scheduler.contacts import GOALS, ContactPhase, Purpose
from contact_scheduler.learning.assign import Arm
from contact_scheduler.store.worth import GOAL_WINDOW
from forbear_chassis.postgres import UUID, Pool

# A borrower's side is that of the first contact, whatever followed; each has the same time to reach the goal. A
# payment is a response, too; the table of payments adds the money.
REACHED = f"""
WITH first AS (
    SELECT DISTINCT ON (borrower_id) borrower_id, sent_at, arm = {Arm.CONTROL.value} AS is_control,
           reason ? 'protected' AS is_protected
    FROM contact WHERE tenant_id = $1 AND campaign_id = $2 AND state = {ContactPhase.ACCEPTED.value}
      AND purpose = {Purpose.REMINDER.value} AND arm <> {Arm.NONE.value}
    ORDER BY borrower_id, sent_at, contact_id
), paid AS (
    SELECT borrower_id, sum(amount) AS minor, min(currency) AS currency, max(currency) AS other_currency
    FROM first JOIN payment USING (borrower_id)
    WHERE tenant_id = $1 AND paid_at > sent_at AND paid_at <= sent_at + $5::interval GROUP BY 1
)
SELECT is_control, count(*) AS borrowers, coalesce(sum(minor), 0)::bigint AS minor,
       min(currency) AS currency, max(other_currency) AS other_currency,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM response r WHERE r.tenant_id = $1 AND r.borrower_id = first.borrower_id AND r.kind = ANY($4)
             AND r.event_at > sent_at AND r.event_at <= sent_at + $5::interval)) AS reached
FROM first LEFT JOIN paid USING (borrower_id)
WHERE NOT is_protected AND sent_at <= $3::timestamptz - $5::interval GROUP BY 1 ORDER BY 1
"""


async def read_goal(pool: Pool, tenant_id: UUID, campaign_id: UUID, goal: str, now: datetime) -> list[Any]:
    """Return (is_control, borrowers, minor, currency, other_currency, reached) of the sides that have borrowers.

    Only borrowers whose first contact lies GOAL_WINDOW back count. Files that were protected at that contact stand on
    neither side, for no lot was cast over them; nor do duties.
    """
    rows: list[Any] = await pool.fetch(REACHED, tenant_id, campaign_id, now, sorted(GOALS[goal]), GOAL_WINDOW)
    return rows
