"""Keys of people, from the command line: named, scoped, and refused with the option to mend."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contact_scheduler.__main__ import main
from contact_scheduler.credentials import digest
from contact_scheduler.store.tenants import TenantStore
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres]


async def create_key(database: Database, path: Path, *changes: str) -> Result:
    """Run `create-key`."""
    options = ["--tenant", "harbor", "--person", "Ana Ruiz", "--api-key-file", str(path), *changes]
    return await run(database, "create-key", *options)


async def run(database: Database, *options: str) -> Result:
    """Run a command in a thread, as a process would."""
    environment = {
        "FORBEAR_SCHEDULER_DATABASE_URL": database.url("forbear_scheduler"),
        "FORBEAR_SCHEDULER_MIGRATION_DATABASE_URL": database.url("forbear_scheduler_owner"),
    }
    return await asyncio.to_thread(CliRunner().invoke, main, list(options), env=environment)


async def test_a_person_gets_a_key_that_only_they_can_read(
    scheduler: Scheduler, database: Database, tmp_path: Path
) -> None:
    """Running it again keeps the key."""
    path = tmp_path / "ana.key"
    results = [await create_key(database, path) for _ in range(2)]

    caller = await TenantStore(scheduler.pool).find_caller(digest(path.read_text(encoding="utf-8").strip()))
    assert [0, 0] == [result.exit_code for result in results], results[0].output
    assert caller is not None
    assert (scheduler.tenant_id, {"read", "cases"}, "Ana Ruiz") == (caller.tenant_id, caller.scopes, caller.key_name)
    assert 0o600 == path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (("--tenant", "nobody"), "--tenant: there is no tenant"),
        (("--person", " "), "--person: give the name"),
        (("--person", "x" * 81), "--person: give the name"),
        (("--scopes", "read,everything"), "--scopes: use some of"),
    ],
)
async def test_a_key_that_cannot_be_made_is_refused_by_option(
    scheduler: Scheduler, database: Database, tmp_path: Path, changes: tuple[str, str], says: str
) -> None:
    """And no file is left behind."""
    path = tmp_path / "ana.key"

    result = await create_key(database, path, *changes)

    assert 2 == result.exit_code
    assert says in result.output
    assert not path.exists()


async def test_a_revoked_key_opens_nothing_any_more_and_ends_the_sessions_that_it_opened(
    scheduler: Scheduler, database: Database, tmp_path: Path
) -> None:
    """Neither does a new key of the same name bring the old session back; other keys go on."""
    path = tmp_path / "ana.key"
    await create_key(database, path)
    key = path.read_text(encoding="utf-8").strip()
    headers = {"Authorization": f"Bearer {key}"}
    before = await scheduler.http.get("/v1/campaigns", headers=headers)
    login = await scheduler.http.post("/console/login", data={"key": key})
    cookie = {"Cookie": f"forbear_session={login.cookies['forbear_session']}"}
    page = await scheduler.http.get("/console", headers=cookie)

    revoked = await run(database, "revoke-key", "--tenant", "harbor", "--name", "Ana Ruiz")
    listed = await run(database, "list-keys", "--tenant", "harbor")
    again = await create_key(database, path)
    await create_key(database, tmp_path / "new.key")

    assert (200, 303) == (before.status_code, login.status_code)
    assert "Log out" in page.text
    assert "revoked 1 key of Ana Ruiz" in revoked.output
    assert ["in force", "revoked"] == sorted(
        "revoked" if "revoked" in line else "in force" for line in listed.output.splitlines()
    )
    assert 2 == again.exit_code
    assert "--api-key-file: the key in it was revoked" in again.output
    assert 401 == (await scheduler.http.get("/v1/campaigns", headers=headers)).status_code
    assert "Log out" not in (await scheduler.http.get("/console", headers=cookie)).text
    assert 200 == (await scheduler.http.get("/v1/campaigns")).status_code


async def test_a_session_ends_with_its_key_also_where_only_the_key_was_ended(scheduler: Scheduler) -> None:
    """As somebody does it in the database, or a login does that crosses the end of its key."""
    login = await scheduler.http.post("/console/login", data={"key": KEY})
    cookie = {"Cookie": f"forbear_session={login.cookies['forbear_session']}"}
    before = await scheduler.http.get("/console", headers=cookie)
    await scheduler.pool.execute("UPDATE api_key SET revoked_at = now() WHERE digest = $1", digest(KEY))
    after = await scheduler.http.get("/console", headers=cookie)

    assert "Log out" in before.text
    assert "Log out" not in after.text


async def test_revoking_what_is_not_there_says_how_to_find_it(scheduler: Scheduler, database: Database) -> None:
    """A name that no key has, and a tenant that is none."""
    nobody = await run(database, "revoke-key", "--tenant", "harbor", "--name", "Nobody")
    nowhere = await run(database, "list-keys", "--tenant", "nowhere")

    assert (2, 2) == (nobody.exit_code, nowhere.exit_code)
    assert "--name: no key of that name is in force" in nobody.output
    assert "--tenant: there is no tenant 'nowhere'" in nowhere.output
