"""What became of contacts in the end: answers, goals reached, complaints, counted per channel."""

from __future__ import annotations

from datetime import datetime, timedelta

from contact_scheduler.contacts import ATTRIBUTION, GOALS, ContactPhase
from contact_scheduler.learning.worth import Tally
from forbear_chassis.postgres import UUID, Connection
from forbear_domain.model import ResponseKind

GOAL_WINDOW = timedelta(days=14)
LOOK_BACK = timedelta(days=90)
CONTACTS_MAX = 200_000  # the latest contacts that are counted
ACCEPTED, OPTED_OUT = ContactPhase.ACCEPTED.value, ResponseKind.OPTED_OUT.value

TALLY = f"""
SELECT channel, count(*) AS contacts, count(*) FILTER (WHERE has_complained) AS complaints,
       count(*) FILTER (WHERE has_answered) AS answered,
       count(*) FILTER (WHERE has_answered AND is_reached) AS reached_after_answer,
       count(*) FILTER (WHERE NOT has_answered AND is_reached) AS reached_after_silence
FROM (
    SELECT c.channel, coalesce(c.responded_at <= c.sent_at + $5::interval, false) AS has_answered,
           EXISTS (SELECT FROM response r WHERE r.tenant_id = c.tenant_id AND r.borrower_id = c.borrower_id
                   AND r.kind = ANY($4) AND r.event_at > c.sent_at AND r.event_at <= c.sent_at + $6::interval
                  ) AS is_reached,
           EXISTS (SELECT FROM response r WHERE r.tenant_id = c.tenant_id AND r.borrower_id = c.borrower_id
                   AND r.kind = {OPTED_OUT} AND r.event_at > c.sent_at AND r.event_at <= c.sent_at + $5::interval
                  ) AS has_complained
    FROM (SELECT * FROM contact WHERE tenant_id = $1 AND state = {ACCEPTED} AND sent_at <= $2 AND sent_at > $3
          ORDER BY sent_at DESC LIMIT {CONTACTS_MAX}) c
) told GROUP BY channel
"""


async def read_tally(connection: Connection, tenant_id: UUID, goal: str, tick_at: datetime) -> Tally:
    """Count the contacts of the last months whose goal had its time, as known before the tick."""
    tally = Tally.empty()
    kinds = sorted(GOALS[goal])
    rows = await connection.fetch(
        TALLY, tenant_id, tick_at - GOAL_WINDOW, tick_at - LOOK_BACK, kinds, ATTRIBUTION, GOAL_WINDOW
    )
    for row in rows:
        column = row["channel"] - 1
        for name in ("contacts", "complaints", "answered", "reached_after_answer", "reached_after_silence"):
            getattr(tally, name)[column] = row[name]
    return tally
