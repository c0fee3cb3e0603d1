"""Who reached a campaign's goal: borrowers of two sides, as the lot fell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contact_scheduler.contacts import GOALS, ContactPhase
from contact_scheduler.learning.assign import Arm
from contact_scheduler.planning.left_alone import LEFT_ALONE_FOR
from contact_scheduler.store.worth import GOAL_WINDOW
from forbear_chassis.postgres import UUID, Pool
from forbear_domain.model import Purpose

# Each borrower of a side has the same time to reach the goal, from `since` on. A payment is a response, too; the table
# of payments adds the money. Both are asked borrower by borrower, by an index: a join would read all that a tenant was
# ever paid for the sake of a small campaign.
COUNT = """
SELECT is_control, count(*) AS borrowers, coalesce(sum(minor), 0)::bigint AS minor,
       coalesce(sum(minor * minor), 0)::float8 AS minor_squared,
       min(least_currency) AS currency, max(greatest_currency) AS other_currency,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM response r WHERE r.tenant_id = $1 AND r.borrower_id = side.borrower_id AND kind = ANY($4)
             AND event_at > since AND event_at <= since + $5::interval
       )) AS reached
FROM side CROSS JOIN LATERAL (
    SELECT sum(amount) AS minor, min(currency) AS least_currency, max(currency) AS greatest_currency
    FROM payment p WHERE p.tenant_id = $1 AND p.borrower_id = side.borrower_id
      AND paid_at > since AND paid_at <= since + $5::interval
) AS paid
WHERE since <= $3::timestamptz - $5::interval
GROUP BY 1 ORDER BY 1
"""
# A borrower's side is that of the first contact, whatever followed.
BY_FIRST_CONTACT = f"""
WITH side AS (
    SELECT * FROM (
        SELECT DISTINCT ON (borrower_id) borrower_id, sent_at AS since, arm = {Arm.CONTROL.value} AS is_control,
               reason ? 'protected' AS is_protected
        FROM contact WHERE tenant_id = $1 AND campaign_id = $2 AND state = {ContactPhase.ACCEPTED.value}
          AND purpose = {Purpose.REMINDER.value} AND arm <> {Arm.NONE.value}
        ORDER BY borrower_id, sent_at, contact_id
    ) first WHERE NOT is_protected
)
{COUNT}"""
BY_LOT = f"""
WITH side AS (
    SELECT borrower_id, drawn_at AS since, is_left_alone AS is_control
    FROM contact_lot WHERE tenant_id = $1 AND campaign_id = $2
)
{COUNT}"""


async def read_goal(pool: Pool, tenant_id: UUID, campaign_id: UUID, goal: str, now: datetime) -> list[Any]:
    """Return (is_control, borrowers, minor, minor_squared, currency, other_currency, reached) of sides with borrowers.

    `minor` is what they paid, `minor_squared` the sum over borrowers of the square of what each paid. Only borrowers
    whose first contact lies GOAL_WINDOW back count. Files that were protected at that contact stand on neither side,
    for no lot was cast over them; nor do duties.
    """
    rows: list[Any] = await pool.fetch(BY_FIRST_CONTACT, tenant_id, campaign_id, now, sorted(GOALS[goal]), GOAL_WINDOW)
    return rows


async def read_contact_effect(pool: Pool, tenant_id: UUID, campaign_id: UUID, goal: str, now: datetime) -> list[Any]:
    """Return the same for those who could be contacted and those left alone (`is_control`), from their lot on.

    Only borrowers whose lot was cast LEFT_ALONE_FOR ago or earlier count.
    """
    rows: list[Any] = await pool.fetch(BY_LOT, tenant_id, campaign_id, now, sorted(GOALS[goal]), LEFT_ALONE_FOR)
    return rows
