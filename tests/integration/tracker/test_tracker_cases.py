"""The queue of people: what must be done by when, by whom it was done, and the way back to the machine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from tests.integration.tracker.conftest import World

pytestmark = [pytest.mark.needs_postgres]


def overdue(reason: str) -> float | None:
    """Return what Prometheus would be told."""
    return REGISTRY.get_sample_value("forbear_tracker_overdue_cases", {"reason": reason})


async def test_a_dispute_opens_its_acknowledgement_and_its_verification(world: World) -> None:
    """Two duties with two terms: five and thirty business days."""
    await world.attempt()

    await world.text("I never took out this loan")

    rows = await world.pool.fetch("SELECT reason, due_at - opened_at AS term FROM hand_over ORDER BY due_at")
    assert ["dispute", "verification"] == [row["reason"] for row in rows]
    assert timedelta(days=7) < rows[0]["term"] < timedelta(days=8)
    assert timedelta(days=42) < rows[1]["term"] < timedelta(days=43)


async def test_asking_twice_for_a_person_waits_in_the_queue_once(world: World) -> None:
    """The earlier term stays; after it was closed, asking again opens a new case."""
    await world.attempt()

    for _ in range(2):
        await world.text("I never took out this loan")
        await world.advance(timedelta(hours=1))
    first = await world.cases()
    await world.pool.execute("UPDATE hand_over SET closed_at = now(), closed_by = 'Ana Ruiz'")
    await world.text("I never took out this loan")

    assert ["dispute", "verification"] == first
    assert ["dispute", "verification"] == await world.cases()
    assert 4 == await world.pool.fetchval("SELECT count(*) FROM hand_over")


async def test_a_case_that_nobody_took_in_time_is_told_to_prometheus(world: World) -> None:
    """Not at fourteen minutes, but at sixteen."""
    await world.attempt()
    await world.text("I want to end my life")

    await world.advance(timedelta(minutes=14))
    before = overdue("distress")
    await world.advance(timedelta(minutes=2))

    assert (0, 1) == (before, overdue("distress"))
