"""The ledger's cost: append in batches through PostgreSQL, and audit of everything, on one core.

    .venv/bin/python bench/ledger.py

Append: a quarter of a million entries as the path writes them, 1,000 a batch, each batch one transaction with a signed
checkpoint; wall time on one connection with default durability. Verify: the same entries read back and audited; the
CPU time of this process. Beside it: the bare hashing that any verifier must do, and COPY of the same rows without
tree and checkpoint.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

sys.path.insert(0, str(Path(__file__).parents[1]))

from channel_dispatcher import evidence
from channel_dispatcher.signing import Signer
from channel_dispatcher.store import ledger
from forbear_chassis.postgres import migrate, open_pool
from forbear_client.ledger_commands import read_checkpoint, signature_check
from forbear_domain import ids
from forbear_domain.ledger import Audit, Kind
from forbear_domain.merkle import leaf_hashes
from forbear_sandbox.servers import EmbeddedPostgres
from tests.kit.databases import Database, fresh_database, make_template

BATCH, BATCHES = 1_000, 250
ROUNDS = 5
NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
TENANT = ids.tenant_id("bench")


def make_entries(number: int) -> list[ledger.Entry]:
    """One batch of settlements, as the path writes them."""
    return [
        evidence.entry(
            Kind.SETTLEMENT,
            NOW,
            TENANT,
            ids.borrower_id(TENANT, str(n % 5_000)),
            contact=ids.loan_id(TENANT, str(n)),
            attempt=ids.campaign_id(TENANT, str(n)),
            outcome="accepted",
            provider_ref=f"SM{n:032x}",
            code="",
            reason="",
            step="accept",
        )
        for n in range(number * BATCH, (number + 1) * BATCH)
    ]


async def append_all(database: Database, signer: Signer, batches: list[list[ledger.Entry]]) -> list[float]:
    """Return entries a second of each fifth of the batches."""
    pool = await open_pool(database.url("forbear_dispatcher"), size_max=2)
    await ledger.publish_key(pool, signer, NOW)
    rates = []
    for start in range(0, BATCHES, BATCHES // ROUNDS):
        began = time.perf_counter()
        for batch in batches[start : start + BATCHES // ROUNDS]:
            async with pool.acquire() as connection, connection.transaction():
                await ledger.append(connection, batch, signer, NOW)
        rates.append(BATCH * (BATCHES // ROUNDS) / (time.perf_counter() - began))
    await pool.close()
    return rates


async def copy_only(database: Database, batches: list[list[ledger.Entry]]) -> float:
    """Return rows a second of COPY alone, the reference."""
    connection = await asyncpg.connect(database.url())
    await connection.execute(
        "CREATE TABLE plain (sequence bigint PRIMARY KEY, tenant_id uuid, borrower_id uuid, body bytea, leaf bytea);"
        " CREATE INDEX ON plain (borrower_id, sequence)"
    )
    part = batches[: BATCHES // ROUNDS]
    began = time.perf_counter()
    for number, batch in enumerate(part):
        rows = [
            (number * BATCH + n, entry.tenant_id, entry.borrower_id, entry.body, bytes(32))
            for n, entry in enumerate(batch)
        ]
        await connection.copy_records_to_table("plain", records=rows)
    rate = BATCH * len(part) / (time.perf_counter() - began)
    await connection.close()
    return rate


async def read_all(database: Database) -> tuple[list[tuple[int, bytes, bytes]], list[asyncpg.Record], bytes]:
    """Read the ledger as an auditor would."""
    connection = await asyncpg.connect(database.url("forbear_auditor"))
    rows = await connection.fetch("SELECT sequence, body, leaf FROM ledger_entry ORDER BY sequence")
    checkpoints = await connection.fetch("SELECT * FROM ledger_checkpoint")
    key = await connection.fetchval("SELECT public_key FROM ledger_key")
    await connection.close()
    return [tuple(row) for row in rows], checkpoints, key


def cpu_rates(work: Callable[[], object], count: int) -> float:
    """Return items per CPU second, the median of five."""
    rates = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        rates.append(count / (time.process_time() - began))
    return statistics.median(rates)


async def main() -> None:
    batches = [make_entries(number) for number in range(BATCHES)]
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        make_template(server)
        with fresh_database(server) as database:
            await migrate(database.url("forbear_dispatcher_owner"), "channel_dispatcher.store.migrations", "dispatcher")
            signer = Signer.generate()
            append_rate = statistics.median(await append_all(database, signer, batches))
            copy_rate = await copy_only(database, batches)
            rows, records, key = await read_all(database)

    checkpoints = [read_checkpoint(record) for record in records]
    pages = [rows[start : start + 20_000] for start in range(0, len(rows), 20_000)]

    def audit() -> None:
        found = Audit(checkpoints, signature_check({signer.key_id: key}))
        for page in pages:
            found.take([row[0] for row in page], [row[1] for row in page], [row[2] for row in page])
        assert found.finish() == []

    bodies = [row[1] for row in rows]
    verify_rate = cpu_rates(audit, len(rows))
    hash_rate = cpu_rates(lambda: leaf_hashes(bodies), len(rows))
    body_bytes = sum(map(len, bodies)) // len(bodies)
    print(f"{len(rows):,} entries of {body_bytes} bytes, {BATCH:,} a batch; medians of {ROUNDS}\n")
    print(f"{'':34}{'entries/s':>12}{'reference':>14}")
    print(f"{'append, signed (wall)':34}{append_rate:>12,.0f}{copy_rate:>14,.0f}  COPY of the same rows")
    print(f"{'verify (CPU of this process)':34}{verify_rate:>12,.0f}{hash_rate:>14,.0f}  leaf hashes alone\n")
    for name, value, reference, goal in (
        ("ledger_append", append_rate, copy_rate, 50_000),
        ("ledger_verify", verify_rate, hash_rate, 200_000),
    ):
        line = {
            "name": name,
            "value": round(value),
            "reference": round(reference),
            "ratio": round(value / reference, 2),
        }
        print(json.dumps({**line, "goal": goal, "ok": value >= goal}))


if __name__ == "__main__":
    asyncio.run(main())
