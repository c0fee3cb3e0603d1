"""Limits that people set, in the database: read in every claim transaction, changed with their ledger entries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from channel_dispatcher.limit_rules import LimitRule, Scope
from forbear_chassis.postgres import Connection, Pool

COLUMNS = "rate_limit_id, scope, key, length_s, tokens, growth, tokens_max, start_at, reason"
IN_FORCE = f"SELECT {COLUMNS} FROM rate_limit WHERE lifted_at IS NULL ORDER BY scope, key, length_s"
INSERT = """
INSERT INTO rate_limit (scope, key, length_s, tokens, growth, tokens_max, start_at, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING rate_limit_id
"""


async def in_force(connection: Connection | Pool) -> list[LimitRule]:
    """Return the rules in force."""
    return [_rule(row) for row in await connection.fetch(IN_FORCE)]


async def put(connection: Connection, rule: LimitRule, now: datetime) -> int:
    """Put a rule in force in place of the one of the same scope, key and length; return its id."""
    await connection.execute(
        "UPDATE rate_limit SET lifted_at = $4 WHERE scope = $1 AND key = $2 AND length_s = $3 AND lifted_at IS NULL",
        rule.scope,
        rule.key,
        rule.length_s,
        now,
    )
    made: int = await connection.fetchval(INSERT, *rule[1:])
    return made


async def lift(connection: Connection, rule_id: int, now: datetime) -> LimitRule | None:
    """Lift a rule and return it, or None where it is not in force."""
    row = await connection.fetchrow(
        f"UPDATE rate_limit SET lifted_at = $2 WHERE rate_limit_id = $1 AND lifted_at IS NULL RETURNING {COLUMNS}",
        rule_id,
        now,
    )
    return None if row is None else _rule(row)


def _rule(row: Any) -> LimitRule:
    number, scope, *rest = row
    return LimitRule(number, Scope(scope), *rest)
