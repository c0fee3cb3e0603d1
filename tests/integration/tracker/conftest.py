"""A tracker in the test's own process, with its peers, all empty."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from forbear_replies import Reader
from tests.integration.tracker.scripted_reader import ScriptedReader
from tests.integration.tracker.tracker_stage import FakeDispatcher, World, open_world
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock


@pytest.fixture(scope="session")
def reader() -> ScriptedReader:
    """The reader of these tests, with the real one behind it, loaded once."""
    return ScriptedReader(Reader.load())


@pytest.fixture
async def world(database: Database, manual_clock: ManualClock, reader: ScriptedReader) -> AsyncIterator[World]:
    """A tracker with its peers, all empty, at noon in New York."""
    async with open_world(database, manual_clock, reader, FakeDispatcher()) as made:
        yield made
