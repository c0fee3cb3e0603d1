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
# payment is a response, too; the table of payments adds the money. Both are asked borrower by borrower, by an index: a
# join would read all that a tenant was ever paid for the sake of a small campaign.
REACHED = f"""
WITH first AS (
    SELECT DISTINCT ON (borrower_id) borrower_id, sent_at, arm = {Arm.CONTROL.value} AS is_control,
           reason ? 'protected' AS is_protected
    FROM contact WHERE tenant_id = $1 AND campaign_id = $2 AND state = {ContactPhase.ACCEPTED.value}
      AND purpose = {Purpose.REMINDER.value} AND arm <> {Arm.NONE.value}
    ORDER BY borrower_id, sent_at, contact_id
)
SELECT is_control, count(*) AS borrowers, coalesce(sum(minor), 0)::bigint AS minor,
       coalesce(sum(minor * minor), 0)::float8 AS minor_squared,
       min(least_currency) AS currency, max(greatest_currency) AS other_currency,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM response r WHERE r.tenant_id = $1 AND r.borrower_id = first.borrower_id AND kind = ANY($4)
             AND event_at > sent_at AND event_at <= sent_at + $5::interval
       )) AS reached
FROM first CROSS JOIN LATERAL (
    SELECT sum(amount) AS minor, min(currency) AS least_currency, max(currency) AS greatest_currency
    FROM payment p WHERE p.tenant_id = $1 AND p.borrower_id = first.borrower_id
      AND paid_at > sent_at AND paid_at <= sent_at + $5::interval
) AS paid
WHERE NOT is_protected AND sent_at <= $3::timestamptz - $5::interval
GROUP BY 1 ORDER BY 1
"""


async def read_goal(pool: Pool, tenant_id: UUID, campaign_id: UUID, goal: str, now: datetime) -> list[Any]:
    """Return (is_control, borrowers, minor, minor_squared, currency, other_currency, reached) of sides with borrowers.

    `minor` is what they paid, `minor_squared` the sum over borrowers of the square of what each paid. Only borrowers
    whose first contact lies GOAL_WINDOW back count. Files that were protected at that contact stand on neither side,
    for no lot was cast over them; nor do duties.
    """
    rows: list[Any] = await pool.fetch(REACHED, tenant_id, campaign_id, now, sorted(GOALS[goal]), GOAL_WINDOW)
    return rows
