"""The ledger in PostgreSQL: it only grows, whoever writes, and every trace of tampering is found."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest
from click.testing import CliRunner

from channel_dispatcher import evidence
from channel_dispatcher.signing import KeyFileError, Signer
from channel_dispatcher.store import ledger
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear_client.ledger_commands import ledger as command
from forbear_domain import ids
from forbear_domain.ledger import Kind, open_entry
from forbear_domain.merkle import is_included, leaf_hash
from tests.integration.dispatcher.stage import GIVEN_NAME, TENANT, Stage, make_contact, phone_of
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

TABLES = ("ledger_entry", "ledger_checkpoint", "ledger_tile", "ledger_key")
CHANGES = ("UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}")


async def fill(stage: Stage, count: int) -> None:
    """Append entries in batches, each in its transaction, from several connections at once."""
    now = stage.clock.now()

    async def append(first: int) -> None:
        for start in range(first, count, 40):
            entries = [
                evidence.entry(Kind.PERMIT, now, TENANT, ids.borrower_id(TENANT, str(n % 7)), number=n)
                for n in range(start, min(start + 10, count))
            ]
            async with stage.pool.acquire() as connection, connection.transaction():
                await ledger.append(connection, entries, stage.signer, now)

    await ledger.publish_key(stage.pool, stage.signer, now)
    await asyncio.gather(*[append(first) for first in (0, 10, 20, 30)])


def verify(database: Database, *options: str) -> tuple[int, str]:
    """Run `forbear ledger verify` as the auditor."""
    result = CliRunner().invoke(command, ["verify", "--database-url", database.url("forbear_auditor"), *options])
    return result.exit_code, result.output


@pytest.mark.parametrize("role", ["forbear_dispatcher", "forbear_dispatcher_owner"])
@pytest.mark.parametrize("table", TABLES)
async def test_nobody_changes_the_ledger(stage: Stage, database: Database, role: str, table: str) -> None:
    """The service has no right to, and even the owner is refused by the trigger."""
    connection = await asyncpg.connect(database.url(role))
    first = await connection.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1", table
    )

    for change in CHANGES:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
            await connection.execute(change.format(table, first, first))
    await connection.close()


async def test_the_auditor_reads_the_ledger_and_nothing_else(stage: Stage, database: Database) -> None:
    """Evidence, not people."""
    connection = await asyncpg.connect(database.url("forbear_auditor"))

    assert 2 == await connection.fetchval("SELECT count(*) FROM ledger_entry")
    for table in ("contact", "attempt", "suppression", "outbox"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"SELECT * FROM {table}")
    await connection.close()


async def test_a_whole_ledger_verifies_and_proves_each_borrower_s_entries(
    stage: Stage, database: Database, tmp_path: Path
) -> None:
    """Appends from several connections make one sequence; an export verifies without the database."""
    await fill(stage, 700)
    borrower = ids.borrower_id(TENANT, "3")

    code, output = await asyncio.to_thread(verify, database)
    assert (0, True) == (code, "702 entries" in output)
    export = ["export", "--database-url", database.url("forbear_auditor"), "--borrower", str(borrower)]
    exported = await asyncio.to_thread(CliRunner().invoke, command, [*export, "--to", str(tmp_path)])
    assert 0 == exported.exit_code, exported.output
    file, page = tmp_path / f"ledger-{borrower}.json", tmp_path / f"ledger-{borrower}.html"
    document = orjson.loads(file.read_bytes())
    assert 100 == len(document["entries"])
    assert str(borrower) in page.read_text(encoding="utf-8")
    assert 0 == CliRunner().invoke(command, ["verify", "--export", str(file)]).exit_code
    document["entries"][5]["body"] = document["entries"][5]["body"].replace("permit", "denied")
    file.write_bytes(orjson.dumps(document))
    spoiled = CliRunner().invoke(command, ["verify", "--export", str(file)])
    assert 1 == spoiled.exit_code
    assert f"entry {document['entries'][5]['sequence']}" in spoiled.output


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE ledger_entry SET body = convert_to('{\"kind\":\"x\"}', 'UTF8') WHERE sequence = 130", "entry 130:"),
        ("DELETE FROM ledger_entry WHERE sequence BETWEEN 50 AND 52", "entries 50 to 52: missing"),
        ("DELETE FROM ledger_entry WHERE sequence >= 190", "entries 190 to 201: missing"),
        (
            "UPDATE ledger_entry AS one SET body = two.body, leaf = two.leaf FROM ledger_entry AS two"
            " WHERE (one.sequence, two.sequence) IN ((60, 61), (61, 60))",
            "changed or reordered",
        ),
        ("UPDATE ledger_checkpoint SET root = decode(repeat('00', 32), 'hex') WHERE size = 102", "not signed"),
    ],
)
async def test_tampering_by_a_superuser_is_found_and_placed(
    stage: Stage, database: Database, tampering: str, told: str
) -> None:
    """Whoever gets past rights and trigger is betrayed by the tree."""
    await fill(stage, 200)

    database.run_sql(f"SET search_path = dispatcher; SET session_replication_role = replica; {tampering}")
    code, output = await asyncio.to_thread(verify, database)

    assert 1 == code
    assert told in output


async def test_truncation_with_its_checkpoints_is_found_by_what_the_auditor_has_seen(
    stage: Stage, database: Database, tmp_path: Path
) -> None:
    """The command keeps the checkpoint it has verified; the next run insists on it."""
    await fill(stage, 200)
    seen = tmp_path / "seen.jsonl"
    assert 0 == (await asyncio.to_thread(verify, database, "--seen", str(seen)))[0]

    database.run_sql(
        "SET search_path = dispatcher; SET session_replication_role = replica;"
        " DELETE FROM ledger_entry WHERE sequence >= 102; DELETE FROM ledger_checkpoint WHERE size > 102"
    )

    assert 0 == (await asyncio.to_thread(verify, database))[0], "the database alone cannot know"
    code, output = await asyncio.to_thread(verify, database, "--seen", str(seen))
    assert 1 == code
    assert "entries 102 to 201: missing" in output


async def test_the_wire_gives_the_same_proofs(stage: Stage) -> None:
    """ReadLedger streams a borrower's entries and the checkpoint that they lead to."""
    await fill(stage, 300)
    request = pb.ReadLedgerRequest(borrower_id=ids.borrower_id(TENANT, "2").bytes)

    responses = [response async for response in stage.rpc.ReadLedger(request, None)]

    checkpoint = responses[-1].checkpoint
    entries = [entry for response in responses for entry in response.entries]
    assert 302 == checkpoint.size
    assert 43 == len(entries)
    assert all(
        is_included(leaf_hash(one.body), one.sequence, checkpoint.size, list(one.proof), checkpoint.root)
        for one in entries
    )


async def test_no_address_and_no_name_stands_in_the_ledger(stage: Stage) -> None:
    """People are named by ids, addresses by keyed hashes: even for who holds the borrower's key."""
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()
    stage.clock.advance(timedelta(minutes=1))

    rows = await stage.pool.fetch("SELECT body, key FROM ledger_entry JOIN borrower_key USING (borrower_id)")
    text = str([open_entry(row["body"], row["key"]) for row in rows])

    assert "template_hash" in text
    assert phone_of(1).removeprefix("+1") not in text
    assert GIVEN_NAME not in text


async def test_a_key_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    """The start names the file, not the content."""
    path = tmp_path / "key.pem"
    path.write_text("no key", encoding="ascii")

    with pytest.raises(KeyFileError, match=r"key\.pem"):
        Signer.from_file(path)
