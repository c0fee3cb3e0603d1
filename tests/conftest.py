"""Fixtures for every test: embedded servers once per worker, and a fresh database or an empty Valkey per test."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# As the scheduler sets for itself; read when numpy is loaded. Test workers that start a thread for every core each wait
# for one another: training cards takes minutes in place of seconds.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from forbear_sandbox.servers import EmbeddedPostgres, EmbeddedValkey
from tests.kit.databases import (
    MIGRATED,
    Database,
    fresh_database,
    make_migrated_template,
    make_template,
    scratch_folder,
)
from tests.kit.manual_clock import ManualClock

# A busy machine is no finding, so examples have no deadline. `make test` plays the same examples each time, so that red
# always means the change at hand; `make explore` looks for new ones.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="EXPLORE" not in os.environ
)
settings.load_profile("house")


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # the plug-in has no types
    """Gives the files of a group to one worker, so that what they share is started once; every other test is alone.

    The plug-in's own way marks the names of tests, which pytest 9.2 does not let it do any more: all groups fell apart.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return group_of(self.config.rootpath / path) or nodeid


@cache
def group_of(path: Path) -> str | None:
    """Return the group that a test file names for all its tests, or None."""
    found = re.search(r'^pytestmark = .*xdist_group\("(\w+)"\)', path.read_text(encoding="utf-8"), re.M | re.S)
    return found.group(1) if found else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    """Schedule by groups where groups are asked for."""
    return GroupScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL server per worker, with the template databases."""
    with scratch_folder() as folder, EmbeddedPostgres(folder, is_durable=False) as server:
        make_template(server)
        asyncio.run(make_migrated_template(server))
        yield server


@pytest.fixture
def database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    """A database of the test's own, with the roles of deploy/sql/roles.sql and the empty tables of every service."""
    with fresh_database(postgres_server, MIGRATED) as made:
        yield made


@pytest.fixture
def empty_database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
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
