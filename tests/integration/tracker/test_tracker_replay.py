"""Everything that the tracker knows of responses can be built again from the raw events that it kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from forbear_domain import ids
from forbear_domain.model import Channel
from response_tracker.store import rates
from tests.integration.tracker.tracker_stage import TENANT, World, leave_path, page_path
from tests.kit.databases import Database

pytestmark = pytest.mark.needs_postgres

WORDS = (
    "I lost my job and cannot pay", "I will pay $300 on Friday", "How can I pay?", "STOP", "1", "thanks",
    "My husband is on active duty", "I already paid yesterday", "Only after 6 pm", "Could I pay in parts?",
)  # fmt: skip
STATUSES = ("sent", "delivered", "undelivered", "failed")
DERIVED = (
    "response, message, offer, promise, arrangement, instalment, case_act, hand_over, preference, suppression, "
    "follow_up, outbox"
)


def pick(draw: np.random.Generator, ways: Sequence[Any]) -> Any:
    """Return one of the ways."""
    return ways[int(draw.integers(len(ways)))]


async def live(world: World, seed: int) -> None:
    """Let six borrowers live through two days: written to, called, answering by text, key, page and link, or not."""
    draw = np.random.default_rng(seed)
    for number in range(1, 13):
        who = int(draw.integers(6))
        phone, channel = f"+12125550{130 + who}", pick(draw, [Channel.SMS, Channel.VOICE])
        attempt = await world.attempt(
            number, borrower_id=ids.borrower_id(TENANT, str(who)), address=phone, channel=channel,
            provider_ref=f"REF{number}",
        )  # fmt: skip
        await world.advance(timedelta(minutes=int(draw.integers(1, 240))))
        form = {"MessageSid": f"REF{number}", "MessageStatus": pick(draw, STATUSES)}
        await world.post_signed(f"/twilio/status?attempt={attempt}", form)
        await world.advance(timedelta(seconds=1))  # events of one instant have no order
        match int(draw.integers(4)):
            case 0:
                await world.text(pick(draw, WORDS), from_=phone)
            case 1:
                data = {"act": pick(draw, ["deferral", "instalments", "person", "leave"]), "serial": str(number)}
                async with world.session.post(world.base_url + page_path(attempt), data=data) as answer:
                    assert answer.status == 200
            case 2 if channel is Channel.VOICE:
                keyed = {"CallSid": f"REF{number}", "CallStatus": "in-progress", "Digits": pick(draw, "1290")}
                await world.post_signed(f"/twilio/voice/{attempt}/options", keyed)
            case _:
                async with world.session.post(world.base_url + leave_path(attempt)) as answer:
                    assert answer.status == 200
        await world.advance(timedelta(minutes=int(draw.integers(1, 60))))


async def derived(world: World) -> dict[str, Any]:
    """Return what follows from the events: responses with their credit, states, rates, agreements, cases, bars."""
    queries = {
        "responses": "SELECT id, borrower_id, attempt_id, kind, attribution, event_at FROM response",
        "attempts": "SELECT id, receipt_state, responded_at FROM attempt",
        "promises": "SELECT id, due_on, amount_minor FROM promise",
        "arrangements": "SELECT id, option, agreed_at FROM arrangement",
        "cases": "SELECT id, reason, due_at FROM hand_over",
        "suppressions": "SELECT id, kind, body FROM suppression",
        "words": "SELECT id, text, labels FROM message WHERE is_inbound",
    }
    found: dict[str, Any] = {
        name: sorted(str(dict(row)) for row in await world.pool.fetch(query)) for name, query in queries.items()
    }
    return found | {"rates": await rates.count(world.pool, TENANT, None)}


@pytest.mark.parametrize("seed", range(4))
async def test_a_rebuild_from_the_raw_events_equals_what_was_built_live(
    world: World, database: Database, seed: int
) -> None:
    """Everything derived is thrown away and every event taken again in its order: nothing differs."""
    await live(world, seed)
    before = await derived(world)

    await world.pool.execute("UPDATE attempt SET receipt_state = 0, receipt_at = NULL, responded_at = NULL")
    await world.pool.execute("UPDATE event SET processed_at = NULL, fate = NULL, tries = 0")
    database.run_sql(f"SET search_path TO tracker; TRUNCATE {DERIVED}")
    await world.pump()
    after = await derived(world)

    assert before["responses"]
    assert [] == sorted(set(before["responses"]) ^ set(after["responses"]))
    assert before == after
