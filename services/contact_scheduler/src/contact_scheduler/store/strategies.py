"""Proposed strategies, the record of decisions, and the drawn contacts that decide."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import orjson

from contact_scheduler.contacts import ATTRIBUTION, ContactPhase
from contact_scheduler.learning.slots import CHANNELS
from contact_scheduler.learning.strategies import EVEN, Counts, Decision, Move, Table
from contact_scheduler.learning.terms import TERMS
from forbear_chassis.postgres import UUID, Connection
from forbear_domain.model import ResponseKind

LOOK_BACK = timedelta(days=90)
LIVE_BACK = timedelta(days=28)  # what was long ago says little of a model that learns daily
ROWS_MAX = 50_000  # the latest drawn contacts that a decision reads
ACCEPTED, OPTED_OUT = ContactPhase.ACCEPTED.value, ResponseKind.OPTED_OUT.value
WINDOW = f"interval '{int(ATTRIBUTION.total_seconds())} seconds'"
ANSWERED = f"coalesce(c.responded_at <= c.sent_at + {WINDOW}, false)"

DRAWN = f"""
SELECT * FROM (
    SELECT c.contact_id, c.sent_at, c.arm, c.channel, c.slot, c.propensity, c.features, c.reason->>'drawn' AS drawn,
           {ANSWERED} AS has_answered,
           EXISTS (SELECT FROM response r WHERE r.tenant_id = c.tenant_id AND r.borrower_id = c.borrower_id
                   AND r.kind = {OPTED_OUT} AND r.event_at BETWEEN c.sent_at AND c.sent_at + {WINDOW}) AS has_complained
    FROM contact c
    WHERE c.tenant_id = $1 AND c.arm IN (2, 3) AND c.state = {ACCEPTED} AND c.sent_at < $2 AND c.sent_at > $3
      AND c.reason ? 'drawn'
    ORDER BY c.sent_at DESC, c.contact_id LIMIT {ROWS_MAX}
) latest ORDER BY sent_at, contact_id
"""
# The control group is served as even choice serves; protected files are served by no lot, so they prove nothing.
LIVE = f"""
SELECT CASE c.arm WHEN 3 THEN '{EVEN}' ELSE c.reason->>'strategy' END AS strategy, c.channel, count(*) AS contacts,
       count(*) FILTER (WHERE {ANSWERED}) AS answers
FROM contact c
WHERE c.tenant_id = $1 AND c.state = {ACCEPTED} AND c.sent_at < $2 AND c.sent_at > $3 AND c.arm IN (1, 3)
  AND NOT c.reason ? 'protected'
GROUP BY 1, 2
"""


class Recorded(NamedTuple):
    """One decision as it stands in the record."""

    number: int
    decided_at: datetime
    decision: Decision
    evidence: dict[str, Any]


async def read_tables(connection: Connection, tenant_id: UUID) -> list[Table]:
    """Return the proposed strategies that this version's terms can read, in the order of their proposal."""
    rows = await connection.fetch("SELECT * FROM strategy WHERE tenant_id = $1 ORDER BY proposed_at, name", tenant_id)
    return [
        Table(row["name"], np.frombuffer(row["coefficients"], dtype="<f8"), row["learned_until"])
        for row in rows
        if len(row["coefficients"]) == 8 * len(TERMS)
    ]


async def add_table(connection: Connection, tenant_id: UUID, table: Table, origin: str, now: datetime) -> bool:
    """Write a proposed strategy; return False when the name is taken."""
    result: str = await connection.execute(
        "INSERT INTO strategy VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        tenant_id, table.name, table.coefficients.astype("<f8").tobytes(), origin, table.learned_until, now,
    )  # fmt: skip
    return result.endswith(" 1")


async def read_decisions(connection: Connection, tenant_id: UUID) -> list[Recorded]:
    """Return the record, oldest first."""
    rows = await connection.fetch("SELECT * FROM strategy_decision WHERE tenant_id = $1 ORDER BY number", tenant_id)
    return [
        Recorded(
            row["number"], row["decided_at"],
            Decision(Move(row["move"]), row["strategy"], row["against"], row["share"], row["reason"]),
            orjson.loads(row["evidence"]),
        )
        for row in rows
    ]  # fmt: skip


async def add_decision(
    connection: Connection, tenant_id: UUID, number: int, decision: Decision, evidence: dict[str, Any], at: datetime
) -> None:
    """Write the next decision; the key refuses a second one with the same number."""
    await connection.execute(
        "INSERT INTO strategy_decision VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant_id, number, at, decision.move, decision.strategy, decision.against, decision.share, decision.reason,
        orjson.dumps(evidence).decode(),
    )  # fmt: skip


async def read_drawn(connection: Connection, tenant_id: UUID, tick_at: datetime) -> list[Any]:
    """Return the latest drawn contacts whose window closed before the tick, oldest first."""
    return list(await connection.fetch(DRAWN, tenant_id, tick_at - ATTRIBUTION, tick_at - LOOK_BACK))


async def read_live(connection: Connection, tenant_id: UUID, tick_at: datetime, since: datetime) -> dict[str, Counts]:
    """Return what became of contacts by the strategy that decided, sent since an instant, windows closed."""
    found: dict[str, Counts] = {}
    for row in await connection.fetch(LIVE, tenant_id, tick_at - ATTRIBUTION, since):
        if row["strategy"]:
            counts = found.setdefault(row["strategy"], no_contacts())
            counts.contacts[row["channel"] - 1] = row["contacts"]
            counts.answers[row["channel"] - 1] = row["answers"]
    return found


def no_contacts() -> Counts:
    """Return the counts of a strategy that decided nothing yet."""
    return Counts(np.zeros(CHANNELS, dtype=np.int64), np.zeros(CHANNELS, dtype=np.int64))
