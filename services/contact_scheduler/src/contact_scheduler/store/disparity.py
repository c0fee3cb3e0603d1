"""Counts by language and region behind the disparity report."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from contact_scheduler.learning.disparity import Tally
from contact_scheduler.store.reports import ACCEPTED, ANSWERED
from forbear_chassis.postgres import UUID, Pool


@dataclass(frozen=True, slots=True)
class CellTally:
    """Counts of the borrowers of one language in one state; the region is empty where none was imported."""

    language: str
    region: str
    tally: Tally


async def tally_groups(pool: Pool, tenant_id: UUID, campaign_id: UUID) -> list[CellTally]:
    """Count what was sent by choice of the plan: control group, protected files and duties are left out."""
    rows = await pool.fetch(
        f"""
        WITH sent AS (
            SELECT language, region, borrower_id, treatment, arm = 2 AS is_explored, {ANSWERED} AS has_answered
            FROM contact JOIN borrower USING (tenant_id, borrower_id)
            WHERE tenant_id = $1 AND campaign_id = $2 AND state = {ACCEPTED} AND arm <> 3 AND NOT reason ? 'protected'
        ), person AS (
            SELECT language, region, count(*) AS contacts, count(*) FILTER (WHERE has_answered) AS answers,
                   count(*) FILTER (WHERE is_explored) AS explored
            FROM sent GROUP BY language, region, borrower_id
        ), offered AS (
            SELECT language, region, jsonb_object_agg(treatment, contacts) AS treatments
            FROM (SELECT language, region, treatment, count(*) AS contacts FROM sent GROUP BY 1, 2, 3) AS counted
            GROUP BY 1, 2
        )
        SELECT language, region, count(*) AS borrowers, sum(contacts)::bigint AS contacts,
               sum(answers)::bigint AS answers, sum(explored)::bigint AS explored,
               sum(contacts * contacts)::bigint AS contacts_squared, sum(answers * answers)::bigint AS answers_squared,
               sum(contacts * answers)::bigint AS contacts_answers, treatments
        FROM person JOIN offered USING (language, region)
        GROUP BY language, region, treatments ORDER BY language, region
        """,
        tenant_id, campaign_id,
    )  # fmt: skip
    return [
        CellTally(
            row["language"], row["region"],
            Tally(
                row["borrowers"], row["contacts"], row["answers"], row["explored"], row["contacts_squared"],
                row["answers_squared"], row["contacts_answers"], orjson.loads(row["treatments"]),
            ),
        )
        for row in rows
    ]  # fmt: skip
