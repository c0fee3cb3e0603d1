"""Everything that is kept of one borrower, as rows in the order of time. Read only."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from forbear_chassis.postgres import Connection

ROWS_MAX = 300  # of each kind, the latest


class Kept(NamedTuple):
    """What the tables hold of a borrower; rows are those of PostgreSQL, oldest first."""

    messages: list[Any]
    attempts: list[Any]
    responses: list[Any]
    promises: list[Any]
    arrangements: list[Any]
    payments: list[Any]
    suppressions: list[Any]
    offers: list[Any]
    wishes: list[Any]
    planned: list[Any]


_OF = "tenant_id = $1 AND borrower_id = $2"
_QUERIES = {
    "messages": f"SELECT * FROM message WHERE {_OF} ORDER BY at DESC, id LIMIT {ROWS_MAX}",
    "attempts": f"SELECT * FROM attempt WHERE {_OF} ORDER BY send_at DESC, id LIMIT {ROWS_MAX}",
    "responses": f"SELECT * FROM response WHERE {_OF} ORDER BY event_at DESC, id LIMIT {ROWS_MAX}",
    "promises": f"SELECT * FROM promise WHERE {_OF} ORDER BY made_at DESC, id LIMIT {ROWS_MAX}",
    "arrangements": f"SELECT arrangement.*, (SELECT string_agg(concat(amount_minor, ' ', due_on, ' ', paid_minor), ';' "
    "ORDER BY number) FROM instalment WHERE arrangement_id = arrangement.id) AS parts "
    f"FROM arrangement WHERE {_OF} ORDER BY agreed_at DESC, id LIMIT {ROWS_MAX}",
    "payments": f"SELECT * FROM payment WHERE {_OF} ORDER BY paid_at DESC, id LIMIT {ROWS_MAX}",
    "suppressions": f"SELECT * FROM suppression WHERE {_OF} ORDER BY made_at DESC, id LIMIT {ROWS_MAX}",
    "offers": f"SELECT * FROM offer WHERE {_OF} ORDER BY offered_at DESC, id LIMIT {ROWS_MAX}",
    "wishes": f"SELECT * FROM preference WHERE {_OF} ORDER BY stated_at DESC, kind LIMIT {ROWS_MAX}",
    "planned": f"SELECT step, due_at, body FROM follow_up WHERE {_OF} AND released_at IS NULL AND cancelled_at IS NULL "
    f"ORDER BY due_at DESC, id LIMIT {ROWS_MAX}",
}


async def read(connection: Connection, tenant_id: UUID, borrower_id: UUID) -> Kept:
    """Return what is kept of a borrower of a tenant."""
    found = {name: await connection.fetch(_QUERIES[name], tenant_id, borrower_id) for name in Kept._fields}
    return Kept(**{name: list(reversed(rows)) for name, rows in found.items()})
