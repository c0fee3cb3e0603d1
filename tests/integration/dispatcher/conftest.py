"""A dispatcher on a fresh database and an empty Valkey, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.integration.dispatcher.stage import Stage, make_contact, migrate_dispatcher, open_stage
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock


@pytest.fixture
async def stage(database: Database, valkey_url: str, manual_clock: ManualClock) -> AsyncIterator[Stage]:
    """A dispatcher whose rate limits are warm."""
    await migrate_dispatcher(database)
    made = await open_stage(database, valkey_url, manual_clock)
    await warm_up(made, manual_clock)
    yield made
    await made.close()


async def warm_up(stage: Stage, clock: ManualClock) -> None:
    """Let the limiter meet its Redis and wait until it trusts its memory."""
    await stage.submit(make_contact(9999, clock.now()))
    await stage.dispatch.run_once()
    clock.advance(timedelta(seconds=2))
    await stage.run()
    stage.provider.sent.clear()
