"""A fresh database per test, copied from a template that has the roles, schemas and tables of production."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from forbear_chassis.postgres import migrate
from forbear_sandbox.servers import EmbeddedPostgres

ROLES_SQL = Path(__file__).parents[2] / "deploy" / "sql" / "roles.sql"
TEMPLATE = "forbear_template"  # roles and empty schemas
MIGRATED = "forbear_migrated"  # with the tables of all services
SERVICES = {"scheduler": "contact_scheduler", "dispatcher": "channel_dispatcher", "tracker": "response_tracker"}

MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 4 << 30  # a container often has no more than 64 MB there

_numbers = itertools.count(1)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder for data that nobody keeps: in memory where there is room, since each database is 640 files."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    with tempfile.TemporaryDirectory(
        prefix="forbear-tests-", dir=MEMORY if in_memory else None, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a test, with the schemas `scheduler`, `dispatcher` and `tracker`."""

    server: EmbeddedPostgres
    name: str

    def url(self, role: str = "postgres") -> str:
        """Return the URL as seen by a role: forbear_<service>, forbear_<service>_owner, forbear_auditor, postgres."""
        return self.server.url(self.name, role)

    def run_sql(self, sql: str) -> str:
        """Run SQL as superuser and return what it prints."""
        return self.server.run_sql(sql, self.name)


def make_template(server: EmbeddedPostgres) -> None:
    """Make the database that the tests' databases are copies of; roles belong to the whole server."""
    server.run_sql(f"CREATE DATABASE {TEMPLATE}")
    server.run_sql(ROLES_SQL.read_text(encoding="utf-8"), TEMPLATE)


async def make_migrated_template(server: EmbeddedPostgres) -> None:
    """Bring a copy of the template up to date once, so that the migrations of each test find nothing left to do."""
    server.run_sql(f"CREATE DATABASE {MIGRATED} TEMPLATE {TEMPLATE}")
    for schema, package in SERVICES.items():
        await migrate(server.url(MIGRATED, f"forbear_{schema}_owner"), f"{package}.store.migrations", schema)


@contextmanager
def fresh_database(server: EmbeddedPostgres, template: str = TEMPLATE) -> Iterator[Database]:
    """Give a copy of a template, and drop it afterwards whoever is still connected."""
    name = f"forbear_test_{next(_numbers)}"
    server.run_sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")  # writes no log of eight megabytes
    try:
        yield Database(server, name)
    finally:
        if server.is_running:
            server.run_sql(f"DROP DATABASE {name} WITH (FORCE)")
