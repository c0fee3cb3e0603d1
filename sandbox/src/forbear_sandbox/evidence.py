"""What the ledger claims, read as an auditor reads it, to be compared with what the world saw."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from forbear_domain.ledger import open_entry


@dataclass(slots=True)
class Claims:
    """The ledger in numbers. Attempts are 32 hexadecimal digits."""

    entries: int = 0
    accepted: set[str] = field(default_factory=set)  # a provider took it, told at once or found out later
    unknown: set[str] = field(default_factory=set)  # it may have been taken or not, and nobody knows yet
    kinds: Counter[str] = field(default_factory=Counter)
    blocked: Counter[tuple[str, str]] = field(default_factory=Counter)  # (rule, one sentence why)
    root: str = ""


def read_claims(database_url: str) -> Claims:
    """Read the whole ledger with the auditor's rights."""
    return asyncio.run(_read(database_url))


async def _read(database_url: str) -> Claims:
    claims = Claims()
    permitted: set[str] = set()
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(readonly=True):
            keys = {row["borrower_id"]: row["key"] for row in await connection.fetch("SELECT * FROM borrower_key")}
            query = "SELECT borrower_id, body FROM ledger_entry ORDER BY sequence"
            async for row in connection.cursor(query, prefetch=5_000):
                entry = open_entry(row["body"], keys.get(row["borrower_id"]))
                claims.entries += 1
                claims.kinds[entry["kind"]] += 1
                _count(claims, permitted, entry)
            row = await connection.fetchrow("SELECT root FROM ledger_checkpoint ORDER BY size DESC LIMIT 1")
            claims.root = row["root"].hex() if row is not None else ""
    finally:
        await connection.close()
    claims.unknown |= permitted - claims.accepted
    return claims


def _count(claims: Claims, permitted: set[str], entry: dict[str, Any]) -> None:
    attempt = str(entry.get("attempt", "")).replace("-", "")
    verdict = entry.get("verdict")
    if entry["kind"] == "permit":
        permitted.add(attempt)
    elif entry["kind"] == "settlement":
        if entry["outcome"] == "accepted":
            claims.accepted.add(attempt)
        elif entry["outcome"] != "unknown":
            permitted.discard(attempt)
    elif entry["kind"] == "reconciliation":
        if entry["step"] == "find":
            claims.accepted.add(attempt)
        else:  # the provider proves that it never had it
            permitted.discard(attempt)
    elif isinstance(verdict, dict) and "rule" in verdict:
        claims.blocked[verdict["rule"], verdict["why"]] += 1
