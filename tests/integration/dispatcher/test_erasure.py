"""Erasure: after it the ledger proves as before and shows nothing personal; law puts it off, nothing reverses it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from channel_dispatcher.housekeeping import Housekeeping
from channel_dispatcher.store import borrower_keys, ledger
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear_client.ledger_commands import ledger as command
from forbear_domain import ids
from forbear_domain.ledger import open_entry
from forbear_domain.model import address_key
from tests.integration.dispatcher.stage import GIVEN_NAME, TENANT, Stage, make_contact, phone_of
from tests.integration.dispatcher.test_changes import stop
from tests.kit.canaries import find_words
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

BORROWER = ids.borrower_id(TENANT, "1")
PERSONAL = ("America/New_York", "US-NY", "mortgage", "collecting_servicer", "reminder.gentle", "HOUSE@")


async def reach(stage: Stage, number: int = 1, region: str = "US", **changes: object) -> None:
    """Send one text to a borrower."""
    contact = make_contact(number, stage.clock.now(), **changes)
    contact.recipient.places[0].region = region
    await ledger.publish_key(stage.pool, stage.signer, stage.clock.now())
    await stage.submit(contact)
    await stage.run()


async def erase(stage: Stage, borrower: uuid.UUID = BORROWER) -> datetime | None:
    """Ask for an erasure as the scheduler would; return when it is done."""
    request = pb.EraseBorrowerRequest(request_id=str(uuid.uuid4()), tenant_id=TENANT.bytes, borrower_id=borrower.bytes)
    answer = await stage.rpc.EraseBorrower(request, None)
    return answer.erase_time.ToDatetime(stage.clock.now().tzinfo) if answer.HasField("erase_time") else None


async def run(database: Database, *arguments: str) -> Result:
    """Run `forbear ledger` as the auditor."""
    url = ["--database-url", database.url("forbear_auditor")]
    return await asyncio.to_thread(CliRunner().invoke, command, [*arguments, *url])


async def export(database: Database, folder: Path) -> tuple[Path, str]:
    """Write the borrower's export; return the file and the text of the page."""
    result = await run(database, "export", "--borrower", str(BORROWER), "--to", str(folder))
    assert 0 == result.exit_code, result.output
    page = (folder / f"ledger-{BORROWER}.html").read_text(encoding="utf-8")
    return folder / f"ledger-{BORROWER}.json", page


def offline(verb: str, file: Path) -> Result:
    """Check an export without the database."""
    return CliRunner().invoke(command, [verb, "--export", str(file)])


async def test_two_processes_that_make_a_key_at_once_seal_under_the_same_one(stage: Stage) -> None:
    """The later one waits for the earlier one's commit, takes its key, and keeps those that it made itself."""
    first, shared, last = (ids.borrower_id(TENANT, name) for name in ("a", "b", "c"))
    now, nonce = stage.clock.now(), bytes(12)

    async def make(*borrowers: uuid.UUID) -> Mapping[uuid.UUID, AESGCM]:
        async with stage.pool.acquire() as connection, connection.transaction():
            return await borrower_keys.of(connection, dict.fromkeys(borrowers, TENANT), {}, now)

    async with stage.pool.acquire() as connection, connection.transaction():
        ours = await borrower_keys.of(connection, dict.fromkeys((first, shared), TENANT), {}, now)
        later = asyncio.create_task(make(shared, last))
        await asyncio.wait([later], timeout=0.3)
        assert not later.done()
    theirs = await later
    stored = dict(await stage.pool.fetch("SELECT borrower_id, key FROM borrower_key"))

    assert {first, shared} == set(ours)
    assert {shared, last} == set(theirs)
    for ciphers in (ours, theirs):
        for borrower, cipher in ciphers.items():
            assert b"words" == AESGCM(stored[borrower]).decrypt(nonce, cipher.encrypt(nonce, b"words", b""), b"")


async def test_a_key_of_a_transaction_that_was_rolled_back_seals_nothing_more(stage: Stage) -> None:
    """A database that dies at the commit takes the key with it: what is sealed later must open with what is stored."""
    known = dict[uuid.UUID, AESGCM]()
    owners, now, nonce = {BORROWER: TENANT}, stage.clock.now(), bytes(12)
    async with stage.pool.acquire() as connection:
        lost = connection.transaction()
        await lost.start()
        for _ in range(2):  # the second time the transaction finds its own row
            await borrower_keys.of(connection, owners, known, now)
        await lost.rollback()
        async with connection.transaction():
            made = (await borrower_keys.of(connection, owners, known, now))[BORROWER]
        async with connection.transaction():
            found = (await borrower_keys.of(connection, owners, known, now))[BORROWER]
    (stored,) = await stage.pool.fetchrow("SELECT key FROM borrower_key WHERE borrower_id = $1", BORROWER)

    for cipher in (made, found, known[BORROWER]):
        assert b"words" == AESGCM(stored).decrypt(nonce, cipher.encrypt(nonce, b"words", b""), b"")


async def test_a_key_is_remembered_once_its_claim_is_committed_and_not_when_the_claim_fails(
    stage: Stage, database: Database
) -> None:
    """The settlement needs no look at the keys; after a claim that wrote its key and failed, another key is made."""
    await stage.submit(make_contact(1, stage.clock.now()))
    owner = await asyncpg.connect(database.url("forbear_dispatcher_owner"))
    await owner.execute("ALTER TABLE ledger_checkpoint RENAME TO away")
    with pytest.raises(asyncpg.UndefinedTableError):
        await stage.run()
    assert BORROWER not in stage.signer.known_keys
    await owner.execute("ALTER TABLE away RENAME TO ledger_checkpoint")
    await owner.close()
    await stage.run()
    key = await stage.pool.fetchval("SELECT key FROM borrower_key WHERE borrower_id = $1", BORROWER)
    nonce = bytes(12)

    sealed = stage.signer.known_keys[BORROWER].encrypt(nonce, b"words", b"")

    assert b"words" == AESGCM(key).decrypt(nonce, sealed, b"")
    assert ["permit", "settlement"] == [
        one["kind"] for one in await stage.entries() if one["borrower"] == str(BORROWER)
    ]


async def test_what_is_in_the_ledger_cannot_be_read_without_the_borrower_s_key(stage: Stage) -> None:
    """The hashed bytes show ids and nothing else; with the key, the whole permit."""
    await reach(stage)
    row = await stage.pool.fetchrow("SELECT body FROM ledger_entry WHERE borrower_id = $1 ORDER BY sequence", BORROWER)
    key = await stage.pool.fetchval("SELECT key FROM borrower_key WHERE borrower_id = $1", BORROWER)

    assert not [word for word in (*PERSONAL, address_key(TENANT.bytes, phone_of(1))) if word.encode() in row["body"]]
    assert {"at", "attempt", "borrower", "contact", "kind", "sealed", "tenant"} == set(orjson.loads(row["body"]))
    assert ["America/New_York"] == open_entry(row["body"], key)["facts"]["zones"]


async def test_after_an_erasure_the_export_proves_and_shows_nothing_personal(
    stage: Stage, database: Database, tmp_path: Path
) -> None:
    """In a place whose law keeps nothing, a request is done at once; every proof holds, in the database and offline."""
    await reach(stage, region="DE")
    before, page_before = await export(database, tmp_path / "before")
    assert 0 == offline("verify", before).exit_code, offline("verify", before).output
    assert [word for word in PERSONAL if word in page_before]

    assert stage.clock.now() == await erase(stage)
    after, page = await export(database, tmp_path / "after")

    assert not [word for word in PERSONAL if word in page + after.read_text(encoding="utf-8")]
    assert "what it said about the borrower was erased" in page
    assert 0 == offline("verify", after).exit_code, offline("verify", after).output
    assert 0 == offline("audit", after).exit_code, offline("audit", after).output
    assert "1 erased" in offline("audit", after).output
    assert 0 == (await run(database, "verify")).exit_code
    assert 0 == (await run(database, "audit")).exit_code


async def test_nothing_about_the_borrower_is_left_beside_the_ledger(stage: Stage) -> None:
    """What waits is taken back, what it would have said is forgotten, and nobody is contacted again."""
    await reach(stage, region="DE")
    waiting = make_contact(1, stage.clock.now(), contact_id=uuid.uuid4().bytes)
    waiting.not_before_time.FromDatetime(stage.clock.now() + timedelta(hours=2))
    await stage.submit(waiting)
    await erase(stage)
    await stage.pool.execute("DELETE FROM outbox")  # the relays have handed over what waits here for seconds
    assert [] == await find_words(stage.pool, "dispatcher", (phone_of(1).lstrip("+"), GIVEN_NAME))
    again = make_contact(1, stage.clock.now(), contact_id=uuid.uuid4().bytes)
    await stage.submit(again)
    stage.clock.advance(timedelta(hours=3))
    await stage.run()

    assert 1 == len(stage.provider.sent)
    assert 0 == await stage.pool.fetchval("SELECT count(body) FROM contact WHERE borrower_id = $1", BORROWER)
    assert await erase(stage) is None, "a second request finds nothing"


async def test_law_puts_an_erasure_off_and_it_is_done_when_it_lets_go(stage: Stage, database: Database) -> None:
    """12 CFR 1006.100: three years after the last activity. The date is told, and then it happens by itself."""
    await reach(stage, region="US-NY")
    sent_at = await stage.pool.fetchval("SELECT max(claimed_at) FROM attempt WHERE borrower_id = $1", BORROWER)
    due_at = sent_at.replace(year=sent_at.year + 3)
    housekeeping = Housekeeping(stage.pool, stage.clock, stage.erasure)

    assert due_at == await erase(stage)
    stage.clock.move_to(due_at - timedelta(seconds=1))
    await housekeeping.run_once()
    assert await stage.pool.fetchval("SELECT key IS NOT NULL FROM borrower_key WHERE borrower_id = $1", BORROWER)
    due = (await housekeeping.run_once()).next_due_at
    assert due is not None
    assert due <= due_at + timedelta(days=1), "within a night of the date"
    stage.clock.move_to(due_at)
    await housekeeping.run_once()
    assert await stage.pool.fetchval("SELECT key IS NULL FROM borrower_key WHERE borrower_id = $1", BORROWER)
    assert 2 == (await stage.kinds())["erasure"], "the request, and the deed"
    assert 0 == (await run(database, "audit")).exit_code


async def test_evidence_goes_unasked_after_the_house_s_years(stage: Stage) -> None:
    """HOUSE-RETENTION: five years after the last activity; until then each review puts the next one there."""
    await reach(stage, region="US-NY")
    sent_at = await stage.pool.fetchval("SELECT max(claimed_at) FROM attempt WHERE borrower_id = $1", BORROWER)
    housekeeping = Housekeeping(stage.pool, stage.clock, stage.erasure)
    stage.clock.advance(timedelta(days=366))
    await housekeeping.run_once()

    review_at = await stage.pool.fetchval("SELECT review_at FROM borrower_key WHERE borrower_id = $1", BORROWER)
    assert sent_at.replace(year=sent_at.year + 5) == review_at
    stage.clock.move_to(review_at)
    await housekeeping.run_once()
    assert await stage.pool.fetchval("SELECT key IS NULL FROM borrower_key WHERE borrower_id = $1", BORROWER)


async def test_a_key_that_vanishes_without_an_erasure_is_a_breach(
    stage: Stage, database: Database, tmp_path: Path
) -> None:
    """Whoever hides a permit by losing its key is found, online and from the export."""
    await reach(stage, region="DE")
    database.run_sql("SET search_path = dispatcher; UPDATE borrower_key SET key = NULL, destroyed_at = now()")
    file, _ = await export(database, tmp_path)
    audited = await run(database, "audit")

    assert 1 == audited.exit_code
    assert "no erasure is on record" in audited.output
    assert 1 == offline("verify", file).exit_code


async def test_another_borrower_s_key_opens_nothing(stage: Stage, database: Database, tmp_path: Path) -> None:
    """An export whose key was swapped is found; keys are neither changed nor removed by any role."""
    await reach(stage, region="DE")
    await reach(stage, number=2, region="DE")
    file, _ = await export(database, tmp_path)
    document = orjson.loads(file.read_bytes())
    other = await stage.pool.fetchval(
        "SELECT key FROM borrower_key WHERE borrower_id = $1", ids.borrower_id(TENANT, "2")
    )
    file.write_bytes(orjson.dumps(document | {"key": other.hex()}))

    assert 1 == offline("verify", file).exit_code
    assert "cannot be opened with this key" in offline("verify", file).output
    for change in ("UPDATE borrower_key SET key = '\\x00'", "DELETE FROM borrower_key", "TRUNCATE borrower_key"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
            await stage.pool.execute(change)


@pytest.mark.parametrize(("actor", "years"), [("collecting_servicer", 3), ("creditor", 3)])
async def test_what_the_law_keeps_depends_on_who_spoke(stage: Stage, actor: str, years: int) -> None:
    """12 CFR 1006.100 for collectors, 1024.38(c) for servicers: both are read from the permits on record."""
    await reach(stage, region="US", recipient_actor=actor)
    sent_at = await stage.pool.fetchval("SELECT max(claimed_at) FROM attempt WHERE borrower_id = $1", BORROWER)

    assert sent_at.replace(year=sent_at.year + years) == await erase(stage)


async def test_a_stop_outlives_the_person_by_the_hash_of_the_address_alone(stage: Stage) -> None:
    """After the erasure nothing joins borrower and number, and the number stays barred for whoever else gets it."""
    await reach(stage, region="DE")
    await stage.rpc.ApplySuppressions(stop(stage, 1), None)
    key = address_key(TENANT.bytes, phone_of(1))
    joined = "SELECT count(*) FROM {} WHERE borrower_id = $1 AND address_key = $2"
    before = [await stage.pool.fetchval(joined.format(table), BORROWER, key) for table in ("suppression", "attempt")]
    await erase(stage)
    after = [await stage.pool.fetchval(joined.format(table), BORROWER, key) for table in ("suppression", "attempt")]
    await stage.submit(make_contact(2, stage.clock.now(), recipient_address=phone_of(1)))
    await stage.run()

    assert ([1, 1], [0, 0]) == (before, after)
    assert 1 == await stage.pool.fetchval("SELECT count(*) FROM suppression WHERE address_key = $1", key)
    assert 1 == len(stage.provider.sent), "only the text before the stop"
