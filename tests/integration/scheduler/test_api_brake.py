"""A tenant sets what the brake tolerates, for itself alone and within bounds."""

from __future__ import annotations

import pytest

from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler

pytestmark = pytest.mark.needs_postgres


async def test_a_tolerance_is_set_and_shown_to_its_own_tenant(scheduler: Scheduler) -> None:
    """With its reason; another tenant sees nothing of it."""
    put = await scheduler.http.put("/v1/brake/opted_out", json={"tolerated": 0.02, "reason": "cautious_start"})
    (shown,) = (await scheduler.http.get("/v1/brake")).json()
    other = await scheduler.http.get("/v1/brake", headers={"Authorization": f"Bearer {OTHER_KEY}"})

    assert 204 == put.status_code
    assert ("opted_out", 0.02, "cautious_start") == (shown["signal"], shown["tolerated"], shown["reason"])
    assert [] == other.json()


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/v1/brake/sadness", {"tolerated": 0.02, "reason": "x"}, "signal"),
        ("/v1/brake/opted_out", {"tolerated": 1.5, "reason": "x"}, "tolerated"),
        ("/v1/brake/opted_out", {"tolerated": 0.9, "reason": "x"}, "tolerated"),
        ("/v1/brake/opted_out", {"tolerated": 0.02}, "reason"),
    ],
)
async def test_what_cannot_be_tolerated_is_refused_by_field(
    scheduler: Scheduler, path: str, body: dict[str, object], word: str
) -> None:
    """By this service, or by the dispatcher, which knows the bounds."""
    answer = await scheduler.http.put(path, json=body)

    assert 422 == answer.status_code
    assert word in answer.text
    assert [] == (await scheduler.http.get("/v1/brake")).json()
