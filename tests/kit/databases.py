"""A fresh database per test, copied from a template that has the roles and schemas of production."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from forbear_sandbox.servers import EmbeddedPostgres

ROLES_SQL = Path(__file__).parents[2] / "deploy" / "sql" / "roles.sql"
TEMPLATE = "forbear_template"

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a test, with the schemas `scheduler`, `dispatcher` and `tracker`, all empty."""

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


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[Database]:
    """Give a copy of the template, and drop it afterwards whoever is still connected."""
    name = f"forbear_test_{next(_numbers)}"
    server.run_sql(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        yield Database(server, name)
    finally:
        if server.is_running:
            server.run_sql(f"DROP DATABASE {name} WITH (FORCE)")
