"""Who reached a campaign's goal: borrowers of the learned side and of the hold-out, as the lot fell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contact_scheduler.contacts import GOALS, ContactPhase
from contact_scheduler.learning.assign import Arm
from contact_scheduler.store.worth import GOAL_WINDOW
from forbear_chassis.postgres import UUID, Pool
from forbear_domain.model import Purpose

# A borrower's side is that of the first contact, whatever followed; each has the same time to reach the goal. A
# payment is a response, too; the table of payments adds the money.
REACHED = f"""
WITH first AS (
    SELECT DISTINCT ON (borrower_id) borrower_id, sent_at, arm = {Arm.CONTROL.value} AS is_control,
           reason ? 'protected' AS is_protected
    FROM contact WHERE tenant_id = $1 AND campaign_id = $2 AND state = {ContactPhase.ACCEPTED.value}
      AND purpose = {Purpose.REMINDER.value} AND arm <> {Arm.NONE.value}
    ORDER BY borrower_id, sent_at, contact_id
), event AS (
    SELECT borrower_id, event_at AS at, true AS is_goal, NULL::bigint AS minor, NULL AS currency
    FROM response WHERE tenant_id = $1 AND kind = ANY($4)
    UNION ALL
    SELECT borrower_id, paid_at, false, amount, currency FROM payment WHERE tenant_id = $1
)
SELECT is_control, count(DISTINCT first.borrower_id) AS borrowers, coalesce(sum(minor), 0)::bigint AS minor,
       min(currency) AS currency, max(currency) AS other_currency,
       count(DISTINCT first.borrower_id) FILTER (WHERE is_goal) AS reached
FROM first LEFT JOIN event ON event.borrower_id = first.borrower_id
     AND at > sent_at AND at <= sent_at + $5::interval
WHERE NOT is_protected AND sent_at <= $3::timestamptz - $5::interval
GROUP BY 1 ORDER BY 1
"""


async def read_goal(pool: Pool, tenant_id: UUID, campaign_id: UUID, goal: str, now: datetime) -> list[Any]:
    """Return (is_control, borrowers, minor, currency, other_currency, reached) of the sides that have borrowers.

    Only borrowers whose first contact lies GOAL_WINDOW back count. Files that were protected at that contact stand on
    neither side, for no lot was cast over them; nor do duties.
    """
    async with pool.acquire() as connection, connection.transaction():
        # The first contacts are guessed to be few: a nested loop would read all events for each of 100,000 borrowers.
        await connection.execute("SET LOCAL enable_nestloop = off")
        rows: list[Any] = await connection.fetch(REACHED, tenant_id, campaign_id, now, sorted(GOALS[goal]), GOAL_WINDOW)
    return rows
