"""Searches every column of every table for words that must not be there: as text, and as the bytes of it."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg


async def find_words(pool: asyncpg.Pool, schema: str, words: Iterable[str]) -> list[str]:
    """Return "table: word" for each word in a table of a schema, in any column, in plain or within bytes.

    Words of fewer than five letters are refused: the base64 of a seal holds three given ones now and then.
    """
    words = tuple(words)
    assert 5 <= min(map(len, words)), f"too short to be found by design and not by chance: {words}"
    tables = await pool.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'migration' ORDER BY tablename", schema
    )
    assert tables, f"there is no schema {schema}"
    found = []
    for (table,) in [tuple(row) for row in tables]:
        for word in words:
            query = (
                f"SELECT EXISTS (SELECT FROM {schema}.{table} t"
                " WHERE position($1 IN t::text) > 0 OR position($2 IN t::text) > 0)"
            )
            if await pool.fetchval(query, word, word.encode().hex()):
                found.append(f"{table}: {word}")
    return found
