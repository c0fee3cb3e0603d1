"""Response rates, counted from the attempts themselves: nothing to rebuild, nothing that can drift."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from forbear_chassis.postgres import Pool
from forbear_domain.model import Purpose
from response_tracker.store.attempts import ACCEPTED

# Only outreach has a rate: the answer to a borrower's own message is no attempt to reach them.
COUNT = """
SELECT channel, local_hour, segment, count(*) AS attempts, count(responded_at) AS responses
FROM attempt
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR campaign_id = $2) AND state = $3 AND purpose = ANY($4::smallint[])
GROUP BY channel, local_hour, segment ORDER BY channel, local_hour, segment
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """How many attempts at one channel and hour, with one segment, and how many were answered."""

    channel: int
    hour: int
    segment: str
    attempts: int
    responses: int


async def count(pool: Pool, tenant_id: UUID, campaign_id: UUID | None) -> list[Cell]:
    """Count attempts and answers of a tenant, or of one campaign."""
    outreach = [int(Purpose.REMINDER), int(Purpose.FOLLOW_UP), int(Purpose.DUTY)]
    rows = await pool.fetch(COUNT, tenant_id, campaign_id, ACCEPTED, outreach)
    return [Cell(row["channel"], row["local_hour"], row["segment"], row["attempts"], row["responses"]) for row in rows]


# The marks on attempts follow from the responses kept: this derives them anew, for instance after a restore.
REPLAY = """
UPDATE attempt SET responded_at = answered.at
FROM (SELECT attempt.id, (SELECT min(event_at) FROM response
                          WHERE response.attempt_id = attempt.id AND kind = ANY($2::smallint[])) AS at
      FROM attempt WHERE tenant_id = $1) AS answered
WHERE attempt.id = answered.id AND attempt.responded_at IS DISTINCT FROM answered.at
"""


async def replay(pool: Pool, tenant_id: UUID, kinds: list[int]) -> int:
    """Derive the marks of a tenant's attempts from the responses; return how many were wrong."""
    status: str = await pool.execute(REPLAY, tenant_id, kinds)
    return int(status.split()[-1])
