"""Keys of people, from the command line: named, scoped, and refused with the option to mend."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contact_scheduler.__main__ import main
from contact_scheduler.credentials import digest
from contact_scheduler.store.tenants import TenantStore
from tests.integration.scheduler.scheduler_stage import Scheduler
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres]


async def create_key(database: Database, path: Path, *changes: str) -> Result:
    """Run `create-key` in a thread, as a process would."""
    options = ["create-key", "--tenant", "harbor", "--person", "Ana Ruiz", "--api-key-file", str(path), *changes]
    environment = {
        "FORBEAR_SCHEDULER_DATABASE_URL": database.url("forbear_scheduler"),
        "FORBEAR_SCHEDULER_MIGRATION_DATABASE_URL": database.url("forbear_scheduler_owner"),
    }
    return await asyncio.to_thread(CliRunner().invoke, main, options, env=environment)


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
