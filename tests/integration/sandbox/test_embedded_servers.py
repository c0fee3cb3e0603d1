"""The embedded servers are real, keep what was committed, and never outlive the process that started them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from forbear_sandbox.child import ChildError
from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.kit.databases import Database

STARTER = """
import signal, sys
from pathlib import Path
from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
servers = [kind(Path(sys.argv[1])).start() for kind in (EmbeddedPostgres, EmbeddedValkey)]
print(*[server._child.pid for server in servers], flush=True)
signal.pause()
"""


@pytest.mark.needs_postgres
async def test_each_service_works_in_its_own_schema_only(empty_database: Database) -> None:
    """A role reaches its own schema by default and cannot read another's (deploy/sql/roles.sql)."""
    owner = await asyncpg.connect(empty_database.url("forbear_scheduler_owner"))
    await owner.execute("CREATE TABLE loan (id int); GRANT SELECT ON loan TO forbear_scheduler")
    service = await asyncpg.connect(empty_database.url("forbear_scheduler"))
    stranger = await asyncpg.connect(empty_database.url("forbear_dispatcher"))

    assert [] == await service.fetch("SELECT * FROM loan")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stranger.fetch("SELECT * FROM scheduler.loan")
    for connection in (owner, service, stranger):
        await connection.close()


@pytest.mark.needs_postgres
def test_postgres_keeps_committed_rows_through_kill_and_restart(tmp_path: Path) -> None:
    """After SIGKILL the same object starts again on the same port with the committed rows."""
    server = EmbeddedPostgres(tmp_path).start()
    port = server.port
    server.run_sql("CREATE TABLE kept (n int); INSERT INTO kept SELECT generate_series(1, 100)")

    server.kill()
    server.start()

    assert "100" == server.run_sql("SELECT count(*) FROM kept")
    assert port == server.port
    server.stop()
    assert not server.is_running


@pytest.mark.needs_valkey
def test_valkey_keeps_keys_through_kill_and_restart(tmp_path: Path) -> None:
    """The append-only file brings every key back after SIGKILL."""
    with EmbeddedValkey(tmp_path) as server:
        server.command("SET", "limit", "7")

        server.kill()
        server.start()

        assert "7" == server.command("GET", "limit")


def test_servers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    """Even when that process is killed with SIGKILL and can clean nothing up."""
    with subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        servers = [psutil.Process(int(pid)) for pid in starter.stdout.readline().split()]

        starter.send_signal(signal.SIGKILL)

        gone, alive = psutil.wait_procs(servers, timeout=20)
    assert (2, []) == (len(gone), alive)


def test_a_port_that_is_taken_is_named_in_the_error(tmp_path: Path, valkey_server: EmbeddedValkey) -> None:
    """A fixed port is never silently changed; the message shows the server's own words."""
    with pytest.raises(ChildError, match="in use"):
        EmbeddedValkey(tmp_path, port=valkey_server.port).start()
