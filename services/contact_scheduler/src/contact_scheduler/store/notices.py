"""Written notices as rows."""

from __future__ import annotations

from datetime import date, datetime

from forbear_chassis.postgres import UUID, Connection

# The day of the first time stays: whoever was told once is told.
PUT = """
INSERT INTO notice_given AS n SELECT $1, loan_id, $3, $4, $5, $6 FROM loan WHERE tenant_id = $1 AND ref = $2
ON CONFLICT (tenant_id, loan_id, notice) DO UPDATE SET given_on = least(n.given_on, excluded.given_on)
RETURNING given_on
"""
TAKE_BACK = """
DELETE FROM notice_given n USING loan l
WHERE l.tenant_id = $1 AND l.ref = $2 AND n.tenant_id = $1 AND n.loan_id = l.loan_id AND n.notice = $3
"""
OF_LOAN = "ARRAY(SELECT n.notice FROM notice_given n WHERE n.tenant_id = $1 AND n.loan_id = l.loan_id ORDER BY 1)"
"""The names of the notices of loan `l` of tenant $1, in order, as a column of a query."""


async def put(
    connection: Connection, tenant_id: UUID, loan_ref: str, notice: str, given_on: date, recorded_by: str, now: datetime
) -> date | None:
    """Record a notice; return the day that is on record, or None where there is no such loan."""
    day: date | None = await connection.fetchval(PUT, tenant_id, loan_ref, notice, given_on, recorded_by, now)
    return day


async def take_back(connection: Connection, tenant_id: UUID, loan_ref: str, notice: str) -> bool:
    """Take a record back that was wrong; return whether there was one."""
    tag: str = await connection.execute(TAKE_BACK, tenant_id, loan_ref, notice)
    return tag != "DELETE 0"
