"""Fixtures for every test: embedded servers once per worker, and a fresh database or an empty Valkey per test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.kit.databases import Database, fresh_database, make_template
from tests.kit.manual_clock import ManualClock

# A busy machine is no finding, so examples have no deadline; CI plays the same examples each time.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL server per worker, with the template database."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), is_durable=False) as server:
        make_template(server)
        yield server


@pytest.fixture
def database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    """A database of the test's own, with the roles and empty schemas of deploy/sql/roles.sql."""
    with fresh_database(postgres_server) as made:
        yield made


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """One Valkey server per worker."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey"), is_durable=False) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: EmbeddedValkey) -> str:
    """The URL of the worker's Valkey, emptied of keys and functions."""
    valkey_server.command("FLUSHALL")
    valkey_server.command("FUNCTION", "FLUSH")
    return valkey_server.url


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock at noon in New York on Monday, 2 March 2026."""
    return ManualClock()
